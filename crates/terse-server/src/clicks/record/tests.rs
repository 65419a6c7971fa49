use proptest::prelude::*;

use super::*;

const BOTS: [Option<BotReason>; 5] = [
    None,
    Some(BotReason::Head),
    Some(BotReason::Prefetch),
    Some(BotReason::Preview),
    Some(BotReason::Crawler),
];

fn encoded(click: &ClickRecord<'_>) -> Vec<u8> {
    written(&Payload::of(click))
}

fn written(payload: &Payload<'_>) -> Vec<u8> {
    let mut bytes = vec![0; payload.bytes()];
    payload.write_to(&mut bytes);
    bytes
}

fn click<'a>(referrer: Option<&'a [u8]>, user_agent: Option<&'a [u8]>) -> ClickRecord<'a> {
    ClickRecord {
        at: Timestamp::from_millis(1_700_000_000_123),
        link_id: LinkId::new(7).expect("positive"),
        version: 4,
        owner: UserId::new(3).ok(),
        short_code: b"brief",
        original_url: "https://example.com/ä".as_bytes(),
        referrer,
        user_agent,
        bot: None,
    }
}

/// What `check` makes of `click`, written and read. Its texts stand in it.
fn decoded<T>(click: &ClickRecord<'_>, check: impl FnOnce(ClickRecord<'_>) -> T) -> T {
    let bytes = encoded(click);
    let read = decode(&bytes).expect("what was encoded decodes");
    check(ClickRecord {
        at: read.at,
        link_id: read.link_id,
        version: read.version,
        owner: read.owner,
        short_code: read.short_code,
        original_url: read.original_url,
        referrer: read.referrer.map(here),
        user_agent: read.user_agent.map(here),
        bot: read.bot,
    })
}

fn here(text: Text<'_>) -> &[u8] {
    match text {
        Text::Here(text) => text,
        Text::In(offset) => panic!("it should not stand at {offset}"),
    }
}

#[test]
fn a_click_reads_back_as_it_was() {
    for bot in BOTS {
        let click = ClickRecord {
            bot,
            ..click(Some(b"https://news.example/"), None)
        };
        decoded(&click, |read| assert_eq!(read, click));
    }
}

#[test]
fn the_layout_is_the_documented_one() {
    let bytes = encoded(&click(Some(b"R"), Some(b"UA")));
    let fixed = [3, 0b111, 5, 0, 22, 0, 1, 0, 2, 0, 0, 0];
    assert_eq!(bytes[..12], fixed);
    assert_eq!(bytes[12..20], 1_700_000_000_123_i64.to_le_bytes());
    assert_eq!(bytes[20..28], 7_i64.to_le_bytes());
    assert_eq!(bytes[28..36], 3_i64.to_le_bytes());
    assert_eq!(bytes[36..44], 4_i64.to_le_bytes());
    assert_eq!(&bytes[44..], "briefhttps://example.com/äRUA".as_bytes());
}

#[test]
fn a_text_that_stands_elsewhere_is_four_bytes_in_its_place() {
    let click = click(Some(b"https://news.example/"), Some(b"UA"));
    let mut payload = Payload::of(&click);
    payload.refer(Role::Referrer, 64);
    assert_eq!(payload.offset_of(Role::UserAgent), payload.bytes() - 2);
    let mut both = payload.clone();
    both.refer(Role::UserAgent, 4096);
    for (payload, references, texts) in [
        (payload, 1, (Text::In(64), Text::Here(b"UA"))),
        (both, 3, (Text::In(64), Text::In(4096))),
    ] {
        let bytes = written(&payload);
        assert_eq!((bytes[3], bytes[6]), (references, 4));
        let read = decode(&bytes).expect("a payload");
        assert_eq!((read.referrer, read.user_agent), (Some(texts.0), Some(texts.1)));
        assert_eq!(
            (read.short_code, read.original_url),
            (click.short_code, click.original_url)
        );
    }
}

#[test]
fn what_was_written_before_there_were_references_is_read() {
    let mut bytes = encoded(&click(Some(b"R"), Some(b"UA")));
    bytes[0] = 2;
    let user_agent = decode(&bytes).map(|click| click.user_agent);
    assert_eq!(user_agent, Ok(Some(Text::Here(b"UA"))));
}

#[test]
fn a_reference_of_another_length_is_refused() {
    let mut bytes = encoded(&click(None, Some(b"UAs")));
    bytes[3] = 2;
    assert_eq!(decode(&bytes), Err(Undecodable::Lengths));
}

#[test]
fn each_reason_has_its_documented_flag_and_of_two_the_first_counts() {
    let mut bytes = encoded(&click(None, None));
    for (flags, bot) in [1, 9, 17, 33, 65].into_iter().zip(BOTS) {
        assert_eq!(
            encoded(&ClickRecord {
                bot,
                ..click(None, None)
            })[1],
            flags
        );
        bytes[1] = flags;
        assert_eq!(decode(&bytes).map(|click| click.bot), Ok(bot));
    }
    bytes[1] = 0b0111_1001;
    assert_eq!(decode(&bytes).map(|click| click.bot), Ok(Some(BotReason::Head)));
}

