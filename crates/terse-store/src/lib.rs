//! Where terse keeps things: users, links, events, and how far clicks were shipped.
//!
//! Here is all of terse's SQL, each statement once, and nothing of HTTP or caches. [`Store`]'s functions are the
//! transactions that terse knows; a file per aggregate has those of links, users, events, clicks and imports. Beneath
//! them `db` is the only module that knows which engines there are, and `sqlite` and `postgres` drive one each.
//!
//! Invariants, whatever happens:
//! - what was acknowledged is on disk; what failed left nothing behind;
//! - a link's total is the number of counted click events that name it;
//! - a batch of clicks is stored exactly once: the journal's position moves in the same transaction;
//! - ids are never given twice, versions only grow.

#[cfg(feature = "bench-internals")]
#[doc(hidden)]
pub mod bench {
    //! Packing alone, so that its instructions can be counted. Under a feature and not public, so that nobody else
    //! builds on it.
    pub use crate::clicks::bench::{Clicks, Postings};
}
mod bus;
mod clicks;
mod copying;
mod db;
mod error;
mod events;
mod fnv;
mod import;
mod links;
mod made;
mod maintenance;
mod migrations;
mod pace;
mod pool;
mod postgres;
mod sql;
mod sqlite;
mod store;
mod task;
mod totals;
mod trace;
mod users;

pub use bus::{AsOf, News};
pub use clicks::{ClickBatch, Position, Shipped, VisitedLink};
pub use copying::{Copied, CopyError, Occupied};
pub use error::{Cause, Conflict, Error, Result};
pub use import::{Imported, Taken};
pub use links::{Created, RedirectRow, Updated};
pub use made::{Made, OwnChanges};
pub use pace::Pace;
pub use pool::{Pool, PoolState, PoolUse};
pub use postgres::{InvalidPostgresUrl, PostgresUrl};
pub use store::{
    CONNECTIONS_DEFAULT, Place, READERS_DEFAULT, SERVER_WITHIN_DEFAULT, Store, StoreOptions,
    UNINDEXED_BLOCKS_DEFAULT,
};
pub use trace::{STORE_READ, STORE_WRITE, TRACE_TARGET};
