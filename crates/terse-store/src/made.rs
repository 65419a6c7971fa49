//! What this store has changed itself, for whoever keeps copies elsewhere: told with what each code leads to now, for a moment
//! later the database may be gone, and nobody could ask it.

use terse_core::{Link, ShortCode};
use tokio::sync::broadcast;
use tokio::sync::broadcast::error::RecvError;

use crate::bus::AsOf;
use crate::links::RedirectRow;
use crate::store::Store;

/// Changes that a slow listener may be behind; older ones it does not hear of.
pub(crate) const MADE_WAITING_MAX: usize = 1_024;

/// A code that was changed, and is not acknowledged yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Made {
    /// The code.
    pub code: ShortCode,
    /// What it leads to; `None` for nothing.
    pub row: Option<RedirectRow>,
    /// When that was so.
    pub as_of: AsOf,
}

/// Hears of changes.
#[derive(Debug)]
pub struct OwnChanges(broadcast::Receiver<Made>);

impl OwnChanges {
    /// The next one; `None` once the store is gone.
    pub async fn next(&mut self) -> Option<Made> {
        loop {
            match self.0.recv().await {
                Ok(made) => return Some(made),
                Err(RecvError::Lagged(_)) => {}
                Err(RecvError::Closed) => return None,
            }
        }
    }
}

impl Store {
    /// Tells of links that this store creates, changes and deletes from now on, where others may change them too.
    pub fn own_changes(&self) -> OwnChanges {
        OwnChanges(self.made.subscribe())
    }

    /// Tells that `link` is what its code leads to since `as_of`, which is 0 where nothing was announced.
    pub(crate) fn tell_made(&self, link: &Link, as_of: AsOf) {
        let row = RedirectRow {
            id: link.id,
            owner: link.owner,
            original_url: link.original_url.clone(),
            is_active: link.is_active,
            version: link.version,
            as_of,
        };
        self.tell(link.short_code.clone(), Some(row), as_of);
    }

    /// Tells that `code` leads nowhere since `as_of`.
    pub(crate) fn tell_unmade(&self, code: &ShortCode, as_of: AsOf) {
        self.tell(code.clone(), None, as_of);
    }

    fn tell(&self, code: ShortCode, row: Option<RedirectRow>, as_of: AsOf) {
        if as_of > 0 {
            // Fails when nobody listens, which is as good.
            let _ = self.made.send(Made { code, row, as_of });
        }
    }
}
