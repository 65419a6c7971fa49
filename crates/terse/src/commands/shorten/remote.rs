//! Making a link by asking a server.

use std::time::Duration;

use serde_json::{Value, json};
use ureq::Agent;

use crate::failure::Failure;

const CONNECT_TIMEOUT: Duration = Duration::from_secs(3);
const TIMEOUT: Duration = Duration::from_secs(10);
const ANSWER_BYTES_MAX: u64 = 64 * 1024;

/// How a server is reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Via {
    /// As everything is, perhaps by a proxy.
    Network,
    /// Directly: a proxy for the network does not know this machine's addresses.
    ThisMachine,
}

/// Asks `server` for a link; its short URL.
pub(super) fn shorten(
    server: &str,
    via: Via,
    url: &str,
    code: Option<&str>,
    title: Option<&str>,
) -> Result<String, Failure> {
    let address = format!("{}/api/v1/urls", server.trim_end_matches('/'));
    let body = json!({ "original_url": url, "short_code": code, "title": title }).to_string();
    let failed = |error: ureq::Error| Failure::new(format!("{server} cannot be asked: {error}"));
    let mut answer = agent(via)
        .post(&address)
        .header("content-type", "application/json")
        .send(&body)
        .map_err(failed)?;
    let status = answer.status();
    let text = answer
        .body_mut()
        .with_config()
        .limit(ANSWER_BYTES_MAX)
        .read_to_string()
        .map_err(failed)?;
    let json: Value = serde_json::from_str(&text).unwrap_or_default();
    if !status.is_success() {
        let reason = json["error"].as_str().unwrap_or("it does not say why");
        return Err(Failure::new(format!("{server} answered {status}: {reason}")));
    }
    json["short_url"]
        .as_str()
        .map(str::to_owned)
        .ok_or_else(|| Failure::new(format!("{server} is no terse server")))
}

fn agent(via: Via) -> Agent {
    let config = Agent::config_builder()
        .http_status_as_error(false)
        .max_redirects(0)
        .timeout_connect(Some(CONNECT_TIMEOUT))
        .timeout_global(Some(TIMEOUT));
    match via {
        Via::Network => config.build().into(),
        Via::ThisMachine => config.proxy(None).build().into(),
    }
}
