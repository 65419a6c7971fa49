//! Users of a URL shortener, each on a connection of his own, who ask one thing after the other and pause in between.
//!
//! A closed loop: who waits for an answer asks nothing, as people do and as k6's virtual users do. What is measured is how long
//! they wait. One thread on the kernel's own event queue, which the standard library links but does not name.
//!
//! Built by `bench/users` with `rustc` alone, hence only the standard library.
//!
//! ```text
//! users ADDRESS SCENARIO USERS PAUSE_MS SECONDS [FILE_OF_CODES]
//! ```
//!
//! `original`: asks for the health, makes a link, follows it, pauses. `follow`: follows a random link of the file, pauses.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::error::Error;
use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

mod chance;

use chance::Chance;

mod queue {
    //! Linux's epoll.

    use std::io;
    use std::os::fd::RawFd;

    #[repr(C)]
    #[cfg_attr(target_arch = "x86_64", repr(packed))]
    #[derive(Clone, Copy, Default)]
    pub struct Event {
        events: u32,
        pub user: u64,
    }

    const READABLE: u32 = 1;
    const ADD: i32 = 1;

    unsafe extern "C" {
        fn epoll_create1(flags: i32) -> RawFd;
        fn epoll_ctl(queue: RawFd, operation: i32, file: RawFd, event: *mut Event) -> i32;
        fn epoll_wait(queue: RawFd, events: *mut Event, events_max: i32, timeout_ms: i32) -> i32;
    }

    pub struct Queue(RawFd);

    impl Queue {
        pub fn new() -> io::Result<Self> {
            // SAFETY: takes no pointer.
            let queue = unsafe { epoll_create1(0) };
            if queue < 0 { Err(io::Error::last_os_error()) } else { Ok(Self(queue)) }
        }

        pub fn add(&self, file: RawFd, user: usize) -> io::Result<()> {
            let mut event = Event { events: READABLE, user: user as u64 };
            // SAFETY: the kernel has read `event` when this returns.
            let outcome = unsafe { epoll_ctl(self.0, ADD, file, &mut event) };
            if outcome < 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
        }

        /// The users whose answers arrive, after `timeout_ms` none.
        pub fn wait<'a>(&self, events: &'a mut [Event], timeout_ms: i32) -> io::Result<&'a [Event]> {
            // SAFETY: the kernel writes `events.len()` events at most.
            let count = unsafe { epoll_wait(self.0, events.as_mut_ptr(), events.len() as i32, timeout_ms) };
            if count < 0 { Err(io::Error::last_os_error()) } else { Ok(&events[..count as usize]) }
        }
    }
}

/// Users arrive during this time, evenly, and for as long afterwards nothing is counted: connections are new and first requests slower.
const ARRIVING: Duration = Duration::from_secs(2);
/// Who has waited for so long gives up.
const PATIENCE: Duration = Duration::from_secs(30);
const HEADERS: &str = "Host: sho.rt\r\nUser-Agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) \
    Chrome/130.0.0.0 Safari/537.36\r\nAccept: */*\r\n";

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [address, scenario, users, pause_ms, seconds, rest @ ..] = arguments.as_slice() else {
        return Err("users ADDRESS SCENARIO USERS PAUSE_MS SECONDS [FILE_OF_CODES]".into());
    };
    let codes = rest.first().map(std::fs::read_to_string).transpose()?.unwrap_or_default();
    let mut load = Load {
        address: address.clone(),
        is_original: match scenario.as_str() {
            "original" => true,
            "follow" if !codes.is_empty() => false,
            _ => return Err("the scenario is `original`, or `follow` with a file of codes".into()),
        },
        pause: Duration::from_millis(pause_ms.parse()?),
        codes: codes.lines().collect(),
        chance: Chance::new(),
        queue: queue::Queue::new()?,
        users: Vec::new(),
        due: BinaryHeap::new(),
        figures: Figures::default(),
    };
    load.run(users.parse()?, Duration::from_secs(seconds.parse()?))
}

/// What a user asks for.
#[derive(Clone, Copy, PartialEq)]
enum Step {
    Health,
    Shorten,
    Follow,
}

struct User {
    /// `None` before the first request, and after an error.
    stream: Option<TcpStream>,
    step: Step,
    /// The link that he has made.
    code: String,
    asked_at: Instant,
    is_waiting: bool,
    received: Vec<u8>,
}

