//! The database server goes away while terse serves, and comes back.

use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::{Arc, Mutex, PoisonError};

use super::{database, folder, serve};
use crate::server::Server;

/// What stands between terse and the database server, and can be shut: as if that one had ended.
struct Gate {
    port: u16,
    /// Both ends of every connection that was let through; `None` while nobody is.
    through: Arc<Mutex<Option<Vec<TcpStream>>>>,
}

impl Gate {
    /// An open gate before `server`, which is `HOST:PORT`.
    fn before(server: &str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let port = listener.local_addr().expect("bound").port();
        let through = Arc::new(Mutex::new(Some(Vec::new())));
        let (server, those) = (server.to_owned(), Arc::clone(&through));
        in_background(move || {
            for from in listener.incoming() {
                let from = from.expect("an open port");
                let mut through = those.lock().unwrap_or_else(PoisonError::into_inner);
                // Dropped when the gate is shut.
                if let Some(through) = &mut *through {
                    let to = TcpStream::connect(&server).expect("the server that the tests have");
                    for (from, to) in [(&from, &to), (&to, &from)] {
                        let (mut reads, mut writes) = (clone(from), clone(to));
                        // However it ends, the other direction ends as well.
                        in_background(move || {
                            let _ = std::io::copy(&mut reads, &mut writes);
                            let _ = writes.shutdown(Shutdown::Both);
                        });
                    }
                    through.extend([from, to]);
                }
            }
        });
        Self { port, through }
    }

    fn shut(&self) {
        let mut through = self.through.lock().unwrap_or_else(PoisonError::into_inner);
        for connection in through.take().into_iter().flatten() {
            // Fails for those that have ended already.
            let _ = connection.shutdown(Shutdown::Both);
        }
    }

    fn open(&self) {
        *self.through.lock().unwrap_or_else(PoisonError::into_inner) = Some(Vec::new());
    }
}

/// Ends when what it waits for does: with the test's process at the latest.
fn in_background(work: impl FnOnce() + Send + 'static) {
    drop(std::thread::Builder::new().spawn(work).expect("a thread"));
}

fn clone(stream: &TcpStream) -> TcpStream {
    stream.try_clone().expect("one more descriptor")
}

fn has_answered_from_stale_copies(server: &Server) -> bool {
    let metrics = server.whole_answer("GET", "/metrics", "");
    let mut lines = metrics.lines();
    lines.any(|line| {
        line.strip_prefix("terse_stale_answers_total ")
            .is_some_and(|count| count != "0")
    })
}

#[test]
fn known_links_redirect_without_the_database_and_their_clicks_are_there_once_it_is_back() {
    let (url, data) = (database(), folder());
    let (before_host, server_and_name) = url.rsplit_once('@').expect("a user");
    let (server, name) = server_and_name.split_once('/').expect("a database");
    let gate = Gate::before(server);
    let server = serve(
        &format!("{before_host}@127.0.0.1:{}/{name}", gate.port),
        data.path(),
    );
    assert_eq!(server.shorten("https://example.com", "abc").0, 201);
    assert_eq!(server.get("/abc").0, 302);
    gate.shut();
    // So long that it is not answered any more because it was read just now, but because there is nobody to ask.
    let mut visits = 1;
    while !has_answered_from_stale_copies(&server) {
        assert_eq!(server.get("/abc").0, 302);
        visits += 1;
    }
    let body = r#"{"url":"https://example.com","short_code":"new"}"#;
    let answer = server.whole_answer("POST", "/shorten", body);
    assert!(answer.starts_with("HTTP/1.1 503"), "{answer}");
    assert!(answer.contains("\r\nretry-after: "), "{answer}");
    assert_eq!(server.get("/unknown").0, 503);
    gate.open();
    assert_eq!(server.shorten("https://example.com", "new").0, 201);
    // The shipper's pause after a refusal may be longer than a reader waits.
    let mut count = 0;
    while count < visits {
        count = server.get("/urls/1").1["click_count"].as_u64().expect("a number");
    }
    assert_eq!(count, visits);
    assert_eq!(server.stop().code(), Some(0));
}
