//! What Linux says of this process. What it does not say is left out of the page.

use std::fs;

use rustix::process::{Resource, getrlimit};
use rustix::time::{ClockId, clock_gettime};

/// Bytes of memory that the process has at hand.
pub(super) fn resident_bytes() -> Option<u64> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kib: u64 = line.split_whitespace().next()?.parse().ok()?;
    Some(kib * 1024)
}

/// Seconds of processor time that all its threads have used.
pub(super) fn cpu_seconds() -> f64 {
    let used = clock_gettime(ClockId::ProcessCPUTime);
    std::time::Duration::try_from(used)
        .unwrap_or_default()
        .as_secs_f64()
}

/// File descriptors that are open, without the one that is needed to look.
pub(super) fn open_fds() -> Option<u64> {
    let entries = fs::read_dir("/proc/self/fd").ok()?.count() as u64;
    Some(entries.saturating_sub(1))
}

/// File descriptors that may be open, if there is a limit.
pub(super) fn max_fds() -> Option<u64> {
    getrlimit(Resource::Nofile).current
}
