//! File descriptors: connections must leave some for the database and the journal.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// Descriptors for the database, the journal's segments, the listener and the standard streams.
const RESERVED: u64 = 128;

/// How many connections may be open: `wanted`, or fewer where the system allows the process fewer descriptors. Asks the
/// system for as many as it gives without a privilege.
pub fn connections_within_limit(wanted: usize) -> usize {
    let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
    let needed = wanted as u64 + RESERVED;
    let raised = maximum
        .unwrap_or(needed)
        .min(needed)
        .max(current.unwrap_or(needed));
    let allowed = match setrlimit(
        Resource::Nofile,
        Rlimit {
            current: Some(raised),
            maximum,
        },
    ) {
        Ok(()) => raised,
        Err(_) => current.unwrap_or(needed),
    };
    let connections = connections_of(allowed).min(wanted);
    if connections < wanted {
        tracing::warn!(
            "the system allows {allowed} open files: at most {connections} connections instead of {wanted}"
        );
    }
    connections
}

/// What `descriptors` leave for connections: all but the reserved ones, and never less than half.
fn connections_of(descriptors: u64) -> usize {
    let connections = descriptors.saturating_sub(RESERVED).max(descriptors / 2).max(1);
    usize::try_from(connections).unwrap_or(usize::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_database_and_the_journal_keep_their_descriptors() {
        for (descriptors, connections) in [(1, 1), (64, 32), (256, 128), (1024, 896), (20_000, 19_872)] {
            assert_eq!(connections_of(descriptors), connections, "{descriptors}");
        }
    }
}
