//! Clients that let the door wait. Time is the test's: the service's clock is set, and the runtime's stands still until
//! nothing else is left to do.

use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use terse_server::http::door::{self, DoorOptions, HEADER_WITHIN, PerAddress};
use terse_server::lifecycle::Tasks;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::{pause, resume, sleep};

use crate::test_app::TestApp;

const SECOND: Duration = Duration::from_secs(1);
/// As `JSON_WITHIN` and `UPLOAD_WITHIN` of the server say.
const JSON_WITHIN: Duration = Duration::from_secs(20);
const UPLOAD_WITHIN: Duration = Duration::from_mins(5);

/// A service behind a door with an express lane.
struct Door {
    app: TestApp,
    address: SocketAddr,
}

impl Door {
    async fn open() -> Self {
        let app = TestApp::new().await;
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await;
        let listener = listener.expect("a free port");
        let address = listener.local_addr().expect("bound");
        let (service, tasks) = (app.service(), Tasks::new());
        let of_connections = tasks.clone();
        tasks.spawn(async move { door::accept(listener, service, options(), &of_connections).await });
        Self { app, address }
    }

    async fn client(&self) -> Client {
        let connected = TcpStream::connect(self.address).await;
        Client(connected.expect("the door is open"))
    }

    /// A client whose connection has left the express lane, as it does for requests that are no visits.
    async fn general_client(&self) -> Client {
        let mut client = self.client().await;
        client.send("GET /livez HTTP/1.1\r\nhost: x\r\n\r\n").await;
        assert_eq!(client.answer().await, "HTTP/1.1 200");
        client
    }
}

fn options() -> DoorOptions {
    let per_address = PerAddress {
        max: 10,
        counts_loopback: false,
    };
    DoorOptions {
        connections_max: 10,
        per_address,
        express_threads: 1,
    }
}

struct Client(TcpStream);

impl Client {
    async fn send(&mut self, text: &str) {
        self.0.write_all(text.as_bytes()).await.expect("the server reads");
    }

    /// The next answer, read to its end: how it begins.
    async fn answer(&mut self) -> String {
        let mut answer = Vec::new();
        while !answer.ends_with(b"\r\n\r\n") {
            answer.push(self.0.read_u8().await.expect("an answer"));
        }
        let head = String::from_utf8(answer).expect("text");
        let length = head
            .split("content-length: ")
            .nth(1)
            .and_then(|rest| rest.split('\r').next());
        let mut body = vec![0; length.expect("a length").parse().expect("a number")];
        self.0.read_exact(&mut body).await.expect("a body");
        head.chars().take("HTTP/1.1 200".len()).collect()
    }

    /// Whether nothing is said for so long.
    async fn hears_nothing_for(&mut self, duration: Duration) -> bool {
        let mut byte = [0];
        tokio::select! {
            biased;
            _ = self.0.peek(&mut byte) => false,
            () = sleep(duration) => true,
        }
    }

    /// What the server says until it closes the connection.
    async fn rest(&mut self) -> String {
        let mut rest = String::new();
        self.0.read_to_string(&mut rest).await.expect("the server closes");
        rest
    }
}

#[tokio::test]
async fn an_idle_connection_of_the_express_lane_is_closed() {
    let door = Door::open().await;
    let code = door.app.shorten("https://a.example").await;
    let visit = format!("GET /{code} HTTP/1.1\r\nhost: x\r\n\r\n");
    let mut client = door.client().await;
    for _ in 0..3 {
        client.send(&visit).await;
        assert_eq!(client.answer().await, "HTTP/1.1 302");
        door.app.clock.advance(HEADER_WITHIN.saturating_sub(SECOND));
    }
    door.app.clock.advance(2 * SECOND);
    assert_eq!(client.rest().await, "");
}

#[tokio::test]
async fn an_idle_connection_of_the_general_server_is_closed() {
    let door = Door::open().await;
    let mut client = door.general_client().await;
    pause();
    assert!(
        client
            .hears_nothing_for(HEADER_WITHIN.saturating_sub(SECOND))
            .await
    );
    assert!(!client.hears_nothing_for(2 * SECOND).await);
    assert_eq!(client.rest().await, "");
}

#[tokio::test]
async fn a_head_that_comes_byte_by_byte_has_no_more_time_than_another() {
    let door = Door::open().await;
    let mut client = door.general_client().await;
    pause();
    let mut seconds = 0;
    for byte in "GET /livez HTTP/1.1\r\nhost: x\r\n".bytes() {
        if !client.hears_nothing_for(SECOND).await {
            break;
        }
        seconds += 1;
        // Too late, perhaps: the next look at the connection says so.
        let _ = client.0.write_all(&[byte]).await;
    }
    assert!((14..=16).contains(&seconds), "{seconds} s");
}

#[tokio::test]
async fn a_head_that_stops_in_the_express_lane_has_no_more_time_than_another() {
    let door = Door::open().await;
    let mut client = door.client().await;
    client.send("GET /livez HT").await;
    // Once it is hyper's, the runtime's time is the one that counts; the lane's stands still.
    pause();
    assert_eq!(client.rest().await, "");
}

#[tokio::test]
async fn a_body_that_does_not_come_is_waited_for_only_so_long() {
    let door = Door::open().await;
    for (path, content_type, within) in [
        ("/shorten", "application/json", JSON_WITHIN),
        ("/users/bulk", "multipart/form-data; boundary=b", UPLOAD_WITHIN),
    ] {
        for (framing, begun) in [
            ("content-length: 20", ""),
            ("content-length: 20", "{\"url\":"),
            ("transfer-encoding: chunked", ""),
            ("transfer-encoding: chunked", "7\r\n{\"url\":\r\n"),
        ] {
            let mut client = door.general_client().await;
            pause();
            let head = format!(
                "POST {path} HTTP/1.1\r\nhost: x\r\ncontent-type: {content_type}\r\n{framing}\r\n\r\n{begun}"
            );
            client.send(&head).await;
            assert!(
                client.hears_nothing_for(within.saturating_sub(SECOND)).await,
                "{head}"
            );
            assert!(!client.hears_nothing_for(2 * SECOND).await, "{head}");
            assert_eq!(client.answer().await, "HTTP/1.1 408", "{head}");
            assert_eq!(client.rest().await, "", "{head}");
            resume();
        }
    }
}
