//! The page that a scrape reads: samples in, Prometheus' text format out.

use std::fmt;

use prometheus_client::encoding::{DescriptorEncoder, MetricEncoder, NoLabelSet};
use prometheus_client::metrics::MetricType;

use super::names::{Kind, Metric};

/// What the encoder puts behind a counter's name by itself.
const COUNTER_SUFFIX: &str = "_total";

/// A page that is being written.
pub(super) struct Page<'a>(DescriptorEncoder<'a>);

/// One measured value.
pub(super) enum Value {
    /// Of a counter or a gauge.
    Number(u64),
    /// Of a counter or a gauge.
    Real(f64),
    /// Of a histogram.
    Durations {
        /// All together, in seconds.
        sum: f64,
        /// How many there are.
        count: u64,
        /// Bounds in seconds with how many are below them and above the one before.
        buckets: Vec<(f64, u64)>,
    },
}

impl From<u64> for Value {
    fn from(number: u64) -> Self {
        Self::Number(number)
    }
}

impl From<usize> for Value {
    fn from(number: usize) -> Self {
        Self::Number(number as u64)
    }
}

impl From<bool> for Value {
    fn from(truth: bool) -> Self {
        Self::Number(u64::from(truth))
    }
}

impl From<f64> for Value {
    fn from(number: f64) -> Self {
        Self::Real(number)
    }
}

impl<'a> Page<'a> {
    pub(super) fn new(encoder: DescriptorEncoder<'a>) -> Self {
        Self(encoder)
    }

    /// A metric without labels.
    pub(super) fn put(&mut self, metric: &Metric, value: impl Into<Value>) -> fmt::Result {
        encode(self.begin(metric)?, metric.kind, &value.into())
    }

    /// A metric without labels, if its value is known.
    pub(super) fn put_known(&mut self, metric: &Metric, value: Option<impl Into<Value>>) -> fmt::Result {
        value.map_or(Ok(()), |value| self.put(metric, value))
    }

    /// A metric with a sample for each set of labels, whose values stand in the order of the metric's labels.
    pub(super) fn put_each<'l, const LABELS: usize>(
        &mut self,
        metric: &Metric,
        samples: impl IntoIterator<Item = ([&'l str; LABELS], impl Into<Value>)>,
    ) -> fmt::Result {
        debug_assert_eq!(metric.labels.len(), LABELS, "{}", metric.name);
        let mut family = self.begin(metric)?;
        for (values, value) in samples {
            let labels: Vec<_> = metric.labels.iter().copied().zip(values).collect();
            encode(
                family.encode_family(&labels.as_slice())?,
                metric.kind,
                &value.into(),
            )?;
        }
        Ok(())
    }

    fn begin<'s>(&'s mut self, metric: &Metric) -> Result<MetricEncoder<'s>, fmt::Error> {
        let kind = match metric.kind {
            Kind::Counter => MetricType::Counter,
            Kind::Gauge => MetricType::Gauge,
            Kind::Histogram => MetricType::Histogram,
        };
        let name = metric.name.strip_suffix(COUNTER_SUFFIX).unwrap_or(metric.name);
        self.0.encode_descriptor(name, metric.help, None, kind)
    }
}

fn encode(mut encoder: MetricEncoder<'_>, kind: Kind, value: &Value) -> fmt::Result {
    match (kind, value) {
        (Kind::Counter, Value::Number(number)) => {
            encoder.encode_counter::<NoLabelSet, u64, u64>(number, None)
        }
        (Kind::Counter, Value::Real(number)) => encoder.encode_counter::<NoLabelSet, f64, f64>(number, None),
        (Kind::Gauge, Value::Number(number)) => encoder.encode_gauge(number),
        (Kind::Gauge, Value::Real(number)) => encoder.encode_gauge(number),
        (Kind::Histogram, Value::Durations { sum, count, buckets }) => {
            encoder.encode_histogram::<NoLabelSet>(*sum, *count, buckets, None)
        }
        _ => Err(fmt::Error),
    }
}
