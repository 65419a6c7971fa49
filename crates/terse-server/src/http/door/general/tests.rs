use std::io::{Read, Write};

use super::*;
use crate::http::tests::{Scene, clock, connection, place};

#[tokio::test]
async fn a_look_up_in_vain_is_the_answer_to_the_first_request_and_asked_for_no_more() {
    let scene = Scene::at(clock()).await;
    let (server, mut client) = connection();
    let server = TcpStream::from_std(server).expect("a socket");
    let visit = "GET /abc HTTP/1.1\r\nhost: x\r\n\r\n";
    let last = "GET /abc HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n";
    client.write_all(last.as_bytes()).expect("there is room");
    let failure = Some(Error::Internal("the link is damaged".into()));
    let place = place().await;
    serve(
        server,
        visit.into(),
        scene.service.clone(),
        &scene.tasks,
        place,
        failure,
    )
    .await;
    let mut answers = String::new();
    client.read_to_string(&mut answers).expect("text");
    let (first, second) = answers.split_once("HTTP/1.1 302 Found").expect("two answers");
    assert!(first.starts_with("HTTP/1.1 500 "), "{first}");
    assert!(second.contains("connection: close"), "{second}");
}
