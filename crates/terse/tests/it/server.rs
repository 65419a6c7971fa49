//! The built program serving on a scratch directory.

use std::ffi::OsString;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

/// A server; killed when it is dropped.
pub(crate) struct Server {
    child: Child,
    /// The one line that it printed.
    pub(crate) line: String,
    /// `127.0.0.1:PORT`.
    pub(crate) address: String,
}

/// The program, with nothing of the developer's own settings.
#[expect(
    clippy::disallowed_methods,
    reason = "what is not looked at cannot be taken away"
)]
pub(crate) fn terse() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_terse"));
    for (name, _) in std::env::vars_os() {
        let text = name.to_string_lossy();
        if text.starts_with("TERSE_") || ["PORT", "DATABASE_URL", "REDIS_URL"].contains(&&*text) {
            command.env_remove(&name);
        }
    }
    command
}

/// What makes the program serve `data_dir` on a free port.
pub(crate) fn serve_arguments(data_dir: &Path) -> Vec<OsString> {
    let mut arguments: Vec<OsString> = ["serve", "--listen", "127.0.0.1:0", "--log", "warn", "--data-dir"]
        .map(OsString::from)
        .into();
    arguments.push(data_dir.into());
    arguments
}

/// `wrapper`, which is to become the program, serving `data_dir`.
pub(crate) fn serve_within(mut wrapper: Command, data_dir: &Path) -> Command {
    let terse = terse();
    wrapper
        .arg("--")
        .arg(terse.get_program())
        .args(serve_arguments(data_dir));
    for (name, value) in terse.get_envs() {
        assert!(value.is_none(), "a variable is taken away, none is added");
        wrapper.env_remove(name);
    }
    wrapper
}

impl Server {
    /// Serves `data_dir` on a free port.
    pub(crate) fn start(data_dir: &Path) -> Self {
        Self::start_with(data_dir, &[])
    }

    pub(crate) fn start_with(data_dir: &Path, arguments: &[&str]) -> Self {
        let mut command = terse();
        command.args(serve_arguments(data_dir)).args(arguments);
        Self::spawn(&mut command).expect("a server that starts says where it is")
    }

    /// Starts `command`, which is to serve on a free port. `None` when it ends before it says where it is.
    pub(crate) fn spawn(command: &mut Command) -> Option<Self> {
        let mut child = command
            .stdout(Stdio::piped())
            .spawn()
            .unwrap_or_else(|error| panic!("{}: {error}", command.get_program().display()));
        let mut line = String::new();
        let stdout = child.stdout.as_mut().expect("piped");
        BufReader::new(stdout)
            .read_line(&mut line)
            .expect("a line of text");
        let Some((_, after)) = line.split_once("http://") else {
            child.wait().expect("the process is ours");
            return None;
        };
        let address = after
            .split([',', ' ', '\n'])
            .next()
            .expect("something")
            .to_owned();
        Some(Self { child, line, address })
    }

    /// A request with a fresh connection: status, and body if it is JSON.
    pub(crate) fn request(&self, method: &str, path: &str, body: &str) -> (u16, Value) {
        let answer = self.whole_answer(method, path, body);
        let (head, body) = answer
            .split_once("\r\n\r\n")
            .unwrap_or_else(|| panic!("no answer: {answer:?}"));
        let status = head
            .split(' ')
            .nth(1)
            .and_then(|status| status.parse().ok())
            .expect("a status");
        (status, serde_json::from_str(body).unwrap_or(Value::Null))
    }

    /// As [`Server::request`]: head and body.
    pub(crate) fn whole_answer(&self, method: &str, path: &str, body: &str) -> String {
        let head = format!(
            "{method} {path} HTTP/1.1\r\nhost: {}\r\ncontent-type: application/json\r\ncontent-length: {}\r\nconnection: close\r\n\r\n",
            self.address,
            body.len()
        );
        let mut connection = self.connect();
        connection
            .write_all((head + body).as_bytes())
            .expect("the server reads");
        let mut answer = String::new();
        connection
            .read_to_string(&mut answer)
            .expect("the server answers in text");
        answer
    }

    pub(crate) fn get(&self, path: &str) -> (u16, Value) {
        self.request("GET", path, "")
    }

    pub(crate) fn shorten(&self, url: &str, code: &str) -> (u16, Value) {
        let body = serde_json::json!({ "url": url, "short_code": code }).to_string();
        self.request("POST", "/shorten", &body)
    }

    pub(crate) fn connect(&self) -> TcpStream {
        let connection = TcpStream::connect(&self.address).expect("the server listens");
        connection
            .set_read_timeout(Some(std::time::Duration::from_secs(30)))
            .expect("a time-out");
        connection
    }

    /// Sends `requests` on one connection, and reads as many answers, whatever they are, while it sends.
    pub(crate) fn converse(&self, requests: &str, answers: usize) -> String {
        let mut connection = self.connect();
        let mut sending = connection.try_clone().expect("a second handle");
        std::thread::scope(|scope| {
            scope.spawn(move || sending.write_all(requests.as_bytes()).expect("the server reads"));
            let (mut all, mut buffer) = (String::new(), [0; 4096]);
            while all.matches("\r\n\r\n").count() < answers {
                let read = connection.read(&mut buffer).expect("the server answers");
                assert!(read > 0, "{all}");
                all.push_str(&String::from_utf8_lossy(&buffer[..read]));
            }
            all
        })
    }

    /// How much memory it has at hand.
    pub(crate) fn memory_kib(&self) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).expect("Linux");
        let resident = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        let words = resident.expect("every process has some").split_whitespace();
        words.take(1).collect::<String>().parse().expect("a number")
    }

    pub(crate) fn signal(&self, signal: Signal) {
        let pid = Pid::from_child(&self.child);
        kill_process(pid, signal).expect("the server is there");
    }

    /// Waits for the end.
    pub(crate) fn wait(mut self) -> ExitStatus {
        self.child.wait().expect("the server is ours")
    }

    /// `kill -9`, and waits until it is dead.
    pub(crate) fn kill(self) {
        self.signal(Signal::KILL);
        self.wait();
    }

    /// SIGTERM, and waits until it has drained.
    pub(crate) fn stop(self) -> ExitStatus {
        self.signal(Signal::TERM);
        self.wait()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // Fails when the server has ended already, which is as good.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The top folder of the repository.
pub(crate) fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}
