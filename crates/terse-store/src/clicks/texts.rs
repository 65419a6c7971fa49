//! The texts of clicks, each stored once: a code, a target, a browser's name occurs in thousands of clicks.
//!
//! Rows of `texts` are never changed nor removed, so an id that was committed once stays true for ever.

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hasher};
use std::sync::Arc;

use terse_core::Click;

use crate::db::{Param, Tx};
use crate::error::Result;
use crate::sql::statements;

/// Bytes of text that either half of the cache may hold.
const CACHE_BYTES_MAX: usize = 16 * 1024 * 1024;
/// What an entry costs beside its text, roughly.
const ENTRY_BYTES: usize = 64;

statements! {
    FIND = "SELECT id FROM texts WHERE digest = $1 AND content = $2 ORDER BY id LIMIT 1";
    INSERT = "INSERT INTO texts (digest, content) VALUES ($1, $2) RETURNING id";
}

/// Which texts, by their place in a [`Texts`], a click has.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ClickTexts {
    pub(crate) short_code: usize,
    pub(crate) original_url: usize,
    pub(crate) referrer: Option<usize>,
    pub(crate) user_agent: Option<usize>,
}

/// The different texts of a batch of clicks.
#[derive(Debug, Default)]
pub(crate) struct Texts(Vec<Text>);

#[derive(Debug)]
struct Text {
    content: Arc<str>,
    id: Option<i64>,
    was_cached: bool,
}

/// Ids of texts that were used lately. Two halves: when the young one is full, it becomes the old one, and what was
/// in that and not asked for since is forgotten.
#[derive(Debug, Default)]
pub(crate) struct TextCache {
    young: HashMap<Arc<str>, i64>,
    old: HashMap<Arc<str>, i64>,
    young_bytes: usize,
}

impl Texts {
    /// The texts of `clicks`, with the ids that are known, and for each click which of them it has.
    pub(crate) fn of(clicks: &[Click], cache: &TextCache) -> (Self, Vec<ClickTexts>) {
        let mut texts = Self::default();
        let mut places = HashMap::new();
        let mut place = |content| {
            *places
                .entry(content)
                .or_insert_with(|| texts.push(content, cache))
        };
        let click_texts = clicks.iter().map(|click| ClickTexts {
            short_code: place(&*click.short_code),
            original_url: place(&*click.original_url),
            referrer: click.referrer.as_deref().map(&mut place),
            user_agent: click.user_agent.as_deref().map(&mut place),
        });
        let click_texts = click_texts.collect();
        (texts, click_texts)
    }

    /// Finds or gives the ids that are still unknown.
    pub(crate) async fn intern(&mut self, tx: &mut Tx) -> Result<()> {
        for text in self.0.iter_mut().filter(|text| text.id.is_none()) {
            let params = [Param::from(digest(&text.content)), Param::from(&*text.content)];
            let id = match tx.query_opt(&FIND, &params, |row| row.int(0)).await? {
                Some(id) => id,
                None => tx.query_one(&INSERT, &params, |row| row.int(0)).await?,
            };
            text.id = Some(id);
        }
        Ok(())
    }

    /// The id of the text at `place`, after [`Texts::intern`].
    pub(crate) fn id(&self, place: usize) -> Option<i64> {
        self.0.get(place).and_then(|text| text.id)
    }

    fn push(&mut self, content: &str, cache: &TextCache) -> usize {
        let (content, id, is_young) = cache
            .get(content)
            .unwrap_or_else(|| (content.into(), None, false));
        self.0.push(Text {
            content,
            id,
            was_cached: is_young,
        });
        self.0.len() - 1
    }
}

impl TextCache {
    /// Keeps what a transaction that was committed found out.
    pub(crate) fn learn(&mut self, texts: Texts) {
        for text in texts.0.into_iter().filter(|text| !text.was_cached) {
            if let Some(id) = text.id {
                self.insert(text.content, id);
            }
        }
    }

    /// The text itself, its id, and whether it is in the young half.
    fn get(&self, content: &str) -> Option<(Arc<str>, Option<i64>, bool)> {
        let young = self.young.get_key_value(content).map(|found| (found, true));
        let found = young.or_else(|| self.old.get_key_value(content).map(|found| (found, false)));
        found.map(|((content, id), is_young)| (Arc::clone(content), Some(*id), is_young))
    }

    fn insert(&mut self, content: Arc<str>, id: i64) {
        let bytes = content.len() + ENTRY_BYTES;
        if self.young_bytes + bytes > CACHE_BYTES_MAX {
            self.old = std::mem::take(&mut self.young);
            self.young_bytes = 0;
        }
        if self.young.insert(content, id).is_none() {
            self.young_bytes += bytes;
        }
    }
}

/// Where to look a text up. Should another version of the standard library hash otherwise, texts are stored once
/// more, which does no harm.
fn digest(content: &str) -> i64 {
    let mut hasher = DefaultHasher::new();
    hasher.write(content.as_bytes());
    hasher.finish().cast_signed()
}
