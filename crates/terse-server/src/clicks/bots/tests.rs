//! Each table holds one user agent a line, written as its program writes it; versions are those of 2024 to 2026
//! where a program has had any in that time. The last crawlers are made up, for those that nobody lists.

use proptest::prelude::*;

use super::list::{CRAWLERS, ENDINGS, FIRST, PREVIEWS};
use super::*;

const PERSONS: &str = include_str!("tests/persons.txt");
const TOOLS: &str = include_str!("tests/tools.txt");
const BOTS: [(&str, BotReason); 2] = [
    (include_str!("tests/previews.txt"), BotReason::Preview),
    (include_str!("tests/crawlers.txt"), BotReason::Crawler),
];

#[test]
fn browsers_of_persons_count() {
    for user_agent in PERSONS.lines() {
        assert_eq!(classify(user_agent), None, "{user_agent}");
    }
}

#[test]
fn tools_count() {
    for user_agent in TOOLS.lines() {
        assert_eq!(classify(user_agent), None, "{user_agent}");
    }
}

#[test]
fn nothing_and_next_to_nothing_count() {
    for user_agent in ["", " ", "-", "Mozilla/5.0", "🦀", "\u{fffd}\u{fffd}"] {
        assert_eq!(classify(user_agent), None, "{user_agent}");
    }
}

#[test]
fn previews_and_crawlers_are_told_apart() {
    for (table, reason) in BOTS {
        for user_agent in table.lines() {
            assert_eq!(classify(user_agent), Some(reason), "{user_agent}");
        }
    }
}

#[test]
fn the_case_of_a_name_does_not_matter() {
    let bots = BOTS
        .iter()
        .flat_map(|(table, reason)| table.lines().map(|line| (line, Some(*reason))));
    let others = PERSONS.lines().chain(TOOLS.lines()).map(|line| (line, None));
    for (user_agent, reason) in bots.chain(others) {
        assert_eq!(classify(&user_agent.to_ascii_lowercase()), reason, "{user_agent}");
        assert_eq!(classify(&user_agent.to_ascii_uppercase()), reason, "{user_agent}");
    }
}

#[test]
fn a_name_inside_another_word_is_not_that_name() {
    for user_agent in [
        "Cubot/1.0",
        "Daumen/1.0",
        "UnnotionX",
        "MyMastodons/2",
        "app Tumblr/14.0",
        "x WhatsApp/2",
    ] {
        assert_eq!(classify(user_agent), None, "{user_agent}");
    }
}

#[test]
fn a_crawler_on_a_cubot_is_a_crawler() {
    let user_agent =
        "Mozilla/5.0 (Linux; Android 12; CUBOT X50) AppleWebKit/537.36 (compatible; SomeBot/1.0)";
    assert_eq!(classify(user_agent), Some(BotReason::Crawler));
}

#[test]
fn every_listed_name_alone_is_classified_as_listed() {
    for (names, reason) in [(PREVIEWS, BotReason::Preview), (CRAWLERS, BotReason::Crawler)] {
        for name in names {
            let user_agent = name.trim_start_matches(FIRST);
            assert_eq!(classify(user_agent), Some(reason), "{name}");
        }
    }
}

#[test]
fn listed_names_are_lower_case_and_listed_once() {
    let mut names: Vec<_> = PREVIEWS.iter().chain(CRAWLERS).chain(ENDINGS).collect();
    assert!(names.iter().all(|name| **name == name.to_ascii_lowercase()));
    let listed = names.len();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), listed);
}

proptest! {
    #[test]
    fn any_text_is_classified_alike_in_every_case(text in any::<String>()) {
        let reason = classify(&text);
        prop_assert_eq!(classify(&text.to_ascii_uppercase()), reason);
        prop_assert!(matches!(reason, None | Some(BotReason::Preview | BotReason::Crawler)));
    }

    #[test]
    fn a_listed_name_is_found_wherever_it_stands_as_a_word(
        index in 0..PREVIEWS.len(),
        before in "[ -~]{0,40}[ ;(]",
        after in "[ ;/)][ -~]{0,40}",
    ) {
        let name = PREVIEWS[index];
        prop_assume!(!name.starts_with(FIRST));
        prop_assert_eq!(classify(&format!("{before}{name}{after}")), Some(BotReason::Preview));
    }
}
