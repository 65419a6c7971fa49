//! One connection, shared by everybody, and the circuit breaker in one: while none is published, nobody waits for Redis. One is
//! published after it has answered, and taken back at the first failure.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use redis::aio::MultiplexedConnection;
use redis::{AsyncConnectionConfig, RedisError, RedisResult, cmd};
use tokio::sync::Notify;
use tokio::time::{sleep, timeout};

use super::ANSWER_WITHIN;
use super::url::RedisUrl;

/// How long finding the server and connecting may take; nobody waits for it.
const REACHED_WITHIN: Duration = Duration::from_secs(3);
/// Time between two tries to reach it.
const TRY_AGAIN_AFTER: Duration = Duration::from_millis(250);

#[derive(Debug)]
pub(super) struct Connections {
    url: RedisUrl,
    state: Mutex<State>,
    given_up: Notify,
}

#[derive(Debug, Default)]
struct State {
    connection: Option<MultiplexedConnection>,
    /// Which one it is: who gives up an old one does not mean the present one.
    number: u64,
    has_said_so: bool,
}

/// A connection, and which one it is.
#[derive(Debug, Clone)]
pub(super) struct Current {
    pub(super) connection: MultiplexedConnection,
    number: u64,
}

impl Connections {
    pub(super) fn to(url: RedisUrl) -> Self {
        Self {
            url,
            state: Mutex::default(),
            given_up: Notify::new(),
        }
    }

    /// The connection, if there is one that has not failed.
    pub(super) fn current(&self) -> Option<Current> {
        let state = self.state();
        let number = state.number;
        let connection = state.connection.clone()?;
        Some(Current { connection, number })
    }

    pub(super) fn is_there(&self) -> bool {
        self.state().connection.is_some()
    }

    /// Has nobody else wait for a connection that has failed.
    pub(super) fn give_up(&self, failed: &Current, error: Option<&RedisError>) {
        {
            let mut state = self.state();
            if state.number != failed.number || state.connection.take().is_none() {
                return;
            }
        }
        self.say_away(error);
        self.given_up.notify_one();
    }

    /// Reaches Redis, and again whenever a connection was given up; for ever.
    pub(super) async fn keep(&self, tell: impl Fn(bool) + Send) {
        loop {
            let given_up = self.given_up.notified();
            match timeout(REACHED_WITHIN, self.reach()).await {
                Ok(Ok(connection)) => {
                    self.publish(connection);
                    tell(true);
                    given_up.await;
                    tell(false);
                }
                Ok(Err(error)) => self.say_away(Some(&error)),
                Err(_) => self.say_away(None),
            }
            sleep(TRY_AGAIN_AFTER).await;
        }
    }

    async fn reach(&self) -> RedisResult<MultiplexedConnection> {
        let client = self.url.client().await?;
        let config = AsyncConnectionConfig::new()
            .set_connection_timeout(Some(REACHED_WITHIN))
            .set_response_timeout(Some(REACHED_WITHIN));
        let mut connection = client
            .get_multiplexed_async_connection_with_config(&config)
            .await?;
        // The first answer may be slow, for the connection is new; the second shows what visitors would wait.
        cmd("PING").query_async::<()>(&mut connection).await?;
        let ping = cmd("PING");
        let answer = timeout(ANSWER_WITHIN, ping.query_async::<()>(&mut connection)).await;
        answer.map_err(|_| RedisError::from((redis::ErrorKind::Io, "answers too slowly")))??;
        Ok(connection)
    }

    fn publish(&self, connection: MultiplexedConnection) {
        let had_said_so = {
            let mut state = self.state();
            state.connection = Some(connection);
            state.number += 1;
            std::mem::take(&mut state.has_said_so)
        };
        if had_said_so {
            tracing::info!("{} answers again", self.url);
        }
    }

    /// Once for each time that it is away.
    fn say_away(&self, error: Option<&RedisError>) {
        let has_said_so = std::mem::replace(&mut self.state().has_said_so, true);
        if !has_said_so {
            let reason = error.map_or_else(|| "no answer in time".to_owned(), ToString::to_string);
            tracing::warn!(
                "{} is left alone, links are looked up in the database: {reason}",
                self.url
            );
        }
    }

    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