#[test]
fn an_empty_header_is_not_a_missing_one() {
    decoded(&click(Some(b""), None), |read| {
        assert_eq!(read.referrer, Some(&b""[..]));
    });
    decoded(&click(None, Some(b"")), |read| assert_eq!(read.referrer, None));
}

#[test]
fn headers_are_cut_between_characters() {
    let odd = format!("a{}", "ä".repeat(USER_AGENT_BYTES_MAX));
    let cut = format!("a{}", "ä".repeat(USER_AGENT_BYTES_MAX / 2 - 1));
    decoded(&click(None, Some(odd.as_bytes())), |read| {
        assert_eq!(read.user_agent, Some(cut.as_bytes()));
    });
    let continuations = [0x80; 2 * USER_AGENT_BYTES_MAX];
    decoded(&click(None, Some(&continuations)), |read| {
        assert!(read.user_agent.is_some());
    });
}

#[test]
fn a_text_that_is_made_readable_keeps_its_limit() {
    let garbage = [0xff; REFERRER_BYTES_MAX];
    let replaced = "\u{fffd}".repeat(REFERRER_BYTES_MAX / 3);
    assert_eq!(text(&garbage, REFERRER_BYTES_MAX), replaced);
}

#[test]
fn nul_which_postgresql_cannot_keep_is_replaced() {
    assert_eq!(text(b"a\0b", 10), "a\u{fffd}b");
}

#[test]
fn the_longest_click_has_the_longest_payload() {
    let long = [b'x'; 10_000];
    let longest = ClickRecord {
        short_code: &long,
        original_url: &long,
        ..click(Some(&long), Some(&long))
    };
    assert_eq!(encoded(&longest).len(), PAYLOAD_BYTES_MAX);
    decoded(&longest, |read| {
        assert_eq!(read.original_url.len(), TARGET_BYTES_MAX);
    });
}

#[test]
fn payloads_of_other_programs_are_refused_with_their_reason() {
    let good = encoded(&click(None, None));
    let changed = |at: usize, to: u8| {
        let mut bytes = good.clone();
        bytes[at] = to;
        decode(&bytes).expect_err("it was changed")
    };
    assert_eq!(changed(0, 1), Undecodable::Version(1));
    assert_eq!(changed(0, 4), Undecodable::Version(4));
    assert_eq!(changed(1, 0x80), Undecodable::Flags(0x80));
    assert_eq!(changed(3, 4), Undecodable::References(4));
    assert_eq!(changed(2, 4), Undecodable::Lengths);
    assert_eq!(changed(2, 200), Undecodable::Lengths);
    assert_eq!(changed(27, 0x80), Undecodable::Id);
    assert_eq!(changed(35, 0x80), Undecodable::Id);
    assert_eq!(decode(&good[..43]), Err(Undecodable::Lengths));
}

proptest! {
    #[test]
    fn any_click_within_the_limits_reads_back(
        (at, link_id, owner) in (any::<i64>(), 1..=i64::MAX, proptest::option::of(1..=i64::MAX)),
        short_code in "[A-Za-z0-9][A-Za-z0-9_-]{0,63}",
        original_url in "https?://[^\0]{0,200}",
        referrer in proptest::option::of(proptest::collection::vec(any::<u8>(), 0..200)),
        user_agent in proptest::option::of(proptest::collection::vec(any::<u8>(), 0..100)),
        (version, bot) in (any::<i64>(), proptest::sample::select(&BOTS)),
    ) {
        let click = ClickRecord {
            at: Timestamp::from_millis(at),
            link_id: LinkId::new(link_id).expect("positive"),
            version,
            owner: owner.and_then(|owner| UserId::new(owner).ok()),
            short_code: short_code.as_bytes(),
            original_url: original_url.as_bytes(),
            referrer: referrer.as_deref(),
            user_agent: user_agent.as_deref(),
            bot,
        };
        decoded(&click, |read| assert_eq!(read, click));
    }

    #[test]
    fn any_header_bytes_are_kept_within_their_limits(referrer: Vec<u8>, agent in proptest::collection::vec(any::<u8>(), 0..2000)) {
        decoded(&click(Some(&referrer), Some(&agent)), |read| {
            assert!(read.referrer.is_some_and(|text| referrer.starts_with(text)));
            assert!(read.user_agent.is_some_and(|text| agent.starts_with(text) && text.len() <= USER_AGENT_BYTES_MAX));
        });
        prop_assert!(text(&referrer, REFERRER_BYTES_MAX).len() <= REFERRER_BYTES_MAX);
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
