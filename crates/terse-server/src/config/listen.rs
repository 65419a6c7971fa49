//! Where a server listens, who may call it there, and where it is asked from its own machine.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use super::{ConfigError, LISTEN_DEFAULT, value_error, without_credentials};

/// Who may call the API.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Auth {
    /// Everybody who reaches the address; said explicitly.
    Open,
    /// Everybody on this machine: nothing was said, so only loopback addresses are listened on.
    LoopbackOnly,
}

/// Where a server with these settings, `--listen`, `PORT` and `--auth` as they were written, is asked from its own machine.
///
/// # Errors
/// [`ConfigError`] for what cannot be read, and for port 0: which port the system has chosen is known to that server alone.
pub fn address_to_ask(
    listen_text: Option<&str>,
    port: Option<&str>,
    auth_text: Option<&str>,
) -> Result<SocketAddr, ConfigError> {
    let address = listen(listen_text, port, auth(auth_text)?)?;
    if address.port() == 0 {
        let setting = if listen_text.is_some() { "--listen" } else { "PORT" };
        let problem = "is a port that the server has chosen: name the server with --url";
        return Err(value_error(setting, &address.to_string(), problem));
    }
    Ok(reachable(address))
}

/// Where this machine reaches a server that listens on `address`.
pub fn reachable(address: SocketAddr) -> SocketAddr {
    let loopback = match address.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => IpAddr::V4(Ipv4Addr::LOCALHOST),
        IpAddr::V6(ip) if ip.is_unspecified() => IpAddr::V6(Ipv6Addr::LOCALHOST),
        ip => ip,
    };
    SocketAddr::new(loopback, address.port())
}

pub(super) fn auth(text: Option<&str>) -> Result<Auth, ConfigError> {
    match text {
        None => Ok(Auth::LoopbackOnly),
        Some("open") => Ok(Auth::Open),
        Some(other) => Err(value_error(
            "--auth",
            other,
            "is not known: write `open`, or leave it out",
        )),
    }
}

/// `PORT` alone means all addresses where the operator allowed that, for hosting platforms; else this machine.
pub(super) fn listen(
    listen: Option<&str>,
    port: Option<&str>,
    auth: Auth,
) -> Result<SocketAddr, ConfigError> {
    if let Some(text) = listen {
        return text.parse().map_err(|_| {
            value_error(
                "--listen",
                &without_credentials(text),
                "is no ADDR:PORT, such as 127.0.0.1:8000 or [::1]:8000",
            )
        });
    }
    let Some(text) = port else {
        return Ok(LISTEN_DEFAULT);
    };
    let port = text
        .parse()
        .map_err(|_| value_error("PORT", text, "is no port number (0 to 65535)"))?;
    Ok(match auth {
        Auth::Open => SocketAddr::new(IpAddr::V4(Ipv4Addr::UNSPECIFIED), port),
        Auth::LoopbackOnly => SocketAddr::new(LISTEN_DEFAULT.ip(), port),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_is_asked_where_its_settings_say_and_by_loopback_if_it_listens_everywhere() {
        for (listen, port, auth, asked) in [
            (None, None, None, "127.0.0.1:8000"),
            (None, Some("81"), None, "127.0.0.1:81"),
            (None, Some("81"), Some("open"), "127.0.0.1:81"),
            (Some("0.0.0.0:80"), Some("81"), Some("open"), "127.0.0.1:80"),
            (Some("[::]:80"), None, Some("open"), "[::1]:80"),
            (Some("192.0.2.1:80"), None, Some("open"), "192.0.2.1:80"),
        ] {
            let address = address_to_ask(listen, port, auth).expect("valid");
            assert_eq!(address.to_string(), asked);
        }
    }

    #[test]
    fn a_port_that_the_server_has_chosen_is_not_guessed() {
        let error = address_to_ask(Some("127.0.0.1:0"), None, None).expect_err("unknown");
        assert!(error.to_string().contains("--url"), "{error}");
    }
}
