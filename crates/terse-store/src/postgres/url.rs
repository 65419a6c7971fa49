//! `postgres://…`: where the server is, as an operator writes it.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use tokio_postgres::Config;
use tokio_postgres::config::{SslMode, TargetSessionAttrs};

use super::tls::Trust;

/// How long making a connection to one host may take, unless the URL says `connect_timeout`.
const CONNECT_WITHIN: Duration = Duration::from_secs(1);
/// How long the kernel waits for a host to acknowledge what was sent, unless the URL says `tcp_user_timeout`.
const ACKNOWLEDGED_WITHIN: Duration = Duration::from_secs(3);
/// When an idle connection is asked whether its peer is still there, unless the URL says `keepalives_idle`.
const KEEPALIVE_IDLE: Duration = Duration::from_secs(5);

/// A checked `postgres://` URL. Several hosts are allowed: the one that takes writes is used. Shown without password.
#[derive(Clone, PartialEq, Eq)]
pub struct PostgresUrl(Arc<Parts>);

#[derive(PartialEq, Eq)]
struct Parts {
    config: Config,
    trust: Trust,
    shown: String,
}

/// Why a text is no such URL; never quotes it, for it may hold a password.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct InvalidPostgresUrl(String);

impl PostgresUrl {
    /// Whether `text` means to be one.
    pub fn is_meant_by(text: &str) -> bool {
        text.starts_with("postgres://") || text.starts_with("postgresql://")
    }

    pub(super) fn config(&self) -> &Config {
        &self.0.config
    }

    pub(super) fn trust(&self) -> &Trust {
        &self.0.trust
    }
}

impl FromStr for PostgresUrl {
    type Err = InvalidPostgresUrl;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (base, query) = text.split_once('?').unwrap_or((text, ""));
        let mut passed_on = Vec::new();
        let (mut verifies, mut root) = (false, None);
        for pair in query.split('&').filter(|pair| !pair.is_empty()) {
            match pair.split_once('=') {
                Some(("sslmode", "verify-full" | "verify-ca")) => {
                    verifies = true;
                    passed_on.push("sslmode=require");
                }
                Some(("sslrootcert", path)) => root = Some(path.replace("%2F", "/").into()),
                _ => passed_on.push(pair),
            }
        }
        let trust = match (verifies, root) {
            (true, Some(path)) => Trust::File(path),
            (true, None) => Trust::PublicAuthorities,
            (false, None) => Trust::Anybody,
            (false, Some(_)) => {
                return Err(InvalidPostgresUrl(
                    "has sslrootcert without sslmode=verify-full, so nothing would be verified".to_owned(),
                ));
            }
        };
        let mut config: Config = format!("{base}?{}", passed_on.join("&"))
            .parse()
            .map_err(|error| InvalidPostgresUrl(describe(&error)))?;
        if config.get_hosts().is_empty() {
            return Err(InvalidPostgresUrl("names no host".to_owned()));
        }
        complete(&mut config);
        let shown = shown(&config);
        Ok(Self(Arc::new(Parts { config, trust, shown })))
    }
}

impl fmt::Display for PostgresUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.shown)
    }
}

impl fmt::Debug for PostgresUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// What the operator did not say. A standby is of no use to us: what was just written must be there to be read.
fn complete(config: &mut Config) {
    if config.get_connect_timeout().is_none() {
        config.connect_timeout(CONNECT_WITHIN);
    }
    if config.get_tcp_user_timeout().is_none() {
        config.tcp_user_timeout(ACKNOWLEDGED_WITHIN);
    }
    // libpq's own default, which nobody writes down.
    if config.get_keepalives_idle() == Duration::from_hours(2) {
        config.keepalives_idle(KEEPALIVE_IDLE);
    }
    if config.get_application_name().is_none() {
        config.application_name("terse");
    }
    config.target_session_attrs(TargetSessionAttrs::ReadWrite);
}

fn shown(config: &Config) -> String {
    use tokio_postgres::config::Host;
    let ports = config.get_ports();
    let hosts = config.get_hosts().iter().enumerate().map(|(index, host)| {
        let port = ports
            .get(index)
            .or_else(|| ports.first())
            .copied()
            .unwrap_or(5432);
        match host {
            Host::Tcp(name) => format!("{name}:{port}"),
            Host::Unix(path) => format!("{}:{port}", path.display()),
        }
    });
    let hosts: Vec<_> = hosts.collect();
    let database = config.get_dbname().or(config.get_user()).unwrap_or_default();
    let encrypted = match config.get_ssl_mode() {
        SslMode::Disable => " (not encrypted)",
        _ => "",
    };
    format!("postgres://{}/{database}{encrypted}", hosts.join(","))
}

/// The parser's own reason, which names keys but no values.
fn describe(error: &tokio_postgres::Error) -> String {
    let reason = std::error::Error::source(error).map(ToString::to_string);
    format!("cannot be read: {}", reason.unwrap_or_else(|| error.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<PostgresUrl, InvalidPostgresUrl> {
        text.parse()
    }

    #[test]
    fn it_is_shown_without_password_and_with_every_host() {
        let url = parse("postgres://ann:s3cret@one:5432,two:5433/links?sslmode=require").expect("a URL");
        assert_eq!(url.to_string(), "postgres://one:5432,two:5433/links");
        assert!(!format!("{url:?}").contains("s3cret"));
    }

    #[test]
    fn verification_is_asked_for_as_with_libpq() {
        let trust =
            |query: &str| parse(&format!("postgres://one/links{query}")).map(|url| url.trust().clone());
        assert_eq!(trust(""), Ok(Trust::Anybody));
        assert_eq!(trust("?sslmode=require"), Ok(Trust::Anybody));
        assert_eq!(trust("?sslmode=verify-full"), Ok(Trust::PublicAuthorities));
        assert_eq!(
            trust("?sslmode=verify-full&sslrootcert=/etc/ca.pem"),
            Ok(Trust::File("/etc/ca.pem".into()))
        );
        assert!(trust("?sslrootcert=/etc/ca.pem").is_err());
    }

    #[test]
    fn what_cannot_be_read_is_refused_without_being_quoted() {
        for text in [
            "postgres://ann:s3cret@one/links?no_such_setting=1",
            "postgres://ann:s3cret@one:port/links",
            "postgres:///links",
        ] {
            let error = parse(text).expect_err(text).to_string();
            assert!(!error.contains("s3cret"), "{error}");
        }
    }
}
