//! How commands ask a server.

use std::time::Duration;

use terse_server::config::without_credentials;
use ureq::Agent;

const CONNECT_TIMEOUT: Duration = Duration::from_secs(3);

/// How a server is reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Via {
    /// As everything is, perhaps by a proxy.
    Network,
    /// Directly: a proxy for the network does not know this machine's addresses.
    ThisMachine,
}

/// Asks servers that answer within `timeout`, and takes every status for an answer.
pub(crate) fn agent(via: Via, timeout: Duration) -> Agent {
    let config = Agent::config_builder()
        .http_status_as_error(false)
        .max_redirects(0)
        .timeout_connect(Some(CONNECT_TIMEOUT))
        .timeout_global(Some(timeout));
    match via {
        Via::Network => config.build().into(),
        Via::ThisMachine => config.proxy(None).build().into(),
    }
}

/// Why `shown`, a server's name as it may be shown, gave no answer. The reason may quote the whole URL, with a password.
pub(crate) fn cannot_be_asked(shown: &str, error: &ureq::Error) -> String {
    let reason = without_credentials(&error.to_string());
    format!("{shown} cannot be asked: {reason}")
}
