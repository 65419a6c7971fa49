//! Connections: how they are made, pooled and given up.

use deadpool_postgres::{Manager, ManagerConfig, Object, Pool, RecyclingMethod, Runtime, Timeouts};

use super::failure::error_of_pool;
use super::limits::{Limits, Patience};
use super::tls;
use super::url::PostgresUrl;
use crate::error::{Error, Result};

/// At most `size` connections to the server that takes writes.
pub(super) fn pool(url: &PostgresUrl, size: usize, limits: Limits) -> Result<Pool> {
    let manager = Manager::from_config(
        url.config().clone(),
        tls::connector(url.trust())?,
        ManagerConfig {
            // One that is closed is noticed without asking: its socket says so.
            recycling_method: RecyclingMethod::Fast,
        },
    );
    Pool::builder(manager)
        .max_size(size.max(1))
        .runtime(Runtime::Tokio1)
        .timeouts(Timeouts {
            wait: Some(limits.of(Patience::Quick)),
            // Greeting included: a server that hangs accepts connections all the same.
            create: Some(limits.of(Patience::Quick)),
            recycle: Some(limits.of(Patience::Quick)),
        })
        .build()
        .map_err(Error::internal)
}

/// A connection of `pool`.
pub(super) async fn get(pool: &Pool) -> Result<Object> {
    pool.get().await.map_err(error_of_pool)
}

/// Closes the idle connections of `pool`: they lead to a server that has stopped taking writes, or answering.
pub(super) fn forget_idle(pool: &Pool) {
    pool.retain(|_, _| false);
}
