//! A collector: takes OTLP over HTTP and keeps it.

use std::fmt::Write as _;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::thread::JoinHandle;

use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue, any_value};
use opentelemetry_proto::tonic::trace::v1::Span as Proto;
use opentelemetry_proto::tonic::trace::v1::span::SpanKind;
use prost::Message;

/// Ends the collector: no request line begins so.
const END: &str = "END\r\n";

/// A collector that listens.
pub(super) struct Collector {
    address: SocketAddr,
    thread: JoinHandle<Received>,
}

/// What it was sent.
#[derive(Debug, Default)]
pub(super) struct Received {
    raw: Vec<u8>,
    batches: Vec<ExportTraceServiceRequest>,
}

/// A span that it was sent.
#[derive(Debug)]
pub(super) struct Span<'a>(&'a Proto);

impl Collector {
    pub(super) fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = listener.local_addr().expect("it is bound");
        let thread = std::thread::Builder::new()
            .spawn(move || receive(&listener))
            .expect("a thread");
        Self { address, thread }
    }

    pub(super) fn endpoint(&self) -> String {
        format!("http://{}", self.address)
    }

    /// What came until now. The sender must have ended.
    pub(super) fn finish(self) -> Received {
        let mut connection = TcpStream::connect(self.address).expect("it listens");
        connection.write_all(END.as_bytes()).expect("it reads");
        self.thread.join().expect("everything was OTLP")
    }
}

/// One connection after the other: a sender keeps one.
fn receive(listener: &TcpListener) -> Received {
    let mut received = Received::default();
    loop {
        let (connection, _) = listener.accept().expect("a connection");
        let mut answers = connection.try_clone().expect("a second handle");
        let mut requests = BufReader::new(connection);
        loop {
            let mut line = String::new();
            requests.read_line(&mut line).expect("a line of text");
            if line == END {
                return received;
            }
            if line.is_empty() {
                break;
            }
            assert_eq!(line, "POST /v1/traces HTTP/1.1\r\n");
            let mut body = vec![0; content_length(&mut requests)];
            requests.read_exact(&mut body).expect("a whole body");
            received.take(body);
            let answer =
                b"HTTP/1.1 200 OK\r\ncontent-type: application/x-protobuf\r\ncontent-length: 0\r\n\r\n";
            answers.write_all(answer).expect("the sender reads");
        }
    }
}

/// Reads the headers; how many bytes follow them.
fn content_length(requests: &mut impl BufRead) -> usize {
    let mut length = 0;
    loop {
        let mut line = String::new();
        requests.read_line(&mut line).expect("a line of text");
        let line = line.trim_end().to_ascii_lowercase();
        if line.is_empty() {
            return length;
        }
        if let Some(value) = line.strip_prefix("content-length:") {
            length = value.trim().parse().expect("a number");
        }
        if let Some(kind) = line.strip_prefix("content-type:") {
            assert_eq!(kind.trim(), "application/x-protobuf");
        }
    }
}

impl Received {
    fn take(&mut self, body: Vec<u8>) {
        let batch = ExportTraceServiceRequest::decode(&*body).expect("protobuf");
        self.batches.push(batch);
        self.raw.extend(body);
    }

    pub(super) fn spans(&self) -> impl Iterator<Item = Span<'_>> {
        let resources = self.batches.iter().flat_map(|batch| &batch.resource_spans);
        let scopes = resources.flat_map(|resource| &resource.scope_spans);
        scopes.flat_map(|scope| &scope.spans).map(Span)
    }

    /// The one span of this name.
    pub(super) fn span(&self, name: &str) -> Span<'_> {
        let mut named = self.spans().filter(|span| span.name() == name);
        let span = named.next();
        let span = span.unwrap_or_else(|| panic!("no {name} in {:#?}", self.batches));
        assert!(named.next().is_none(), "more than one {name}");
        span
    }

    /// A span of this name right below `parent`.
    pub(super) fn below(&self, parent: &Span<'_>, name: &str) -> Span<'_> {
        let parent_id = &parent.0.span_id;
        self.spans()
            .find(|span| span.name() == name && span.0.parent_span_id == *parent_id)
            .unwrap_or_else(|| panic!("no {name} below {parent:?} in {:#?}", self.batches))
    }

    /// What the first batch says of its sender.
    pub(super) fn resource(&self, key: &str) -> &str {
        let resources = self.batches.iter().flat_map(|batch| &batch.resource_spans);
        let resource = resources.flat_map(|spans| &spans.resource).next();
        let attributes = &resource.expect("a sender tells who it is").attributes;
        text(attributes, key).unwrap_or_else(|| panic!("no {key} in {attributes:?}"))
    }

    /// None of `texts` is anywhere in what was sent.
    pub(super) fn tells_nothing_of(&self, texts: &[&str]) {
        assert!(!self.raw.is_empty());
        for untold in texts {
            let mut windows = self.raw.windows(untold.len());
            assert!(
                !windows.any(|window| window == untold.as_bytes()),
                "{untold} was sent"
            );
        }
    }
}

impl Span<'_> {
    pub(super) fn name(&self) -> &str {
        &self.0.name
    }

    pub(super) fn trace_id(&self) -> String {
        hexadecimal(&self.0.trace_id)
    }

    /// Empty where there is none.
    pub(super) fn parent_id(&self) -> String {
        hexadecimal(&self.0.parent_span_id)
    }

    pub(super) fn is_server(&self) -> bool {
        self.0.kind() == SpanKind::Server
    }

    pub(super) fn has(&self, key: &str) -> bool {
        value(&self.0.attributes, key).is_some()
    }

    pub(super) fn text(&self, key: &str) -> &str {
        text(&self.0.attributes, key).unwrap_or_else(|| panic!("no {key} in {self:?}"))
    }

    pub(super) fn number(&self, key: &str) -> i64 {
        match value(&self.0.attributes, key) {
            Some(any_value::Value::IntValue(number)) => *number,
            other => panic!("{key} is {other:?} in {self:?}"),
        }
    }
}

fn value<'a>(attributes: &'a [KeyValue], key: &str) -> Option<&'a any_value::Value> {
    let attribute = attributes.iter().find(|attribute| attribute.key == key)?;
    let AnyValue { value } = attribute.value.as_ref()?;
    value.as_ref()
}

fn text<'a>(attributes: &'a [KeyValue], key: &str) -> Option<&'a str> {
    match value(attributes, key)? {
        any_value::Value::StringValue(text) => Some(text),
        _ => None,
    }
}

fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        write!(text, "{byte:02x}").expect("a text grows");
        text
    })
}
