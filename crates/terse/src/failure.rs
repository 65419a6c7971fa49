//! Why a command failed: a message for a person and an exit code for a script.

use std::process::ExitCode;

use terse_server::config::ConfigError;
use terse_server::data_dir::DataDirError;
use terse_server::server::StartError;
use terse_server::transfer::TransferError;

use crate::output;

/// It did not work.
const FAILED: u8 = 1;
/// Wrong usage or configuration.
const USAGE: u8 = 2;
/// The data directory, or the database, is in use by another process.
const IN_USE: u8 = 3;
/// Something is wrong with the data.
const PROBLEMS: u8 = 4;

/// Why a command failed.
#[derive(Debug)]
pub(crate) struct Failure {
    code: u8,
    message: Option<String>,
}

impl Failure {
    /// It did not work; `message` says why.
    pub(crate) fn new(message: impl std::fmt::Display) -> Self {
        Self::with_code(FAILED, message)
    }

    /// What was written on the command line or in the environment makes no sense.
    pub(crate) fn usage(message: impl std::fmt::Display) -> Self {
        Self::with_code(USAGE, message)
    }

    /// Another process has what is to be changed.
    pub(crate) fn in_use(message: impl std::fmt::Display) -> Self {
        Self::with_code(IN_USE, message)
    }

    /// Problems were found, and printed.
    pub(crate) fn problems() -> Self {
        Self {
            code: PROBLEMS,
            message: None,
        }
    }

    /// Says it on stderr; the exit code.
    pub(crate) fn report(self) -> ExitCode {
        if let Some(message) = self.message {
            output::message(&format!("error: {message}"));
        }
        ExitCode::from(self.code)
    }

    fn with_code(code: u8, message: impl std::fmt::Display) -> Self {
        Self {
            code,
            message: Some(message.to_string()),
        }
    }
}

/// The message, for a command that goes on.
impl std::fmt::Display for Failure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.message.as_deref().unwrap_or("problems were found"))
    }
}

impl From<ConfigError> for Failure {
    fn from(error: ConfigError) -> Self {
        Self::usage(error)
    }
}

impl From<DataDirError> for Failure {
    fn from(error: DataDirError) -> Self {
        match error {
            DataDirError::InUse { .. } => Self::in_use(format!(
                "{error}: stop that process first, or name another directory with --data-dir; each server needs one of \
                 its own, also where several share a PostgreSQL database"
            )),
            DataDirError::Io { .. } => Self::new(error),
        }
    }
}

impl From<StartError> for Failure {
    fn from(error: StartError) -> Self {
        match error {
            StartError::DataDir(error) => error.into(),
            other => Self::new(with_causes(&other)),
        }
    }
}

impl From<terse_store::Error> for Failure {
    fn from(error: terse_store::Error) -> Self {
        Self::new(with_causes(&error))
    }
}

impl From<TransferError> for Failure {
    fn from(error: TransferError) -> Self {
        match error {
            TransferError::Store(error) => error.into(),
            other => Self::new(other),
        }
    }
}

impl From<terse_server::error::Error> for Failure {
    fn from(error: terse_server::error::Error) -> Self {
        Self::new(with_causes(&error))
    }
}

impl From<std::io::Error> for Failure {
    fn from(error: std::io::Error) -> Self {
        Self::new(error)
    }
}

/// An operator, unlike a client, is told the whole chain; each cause once.
pub(crate) fn with_causes(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        let cause_text = cause.to_string();
        if !text.ends_with(&cause_text) {
            text.push_str(": ");
            text.push_str(&cause_text);
        }
        next = cause.source();
    }
    text
}
