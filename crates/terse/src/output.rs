//! Results on stdout, messages on stderr. Nothing else prints.

use std::fmt::Display;
use std::io::{self, Write};

/// Prints a result and flushes it: others may wait for the line. A reader that went away is no error, as for any
/// filter; a full disk is.
pub(crate) fn result(text: impl Display) -> io::Result<()> {
    let mut stdout = io::stdout().lock();
    let printed = writeln!(stdout, "{text}").and_then(|()| stdout.flush());
    match printed {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        other => other,
    }
}

/// Tells a person. Nobody can be told when that fails.
pub(crate) fn message(text: &str) {
    let _ = writeln!(io::stderr().lock(), "{text}");
}
