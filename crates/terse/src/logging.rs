//! Log lines on stderr.

mod json;

use std::io::{self, IsTerminal};

use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::LevelFilter;
use tracing_subscriber::fmt::format::JsonFields;

use crate::args::LogFormat;
use crate::failure::Failure;
use json::FlatJson;

/// Starts logging, once.
pub(crate) fn start(filter: &str, format: LogFormat) -> Result<(), Failure> {
    let filter = parse(filter)?;
    let is_terminal = io::stderr().is_terminal();
    let is_json = match format {
        LogFormat::Auto => !is_terminal,
        LogFormat::Human => false,
        LogFormat::Json => true,
    };
    let lines = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(io::stderr)
        .with_ansi(is_terminal);
    let started = if is_json {
        lines
            .fmt_fields(JsonFields::new())
            .event_format(FlatJson)
            .try_init()
    } else {
        lines.try_init()
    };
    started.map_err(Failure::new)
}

/// A filter, in which every part says its level: a word alone would be taken for the name of a part of the program, and a
/// level with a typing error would silence everything.
fn parse(filter: &str) -> Result<EnvFilter, Failure> {
    let is_level = |text: &str| !text.trim().is_empty() && text.trim().parse::<LevelFilter>().is_ok();
    let wrong = filter
        .split(',')
        .find(|part| !is_level(part.rsplit('=').next().unwrap_or(part)));
    if let Some(wrong) = wrong {
        return Err(Failure::usage(format!(
            "--log: `{wrong}` is no level: write error, warn, info, debug, trace or off, perhaps for a part: terse_server=debug"
        )));
    }
    EnvFilter::try_new(filter)
        .map_err(|error| Failure::usage(format!("--log: `{filter}` is no filter: {error}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_filter_says_its_levels() {
        for filter in [
            "info",
            "WARN",
            "off",
            "info,terse_server=debug",
            "terse_store::sqlite=trace",
        ] {
            assert!(parse(filter).is_ok(), "{filter}");
        }
        for filter in [
            "",
            "wrn",
            "nonsense",
            "info,terse_server",
            "terse_server=",
            "info,,debug",
            "terse_server=loud",
        ] {
            assert!(parse(filter).is_err(), "{filter}");
        }
    }
}
