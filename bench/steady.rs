//! Sends requests to a server at a given rate whether or not it keeps up, and prints how long the answers took.
//!
//! An open loop: requests are due at random times (a Poisson process, as independent visitors make it), and a latency
//! counts from when its request was due, so that a stall is paid by all who came during it. One thread that never sleeps,
//! without timers or an event loop of its own: what it measures in tens of microseconds must not be its own waking up. oha
//! and its like send what is due once a millisecond, and reach a third of what this does on one core.
//!
//! Built by `bench/latency` with `rustc` alone, hence only the standard library.
//!
//! ```text
//! steady ADDRESS FILE_OF_CODES REQUESTS_A_SECOND SECONDS CONNECTIONS
//! ```

mod chance;

use std::collections::VecDeque;
use std::error::Error;
use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use chance::Chance;

/// What a browser sends after the request line.
const HEADERS: &str = " HTTP/1.1\r\n\
    Host: sho.rt\r\n\
    User-Agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/130.0.0.0 Safari/537.36\r\n\
    Accept: text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8\r\n\
    Accept-Language: en-US,en;q=0.9\r\n\
    Accept-Encoding: gzip, deflate, br\r\n\
    Referer: https://news.example.org/item?id=42\r\n\
    Connection: keep-alive\r\n\r\n";

/// Connections are new and their first requests slower; nobody asked about those.
const WARM_UP: Duration = Duration::from_secs(1);

/// After the last request was due, time for answers that are under way. Who waits longer counts as waiting until then.
const GRACE: Duration = Duration::from_secs(1);

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [address, codes, rate, seconds, connections] = arguments.as_slice() else {
        return Err("steady ADDRESS FILE_OF_CODES REQUESTS_A_SECOND SECONDS CONNECTIONS".into());
    };
    let codes = std::fs::read_to_string(codes)?;
    let mut load = Load {
        connections: connect(address, connections.parse()?)?,
        codes: codes.lines().collect(),
        chance: Chance::new(),
        latencies: Vec::new(),
    };
    let rate: f64 = rate.parse()?;
    let seconds = Duration::from_secs(seconds.parse()?);
    let unanswered = load.run(rate, seconds)?;
    print_figures(&mut load.latencies, seconds, unanswered);
    Ok(())
}

fn connect(address: &str, count: usize) -> std::io::Result<Vec<Connection>> {
    let open = |_| {
        let stream = TcpStream::connect(address)?;
        stream.set_nodelay(true)?;
        stream.set_nonblocking(true)?;
        Ok(Connection {
            stream,
            due: Instant::now(),
            received: Vec::with_capacity(4096),
        })
    };
    (0..count).map(open).collect()
}

struct Load<'a> {
    connections: Vec<Connection>,
    codes: Vec<&'a str>,
    chance: Chance,
    latencies: Vec<Duration>,
}

impl Load<'_> {
    /// Returns the requests that were due, after the warm-up, and had no answer when the grace was over.
    fn run(&mut self, rate: f64, length: Duration) -> Result<usize, Box<dyn Error>> {
        let counted_from = Instant::now() + WARM_UP;
        let last_due = counted_from + length;
        let mut next_due = Instant::now();
        let mut waiting = VecDeque::new();
        let mut idle: VecDeque<usize> = (0..self.connections.len()).collect();
        let mut busy: Vec<usize> = Vec::new();
        loop {
            let now = Instant::now();
            while next_due <= now && next_due < last_due {
                waiting.push_back(next_due);
                next_due += interval(&mut self.chance, rate);
            }
            while !waiting.is_empty() && !idle.is_empty() {
                if let (Some(due), Some(index)) = (waiting.pop_front(), idle.pop_front()) {
                    let code = self.codes[self.chance.below(self.codes.len())];
                    self.connections[index].send(code, due)?;
                    busy.push(index);
                }
            }
            for place in (0..busy.len()).rev() {
                let connection = &mut self.connections[busy[place]];
                if connection.is_answered()? {
                    if connection.due >= counted_from {
                        self.latencies.push(connection.due.elapsed());
                    }
                    idle.push_back(busy.swap_remove(place));
                }
            }
            let is_done = next_due >= last_due && waiting.is_empty() && busy.is_empty();
            if is_done || now >= last_due + GRACE {
                break;
            }
        }
        waiting.extend(busy.iter().map(|&index| self.connections[index].due));
        waiting.retain(|&due| due >= counted_from);
        self.latencies.extend(waiting.iter().map(Instant::elapsed));
        Ok(waiting.len())
    }
}

struct Connection {
    stream: TcpStream,
    /// When the request under way was due
    due: Instant,
    /// What came of its answer so far
    received: Vec<u8>,
}

impl Connection {
    fn send(&mut self, code: &str, due: Instant) -> Result<(), Box<dyn Error>> {
        self.due = due;
        self.received.clear();
        let request = format!("GET /{code}{HEADERS}");
        // There is always room for one request: the one before is answered.
        Ok(self.stream.write_all(request.as_bytes())?)
    }

    fn is_answered(&mut self) -> Result<bool, Box<dyn Error>> {
        let mut buffer = [0; 4096];
        match self.stream.read(&mut buffer) {
            Ok(0) => return Err("the server closed a connection".into()),
            Ok(length) => self.received.extend_from_slice(&buffer[..length]),
            Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(false),
            Err(error) => return Err(error.into()),
        }
        let Some(head) = self.received.windows(4).position(|window| window == b"\r\n\r\n") else {
            return Ok(false);
        };
        let text = std::str::from_utf8(&self.received[..head])?;
        if !text.starts_with("HTTP/1.1 302") {
            return Err(format!("not a redirect: {text}").into());
        }
        Ok(self.received.len() >= head + 4 + content_length(text)?)
    }
}

fn content_length(head: &str) -> Result<usize, Box<dyn Error>> {
    let fields = head.lines().filter_map(|line| line.split_once(':'));
    let mut lengths = fields.filter(|(name, _)| name.eq_ignore_ascii_case("content-length"));
    lengths
        .next()
        .map_or(Ok(0), |(_, value)| Ok(value.trim().parse()?))
}

/// Between two events of a Poisson process with so many a second.
fn interval(chance: &mut Chance, rate: f64) -> Duration {
    // 53 bits are what a fraction of f64 holds; never 0, whose logarithm is infinite.
    let fraction = ((chance.next() >> 11) + 1) as f64 / (1_u64 << 53) as f64;
    Duration::from_secs_f64(-fraction.ln() / rate)
}

/// One line of `name=value`, latencies in microseconds.
fn print_figures(latencies: &mut [Duration], seconds: Duration, unanswered: usize) {
    latencies.sort_unstable();
    let percentile = |share: f64| {
        let place = (latencies.len() as f64 * share) as usize;
        latencies.get(place).map_or(0, Duration::as_micros)
    };
    let answered = latencies.len() - unanswered;
    println!(
        "figures rate={:.0} p50={} p90={} p99={} p999={} unanswered={unanswered}",
        answered as f64 / seconds.as_secs_f64(),
        percentile(0.5),
        percentile(0.9),
        percentile(0.99),
        percentile(0.999),
    );
}
