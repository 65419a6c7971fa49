use std::io::{Read, Write};
use std::sync::Arc;
use std::time::Duration;

use terse_core::ManualClock;

use super::*;
use crate::error::Error;
use crate::http::tests::{Scene, clock, connection, place};

/// The answers to a visit that was looked up in vain, from the beginning of the clock's time on, and to `GET {path}`.
async fn answers_after_failure(scene: &Scene, path: &str) -> String {
    let (server, mut client) = connection();
    let server = TcpStream::from_std(server).expect("a socket");
    let visit = "GET /abc HTTP/1.1\r\nhost: x\r\n\r\n";
    let last = format!("GET {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n");
    client.write_all(last.as_bytes()).expect("there is room");
    let failure = Some(Failure {
        error: Error::Internal("the link is damaged".into()),
        arrived_at: Duration::ZERO,
    });
    let (service, place) = (scene.service.clone(), place().await);
    serve(server, visit.into(), service, &scene.tasks, place, failure).await;
    let mut answers = String::new();
    client.read_to_string(&mut answers).expect("text");
    answers
}

#[tokio::test]
async fn a_look_up_in_vain_is_the_answer_to_the_first_request_and_asked_for_no_more() {
    let scene = Scene::at(clock()).await;
    let answers = answers_after_failure(&scene, "/abc").await;
    let (first, second) = answers.split_once("HTTP/1.1 302 Found").expect("two answers");
    assert!(first.starts_with("HTTP/1.1 500 "), "{first}");
    assert!(second.contains("connection: close"), "{second}");
}

#[tokio::test]
async fn a_visit_that_was_looked_up_in_vain_took_as_long_as_its_visitor_waited() {
    let clock = clock();
    let scene = Scene::at(Arc::<ManualClock>::clone(&clock)).await;
    clock.advance(Duration::from_secs(3));
    let answers = answers_after_failure(&scene, "/metrics").await;
    for line in [
        "terse_redirects_total{outcome=\"error\"} 1\n",
        "terse_redirect_duration_seconds_sum 3.0\n",
    ] {
        assert!(answers.contains(line), "{line} is not in {answers}");
    }
}
