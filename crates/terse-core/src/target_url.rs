//! Targets: the URLs that links lead to.
//!
//! A target is stored as it was given and sent as browsers would understand it: parsed and serialised by the
//! [URL standard](https://url.spec.whatwg.org/), so that no two programs can disagree about where it leads.

use std::str::FromStr;

use url::{Host, Position, Url};

/// The most bytes a target may have, as given and as sent.
pub const TARGET_BYTES_MAX: usize = 8_192;

const LABEL_BYTES_MAX: usize = 63; // RFC 1035, 2.3.4
const HOST_BYTES_MAX: usize = 253;

/// An absolute `http` or `https` URL without credentials.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TargetUrl {
    original: Box<str>,
    location: Box<str>,
    host: Box<str>,
    port: u16,
}

/// Why a text is no target. The messages are meant for the person who gave it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidTarget {
    /// Nothing there but white space.
    #[error("URL cannot be empty")]
    Empty,
    /// Any other scheme, or none.
    #[error("URL must start with http:// or https://")]
    Scheme,
    /// More than [`TARGET_BYTES_MAX`] bytes as given, or once percent-encoded.
    #[error("URL must be at most 8192 bytes, also once it is percent-encoded")]
    TooLong,
    /// A tab, line feed, NUL or the like: parsers disagree about them.
    #[error("URL must not contain control characters")]
    Control,
    /// `user:password@`: used to disguise where a link leads.
    #[error("URL must not contain a user name or password")]
    Credentials,
    /// A host that cannot exist in the DNS.
    #[error("URL has an invalid host name")]
    Host,
    /// The URL standard's parser refused it.
    #[error("URL is not valid: {0}")]
    Syntax(url::ParseError),
    /// The serialised form reads as another URL.
    #[error("URL is ambiguous: it does not read back as the same URL")]
    Ambiguous,
}

impl TargetUrl {
    /// The target as it was given, without white space around it.
    pub fn original(&self) -> &str {
        &self.original
    }

    /// The value of the `Location` header: the URL standard's serialisation, ASCII only, without the `/` that
    /// it adds where the given URL had no path.
    pub fn location(&self) -> &str {
        &self.location
    }

    /// The host as the URL standard writes it: lower case, punycode, `[…]` around IPv6, perhaps a final dot.
    pub fn host(&self) -> &str {
        &self.host
    }

    /// The port, the scheme's own where none was given.
    pub fn port(&self) -> u16 {
        self.port
    }
}

impl FromStr for TargetUrl {
    type Err = InvalidTarget;

    fn from_str(given: &str) -> Result<Self, InvalidTarget> {
        let original = given.trim();
        let after_scheme = check_text(original)?;
        let url = Url::parse(original).map_err(InvalidTarget::Syntax)?;
        check_host(&url)?;
        if !url.username().is_empty() || url.password().is_some() {
            return Err(InvalidTarget::Credentials);
        }
        let location = location(&url, has_path(after_scheme));
        if location.len() > TARGET_BYTES_MAX {
            return Err(InvalidTarget::TooLong);
        }
        if Url::parse(&location).as_ref() != Ok(&url) {
            return Err(InvalidTarget::Ambiguous);
        }
        Ok(Self {
            original: original.into(),
            location: location.into(),
            host: url.host_str().ok_or(InvalidTarget::Host)?.into(),
            port: url.port_or_known_default().ok_or(InvalidTarget::Host)?,
        })
    }
}

/// What can be said before parsing; gives what follows `http://` or `https://`.
fn check_text(original: &str) -> Result<&str, InvalidTarget> {
    if original.is_empty() {
        return Err(InvalidTarget::Empty);
    }
    if original.len() > TARGET_BYTES_MAX {
        return Err(InvalidTarget::TooLong);
    }
    let after_scheme = ["http://", "https://"]
        .iter()
        .find(|scheme| {
            original
                .get(..scheme.len())
                .is_some_and(|start| start.eq_ignore_ascii_case(scheme))
        })
        .and_then(|scheme| original.get(scheme.len()..))
        .ok_or(InvalidTarget::Scheme)?;
    if original.contains(|c: char| c.is_ascii_control()) {
        return Err(InvalidTarget::Control);
    }
    Ok(after_scheme)
}

fn check_host(url: &Url) -> Result<(), InvalidTarget> {
    let Some(Host::Domain(domain)) = url.host() else {
        return Ok(());
    };
    let relative = domain.strip_suffix('.').unwrap_or(domain);
    let labels_fit = relative
        .split('.')
        .all(|label| (1..=LABEL_BYTES_MAX).contains(&label.len()));
    if labels_fit && relative.len() <= HOST_BYTES_MAX {
        Ok(())
    } else {
        Err(InvalidTarget::Host)
    }
}

/// Whether a path was written after the authority. The URL standard reads `\` as `/`, and any number of them
/// before the authority.
fn has_path(after_scheme: &str) -> bool {
    after_scheme
        .trim_start_matches(['/', '\\'])
        .chars()
        .find(|c| matches!(c, '/' | '\\' | '?' | '#'))
        .is_some_and(|c| matches!(c, '/' | '\\'))
}

fn location(url: &Url, has_path: bool) -> String {
    if has_path || url.path() != "/" {
        return url.as_str().to_owned();
    }
    [&url[..Position::BeforePath], &url[Position::AfterPath..]].concat()
}

#[cfg(test)]
mod tests;
