//! The texts of clicks, each stored once: a browser's name occurs in thousands of clicks.
//!
//! Rows of `texts` are never changed nor removed, so an id that was committed once stays true for ever.

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hasher};
use std::sync::{Arc, Mutex, PoisonError};

use crate::db::{Db, Param, Tx};
use crate::error::Result;
use crate::sql::statements;

/// Bytes of text that either half of the cache may hold.
const CACHE_BYTES_MAX: usize = 4 * 1024 * 1024;
/// What an entry costs beside its text, roughly.
const ENTRY_BYTES: usize = 64;

statements! {
    FIND = "SELECT id FROM texts WHERE digest = $1 AND content = $2 ORDER BY id LIMIT 1";
    INSERT = "INSERT INTO texts (digest, content) VALUES ($1, $2) RETURNING id";
    FIND_CONTENT = "SELECT content FROM texts WHERE id = $1";
}

/// Ids of texts that were used lately. Two halves: when the young one is full, it becomes the old one, and what was
/// in that and not asked for since is forgotten.
#[derive(Debug, Default)]
pub(crate) struct TextCache {
    young: HashMap<Arc<str>, i64>,
    old: HashMap<Arc<str>, i64>,
    young_bytes: usize,
}

/// The ids of `texts`, in their order. Those that are new are stored, in a transaction of their own: it does no harm if
/// no click comes to have them.
pub(crate) async fn intern(db: &Db, cache: &Mutex<TextCache>, texts: &[Arc<str>]) -> Result<Vec<i64>> {
    let lock = || cache.lock().unwrap_or_else(PoisonError::into_inner);
    let mut ids: Vec<_> = {
        let mut cache = lock();
        texts.iter().map(|text| cache.find(text)).collect()
    };
    let missing = texts.iter().zip(&ids).filter(|(_, id)| id.is_none());
    let missing: Vec<_> = missing.map(|(text, _)| Arc::clone(text)).collect();
    if !missing.is_empty() {
        let stored = db
            .write(move |tx| Box::pin(async move { store(tx, missing).await }))
            .await?;
        let mut cache = lock();
        let unknown = ids.iter_mut().filter(|id| id.is_none());
        for (place, (text, id)) in unknown.zip(stored) {
            *place = Some(id);
            cache.insert(text, id);
        }
    }
    Ok(ids.into_iter().flatten().collect())
}

/// What an id stands for.
pub(crate) async fn find_content(tx: &mut Tx, id: i64) -> Result<Option<String>> {
    tx.query_opt(&FIND_CONTENT, &[id.into()], |row| row.text(0)).await
}

/// Finds or gives the ids of `texts`.
async fn store(tx: &mut Tx, texts: Vec<Arc<str>>) -> Result<Vec<(Arc<str>, i64)>> {
    let mut stored = Vec::with_capacity(texts.len());
    for text in texts {
        let params = [Param::from(digest(&text)), Param::from(&*text)];
        let id = match tx.query_opt(&FIND, &params, |row| row.int(0)).await? {
            Some(id) => id,
            None => tx.query_one(&INSERT, &params, |row| row.int(0)).await?,
        };
        stored.push((text, id));
    }
    Ok(stored)
}

impl TextCache {
    fn find(&mut self, text: &Arc<str>) -> Option<i64> {
        if let Some(id) = self.young.get(text) {
            return Some(*id);
        }
        let (text, id) = self.old.remove_entry(text)?;
        self.insert(text, id);
        Some(id)
    }

    fn insert(&mut self, text: Arc<str>, id: i64) {
        let bytes = text.len() + ENTRY_BYTES;
        if self.young_bytes + bytes > CACHE_BYTES_MAX {
            self.old = std::mem::take(&mut self.young);
            self.young_bytes = 0;
        }
        if self.young.insert(text, id).is_none() {
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
