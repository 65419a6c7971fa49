//! What short URLs start with.

use std::fmt;
use std::str::FromStr;

use url::Url;

/// An absolute `http` or `https` URL without query, written without a final `/`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BaseUrl {
    text: String,
    host: String,
    port: u16,
}

/// Why a text cannot start short URLs; continues a sentence.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("is no URL such as https://sho.rt (http or https, no query, no credentials)")]
pub struct InvalidBaseUrl;

impl BaseUrl {
    /// The base of a request that named `host` (a `Host` header: name or address, perhaps with a port).
    ///
    /// # Errors
    /// [`InvalidBaseUrl`] when it is no host.
    pub fn from_host(host: &str) -> Result<Self, InvalidBaseUrl> {
        let plain = !host.is_empty() && !host.contains(['/', '\\', '?', '#', '@', ' ']);
        if plain {
            format!("http://{host}").parse()
        } else {
            Err(InvalidBaseUrl)
        }
    }

    /// The host in the URL standard's form.
    pub fn host(&self) -> &str {
        &self.host
    }

    /// The port, the scheme's own where none is written.
    pub fn port(&self) -> u16 {
        self.port
    }
}

impl FromStr for BaseUrl {
    type Err = InvalidBaseUrl;

    fn from_str(text: &str) -> Result<Self, InvalidBaseUrl> {
        let url = Url::parse(text).map_err(|_| InvalidBaseUrl)?;
        let bare = url.query().is_none()
            && url.fragment().is_none()
            && url.username().is_empty()
            && url.password().is_none();
        if !bare || !matches!(url.scheme(), "http" | "https") {
            return Err(InvalidBaseUrl);
        }
        Ok(Self {
            text: url.as_str().trim_end_matches('/').to_owned(),
            host: url.host_str().ok_or(InvalidBaseUrl)?.to_owned(),
            port: url.port_or_known_default().ok_or(InvalidBaseUrl)?,
        })
    }
}

impl fmt::Display for BaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}
