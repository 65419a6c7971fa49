//! A thread of the express lane without its connections: what its answers alone cost.

use std::sync::Arc;

use super::responder::{Next, Responder};
use crate::app::App;

/// Answers visits as one thread does.
pub struct Visits(Responder);

impl Visits {
    /// A thread that has answered nothing yet: what it keeps for itself is empty.
    pub fn new(app: Arc<App>) -> Self {
        let mut responder = Responder::new(app, 1);
        responder.set_time();
        Self(responder)
    }

    /// Answers the visits of links in memory that `heads` consists of, and counts them. Whether it was all of them.
    pub fn answer(&mut self, heads: &[u8], out: &mut Vec<u8>) -> bool {
        let (_, next) = self.0.answer(heads, true, out);
        self.0.note_sent();
        next == Next::Nothing
    }
}
