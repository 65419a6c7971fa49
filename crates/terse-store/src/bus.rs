//! The bus: how the replicas of one database tell each other what they have changed.
//!
//! A change is announced within its transaction, so the message exists exactly if the commit does. Messages arrive in the
//! order of commits. An embedded database has one process, which needs no telling.
//!
//! What is read and what is announced has a moment, its [`AsOf`]: the last id that the sequence of events had given. Writers
//! follow one another and each change that a redirect can notice takes at least one id, so of two readings of a link the one with the
//! greater moment is the newer, also across deletions and codes that moved to other links.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use terse_core::{Clock, ShortCode};

use crate::db::Tx;
use crate::error::Result;
use crate::events::sequence;
use crate::store::Store;

/// A moment in the history of the database: greater is later.
pub type AsOf = i64;

/// Codes that are announced one by one, at most; more are announced as [`News::ManyChanged`]. As many of the longest fit
/// into a message of PostgreSQL, which has 8,000 bytes.
pub(crate) const CODES_MAX: usize = 100;

/// What a replica hears.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum News {
    /// From now on every change is told, but those before this moment were not.
    Listening {
        /// The present moment.
        as_of: AsOf,
    },
    /// These codes lead elsewhere now, or nowhere.
    Changed {
        /// The codes.
        codes: Vec<ShortCode>,
        /// When.
        as_of: AsOf,
    },
    /// More codes than were worth naming.
    ManyChanged {
        /// When.
        as_of: AsOf,
    },
    /// Every change that was acknowledged before this time, by the caller's clock, has been told.
    Complete {
        /// A reading of [`terse_core::Clock::elapsed`].
        until: std::time::Duration,
    },
    /// Nothing is told any more, until [`News::Listening`].
    Deaf,
}

/// Announces that `codes` lead elsewhere once the transaction is committed; its moment. Comes last in the transaction.
pub(crate) async fn announce<'a>(
    tx: &mut Tx,
    codes: impl IntoIterator<Item = &'a ShortCode, IntoIter: Send>,
) -> Result<AsOf> {
    let codes: Vec<_> = codes.into_iter().map(ShortCode::as_str).collect();
    if codes.is_empty() {
        return Ok(0);
    }
    if codes.len() > CODES_MAX {
        return tx.announce(MANY_CHANGED).await;
    }
    tx.announce(&format!("{CHANGED} {}", codes.join(" "))).await
}

/// As [`announce`], for a transaction that appends no event: takes an id, so that it has a moment of its own.
pub(crate) async fn announce_without_event<'a>(
    tx: &mut Tx,
    codes: impl IntoIterator<Item = &'a ShortCode, IntoIter: Send>,
) -> Result<AsOf> {
    let codes: Vec<_> = codes.into_iter().collect();
    if !codes.is_empty() && tx.has_replicas() {
        sequence::take(tx, 1).await?;
    }
    announce(tx, codes).await
}

const CHANGED: &str = "changed";
pub(crate) const MANY_CHANGED: &str = "many";

/// What a message says that came with the moment `as_of`; `None` for what this program does not know.
pub(crate) fn news_in(message: &str, as_of: AsOf) -> Option<News> {
    let mut words = message.split(' ');
    match words.next()? {
        MANY_CHANGED => Some(News::ManyChanged { as_of }),
        CHANGED => {
            let codes: std::result::Result<_, _> = words.map(str::parse).collect();
            // A newer program may allow codes that this one does not: then anything may have changed.
            Some(codes.map_or(News::ManyChanged { as_of }, |codes| News::Changed {
                codes,
                as_of,
            }))
        }
        _ => None,
    }
}

impl Store {
    /// The moment of the latest change that this store has made itself: what was read before it may be out of date.
    pub fn last_change(&self) -> AsOf {
        self.last_change.load(Ordering::Acquire)
    }

    /// Takes the moment of a change that was committed.
    pub(crate) fn changed<T>(&self, (outcome, as_of): (T, AsOf)) -> T {
        self.last_change.fetch_max(as_of, Ordering::AcqRel);
        outcome
    }

    /// Tells of changes that others make, and of its own, until the future is dropped; never, where nobody else can change
    /// anything. `name` tells this process from the others, and `clock` gives [`News::Complete`] its times.
    pub async fn follow_changes(&self, clock: Arc<dyn Clock>, name: String, tell: impl FnMut(News) + Send) {
        self.db.follow(clock, name, tell).await;
    }

    /// Whether other processes may change what this one has read.
    pub fn is_shared(&self) -> bool {
        self.db.is_shared()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn code(text: &str) -> ShortCode {
        text.parse().expect("a code")
    }

    #[test]
    fn messages_read_back() {
        assert_eq!(
            news_in("changed abc x-1", 7),
            Some(News::Changed {
                codes: vec![code("abc"), code("x-1")],
                as_of: 7
            })
        );
        assert_eq!(news_in("many", 7), Some(News::ManyChanged { as_of: 7 }));
    }

    #[test]
    fn codes_of_a_newer_program_make_everything_doubtful_and_other_messages_nothing() {
        assert_eq!(news_in("changed ä", 7), Some(News::ManyChanged { as_of: 7 }));
        assert_eq!(news_in("hello", 7), None);
    }

    #[test]
    fn the_most_and_longest_codes_fit_into_a_message() {
        let text = "x".repeat(64);
        let message = format!("{} {CHANGED}{}", i64::MAX, format!(" {text}").repeat(CODES_MAX));
        assert!(message.len() < 8_000, "{}", message.len());
    }
}
