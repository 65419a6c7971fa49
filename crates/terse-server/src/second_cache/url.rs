//! Where Redis is, as an operator writes it: `redis://`, `rediss://` (TLS), or `redis+sentinel://` with the sentinels' addresses
//! and the name of what they watch.

use std::fmt;
use std::str::FromStr;

use redis::sentinel::{SentinelClient, SentinelNodeConnectionInfo, SentinelServerType};
use redis::{Client, IntoConnectionInfo, RedisConnectionInfo, RedisResult};

const SENTINEL_SCHEME: &str = "redis+sentinel://";
const SENTINEL_PORT: u16 = 26_379;

/// A checked URL. Shown without password.
#[derive(Clone, PartialEq, Eq)]
pub struct RedisUrl {
    place: Place,
    shown: String,
}

#[derive(Clone, PartialEq, Eq)]
enum Place {
    /// One server, as the client's own kind of URL.
    Server(String),
    Sentinels {
        addresses: Vec<String>,
        name: String,
        database: i64,
        username: Option<String>,
        password: Option<String>,
    },
}

/// Why a text is no such URL; never quotes it, for it may hold a password.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct InvalidRedisUrl(&'static str);

impl RedisUrl {
    /// Finds the server that takes writes now.
    pub(super) async fn client(&self) -> RedisResult<Client> {
        match &self.place {
            Place::Server(url) => Client::open(url.as_str()),
            Place::Sentinels {
                addresses,
                name,
                database,
                username,
                password,
            } => {
                let mut login = RedisConnectionInfo::default().set_db(*database);
                if let Some(username) = username {
                    login = login.set_username(username);
                }
                if let Some(password) = password {
                    login = login.set_password(password);
                }
                let login = SentinelNodeConnectionInfo::default().set_redis_connection_info(login);
                let sentinels = addresses.iter().map(|address| format!("redis://{address}"));
                let mut sentinels = SentinelClient::build(
                    sentinels.collect(),
                    name,
                    Some(login),
                    SentinelServerType::Master,
                )?;
                sentinels.async_get_client().await
            }
        }
    }
}

impl FromStr for RedisUrl {
    type Err = InvalidRedisUrl;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if let Some(rest) = text.strip_prefix(SENTINEL_SCHEME) {
            return sentinels(rest);
        }
        let url: url::Url = text
            .parse()
            .map_err(|_| InvalidRedisUrl("is no URL such as redis://127.0.0.1:6379"))?;
        if !matches!(url.scheme(), "redis" | "rediss") {
            return Err(InvalidRedisUrl(
                "is not supported: write redis://, rediss:// or redis+sentinel://",
            ));
        }
        if text.into_connection_info().is_err() {
            return Err(InvalidRedisUrl("is no URL such as redis://127.0.0.1:6379/0"));
        }
        let host = url.host_str().unwrap_or_default();
        let port = url.port().unwrap_or(6_379);
        Ok(Self {
            shown: format!("{}://{host}:{port}{}", url.scheme(), url.path()),
            place: Place::Server(text.to_owned()),
        })
    }
}

/// `[username:password@]host:port,host:port/name[/database]`
fn sentinels(text: &str) -> Result<RedisUrl, InvalidRedisUrl> {
    let (login, rest) = match text.rsplit_once('@') {
        Some((login, rest)) => (Some(login), rest),
        None => (None, text),
    };
    let mut parts = rest.split('/');
    let hosts = parts.next().unwrap_or_default();
    let name = parts
        .next()
        .filter(|name| !name.is_empty())
        .ok_or(InvalidRedisUrl(
            "names nothing that the sentinels watch: write redis+sentinel://host:26379,host:26379/name",
        ))?;
    let database = match parts.next() {
        None | Some("") => 0,
        Some(number) => number
            .parse()
            .map_err(|_| InvalidRedisUrl("has no number where the database should be"))?,
    };
    let addresses: Vec<_> = hosts.split(',').filter(|host| !host.is_empty()).collect();
    if addresses.is_empty() || parts.next().is_some() {
        return Err(InvalidRedisUrl("names no sentinel"));
    }
    let with_port = |address: &&str| {
        if address.contains(':') {
            (*address).to_owned()
        } else {
            format!("{address}:{SENTINEL_PORT}")
        }
    };
    let addresses: Vec<_> = addresses.iter().map(with_port).collect();
    let (username, password) = match login.map(|login| login.split_once(':').unwrap_or(("", login))) {
        Some((username, password)) => (Some(username).filter(|name| !name.is_empty()), Some(password)),
        None => (None, None),
    };
    Ok(RedisUrl {
        shown: format!("{SENTINEL_SCHEME}{}/{name}/{database}", addresses.join(",")),
        place: Place::Sentinels {
            addresses,
            name: name.to_owned(),
            database,
            username: username.map(str::to_owned),
            password: password.map(str::to_owned),
        },
    })
}

impl fmt::Display for RedisUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.shown)
    }
}

impl fmt::Debug for RedisUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(text: &str) -> Result<String, String> {
        let url: Result<RedisUrl, _> = text.parse();
        url.map(|url| url.to_string()).map_err(|error| error.to_string())
    }

    #[test]
    fn a_url_is_shown_without_its_password() {
        for (text, expected) in [
            ("redis://127.0.0.1", "redis://127.0.0.1:6379"),
            ("rediss://ann:s3cret@cache:7000/2", "rediss://cache:7000/2"),
            (
                "redis+sentinel://:s3cret@one,two:26380/main",
                "redis+sentinel://one:26379,two:26380/main/0",
            ),
            ("redis+sentinel://one/main/3", "redis+sentinel://one:26379/main/3"),
        ] {
            assert_eq!(shown(text).as_deref(), Ok(expected), "{text}");
        }
    }

    #[test]
    fn what_is_no_url_of_redis_is_refused_without_being_quoted() {
        for text in [
            "",
            "s3cret",
            "http://:s3cret@cache",
            "redis://:s3cret@cache/no-number",
            "redis+sentinel://:s3cret@one",
            "redis+sentinel:///main",
            "redis+sentinel://one/main/x",
        ] {
            let error = shown(text).expect_err(text);
            assert!(!error.contains("s3cret"), "{error}");
        }
    }
}
