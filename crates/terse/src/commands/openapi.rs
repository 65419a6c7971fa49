//! `terse openapi`.

use crate::failure::Failure;
use crate::output;

/// Prints the description of the API.
pub(super) fn run() -> Result<(), Failure> {
    let description = terse_server::http::openapi()
        .to_pretty_json()
        .map_err(Failure::new)?;
    Ok(output::result(description)?)
}
