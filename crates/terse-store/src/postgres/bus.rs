//! Listening: a connection of its own, which hears `NOTIFY` (<https://www.postgresql.org/docs/current/sql-notify.html>).
//!
//! That it hears is not assumed but shown: every few moments a *beat* is sent the way changes go, by a pooled connection, and
//! has to arrive. Messages arrive in the order of commits, so whoever has heard a beat has heard all that was committed before
//! it was sent. A listener that was cut off, was left behind on an old primary, or sits behind a pooler that
//! drops notifications hears none.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::future::poll_fn;
use std::sync::Arc;
use std::time::Duration;

use deadpool_postgres::Pool;
use terse_core::Clock;
use tokio::time::{sleep, timeout};
use tokio_postgres::{AsyncMessage, Client, Connection, Socket};
use tokio_postgres_rustls::MakeRustlsConnect;

use super::failure::error_of;
use super::limits::{Limits, Patience};
use super::tls;
use super::tx::Tx;
use super::url::PostgresUrl;
use super::writer::SERVED_LOCK;
use crate::bus::{AsOf, News, news_in};
use crate::error::{Error, Result, Trouble};

/// The channel of changes.
pub(super) const CHANNEL: &str = "terse_links";
/// What a message of no change begins with.
const BEAT: &str = "beat";
/// Time between beats. With how long one takes to arrive, this is what a redirect may be out of date at most.
const BEAT_EVERY: Duration = Duration::from_millis(200);
/// How long a beat may be under way before the connection is given up, or as long as the server has for a short statement if that is
/// more.
const BEAT_ARRIVES_WITHIN: Duration = Duration::from_millis(1_600);
const CONNECT_AGAIN_AFTER: Duration = Duration::from_millis(200);

/// What goes on over one connection after the other.
struct State {
    /// Never given twice: a late one of an earlier connection must not stand for one of this.
    next_beat: u64,
    /// Whether beats arrive, as far as the log says.
    is_heard: bool,
}

/// What listening needs.
pub(super) struct Listener<'a> {
    pub(super) url: &'a PostgresUrl,
    pub(super) pool: &'a Pool,
    pub(super) limits: Limits,
    pub(super) clock: Arc<dyn Clock>,
    /// Tells this listener's beats from those of other replicas: letters and digits.
    pub(super) name: String,
}

impl Listener<'_> {
    /// Listens for ever, over one connection after the other.
    pub(super) async fn run(&self, mut tell: impl FnMut(News) + Send) {
        let mut state = State {
            next_beat: 0,
            is_heard: true,
        };
        loop {
            let Err(error) = self.listen(&mut tell, &mut state).await;
            if std::mem::replace(&mut state.is_heard, false) {
                let cause = std::error::Error::source(&error).map(ToString::to_string);
                tracing::warn!(%error, cause, "changes of other replicas are not heard: links are asked for again every moment");
            }
            tell(News::Deaf);
            sleep(CONNECT_AGAIN_AFTER).await;
        }
    }

    /// Listens over one connection until it fails.
    async fn listen(&self, tell: &mut (impl FnMut(News) + Send), state: &mut State) -> Result<Infallible> {
        let within = self.limits.of(Patience::Quick);
        let no_answer = |_| Error::unavailable(Trouble::NoAnswer);
        let tls = tls::connector(self.url.trust())?;
        let connecting = self.url.config().connect(tls);
        let (client, connection) = timeout(within, connecting)
            .await
            .map_err(no_answer)?
            .map_err(error_of)?;
        let mut ear = Ear {
            connection,
            heard: VecDeque::new(),
        };
        let subscribing = ear.beside(subscribe(&client));
        let as_of = timeout(within, subscribing).await.map_err(no_answer)??;
        tell(News::Listening { as_of });
        let mut under_way = VecDeque::new();
        loop {
            let number = state.next_beat;
            state.next_beat += 1;
            let sent_at = self.clock.elapsed();
            under_way.push_back((number, sent_at));
            let is_lost =
                |(_, sent): &(u64, Duration)| sent_at.saturating_sub(*sent) > within.max(BEAT_ARRIVES_WITHIN);
            if under_way.front().is_some_and(is_lost) {
                return Err(Error::unavailable(Trouble::NoAnswer));
            }
            let beat = format!("{BEAT} {} {number}", self.name);
            let beating = async {
                let sent = timeout(within, self.send(&beat)).await;
                sleep(BEAT_EVERY).await;
                sent.map_err(no_answer).and_then(|sent| sent)
            };
            // One that cannot be sent does not arrive: that is noticed soon enough.
            let beaten = ear.beside_telling(beating, |message| {
                if let Some(arrived) = self.number_of(message) {
                    while under_way.front().is_some_and(|(number, _)| *number <= arrived) {
                        let (_, until) = under_way.pop_front().expect("it was just looked at");
                        tell(News::Complete { until });
                        if !std::mem::replace(&mut state.is_heard, true) {
                            tracing::info!("changes of other replicas are heard again");
                        }
                    }
                } else if let Some(news) = parse(message) {
                    tell(news);
                }
            });
            if let Err(error) = beaten.await? {
                tracing::debug!(%error, "a beat could not be sent");
            }
        }
    }

    /// Sends a beat. A commit that announces something waits for every other one of the server, also for one that waits for a
    /// standby that is away: no longer than for a lock, or each beat would leave a backend behind that waits as well.
    async fn send(&self, beat: &str) -> Result<()> {
        let within = self.limits.of(Patience::Quick);
        let mut tx = Tx::between(super::connection::get(self.pool).await?, within);
        let limit_ms = within.as_millis();
        tx.control(&format!(
            "BEGIN; SET LOCAL lock_timeout = {limit_ms}; SET LOCAL statement_timeout = {limit_ms}; \
             SELECT pg_notify('{CHANNEL}', '{beat}'); COMMIT"
        ))
        .await?;
        tx.release();
        Ok(())
    }

    /// The number of one of our own beats.
    fn number_of(&self, message: &str) -> Option<u64> {
        let mut words = message.split(' ');
        let is_ours = words.next() == Some(BEAT) && words.next() == Some(&self.name);
        words.next().filter(|_| is_ours)?.parse().ok()
    }
}

