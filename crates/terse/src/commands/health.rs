//! `terse health`: the health check of containers that have no other program in them.

use std::time::Duration;

use terse_server::config::{ConfigError, address_to_ask, without_credentials};

use crate::agent::{Via, agent, cannot_be_asked};
use crate::args::HealthArgs;
use crate::failure::Failure;
use crate::output;

/// A server that needs longer is not well.
const TIMEOUT: Duration = Duration::from_secs(4);
const ANSWER_BYTES_MAX: u64 = 64 * 1024;

/// Prints what the server says of itself; fails unless that is good.
pub(super) fn run(args: &HealthArgs) -> Result<(), Failure> {
    let path = if args.ready { "readyz" } else { "livez" };
    let address = format!("{}/{path}", server(args)?.trim_end_matches('/'));
    let shown = without_credentials(&address);
    let failed = |error: ureq::Error| Failure::new(cannot_be_asked(&shown, &error));
    let mut answer = agent(Via::ThisMachine, TIMEOUT)
        .get(&address)
        .call()
        .map_err(failed)?;
    let status = answer.status();
    let body = answer.body_mut().with_config().limit(ANSWER_BYTES_MAX);
    let text = body.read_to_string().map_err(failed)?;
    if !status.is_success() {
        return Err(Failure::new(format!(
            "{shown} answered {status}: {}",
            text.trim()
        )));
    }
    Ok(output::result(text.trim())?)
}

/// The one that was named, or that `terse serve` is with the same settings.
fn server(args: &HealthArgs) -> Result<String, ConfigError> {
    if let Some(url) = &args.url {
        return Ok(url.clone());
    }
    let (listen, port, auth) = (&args.listen, &args.port, &args.auth);
    let address = address_to_ask(listen.as_deref(), port.as_deref(), auth.as_deref())?;
    Ok(format!("http://{address}"))
}
