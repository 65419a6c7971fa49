//! Targets that lead back to the service, in every spelling.

use http::{Method, StatusCode};
use proptest::prelude::*;
use proptest::test_runner::TestRunner;
use serde_json::json;

use crate::test_app::{TestApp, request};

const LEADS_BACK: &str = "URL must not lead back to this service";

/// What a request for a link to `target` is answered; the client calls the service `host`.
async fn shorten(app: &TestApp, host: &str, target: &str) -> (StatusCode, String) {
    let mut request = request(Method::POST, "/shorten")
        .header("content-type", "application/json")
        .body(json!({ "url": target }).to_string().into())
        .expect("a request");
    request
        .headers_mut()
        .insert("host", host.parse().expect("a value"));
    let answer = app.send(request).await;
    let problem: serde_json::Value = serde_json::from_str(&answer.text).expect("JSON");
    (answer.status, problem["error"].as_str().unwrap_or("").to_owned())
}

/// Asks for links to `hosts` on `port`: whether all of them are refused, or none.
async fn expect_refused(app: &TestApp, hosts: &[&str], port: u16, is_refused: bool) {
    for host in hosts {
        let target = format!("http://{host}:{port}/x");
        let (status, error) = shorten(app, "sho.rt", &target).await;
        if is_refused {
            assert_eq!(
                (status, &*error),
                (StatusCode::BAD_REQUEST, LEADS_BACK),
                "{target}"
            );
        } else {
            assert_eq!(status, StatusCode::CREATED, "{target}: {error}");
        }
    }
}

/// Spellings of a name: any case, percent-encoded, in full-width letters, with a final dot.
fn spelt(name: &'static str) -> impl Strategy<Value = String> {
    let letters = proptest::collection::vec(0..4_u8, name.len());
    (letters, any::<bool>()).prop_map(|(ways, has_dot)| {
        let letters = name.chars().zip(ways);
        let spelt: String = letters.map(|(letter, way)| spelt_letter(letter, way)).collect();
        spelt + if has_dot { "." } else { "" }
    })
}

fn spelt_letter(letter: char, way: u8) -> String {
    match way {
        1 => letter.to_ascii_uppercase().to_string(),
        2 => format!("%{:02x}", u32::from(letter)),
        3 if letter.is_ascii_alphanumeric() => {
            char::from_u32(u32::from(letter) + 0xfee0).map_or_else(String::new, String::from)
        }
        _ => letter.to_string(),
    }
}

/// Spellings of the addresses of this machine.
fn this_machine() -> impl Strategy<Value = String> {
    let loopback = (any::<u8>(), any::<u8>(), any::<u8>());
    prop_oneof![
        spelt("localhost"),
        spelt("terse.localhost"),
        loopback.prop_map(|(b, c, d)| format!("127.{b}.{c}.{d}")),
        loopback.prop_map(|(b, c, d)| format!("0x7f.{b:#o}.{c}.{d:#x}").replace("0o", "0")),
        loopback.prop_map(|(b, c, d)| u32::from_be_bytes([127, b, c, d]).to_string()),
        loopback.prop_map(|(b, c, d)| format!("[::FFFF:127.{b}.{c}.{d}]")),
        Just("127.1".to_owned()),
        Just("127.0.0.1.".to_owned()),
        Just("[::1]".to_owned()),
        Just("[0:0:0:0:0:0:0:1]".to_owned()),
        Just("[::ffff:7f00:1]".to_owned()),
        Just("0.0.0.0".to_owned()),
        Just("0".to_owned()),
        Just("[::]".to_owned()),
    ]
}

#[test]
fn an_own_address_is_refused_in_every_spelling_and_taken_on_another_port() {
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let set = |raw: &mut terse_server::config::RawConfig| raw.base_url = Some("https://go.example/s".into());
    let app = runtime.block_on(TestApp::with(set));
    let own = prop_oneof![
        (this_machine(), Just(":8000")),
        (spelt("sho.rt"), prop_oneof![Just(""), Just(":80"), Just(":443")]),
        (
            spelt("go.example"),
            prop_oneof![Just(""), Just(":80"), Just(":443")]
        ),
    ];
    let rest = ("[hH][tT][tT][pP][sS]?://", own, "(/[a-z]{0,5}(\\?[a-z]{0,3})?)?");
    let checked = TestRunner::default().run(&rest, |(scheme, (host, port), path)| {
        let target = format!("{scheme}{host}{port}{path}");
        let (status, error) = runtime.block_on(shorten(&app, "sho.rt", &target));
        prop_assert_eq!(
            (status, &*error),
            (StatusCode::BAD_REQUEST, LEADS_BACK),
            "{}",
            target
        );
        let target = format!("{scheme}{host}:3000{path}");
        let (status, error) = runtime.block_on(shorten(&app, "sho.rt", &target));
        prop_assert_eq!(status, StatusCode::CREATED, "{}: {}", target, error);
        Ok(())
    });
    runtime.block_on(async { drop(app) });
    checked.expect("all spellings mean the same");
}

#[tokio::test]
async fn only_who_listens_on_this_machine_is_reached_by_its_names() {
    let with = async |listen: &'static str| {
        TestApp::with(|raw| {
            raw.listen = Some(listen.into());
            raw.auth = Some("open".into());
        })
        .await
    };
    let (local, public) = (
        &["localhost", "127.8.9.1", "[::1]", "0.0.0.0"][..],
        &["192.0.2.1", "[::ffff:192.0.2.1]"][..],
    );
    for listen in ["127.0.0.1:8000", "[::1]:8000", "0.0.0.0:8000", "[::]:8000"] {
        let app = with(listen).await;
        expect_refused(&app, local, 8000, true).await;
        expect_refused(&app, local, 8001, false).await;
        expect_refused(&app, public, 8000, false).await;
    }
    let app = with("192.0.2.1:8000").await;
    expect_refused(&app, public, 8000, true).await;
    expect_refused(&app, local, 8000, false).await;
}

#[tokio::test]
async fn a_client_that_came_by_a_forwarded_port_cannot_link_to_it() {
    let app = TestApp::new().await;
    for (host, target, is_refused) in [
        ("localhost:9000", "http://localhost:9000/x", true),
        ("localhost:9000", "http://127.0.0.1:9000/x", true),
        ("localhost:9000", "http://localhost:3000/x", false),
        ("10.0.0.1:9000", "http://10.0.0.1:9000/x", true),
        ("10.0.0.1:9000", "http://localhost:9000/x", false),
        ("sho.rt", "https://example.com/localhost:8000", false),
        ("sho.rt", "http://localhost.example:8000/", false),
        ("sho.rt", "http://notlocalhost:8000/", false),
    ] {
        let (status, error) = shorten(&app, host, target).await;
        assert_eq!(
            status == StatusCode::BAD_REQUEST,
            is_refused,
            "{host} {target} {error}"
        );
    }
}

#[tokio::test]
async fn a_link_cannot_be_changed_to_lead_back_either() {
    let app = TestApp::new().await;
    app.shorten("https://example.com").await;
    let answer = app
        .patch("/urls/1", json!({ "original_url": "http://localhost:8000/x" }))
        .await;
    assert_eq!(answer.error(400), LEADS_BACK);
    let link = json!({ "original_url": "http://[::1]:8000/x" });
    assert_eq!(app.post("/urls", link).await.error(400), LEADS_BACK);
}
