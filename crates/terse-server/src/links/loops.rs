//! Targets that lead back to this service: they would lead in circles.
//!
//! The service is at its base URL, at the host that the client named, and at the address that it listens on. A host is
//! compared by what it means, not by how it is written. Nothing is looked up: a name that only the DNS knows to be ours is
//! found when it is the base URL or a client uses it.

use std::net::IpAddr;

use terse_core::TargetUrl;
use url::Host;

use crate::app::App;
use crate::config::BaseUrl;
use crate::error::{Error, Result};

const LEADS_BACK: &str = "URL must not lead back to this service";
/// Behind a proxy the service is reached on both, whatever port it listens on.
const WEB_PORTS: [u16; 2] = [80, 443];

/// Refuses a target that leads back here; `reached_at` is where the client reached us.
///
/// # Errors
/// `Invalid`.
pub(super) fn refuse(app: &App, target: &TargetUrl, reached_at: &BaseUrl) -> Result<()> {
    let listen = app.config.listen;
    let listens_at = Place {
        host: Meaning::of_address(listen.ip()),
        port: listen.port(),
    };
    let of_base = |base: &BaseUrl| Place::new(base.host(), base.port());
    let configured = app.config.base_url.as_ref().map(of_base);
    let target = Place::new(target.host(), target.port());
    if [Some(listens_at), Some(of_base(reached_at)), configured]
        .iter()
        .flatten()
        .any(|own| own.is_same(&target))
    {
        return Err(Error::invalid(LEADS_BACK));
    }
    Ok(())
}

/// Where a connection ends up.
#[derive(Debug)]
struct Place {
    host: Meaning,
    port: u16,
}

/// What the spellings of a host have in common.
#[derive(Debug, PartialEq, Eq)]
enum Meaning {
    /// Every loopback name and address, and the unspecified addresses, which systems connect to the loopback. Somebody who
    /// listens on one of them may not listen on the others; but whoever writes such a target, means this machine.
    ThisMachine,
    /// Any other address.
    Address(IpAddr),
    /// Any other name, in lower case and punycode, without a final dot.
    Name(String),
}

impl Place {
    /// The place of a URL with this host, in the URL standard's form.
    fn new(host: &str, port: u16) -> Self {
        Self {
            host: Meaning::of(host),
            port,
        }
    }

    fn is_same(&self, other: &Self) -> bool {
        let both_web = || {
            [self.port, other.port]
                .iter()
                .all(|port| WEB_PORTS.contains(port))
        };
        self.host == other.host && (self.port == other.port || both_web())
    }
}

impl Meaning {
    fn of(host: &str) -> Self {
        match Host::parse(host) {
            Ok(Host::Ipv4(ip)) => Self::of_address(ip.into()),
            Ok(Host::Ipv6(ip)) => Self::of_address(ip.into()),
            Ok(Host::Domain(name)) => Self::of_name(&name),
            Err(_) => Self::of_name(host),
        }
    }

    /// IPv4 addresses also when they are written as IPv6.
    fn of_address(ip: IpAddr) -> Self {
        let ip = ip.to_canonical();
        if ip.is_loopback() || ip.is_unspecified() {
            Self::ThisMachine
        } else {
            Self::Address(ip)
        }
    }

    /// [RFC 6761, 6.3](https://www.rfc-editor.org/rfc/rfc6761#section-6.3): `localhost` and all names below it.
    fn of_name(name: &str) -> Self {
        let name = name.strip_suffix('.').unwrap_or(name);
        if name.rsplit('.').next() == Some("localhost") {
            Self::ThisMachine
        } else {
            Self::Name(name.to_owned())
        }
    }
}