#[derive(Default)]
struct Figures {
    latencies: Vec<Duration>,
    errors: u64,
    first_error: Option<String>,
    connections: u64,
    /// All answers, also those of the time that is not measured.
    total: u64,
}

struct Load<'a> {
    address: String,
    is_original: bool,
    pause: Duration,
    codes: Vec<&'a str>,
    chance: Chance,
    queue: queue::Queue,
    users: Vec<User>,
    /// When who asks next.
    due: BinaryHeap<Reverse<(Instant, usize)>>,
    figures: Figures,
}

impl Load<'_> {
    fn run(&mut self, users: usize, length: Duration) -> Result<(), Box<dyn Error>> {
        let start = Instant::now();
        let (counted_from, end) = (start + 2 * ARRIVING, start + 2 * ARRIVING + length);
        for user in 0..users {
            let arrives_at = start + ARRIVING.mul_f64(user as f64 / users as f64);
            self.due.push(Reverse((arrives_at, user)));
            self.users.push(User {
                stream: None,
                step: if self.is_original { Step::Health } else { Step::Follow },
                code: String::new(),
                asked_at: arrives_at,
                is_waiting: false,
                received: Vec::new(),
            });
        }
        let mut events = vec![queue::Event::default(); 1024];
        let mut looked_at = start;
        loop {
            let now = Instant::now();
            if now >= end {
                break;
            }
            while let Some(&Reverse((at, user))) = self.due.peek() {
                if at > now {
                    break;
                }
                self.due.pop();
                self.ask(user);
            }
            let next = self.due.peek().map_or(end, |&Reverse((at, _))| at.min(end));
            let timeout = next.saturating_duration_since(Instant::now()).as_millis() as i32;
            let arrived: Vec<_> = self.queue.wait(&mut events, timeout)?.iter().map(|event| event.user as usize).collect();
            for user in arrived {
                self.hear(user, counted_from);
            }
            if now - looked_at >= Duration::from_secs(1) {
                looked_at = now;
                self.give_up(now);
            }
        }
        self.figures.print(length);
        Ok(())
    }

    fn ask(&mut self, index: usize) {
        let code = match self.users[index].step {
            Step::Follow if !self.is_original => self.codes[self.chance.below(self.codes.len())].to_owned(),
            _ => self.users[index].code.clone(),
        };
        let number = self.chance.next();
        let user = &mut self.users[index];
        let request = match user.step {
            Step::Health => format!("GET /health HTTP/1.1\r\n{HEADERS}\r\n"),
            Step::Follow => format!("GET /{code} HTTP/1.1\r\n{HEADERS}\r\n"),
            Step::Shorten => {
                let body = format!("{{\"url\":\"https://example.com/articles/{number:x}\"}}");
                let length = body.len();
                format!("POST /shorten HTTP/1.1\r\n{HEADERS}Content-Type: application/json\r\nContent-Length: {length}\r\n\r\n{body}")
            }
        };
        user.received.clear();
        user.is_waiting = true;
        user.asked_at = Instant::now();
        let sent = self.connect(index).and_then(|mut stream| Ok(stream.write_all(request.as_bytes())?));
        if let Err(error) = sent {
            self.fail(index, error.to_string());
        }
    }

    /// The user's connection, a new one if he has none.
    fn connect(&mut self, index: usize) -> Result<&TcpStream, Box<dyn Error>> {
        let user = &mut self.users[index];
        if user.stream.is_none() {
            use std::os::fd::AsRawFd;
            let stream = TcpStream::connect(&self.address)?;
            stream.set_nodelay(true)?;
            stream.set_nonblocking(true)?;
            self.queue.add(stream.as_raw_fd(), index)?;
            self.figures.connections += 1;
            user.stream = Some(stream);
        }
        user.stream.as_ref().ok_or_else(|| "just made".into())
    }

    fn hear(&mut self, index: usize, counted_from: Instant) {
        let user = &mut self.users[index];
        let Some(stream) = user.stream.as_mut() else { return };
        let mut buffer = [0; 16384];
        match stream.read(&mut buffer) {
            // The server may close a connection between two requests.
            Ok(0) if !user.is_waiting => user.stream = None,
            Ok(0) => self.fail(index, "the server closed a connection".into()),
            Ok(length) => {
                user.received.extend_from_slice(&buffer[..length]);
                match answer(&user.received) {
                    Ok(Some(answer)) => self.take(index, &answer, counted_from),
                    Ok(None) => {}
                    Err(error) => self.fail(index, error.to_string()),
                }
            }
            Err(error) if error.kind() == ErrorKind::WouldBlock => {}
            Err(_) if !user.is_waiting => user.stream = None,
            Err(error) => self.fail(index, error.to_string()),
        }
    }

    fn take(&mut self, index: usize, answer: &Answer, counted_from: Instant) {
        let user = &mut self.users[index];
        let (expected, next) = match user.step {
            Step::Health => (200, Step::Shorten),
            Step::Shorten => (201, Step::Follow),
            Step::Follow if self.is_original => (302, Step::Health),
            Step::Follow => (302, Step::Follow),
        };
        if answer.status != expected {
            return self.fail(index, format!("answered {}: {}", answer.status, answer.body));
        }
        if user.step == Step::Shorten {
            user.code = member(&answer.body, "short_code").unwrap_or_default().to_owned();
        }
        user.is_waiting = false;
        if answer.is_last {
            user.stream = None;
        }
        self.figures.total += 1;
        if user.asked_at >= counted_from {
            self.figures.latencies.push(user.asked_at.elapsed());
        }
        let pause = if user.step == Step::Follow { self.pause } else { Duration::ZERO };
        user.step = next;
        self.due.push(Reverse((Instant::now() + pause, index)));
    }

    /// Counts an error, also one of the time that is not measured. The user begins anew after a second.
    fn fail(&mut self, index: usize, why: String) {
        self.figures.errors += 1;
        self.figures.first_error.get_or_insert(why);
        let user = &mut self.users[index];
        user.stream = None;
        user.is_waiting = false;
        user.step = if self.is_original { Step::Health } else { Step::Follow };
        self.due.push(Reverse((Instant::now() + Duration::from_secs(1), index)));
    }

    fn give_up(&mut self, now: Instant) {
        for index in 0..self.users.len() {
            let user = &self.users[index];
            if user.is_waiting && now.saturating_duration_since(user.asked_at) > PATIENCE {
                self.fail(index, format!("no answer within {} s", PATIENCE.as_secs()));
            }
        }
    }
}

