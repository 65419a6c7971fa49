//! Visits, from the bytes of a request to those of its answer.

use std::hint::black_box;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};
use std::thread::Thread;

use axum::body::Body;
use http::{Request, StatusCode};
use terse_server::bench::Visits;
use terse_server::http::Service;
use terse_server::lifecycle::Tasks;
use terse_server::visits;

use crate::measured;
use crate::scene::{HEADERS, Scene, code};

const ANSWER_BYTES_MAX: usize = 1 << 10;

/// Links that this thread has at hand.
pub(crate) fn near(visits: usize) {
    let mut thread = ExpressThread::with_links(visits);
    for number in 0..visits {
        thread.answer(number);
    }
    for number in 0..visits {
        thread.answer_measured(number);
    }
}

/// Links in memory that this thread has not visited yet.
pub(crate) fn shared(visits: usize) {
    let mut thread = ExpressThread::with_links(visits + 1);
    // Begins the journal's first segment.
    thread.answer(visits);
    for number in 0..visits {
        thread.answer_measured(number);
    }
}

/// Codes that are known not to exist: the general path, which makes a problem of it.
pub(crate) fn unknown(visits: usize) {
    let scene = Scene::with_links(0);
    let service = Service::new(Arc::clone(&scene.app), Tasks::new());
    for number in 0..visits {
        scene.runtime.block_on(service.answer(request(number)));
    }
    for number in 0..visits {
        let response = done_measured(service.answer(request(number)));
        assert_eq!(response.status(), StatusCode::NOT_FOUND);
    }
}

/// Links that only the store has: what this thread does for it, not what the store's does.
pub(crate) fn first(visits: usize) {
    let scene = Scene::with_links(visits + 1);
    let last = code(visits);
    let before = visits::find(&scene.app, &last);
    scene.runtime.block_on(before).expect("the link is there");
    for number in 0..visits {
        let code = code(number);
        let found = done_measured(visits::find(&scene.app, &code));
        found.expect("the link is there");
    }
}

/// A thread that answers visits, the heads of one for each link, and room for an answer.
struct ExpressThread {
    visits: Visits,
    heads: Vec<String>,
    out: Vec<u8>,
    _scene: Scene,
}

impl ExpressThread {
    fn with_links(links: usize) -> Self {
        let scene = Scene::with_links(links);
        scene.remember(links);
        let heads = (0..links).map(|number| format!("GET /{} HTTP/1.1\r\n{HEADERS}\r\n", code(number)));
        Self {
            visits: Visits::new(Arc::clone(&scene.app)),
            heads: heads.collect(),
            out: Vec::with_capacity(ANSWER_BYTES_MAX),
            _scene: scene,
        }
    }

    fn answer(&mut self, number: usize) {
        self.out.clear();
        let is_answered = self.visits.answer(self.heads[number].as_bytes(), &mut self.out);
        assert!(is_answered, "the link is in memory");
    }

    fn answer_measured(&mut self, number: usize) {
        measured(|| self.answer(black_box(number)));
    }
}

fn request(number: usize) -> Request<Body> {
    let fields = HEADERS.lines().filter_map(|line| line.split_once(": "));
    let mut request = Request::get(format!("/{}", code(number)));
    for (name, value) in fields {
        request = request.header(name, value);
    }
    request.body(Body::empty()).expect("a browser's request")
}

/// Does what `future` does on this thread, measured; waits for other threads in between, unmeasured.
fn done_measured<F: Future>(future: F) -> F::Output {
    let mut future = pin!(future);
    let waker = Waker::from(Arc::new(Unpark(std::thread::current())));
    let mut context = Context::from_waker(&waker);
    loop {
        match measured(|| future.as_mut().poll(&mut context)) {
            Poll::Ready(output) => return output,
            Poll::Pending => std::thread::park(),
        }
    }
}

struct Unpark(Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}