/// The end of a connection at which messages arrive.
struct Ear {
    connection:
        Connection<Socket, <MakeRustlsConnect as tokio_postgres::tls::MakeTlsConnect<Socket>>::Stream>,
    /// Messages that arrived while nobody wanted them yet.
    heard: VecDeque<String>,
}

impl Ear {
    /// What `work` gives, for which the connection has to be driven.
    async fn beside<T>(&mut self, work: impl Future<Output = Result<T>>) -> Result<T> {
        let mut kept = Vec::new();
        let outcome = self
            .beside_telling(work, |message| kept.push(message.to_owned()))
            .await?;
        self.heard.extend(kept);
        outcome
    }

    /// As [`Ear::beside`], and tells what arrives meanwhile.
    async fn beside_telling<T>(
        &mut self,
        work: impl Future<Output = T>,
        mut tell: impl FnMut(&str),
    ) -> Result<T> {
        for message in self.heard.drain(..) {
            tell(&message);
        }
        let mut work = std::pin::pin!(work);
        loop {
            tokio::select! {
                biased;
                message = poll_fn(|context| self.connection.poll_message(context)) => match message {
                    Some(Ok(AsyncMessage::Notification(notification))) => tell(notification.payload()),
                    Some(Ok(_)) => {}
                    Some(Err(error)) => return Err(error_of(error)),
                    None => return Err(Error::unavailable(Trouble::Closed)),
                },
                outcome = &mut work => return Ok(outcome),
            }
        }
    }
}

/// Takes the lock of those who serve the database as well, which goes with the connection.
async fn subscribe(client: &Client) -> Result<AsOf> {
    let lock = format!("SELECT pg_try_advisory_lock_shared({SERVED_LOCK})");
    let row = client.query_typed_one(&lock, &[]).await.map_err(error_of)?;
    if !row.try_get::<_, bool>(0).map_err(error_of)? {
        return Err(Error::unavailable(Trouble::BeingReplaced));
    }
    client
        .batch_execute(&format!("LISTEN {CHANNEL}"))
        .await
        .map_err(error_of)?;
    let row = client
        .query_typed_one("SELECT last_id FROM event_sequence", &[])
        .await
        .map_err(error_of)?;
    row.try_get(0).map_err(error_of)
}

/// A message of a change: its moment, then what `crate::bus` wrote.
fn parse(message: &str) -> Option<News> {
    let (as_of, rest) = message.split_once(' ')?;
    news_in(rest, as_of.parse().ok()?)
}
