//! The handle that everything else takes: opening, closing, and whether it answers.

use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use crate::clicks::tail::Tail;
use crate::clicks::texts::TextCache;
use crate::db::{Db, Read};
use crate::error::Result;
use crate::pool::PoolUse;

/// Threads that read. One of them only looks up single rows, so that no list holds up a redirect.
pub const READERS_DEFAULT: usize = 2;

/// Packed blocks of clicks after which these are indexed: on a quiet server each has few clicks.
pub const UNINDEXED_BLOCKS_DEFAULT: u32 = 1_024;

/// Where and how to keep things.
#[derive(Debug, Clone)]
pub struct StoreOptions {
    /// The SQLite file; its folder must exist. Only one process at a time may open it as a store.
    pub path: PathBuf,
    /// Threads that read, at least one.
    pub readers: usize,
    /// The most bytes that the file may grow to; writes beyond are [`crate::Error::Unavailable`].
    pub size_max_bytes: Option<u64>,
    /// Batches of clicks, roughly, after which the latest ones are indexed by link and owner. Until then whoever asks for a
    /// link's clicks looks through all of these.
    pub unindexed_blocks_max: u32,
}

impl StoreOptions {
    /// A store in the file `path`, with what suits most machines.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self {
            path: path.into(),
            readers: READERS_DEFAULT,
            size_max_bytes: None,
            unindexed_blocks_max: UNINDEXED_BLOCKS_DEFAULT,
        }
    }
}

/// What terse knows for good. Cheap to clone; all clones are the same store.
///
/// Dropping the last clone ends it in the background; [`Store::close`] also waits for that. A call whose future is
/// dropped may or may not have happened.
#[derive(Debug, Clone)]
pub struct Store {
    pub(crate) db: Arc<Db>,
    pub(crate) texts: Arc<Mutex<TextCache>>,
    pub(crate) tail: Arc<Tail>,
}

impl Store {
    /// Opens the database, makes it if there is none, and brings its schema up to date.
    ///
    /// # Errors
    /// [`crate::Error::Unusable`] for a file that is no database of ours or that a newer program made,
    /// [`crate::Error::Unavailable`] for one that cannot be opened.
    pub async fn open(options: StoreOptions) -> Result<Self> {
        let tail = Arc::new(Tail::new(options.unindexed_blocks_max));
        let db = Arc::new(Db::open(options).await?);
        let texts = Arc::new(Mutex::new(TextCache::default()));
        Ok(Self { db, texts, tail })
    }

    /// Finishes everything that was asked for, and leaves one tidy file. Everything asked for later, of any clone,
    /// is [`crate::Error::Unavailable`].
    pub async fn close(&self) {
        self.db.close().await;
    }

    /// What the database's connections are doing just now.
    pub fn pool_uses(&self) -> Vec<PoolUse> {
        self.db.pool_uses()
    }

    /// Whether the database answers.
    pub async fn ping(&self) -> Result<()> {
        self.db
            .read(Read::Point, |tx| Box::pin(crate::maintenance::touch(tx)))
            .await
    }
}
