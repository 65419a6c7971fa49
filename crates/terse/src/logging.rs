//! Log lines on stderr.

mod json;

use std::io::{self, IsTerminal};

use terse_server::telemetry::names::TRACE_TARGET;
use tracing_subscriber::filter::{Directive, LevelFilter};
use tracing_subscriber::fmt::format::JsonFields;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{EnvFilter, Layer, fmt};

use crate::args::LogFormat;
use crate::failure::Failure;
use crate::traces::Traces;
use json::FlatJson;

/// Starts logging, once; spans also go where `traces` says.
pub(crate) fn start(filter: &str, format: LogFormat, traces: Option<&Traces>) -> Result<(), Failure> {
    let filter = parse(filter)?.add_directive(without_traces());
    let is_terminal = io::stderr().is_terminal();
    let is_json = match format {
        LogFormat::Auto => !is_terminal,
        LogFormat::Human => false,
        LogFormat::Json => true,
    };
    let lines = fmt::layer().with_writer(io::stderr).with_ansi(is_terminal);
    let lines = if is_json {
        lines.fmt_fields(JsonFields::new()).event_format(FlatJson).boxed()
    } else {
        lines.boxed()
    };
    let started = match traces {
        // A filter for each: what one does not want the other may.
        Some(traces) => tracing_subscriber::registry()
            .with(lines.with_filter(filter))
            .with(traces.layer())
            .try_init(),
        None => tracing_subscriber::registry().with(lines).with(filter).try_init(),
    };
    started.map_err(Failure::new)
}

/// The spans of traces stand in no line: they have names and fields for collectors.
fn without_traces() -> Directive {
    format!("{TRACE_TARGET}=off")
        .parse()
        .expect("a target and a level are a directive")
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
