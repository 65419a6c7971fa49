//! What a connection of the express lane needs that takes time: done by a task, which gives the connection back if it can.

use std::io;
use std::net::TcpStream;
use std::time::Duration;

use tokio::io::AsyncWriteExt;

use super::connection::{Connection, Why};
use super::{Arrival, Express, head};
use crate::http::Service;
use crate::http::door::{Place, Stalling, general};
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
    pub(super) async fn take(mut self, connection: Connection, why: Why, was_looked_up: bool) {
        let Connection { stream, place, .. } = connection;
        let stream = TcpStream::from(stream);
        match why {
            // Once: what is not in memory right after a look-up will not stay there for the thread to find.
            Why::LookUp(unanswered) if !was_looked_up && self.look_up(&unanswered).await => {
                self.give_back(stream, unanswered, true, place).await;
            }
            Why::LookUp(unanswered) | Why::General(unanswered) => {
                self.serve_generally(stream, unanswered, place).await;
            }
            Why::Slow { unsent, unanswered } => match send(stream, &unsent).await {
                Ok(stream) => {
                    // What is behind the answers waited for the client, not for us.
                    self.arrived_at = self.service.app().clock.elapsed();
                    self.give_back(stream, unanswered, false, place).await;
                }
                Err(error) => tracing::debug!("a client did not take its answer: {error}"),
            },
        }
    }

    /// Whether the code that `unanswered` asks for leads somewhere, and may be in memory now.
    async fn look_up(&self, unanswered: &[u8]) -> bool {
        match head::read(unanswered) {
            Some(visit) => visits::find(self.service.app(), visit.code).await.is_ok(),
            None => false,
        }
    }

    async fn give_back(self, stream: TcpStream, unanswered: Vec<u8>, is_looked_up: bool, place: Place) {
        let arrival = Arrival {
            stream,
            unanswered,
            is_looked_up,
            arrived_at: self.arrived_at,
            place,
        };
        // The threads have ended; what was asked before is answered all the same.
        if let Err(arrival) = self.express.give(arrival) {
            self.serve_generally(arrival.stream, arrival.unanswered, arrival.place)
                .await;
        }
    }

    async fn serve_generally(&self, stream: TcpStream, unanswered: Vec<u8>, place: Place) {
        match tokio::net::TcpStream::from_std(stream) {
            Ok(stream) => general::serve(stream, unanswered, self.service.clone(), &self.tasks, place).await,
            Err(error) => tracing::warn!("a connection cannot be waited for and is closed: {error}"),
        }
    }
}

/// Writes `unsent` at the client's pace.
async fn send(stream: TcpStream, unsent: &[u8]) -> io::Result<TcpStream> {
    let mut stream = Stalling::new(tokio::net::TcpStream::from_std(stream)?);
    stream.write_all(unsent).await?;
    stream.into_inner().into_std()
}
