//! How batches are sent: by the client that commands have too, on the thread that sends.

use std::pin::Pin;

use opentelemetry_http::{Bytes, HttpClient, HttpError, Request, Response};
use ureq::Agent;
use url::{Host, Url};

use super::EXPORT_WITHIN;
use crate::agent::{Via, agent};

/// Sends requests, one at a time.
#[derive(Debug)]
pub(super) struct Client(Agent);

impl Client {
    /// For requests to `url`.
    pub(super) fn to(url: &Url) -> Self {
        let is_here = match url.host() {
            Some(Host::Ipv4(address)) => address.is_loopback(),
            Some(Host::Ipv6(address)) => address.is_loopback(),
            Some(Host::Domain(name)) => name == "localhost",
            None => false,
        };
        let via = if is_here { Via::ThisMachine } else { Via::Network };
        Self(agent(via, EXPORT_WITHIN))
    }

    fn send(&self, request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
        let answer = self.0.run(request.map(|body| body.to_vec()))?;
        let (head, mut body) = answer.into_parts();
        Ok(Response::from_parts(head, body.read_to_vec()?.into()))
    }
}

impl HttpClient for Client {
    // Its future is driven by a thread that has nothing else to do, so it may wait where it stands.
    fn send_bytes<'client, 'sending>(
        &'client self,
        request: Request<Bytes>,
    ) -> Pin<Box<dyn Future<Output = Result<Response<Bytes>, HttpError>> + Send + 'sending>>
    where
        'client: 'sending,
        Self: 'sending,
    {
        Box::pin(async move { self.send(request) })
    }
}
