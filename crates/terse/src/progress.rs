//! How far something is: a bar for a person, nothing for anybody else.

use std::io::{self, IsTerminal};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

const BAR: &str = "{msg} [{bar:40}] {percent}% {eta}";
const COUNT: &str = "{msg} {pos}";

/// Shows itself on stderr if that is a terminal; gone when it is dropped.
pub(crate) struct Progress(ProgressBar);

impl Progress {
    /// Something of a known size, which [`Progress::set`] tells.
    pub(crate) fn of_known_size(what: &'static str) -> Self {
        Self::new(what, BAR)
    }

    /// Something that is counted.
    pub(crate) fn of_unknown_size(what: &'static str) -> Self {
        Self::new(what, COUNT)
    }

    /// `done` of `total` are done.
    pub(crate) fn set(&self, done: u64, total: u64) {
        self.0.set_length(total);
        self.0.set_position(done);
    }

    /// `more` are done.
    pub(crate) fn add(&self, more: u64) {
        self.0.inc(more);
    }

    fn new(what: &'static str, template: &str) -> Self {
        let target = if io::stderr().is_terminal() {
            ProgressDrawTarget::stderr()
        } else {
            ProgressDrawTarget::hidden()
        };
        let style = ProgressStyle::with_template(template).expect("the template is a constant");
        let bar = ProgressBar::with_draw_target(None, target).with_style(style);
        Self(bar.with_message(what))
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.0.finish_and_clear();
    }
}
