//! Programs that visit links without a person behind the visit, told by their `User-Agent`.
//!
//! A mistake loses a person's click or counts a program's, and the first is worse: what is not known to be a bot
//! counts. Tools (curl, HTTP libraries, driven browsers) count too: somebody runs them on purpose.
//! `docs/bots.md` says what this means for those who read the numbers. Pure, and not for the hot path, except for the few
//! visitors whose user agent is not kept.

use std::sync::LazyLock;

use aho_corasick::AhoCorasick;
use terse_core::{BotReason, USER_AGENT_BYTES_MAX};

use super::record;

mod list;

/// Built once from constants: it is as constant as they are, but too much for a `const`.
static PROGRAMS: LazyLock<Programs> = LazyLock::new(Programs::new);

/// What kind of program sent this `User-Agent`, [`BotReason::Preview`] or [`BotReason::Crawler`]; `None` for a person's
/// browser, for a tool, and for nothing at all: those count.
pub(in crate::clicks) fn classify(user_agent: &str) -> Option<BotReason> {
    PROGRAMS
        .classify(user_agent)
        .or_else(|| is_robotic(user_agent).then_some(BotReason::Crawler))
}

/// As [`classify`], of the bytes that were sent: what is made of them when they are kept in the journal, without keeping them.
pub(crate) fn classify_sent(user_agent: &[u8]) -> Option<BotReason> {
    let front = record::front(user_agent, USER_AGENT_BYTES_MAX);
    classify(&record::text(front, USER_AGENT_BYTES_MAX))
}

/// Finds the names of the list, all in one walk over the text.
#[derive(Debug)]
struct Programs {
    names: AhoCorasick,
    places: Vec<Place>,
}

/// Where a name has to stand to mean its program.
#[derive(Debug)]
struct Place {
    reason: BotReason,
    is_first: bool,
    ends_word: bool,
}

impl Programs {
    fn new() -> Self {
        let listed = || {
            let previews = list::PREVIEWS.iter().map(|name| (*name, BotReason::Preview));
            let crawlers = list::CRAWLERS.iter().map(|name| (*name, BotReason::Crawler));
            previews.chain(crawlers)
        };
        let names = AhoCorasick::builder()
            .ascii_case_insensitive(true)
            .build(listed().map(|(name, _)| name.trim_start_matches(list::FIRST)))
            .expect("a few hundred short names fit into an automaton");
        let places = listed()
            .map(|(name, reason)| Place {
                reason,
                is_first: name.starts_with(list::FIRST),
                ends_word: name.ends_with(|last: char| last.is_ascii_alphanumeric()),
            })
            .collect();
        Self { names, places }
    }

    /// A preview wins over a crawler: the services that make previews often name their other programs too.
    fn classify(&self, user_agent: &str) -> Option<BotReason> {
        let mut reason = None;
        for found in self.names.find_overlapping_iter(user_agent) {
            let place = &self.places[found.pattern().as_usize()];
            if place.holds(user_agent.as_bytes(), found.start(), found.end()) {
                if place.reason == BotReason::Preview {
                    return Some(BotReason::Preview);
                }
                reason = Some(place.reason);
            }
        }
        reason
    }
}

impl Place {
    /// Names begin and end where words do: `Amzn-Users` would be no `Amzn-User`.
    fn holds(&self, text: &[u8], start: usize, end: usize) -> bool {
        let goes_on_at = |index: usize| text.get(index).is_some_and(u8::is_ascii_alphanumeric);
        let begins = start == 0 || (!self.is_first && !goes_on_at(start - 1));
        begins && !(self.ends_word && goes_on_at(end))
    }
}

/// What the crawlers that nobody has listed look like.
fn is_robotic(user_agent: &str) -> bool {
    is_browser_with_address(user_agent) || calls_itself_a_bot(user_agent)
}

/// Whether a program says that it is like a browser and where its operator can be read about, as crawlers do and
/// browsers never: `Mozilla/5.0 (compatible; Some/1.0; +https://example.com/why)`. Tools give an address too, but not
/// behind a browser's name, but for those that are listed.
fn is_browser_with_address(user_agent: &str) -> bool {
    ["Mozilla/", "compatible;", "+http"]
        .iter()
        .all(|part| contains(user_agent, part))
        && !list::TOOLS.iter().any(|tool| contains(user_agent, tool))
}

fn contains(text: &str, part: &str) -> bool {
    text.as_bytes()
        .windows(part.len())
        .any(|window| window.eq_ignore_ascii_case(part.as_bytes()))
}

/// Whether a word ends as the names of robots do: `SomeBot/1.0`, `our-crawler`, `http://example.com/bots`.
fn calls_itself_a_bot(user_agent: &str) -> bool {
    user_agent
        .split(|letter: char| !letter.is_ascii_alphanumeric())
        .filter(|word| !list::NO_BOTS.iter().any(|name| name.eq_ignore_ascii_case(word)))
        .any(|word| list::ENDINGS.iter().any(|ending| ends_with(word, ending)))
}

fn ends_with(word: &str, ending: &str) -> bool {
    let start = word.len().checked_sub(ending.len());
    start
        .and_then(|start| word.get(start..))
        .is_some_and(|end| end.eq_ignore_ascii_case(ending))
}

#[cfg(test)]
mod tests;
