use std::path::PathBuf;
use std::process::Command;

use proptest::prelude::*;

use super::*;

fn location_of(given: &str) -> Result<String, InvalidTarget> {
    given
        .parse::<TargetUrl>()
        .map(|target| target.location().to_owned())
}

#[test]
fn targets_are_sent_as_browsers_understand_them() {
    for (given, location) in [
        ("https://example.com/a?b=c#d", "https://example.com/a?b=c#d"),
        ("  https://example.com/ \n", "https://example.com/"),
        ("https://example.com", "https://example.com"),
        ("https://example.com?q=1", "https://example.com?q=1"),
        ("https://example.com#top", "https://example.com#top"),
        ("https://example.com/", "https://example.com/"),
        ("https://example.com/?q", "https://example.com/?q"),
        ("https://example.com/.", "https://example.com/"),
        ("HTTP://EXAMPLE.com:80/x", "http://example.com/x"),
        (
            "https://bücher.example/ä?ö#ü",
            "https://xn--bcher-kva.example/%C3%A4?%C3%B6#%C3%BC",
        ),
        ("http://0x7f.1/", "http://127.0.0.1/"),
        ("http://0177.0.0.1", "http://127.0.0.1"),
        ("http:///example.com\\a", "http://example.com/a"),
        ("http://example.com/a b", "http://example.com/a%20b"),
        ("http://[::1]:3000", "http://[::1]:3000"),
        ("http://example.com./", "http://example.com./"),
    ] {
        assert_eq!(location_of(given).as_deref(), Ok(location), "{given:?}");
        assert_eq!(
            given
                .parse::<TargetUrl>()
                .map(|t| t.original().to_owned())
                .as_deref(),
            Ok(given.trim())
        );
    }
}

#[test]
fn what_is_no_target_is_refused_with_its_reason() {
    use InvalidTarget::{Control, Credentials, Empty, Host, Scheme, TooLong};
    let too_long = format!("https://example.com/{}", "a".repeat(TARGET_BYTES_MAX));
    let too_long_encoded = format!("https://example.com/{}", "ä".repeat(TARGET_BYTES_MAX / 2 - 100));
    let long_label = format!("https://{}.com/", "a".repeat(64));
    let long_host = format!("https://{}com/", "a.".repeat(150));
    for (given, reason) in [
        ("", Empty),
        (" \t\n", Empty),
        ("example.com", Scheme),
        ("ftp://example.com", Scheme),
        ("file:///etc/passwd", Scheme),
        ("ws://example.com", Scheme),
        ("javascript:alert(1)", Scheme),
        ("JaVaScRiPt:alert(1)//http://", Scheme),
        ("java\tscript:alert(1)", Scheme),
        ("\u{1}javascript:alert(1)", Scheme),
        ("data:text/html,<script>", Scheme),
        ("//example.com", Scheme),
        ("http:/example.com", Scheme),
        ("http:example.com", Scheme),
        ("http:\\\\example.com", Scheme),
        ("ht\ntp://example.com", Scheme),
        ("http", Scheme),
        ("https://example.com/\r\nSet-Cookie: a=b", Control),
        ("https://exa\tmple.com/", Control),
        ("https://example.com/\0", Control),
        ("https://user@example.com/", Credentials),
        ("https://user:pw@example.com/", Credentials),
        ("https://example.com:x@evil.example/", Credentials),
        ("https://a..b/", Host),
        ("https://./", Host),
        (&long_label, Host),
        (&long_host, Host),
        (&too_long, TooLong),
        (&too_long_encoded, TooLong),
    ] {
        assert_eq!(location_of(given), Err(reason), "{given:?}");
    }
    for given in [
        "http://",
        "https://?x",
        "http://a b.com/",
        "http://example.com:99999/",
        "http://[::1",
        "http://xn--a/",
    ] {
        assert!(
            matches!(location_of(given), Err(InvalidTarget::Syntax(_))),
            "{given:?}"
        );
    }
}

#[test]
fn a_target_may_have_exactly_its_greatest_length() {
    let start = "https://example.com/";
    let longest = format!("{start}{}", "a".repeat(TARGET_BYTES_MAX - start.len()));
    assert_eq!(location_of(&longest), Ok(longest.clone()));
    assert_eq!(location_of(&format!("{longest}a")), Err(InvalidTarget::TooLong));
}

#[test]
fn host_and_port_are_those_that_a_browser_would_ask() {
    for (given, host, port) in [
        ("https://EXAMPLE.com/", "example.com", 443),
        ("http://Bücher.example:8080", "xn--bcher-kva.example", 8080),
        ("http://[0:0::1]/", "[::1]", 80),
    ] {
        let target: TargetUrl = given.parse().expect(given);
        assert_eq!((target.host(), target.port()), (host, port), "{given}");
    }
}

/// Web Platform Tests, as the `url` crate ships them: where the expected serialisation of an input can be a
/// target, ours is the same, or the input is refused; where a parser must fail, we refuse.
#[test]
fn every_web_platform_test_case_is_sent_as_expected_or_refused() {
    let data =
        std::fs::read_to_string(url_crate_dir().join("tests/urltestdata.json")).expect("shipped with url");
    let cases: Vec<serde_json::Value> = serde_json::from_str(&data).expect("a list of cases and comments");
    let (mut seen, mut accepted) = (0, 0);
    for case in cases.iter().filter(|case| case.is_object()) {
        seen += 1;
        let input = case["input"].as_str().expect("every case has an input");
        let Ok(target) = input.parse::<TargetUrl>() else {
            continue;
        };
        accepted += 1;
        let expected = case["href"]
            .as_str()
            .unwrap_or_else(|| panic!("{input:?} must not parse: {target:?}"));
        let full = if has_path_in(target.location()) {
            target.location().to_owned()
        } else {
            with_slash(target.location())
        };
        assert_eq!(full, expected, "{input:?}");
        assert!(
            expected.starts_with("http://") || expected.starts_with("https://"),
            "{input:?}"
        );
    }
    assert_eq!(seen, 819, "the corpus changed: look at it again");
    assert_eq!(
        accepted, 115,
        "the rules for targets changed: see which cases are new or gone"
    );
}

fn has_path_in(location: &str) -> bool {
    has_path(location.split_once("://").expect("absolute").1)
}

/// Undoes the one liberty that we take with the serialisation.
fn with_slash(location: &str) -> String {
    let authority_end = location.find(['?', '#']).unwrap_or(location.len());
    let (authority, rest) = location.split_at(authority_end);
    format!("{authority}/{rest}")
}

fn url_crate_dir() -> PathBuf {
    let output = Command::new(env!("CARGO"))
        .args(["metadata", "--format-version=1", "--locked"])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .expect("cargo built this test");
    let metadata: serde_json::Value = serde_json::from_slice(&output.stdout).expect("JSON");
    let packages = metadata["packages"].as_array().expect("a list");
    let url = packages
        .iter()
        .find(|package| package["name"] == "url")
        .expect("we depend on it");
    PathBuf::from(url["manifest_path"].as_str().expect("a path"))
        .parent()
        .expect("a file")
        .to_owned()
}

proptest! {
    #[test]
    fn ordinary_targets_are_sent_unchanged(given in "https?://[a-z]{1,20}\\.(com|org|example)(:80[0-9]{2})?(/[a-zA-Z0-9._~-]{1,10}){0,4}(\\?[a-z]=[0-9]{1,5})?") {
        prop_assume!(!given.contains("/.") );
        prop_assert_eq!(location_of(&given), Ok(given));
    }
}
