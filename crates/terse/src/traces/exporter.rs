//! Batches that did not arrive: counted, and told once in a while.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use opentelemetry_sdk::Resource;
use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::trace::{SpanData, SpanExporter};
use terse_core::{Clock, SystemClock};

/// A collector that is away says so in the log this often.
const TOLD_EVERY: Duration = Duration::from_mins(1);

/// Sends batches; one that is lost is no error to whoever hands in the next one.
#[derive(Debug)]
pub(super) struct Exporter {
    spans: opentelemetry_otlp::SpanExporter,
    url: String,
    clock: SystemClock,
    lost: Mutex<Lost>,
}

#[derive(Debug, Default)]
struct Lost {
    /// Spans that nothing was said of yet.
    untold: usize,
    /// When something was said, by the clock's elapsed time.
    told_at: Option<Duration>,
}

impl Exporter {
    /// Sends by `spans`, to `url`, which has no password in it.
    pub(super) fn new(spans: opentelemetry_otlp::SpanExporter, url: String) -> Self {
        Self {
            spans,
            url,
            clock: SystemClock::new(),
            lost: Mutex::default(),
        }
    }

    fn note_lost(&self, spans: usize, error: &dyn std::error::Error) {
        let mut lost = self.lost.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(spans) = lost.note(spans, self.clock.elapsed()) {
            tracing::warn!(spans, "traces did not reach {}, and are lost: {error}", self.url);
        }
    }
}

impl Lost {
    /// Adds `spans`, lost at `now`; how many there are to be told of, if it is time for that.
    fn note(&mut self, spans: usize, now: Duration) -> Option<usize> {
        self.untold += spans;
        let is_time = self
            .told_at
            .is_none_or(|told_at| now.saturating_sub(told_at) >= TOLD_EVERY);
        is_time.then(|| {
            self.told_at = Some(now);
            std::mem::take(&mut self.untold)
        })
    }
}

impl SpanExporter for Exporter {
    async fn export(&self, batch: Vec<SpanData>) -> OTelSdkResult {
        let spans = batch.len();
        if let Err(error) = self.spans.export(batch).await {
            self.note_lost(spans, &error);
        }
        Ok(())
    }

    fn shutdown_with_timeout(&self, timeout: Duration) -> OTelSdkResult {
        self.spans.shutdown_with_timeout(timeout)
    }

    fn set_resource(&mut self, resource: &Resource) {
        self.spans.set_resource(resource);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lost_spans_are_told_of_at_once_and_then_every_minute() {
        let mut lost = Lost::default();
        let at = Duration::from_secs;
        assert_eq!(lost.note(3, at(10)), Some(3));
        assert_eq!(lost.note(5, at(15)), None);
        assert_eq!(lost.note(7, at(69)), None);
        assert_eq!(lost.note(1, at(70)), Some(13));
        assert_eq!(lost.note(1, at(71)), None);
    }
}
