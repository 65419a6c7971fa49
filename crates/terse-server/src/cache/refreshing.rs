//! Links that are answered and read anew behind the answer: should the bus ever fail unseen, or the store be slower than visitors
//! wait, nothing is wrong for long.

use std::time::Duration;

use quick_cache::sync::EntryAction;
use terse_core::ShortCode;

use super::freshness::Verdict;
use super::{CachedLink, LinkCache, Question};

impl LinkCache {
    /// The code of a link that is to be read anew, once there is one: for [`Self::refresh`].
    pub async fn next_to_refresh(&self) -> Option<ShortCode> {
        self.to_refresh.lock().await.recv().await
    }

    /// Reads a link anew by `load` while its copy is answered. Whether there is nothing left to do about it.
    pub async fn refresh<E>(
        &self,
        code: &ShortCode,
        load: impl AsyncFnOnce(Question<'_>) -> Result<Option<CachedLink>, E>,
    ) -> bool {
        let Some(copy) = self
            .links
            .peek(code)
            .filter(|copy| self.freshness.verdict(copy.times(), self.now()) != Verdict::Fresh)
        else {
            return true; // somebody has done it
        };
        // The store alone: if the bus has failed unseen, what is elsewhere is no better.
        let (generation, mut question) = self.question(code, None);
        question.elsewhere = None;
        match load(question).await {
            Ok(Some(link)) => {
                // Under the lock under which a change takes the entry away: where it still is, and is no newer, nothing has
                // happened that `link` may not know.
                self.links.entry(code, Some(Duration::ZERO), |_, present| {
                    if self.generation_of(self.hash(code.as_str())) == generation
                        && present.as_of() <= link.as_of()
                    {
                        *present = self.as_told(link);
                    }
                    EntryAction::Retain(())
                });
            }
            Ok(None) => drop(
                self.links
                    .remove_if(code, |present| present.as_of() <= copy.as_of()),
            ),
            Err(_) => return false, // it is answered until somebody vouches for it no more
        }
        true
    }

    #[cold]
    pub(super) fn have_refreshed(&self, link: &CachedLink) {
        let code = std::str::from_utf8(link.short_code()).ok();
        if let Some(code) = code.and_then(|code| code.parse().ok()) {
            // Those that find no room are noticed by their next visit.
            let _ = self.aging.try_send(code);
        }
    }
}
