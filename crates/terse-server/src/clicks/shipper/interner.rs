//! Texts of clicks, each made once: of ten thousand clicks, most share their browser and their referrer with others.
//!
//! What a text's bytes mean (which text they are stored as, which kind of program they name) is remembered across
//! batches; which of a batch's texts it is, within one. So is what stands in a record that others of the batch's segment refer to.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use foldhash::fast::RandomState;
use terse_core::{BotReason, REFERRER_BYTES_MAX, TextIndex, USER_AGENT_BYTES_MAX};

use crate::clicks::bots;
use crate::clicks::frame::Sealed;
use crate::clicks::record::{self, Role, Text};
use crate::clicks::texts::text_in;

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
    /// Where texts of the batch's segment should stand and do not.
    lost: BTreeSet<u64>,
}

#[derive(Debug, Default)]
struct Known {
    by_bytes: HashMap<Box<[u8]>, Meaning, RandomState>,
    bytes: usize,
    /// What stands in the records of the batch's segment, by their offsets.
    by_record: HashMap<u32, Option<Named>, RandomState>,
}

/// Which of a batch's texts it is, and which kind of program it names.
type Named = (TextIndex, Option<BotReason>);

#[derive(Debug)]
struct Meaning {
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
        self.lost.clear();
        self.referrers.by_record.clear();
        self.user_agents.by_record.clear();
    }

    /// The texts of the batch, by [`TextIndex`].
    pub(super) fn finish(&mut self) -> Vec<Arc<str>> {
        std::mem::take(&mut self.texts)
    }

    /// Where in the segment records stand that are damaged, and that clicks of the batch refer to for a text.
    pub(super) fn lost(&self) -> impl Iterator<Item = u64> {
        self.lost.iter().copied()
    }

    /// A referrer, as a record of `segment` has it. `None` if it is lost.
    pub(super) fn referrer(&mut self, text: Text<'_>, segment: Sealed<'_>) -> Option<TextIndex> {
        let learn = |bytes: &[u8]| (record::text(bytes, REFERRER_BYTES_MAX), None);
        let of_bytes =
            |known: &mut Known, bytes: &[u8]| known.find(bytes, self.batch, &mut self.texts, learn);
        let found = self.referrers.resolve(text, Role::Referrer, segment, of_bytes);
        let lost = found.map_err(|offset| self.lost.insert(offset));
        lost.ok().map(|(index, _)| index)
    }

    /// A user agent, as a record of `segment` has it, and what kind of bot it names, if any. `None` if it is lost.
    pub(super) fn user_agent(&mut self, text: Text<'_>, segment: Sealed<'_>) -> Option<Named> {
        let learn = |bytes: &[u8]| {
            let text = record::text(bytes, USER_AGENT_BYTES_MAX);
            let bot = bots::classify(&text);
            (text, bot)
        };
        let of_bytes =
            |known: &mut Known, bytes: &[u8]| known.find(bytes, self.batch, &mut self.texts, learn);
        let found = self.user_agents.resolve(text, Role::UserAgent, segment, of_bytes);
        found.map_err(|offset| self.lost.insert(offset)).ok()
    }
}

impl Known {
    /// What `text` is. An error is the offset of the record where it should stand.
    fn resolve(
        &mut self,
        text: Text<'_>,
        role: Role,
        segment: Sealed<'_>,
        mut of_bytes: impl FnMut(&mut Self, &[u8]) -> Named,
    ) -> Result<Named, u64> {
        let offset = match text {
            Text::Here(bytes) => return Ok(of_bytes(self, bytes)),
            Text::In(offset) => offset,
        };
        let known = self.by_record.get(&offset).copied();
        let named = known.unwrap_or_else(|| {
            let named = text_in(segment, role, offset).map(|bytes| of_bytes(self, bytes));
            self.by_record.insert(offset, named);
            named
        });
        named.ok_or(u64::from(offset))
    }

    fn find(
        &mut self,
        bytes: &[u8],
        batch: u64,
        texts: &mut Vec<Arc<str>>,
        learn: impl FnOnce(&[u8]) -> (String, Option<BotReason>),
    ) -> Named {
        if !self.by_bytes.contains_key(bytes) {
            self.insert(bytes, learn(bytes));
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
        let text = Meaning {
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

    impl Interner {
        fn referrer_here(&mut self, bytes: &[u8]) -> TextIndex {
            let referrer = self.referrer(Text::Here(bytes), empty());
            referrer.expect("it stands here")
        }

        fn user_agent_here(&mut self, bytes: &[u8]) -> Named {
            let user_agent = self.user_agent(Text::Here(bytes), empty());
            user_agent.expect("it stands here")
        }
    }

    fn empty() -> Sealed<'static> {
        Sealed::new(&[], 0)
    }

    #[test]
    fn a_text_is_in_a_batch_once_and_in_every_batch_that_has_it() {
        let mut interner = Interner::default();
        for _ in 0..2 {
            interner.begin();
            let a = interner.referrer_here(b"https://a/");
            let b = interner.user_agent_here(b"https://a/").0;
            assert_eq!((a, b), (TextIndex(0), TextIndex(1)));
            assert_eq!(interner.referrer_here(b"https://a/"), a);
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
            interner.referrer_here(format!("https://a/{number}").as_bytes());
        }
        assert!(interner.referrers.bytes <= MEMORY_BYTES_MAX);
        assert!(interner.referrers.by_bytes.len() < texts);
        let again = interner.referrer_here(b"https://a/0");
        assert_eq!(&*interner.finish()[again.0 as usize], "https://a/0");
    }

    #[test]
    fn a_bot_is_told_by_its_name_each_time() {
        let mut interner = Interner::default();
        interner.begin();
        for _ in 0..2 {
            assert_eq!(
                interner.user_agent_here(b"Googlebot/2.1").1,
                Some(BotReason::Crawler)
            );
            assert_eq!(interner.user_agent_here(b"curl/8.0").1, None);
        }
    }
}
