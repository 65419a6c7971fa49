//! What a connection of the express lane needs that takes time: done by a task, which gives the connection back if it can.

use std::io;
use std::net::TcpStream;
use std::time::Duration;

use tokio::io::AsyncWriteExt;

use super::connection::{Connection, Why};
use super::{Arrival, Express, head};
use crate::error::{Error, Result};
use crate::http::Service;
use crate::http::door::Stalling;
use crate::lifecycle::Tasks;
use crate::visits;

/// All that a detour may need.
pub(super) struct Detour {
    pub(super) service: Service,
    pub(super) tasks: Tasks,
    pub(super) express: Express,
    /// When the connection had something for its thread, by the clock's elapsed time.
    pub(super) arrived_at: Duration,
}

impl Detour {
    /// Does what `connection` needs, which no thread waits for any more.
    pub(super) async fn take(self, connection: Connection, why: Why, was_looked_up: bool) {
        let Connection { stream, place, .. } = connection;
        let mut arrival = Arrival {
            stream: TcpStream::from(stream),
            unanswered: Vec::new(),
            is_looked_up: false,
            arrived_at: self.arrived_at,
            place,
        };
        match why {
            // Once: what is not in memory right after a look-up will not stay there for the thread to find.
            Why::LookUp(unanswered) if !was_looked_up => {
                let found = self.look_up(&unanswered).await;
                arrival.unanswered = unanswered;
                arrival.is_looked_up = true;
                match found {
                    Some(Ok(())) => self.give_back(arrival).await,
                    // Nobody asks again: a store in need is not to be asked twice for each visit.
                    in_vain => self.serve_generally(arrival, in_vain.and_then(Result::err)).await,
                }
            }
            Why::LookUp(unanswered) | Why::General(unanswered) => {
                arrival.unanswered = unanswered;
                self.serve_generally(arrival, None).await;
            }
            Why::Slow { unsent, unanswered } => match send(arrival.stream, &unsent).await {
                Ok(stream) => {
                    let arrival = Arrival {
                        stream,
                        unanswered,
                        // What is behind the answers waited for the client, not for us.
                        arrived_at: self.service.app().clock.elapsed(),
                        ..arrival
                    };
                    self.give_back(arrival).await;
                }
                Err(error) => tracing::debug!("a client did not take its answer: {error}"),
            },
        }
    }

    /// Whether the code that `unanswered` asks for leads somewhere, and may be in memory now. `None` when it asks for none.
    async fn look_up(&self, unanswered: &[u8]) -> Option<Result<()>> {
        let visit = head::read(unanswered, || {})?;
        Some(visits::find(self.service.app(), visit.code).await.map(drop))
    }

    /// Hands the connection to a thread. When all have ended, what was asked before is answered all the same.
    pub(super) async fn give_back(self, arrival: Arrival) {
        if let Err(arrival) = self.express.give(arrival) {
            self.serve_generally(arrival, None).await;
        }
    }

    async fn serve_generally(&self, arrival: Arrival, failure: Option<Error>) {
        arrival
            .serve_generally(self.service.clone(), &self.tasks, failure)
            .await;
    }
}

/// Writes `unsent` at the client's pace.
async fn send(stream: TcpStream, unsent: &[u8]) -> io::Result<TcpStream> {
    let mut stream = Stalling::new(tokio::net::TcpStream::from_std(stream)?);
    stream.write_all(unsent).await?;
    stream.into_inner().into_std()
}
