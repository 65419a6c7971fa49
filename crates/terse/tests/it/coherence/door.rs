//! A client who comes again after whatever happened to his connection, and to wherever the server is by then.

use std::net::{SocketAddr, TcpStream};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use crate::torture::client::{Answer, Client};

/// Where a server is; one that is started again may be elsewhere.
#[derive(Debug, Clone)]
pub(crate) struct Place(Arc<Mutex<SocketAddr>>);

impl Place {
    pub(crate) fn at(address: &str) -> Self {
        Self(Arc::new(Mutex::new(parse(address))))
    }

    pub(crate) fn move_to(&self, address: &str) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = parse(address);
    }

    fn now(&self) -> SocketAddr {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn parse(address: &str) -> SocketAddr {
    address.parse().expect("ADDRESS:PORT")
}

/// One who asks there.
pub(crate) struct Door {
    place: Place,
    within: Duration,
    client: Option<Client>,
}

impl Door {
    /// Gives up waiting for an answer after `within`.
    pub(crate) fn to(place: &Place, within: Duration) -> Self {
        Self {
            place: place.clone(),
            within,
            client: None,
        }
    }

    /// The answer, or `None` when there was none.
    pub(crate) fn ask(&mut self, method: &str, path: &str, agent: &str, body: &str) -> Option<Answer> {
        let mut client = match self.client.take() {
            Some(client) => client,
            None => self.connect()?,
        };
        let answer = client.request(method, path, agent, body)?;
        self.client = (!answer.is_last).then_some(client);
        Some(answer)
    }

    /// A connection of its own.
    pub(crate) fn connect(&self) -> Option<Client> {
        let address = self.place.now();
        let stream = TcpStream::connect_timeout(&address, self.within).ok()?;
        stream.set_nodelay(true).ok()?;
        Client::over(stream, &address.to_string(), self.within).ok()
    }
}