struct Answer {
    status: u16,
    body: String,
    /// The connection ends with it.
    is_last: bool,
}

/// The answer that `received` holds, if all of it is there. Of more than one request at a time there are none.
fn answer(received: &[u8]) -> Result<Option<Answer>, Box<dyn Error>> {
    let Some(end) = received.windows(4).position(|window| window == b"\r\n\r\n") else {
        return Ok(None);
    };
    let head = std::str::from_utf8(&received[..end])?;
    let status = head.get(9..12).ok_or("no status")?.parse()?;
    let field = |name: &str| {
        let fields = head.lines().filter_map(|line| line.split_once(':'));
        let mut found = fields.filter(|(field, _)| field.eq_ignore_ascii_case(name));
        found.next().map(|(_, value)| value.trim().to_ascii_lowercase())
    };
    let is_last = field("connection").as_deref() == Some("close");
    let body = &received[end + 4..];
    let body = match field("content-length") {
        Some(length) if body.len() < length.parse()? => return Ok(None),
        Some(_) => String::from_utf8_lossy(body).into_owned(),
        // Chunked: only whether it is whole is of interest.
        None if body.ends_with(b"0\r\n\r\n") => String::from_utf8_lossy(body).into_owned(),
        None => return Ok(None),
    };
    Ok(Some(Answer { status, body, is_last }))
}

/// The text that the JSON object `object` has under `name`, if nothing in it is escaped.
fn member<'a>(object: &'a str, name: &str) -> Option<&'a str> {
    let (_, after) = object.split_once(&format!("\"{name}\":\""))?;
    after.split('"').next()
}

impl Figures {
    /// One line of `name=value`, latencies in microseconds; then the first error, if any.
    fn print(&mut self, length: Duration) {
        self.latencies.sort_unstable();
        let percentile = |share: f64| {
            let place = (self.latencies.len() as f64 * share) as usize;
            self.latencies.get(place).map_or(0, Duration::as_micros)
        };
        println!(
            "figures requests={} rate={:.0} errors={} p50={} p95={} p99={} max={} connections={} total={}",
            self.latencies.len(),
            self.latencies.len() as f64 / length.as_secs_f64(),
            self.errors,
            percentile(0.5),
            percentile(0.95),
            percentile(0.99),
            self.latencies.last().map_or(0, Duration::as_micros),
            self.connections,
            self.total,
        );
        if let Some(error) = &self.first_error {
            println!("first error: {}", error.trim());
        }
    }
}
