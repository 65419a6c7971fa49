use proptest::prelude::*;

use super::*;

fn encoded(click: &ClickRecord<'_>) -> Vec<u8> {
    let payload = Payload::of(click);
    let mut bytes = vec![0; payload.bytes()];
    payload.write_to(&mut bytes);
    bytes
}

fn click<'a>(referrer: Option<&'a [u8]>, user_agent: Option<&'a [u8]>) -> ClickRecord<'a> {
    ClickRecord {
        at: Timestamp::from_millis(1_700_000_000_123),
        link_id: LinkId::new(7).expect("positive"),
        owner: UserId::new(3).ok(),
        short_code: "brief",
        original_url: "https://example.com/ä",
        referrer,
        user_agent,
    }
}

fn decoded(click: &ClickRecord<'_>) -> Click {
    decode(&encoded(click)).expect("what was encoded decodes")
}

#[test]
fn a_click_reads_back_as_it_was() {
    let read = decoded(&click(Some(b"https://news.example/"), None));
    assert_eq!(
        read,
        Click {
            at: Timestamp::from_millis(1_700_000_000_123),
            link_id: LinkId::new(7).expect("positive"),
            owner: UserId::new(3).ok(),
            short_code: "brief".into(),
            original_url: "https://example.com/ä".into(),
            referrer: Some("https://news.example/".into()),
            user_agent: None,
        }
    );
}

#[test]
fn the_layout_is_the_documented_one() {
    let bytes = encoded(&click(Some(b"R"), Some(b"UA")));
    let fixed = [1, 0b111, 5, 0, 22, 0, 1, 0, 2, 0, 0, 0];
    assert_eq!(bytes[..12], fixed);
    assert_eq!(bytes[12..20], 1_700_000_000_123_i64.to_le_bytes());
    assert_eq!(bytes[20..28], 7_i64.to_le_bytes());
    assert_eq!(bytes[28..36], 3_i64.to_le_bytes());
    assert_eq!(&bytes[36..], "briefhttps://example.com/äRUA".as_bytes());
}

#[test]
fn an_empty_header_is_not_a_missing_one() {
    assert_eq!(decoded(&click(Some(b""), None)).referrer.as_deref(), Some(""));
    assert_eq!(decoded(&click(None, Some(b""))).referrer, None);
}

#[test]
fn headers_are_cut_between_characters_and_the_cut_ones_keep_the_limit() {
    let umlauts = "ä".repeat(USER_AGENT_BYTES_MAX);
    let odd = format!("a{umlauts}");
    let read = decoded(&click(None, Some(odd.as_bytes())))
        .user_agent
        .expect("it was given");
    assert_eq!(*read, format!("a{}", "ä".repeat(USER_AGENT_BYTES_MAX / 2 - 1)));

    let garbage = [0xff; 2 * REFERRER_BYTES_MAX];
    let read = decoded(&click(Some(&garbage), None))
        .referrer
        .expect("it was given");
    assert_eq!(*read, "\u{fffd}".repeat(REFERRER_BYTES_MAX / 3));

    let continuations = [0x80; 2 * USER_AGENT_BYTES_MAX];
    assert!(decoded(&click(None, Some(&continuations))).user_agent.is_some());
}

#[test]
fn nul_which_postgresql_cannot_keep_is_replaced() {
    let read = decoded(&click(None, Some(b"a\0b")));
    assert_eq!(read.user_agent.as_deref(), Some("a\u{fffd}b"));
}

#[test]
fn the_longest_click_has_the_longest_payload() {
    let long = "x".repeat(10_000);
    let longest = ClickRecord {
        short_code: &long,
        original_url: &long,
        ..click(Some(long.as_bytes()), Some(long.as_bytes()))
    };
    assert_eq!(encoded(&longest).len(), PAYLOAD_BYTES_MAX);
    assert_eq!(decoded(&longest).original_url.len(), TARGET_BYTES_MAX);
}

#[test]
fn payloads_of_other_programs_are_refused_with_their_reason() {
    let good = encoded(&click(None, None));
    let changed = |at: usize, to: u8| {
        let mut bytes = good.clone();
        bytes[at] = to;
        decode(&bytes).expect_err("it was changed")
    };
    assert_eq!(changed(0, 2), Undecodable::Version(2));
    assert_eq!(changed(1, 0x80), Undecodable::Flags(0x80));
    assert_eq!(changed(2, 4), Undecodable::Lengths);
    assert_eq!(changed(2, 200), Undecodable::Lengths);
    assert_eq!(changed(27, 0x80), Undecodable::Id);
    assert_eq!(changed(35, 0x80), Undecodable::Id);
    assert_eq!(decode(&good[..35]), Err(Undecodable::Lengths));
}

proptest! {
    #[test]
    fn any_click_within_the_limits_reads_back(
        (at, link_id, owner) in (any::<i64>(), 1..=i64::MAX, proptest::option::of(1..=i64::MAX)),
        short_code in "[A-Za-z0-9][A-Za-z0-9_-]{0,63}",
        original_url in "https?://[^\0]{0,200}",
        referrer in proptest::option::of("[^\0]{0,200}"),
        user_agent in proptest::option::of("[^\0]{0,100}"),
    ) {
        let read = decoded(&ClickRecord {
            at: Timestamp::from_millis(at),
            link_id: LinkId::new(link_id).expect("positive"),
            owner: owner.and_then(|owner| UserId::new(owner).ok()),
            short_code: &short_code,
            original_url: &original_url,
            referrer: referrer.as_deref().map(str::as_bytes),
            user_agent: user_agent.as_deref().map(str::as_bytes),
        });
        prop_assert_eq!(read.at.as_millis(), at);
        prop_assert_eq!(read.link_id.get(), link_id);
        prop_assert_eq!(read.owner.map(UserId::get), owner);
        prop_assert_eq!(&*read.short_code, short_code);
        prop_assert_eq!(&*read.original_url, original_url);
        prop_assert_eq!(read.referrer.as_deref(), referrer.as_deref());
        prop_assert_eq!(read.user_agent.as_deref(), user_agent.as_deref());
    }

    #[test]
    fn any_header_bytes_are_kept_within_their_limits(referrer: Vec<u8>, agent in proptest::collection::vec(any::<u8>(), 0..2000)) {
        let read = decoded(&click(Some(&referrer), Some(&agent)));
        prop_assert!(read.referrer.is_some_and(|text| text.len() <= REFERRER_BYTES_MAX));
        prop_assert!(read.user_agent.is_some_and(|text| text.len() <= USER_AGENT_BYTES_MAX));
    }

    #[test]
    fn arbitrary_bytes_never_panic(bytes: Vec<u8>, version_is_right: bool) {
        let mut bytes = bytes;
        if let (true, Some(first)) = (version_is_right, bytes.first_mut()) {
            *first = VERSION;
        }
        let _ = decode(&bytes);
    }
}
