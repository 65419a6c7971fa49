//! Making a link by asking a server.

use std::time::Duration;

use serde_json::{Value, json};
use terse_server::config::without_credentials;

use crate::agent::{Via, agent, cannot_be_asked};
use crate::failure::Failure;

const TIMEOUT: Duration = Duration::from_secs(10);
const ANSWER_BYTES_MAX: u64 = 64 * 1024;

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
    let shown = without_credentials(server);
    let failed = |error: ureq::Error| Failure::new(cannot_be_asked(&shown, &error));
    let mut answer = agent(via, TIMEOUT)
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
        return Err(Failure::new(format!("{shown} answered {status}: {reason}")));
    }
    json["short_url"]
        .as_str()
        .map(str::to_owned)
        .ok_or_else(|| Failure::new(format!("{shown} is no terse server")))
}
