//! The program: parse → command → exit code. What a command does is in `commands`, what it takes in `args`.

mod agent;
mod args;
mod commands;
mod copy;
mod environment;
mod failure;
mod logging;
mod output;
mod progress;
mod runtime;
#[cfg(feature = "otlp")]
mod traces;
#[cfg(not(feature = "otlp"))]
#[path = "traces/none.rs"]
mod traces;

use std::process::ExitCode;

use args::Invocation;

fn main() -> ExitCode {
    // E-mail addresses and who visited what: what this program writes is for its owner's eyes.
    rustix::process::umask(rustix::fs::Mode::RWXG | rustix::fs::Mode::RWXO);
    let invocation = match args::parse() {
        Ok(Invocation::Run(cli)) => *cli,
        Ok(Invocation::Answered(code)) => return code,
        Err(failure) => return failure.report(),
    };
    match commands::run(invocation) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => failure.report(),
    }
}
