//! Texts of clicks, each made once: of ten thousand clicks, most share their browser and their referrer with others.
//!
//! What a text's bytes mean (which text they are stored as, which kind of program they name) is remembered across
//! batches; which of a batch's texts it is, within one.

use std::collections::HashMap;
use std::sync::Arc;

use foldhash::fast::RandomState;
use terse_core::{BotReason, REFERRER_BYTES_MAX, TextIndex, USER_AGENT_BYTES_MAX};

use crate::clicks::bots;
use crate::clicks::record;

/// Bytes of one kind of texts that are remembered; then all are forgotten, and those in use soon remembered again.
const MEMORY_BYTES_MAX: usize = 4 << 20;
/// What an entry costs beside its two texts, roughly.
const ENTRY_BYTES: usize = 128;

/// Makes texts, batch by batch.
#[derive(Debug, Default)]
pub(super) struct Interner {
    referrers: Known,
    user_agents: Known,
    batch: u64,
    texts: Vec<Arc<str>>,
}

#[derive(Debug, Default)]
struct Known {
    by_bytes: HashMap<Box<[u8]>, Text, RandomState>,
    bytes: usize,
}

#[derive(Debug)]
struct Text {
    stored_as: Arc<str>,
    bot: Option<BotReason>,
    /// The last batch that it was in, and its place there.
    batch: u64,
    index: TextIndex,
}

impl Interner {
    /// Begins a batch: no text of it is there yet.
    pub(super) fn begin(&mut self) {
        self.batch += 1;
        self.texts.clear();
    }

    /// The texts of the batch, by [`TextIndex`].
    pub(super) fn finish(&mut self) -> Vec<Arc<str>> {
        std::mem::take(&mut self.texts)
    }

    /// A referrer, as it was sent.
    pub(super) fn referrer(&mut self, bytes: &[u8]) -> TextIndex {
        let learn = || (record::text(bytes, REFERRER_BYTES_MAX), None);
        self.referrers.find(bytes, self.batch, &mut self.texts, learn).0
    }

    /// A user agent, as it was sent, and what kind of bot it names, if any.
    pub(super) fn user_agent(&mut self, bytes: &[u8]) -> (TextIndex, Option<BotReason>) {
        let learn = || {
            let text = record::text(bytes, USER_AGENT_BYTES_MAX);
            let bot = bots::classify(&text);
            (text, bot)
        };
        self.user_agents.find(bytes, self.batch, &mut self.texts, learn)
    }
}

impl Known {
    fn find(
        &mut self,
        bytes: &[u8],
        batch: u64,
        texts: &mut Vec<Arc<str>>,
        learn: impl FnOnce() -> (String, Option<BotReason>),
    ) -> (TextIndex, Option<BotReason>) {
        if !self.by_bytes.contains_key(bytes) {
            self.insert(bytes, learn());
        }
        let text = self
            .by_bytes
            .get_mut(bytes)
            .expect("it was inserted if it was not there");
        if text.batch != batch {
            text.batch = batch;
            text.index = TextIndex(u32::try_from(texts.len()).expect("a batch has a limit far below 2^32"));
            texts.push(Arc::clone(&text.stored_as));
        }
        (text.index, text.bot)
    }

    fn insert(&mut self, bytes: &[u8], (text, bot): (String, Option<BotReason>)) {
        let cost = bytes.len() + text.len() + ENTRY_BYTES;
        if self.bytes + cost > MEMORY_BYTES_MAX {
            self.by_bytes.clear();
            self.bytes = 0;
        }
        self.bytes += cost;
        let text = Text {
            stored_as: text.into(),
            bot,
            batch: 0, // the first is 1
            index: TextIndex(0),
        };
        self.by_bytes.insert(bytes.into(), text);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_in_a_batch_once_and_in_every_batch_that_has_it() {
        let mut interner = Interner::default();
        for _ in 0..2 {
            interner.begin();
            let a = interner.referrer(b"https://a/");
            let b = interner.user_agent(b"https://a/").0;
            assert_eq!((a, b), (TextIndex(0), TextIndex(1)));
            assert_eq!(interner.referrer(b"https://a/"), a);
            let texts = interner.finish();
            assert!(texts.iter().map(AsRef::as_ref).eq(["https://a/", "https://a/"]));
        }
    }

    #[test]
    fn memory_is_bounded_and_what_is_forgotten_is_learned_again() {
        let mut interner = Interner::default();
        interner.begin();
        let texts = MEMORY_BYTES_MAX / ENTRY_BYTES;
        for number in 0..texts {
            interner.referrer(format!("https://a/{number}").as_bytes());
        }
        assert!(interner.referrers.bytes <= MEMORY_BYTES_MAX);
        assert!(interner.referrers.by_bytes.len() < texts);
        let again = interner.referrer(b"https://a/0");
        assert_eq!(&*interner.finish()[again.0 as usize], "https://a/0");
    }

    #[test]
    fn a_bot_is_told_by_its_name_each_time() {
        let mut interner = Interner::default();
        interner.begin();
        for _ in 0..2 {
            assert_eq!(interner.user_agent(b"Googlebot/2.1").1, Some(BotReason::Crawler));
            assert_eq!(interner.user_agent(b"curl/8.0").1, None);
        }
    }
}
