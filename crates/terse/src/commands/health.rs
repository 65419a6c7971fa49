//! `terse health`: the health check of containers that have no other program in them.

use std::time::Duration;

use crate::agent::{Via, agent};
use crate::args::HealthArgs;
use crate::failure::Failure;
use crate::output;

/// A server that needs longer is not well.
const TIMEOUT: Duration = Duration::from_secs(4);
const ANSWER_BYTES_MAX: u64 = 64 * 1024;

/// Prints what the server says of itself; fails unless that is good.
pub(super) fn run(args: &HealthArgs) -> Result<(), Failure> {
    let path = if args.ready { "readyz" } else { "livez" };
    let address = format!("{}/{path}", args.url.trim_end_matches('/'));
    let failed = |error: ureq::Error| Failure::new(format!("{address} cannot be asked: {error}"));
    let mut answer = agent(Via::ThisMachine, TIMEOUT)
        .get(&address)
        .call()
        .map_err(failed)?;
    let status = answer.status();
    let body = answer.body_mut().with_config().limit(ANSWER_BYTES_MAX);
    let text = body.read_to_string().map_err(failed)?;
    if !status.is_success() {
        return Err(Failure::new(format!(
            "{address} answered {status}: {}",
            text.trim()
        )));
    }
    Ok(output::result(text.trim())?)
}
