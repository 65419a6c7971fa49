//! Places: how many connections may be open, in all and from one address.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::telemetry::{Connections, OpenConnection, Refusal};

/// Hands out places.
#[derive(Clone)]
pub(in crate::http) struct Places {
    all: Arc<Semaphore>,
    addresses: Addresses,
    connections: Arc<Connections>,
}

/// A place among the open connections; dropping it frees it.
pub(in crate::http) struct Place {
    _one_of_all: OwnedSemaphorePermit,
    /// Held for its end.
    _of_address: Option<OfAddress>,
    _counted: OpenConnection,
}

/// The address has as many connections as it may have.
#[derive(Debug, PartialEq, Eq)]
pub(in crate::http) struct TooMany;

#[derive(Clone)]
struct Addresses {
    open: Arc<Mutex<HashMap<IpAddr, usize>>>,
    max: usize,
    counts_loopback: bool,
}

struct OfAddress {
    address: IpAddr,
    addresses: Addresses,
}

/// How many connections one address may have open.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PerAddress {
    /// At most this many.
    pub max: usize,
    /// Whether that holds for this machine's own programs too: a proxy on it brings everybody's connections.
    pub counts_loopback: bool,
}

impl Places {
    pub(in crate::http) fn new(
        all_max: usize,
        per_address: PerAddress,
        connections: Arc<Connections>,
    ) -> Self {
        Self {
            all: Arc::new(Semaphore::new(all_max)),
            addresses: Addresses {
                open: Arc::default(),
                max: per_address.max,
                counts_loopback: per_address.counts_loopback,
            },
            connections,
        }
    }

    /// Waits until fewer connections are open than may be.
    pub(in crate::http) async fn wait(&self) -> OwnedSemaphorePermit {
        let permit = Arc::clone(&self.all).acquire_owned().await;
        permit.expect("the semaphore is never closed")
    }

    /// A place, if there is one now.
    pub(super) fn free(&self) -> Option<OwnedSemaphorePermit> {
        Arc::clone(&self.all).try_acquire_owned().ok()
    }

    /// The place of a connection from `address`.
    pub(in crate::http) fn take(
        &self,
        one_of_all: OwnedSemaphorePermit,
        address: IpAddr,
    ) -> Result<Place, TooMany> {
        let of_address = self.addresses.take(address);
        let of_address = of_address.inspect_err(|TooMany| self.connections.refused(Refusal::PerAddress))?;
        Ok(Place {
            _one_of_all: one_of_all,
            _of_address: of_address,
            _counted: self.connections.open(),
        })
    }
}

impl Addresses {
    fn take(&self, address: IpAddr) -> Result<Option<OfAddress>, TooMany> {
        let address = subscriber(address);
        if address.is_loopback() && !self.counts_loopback {
            return Ok(None);
        }
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        let count = open.entry(address).or_default();
        if *count >= self.max {
            return Err(TooMany);
        }
        *count += 1;
        Ok(Some(OfAddress {
            address,
            addresses: self.clone(),
        }))
    }
}

impl Drop for OfAddress {
    fn drop(&mut self) {
        let mut open = self.addresses.open.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = open.get_mut(&self.address) {
            *count -= 1;
            if *count == 0 {
                open.remove(&self.address);
            }
        }
    }
}

/// What one subscriber has: an IPv4 address, or a /64 of IPv6, of which each of his machines makes addresses at will.
fn subscriber(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) if !address.is_loopback() => {
            let network = u128::from(address) & !u128::from(u64::MAX);
            IpAddr::V6(Ipv6Addr::from(network))
        }
        address => address,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn places(max: usize, counts_loopback: bool) -> Places {
        let per_address = PerAddress { max, counts_loopback };
        Places::new(10, per_address, Arc::default())
    }

    async fn take(places: &Places, address: &str) -> Result<Place, TooMany> {
        let permit = places.wait().await;
        places.take(permit, address.parse().expect("an address"))
    }

    #[tokio::test]
    async fn an_address_has_its_share_and_gets_it_back() {
        let places = places(2, false);
        let first = take(&places, "192.0.2.1").await;
        let second = take(&places, "::ffff:192.0.2.1").await;
        assert!(first.is_ok() && second.is_ok());
        assert!(take(&places, "192.0.2.1").await.is_err());
        assert!(take(&places, "192.0.2.2").await.is_ok());
        drop(first);
        assert!(take(&places, "192.0.2.1").await.is_ok());
    }

    #[tokio::test]
    async fn a_subscriber_of_ipv6_is_a_network() {
        let places = places(1, false);
        let first = take(&places, "2001:db8:0:1::1").await;
        assert!(first.is_ok());
        assert!(take(&places, "2001:db8:0:1:ffff::2").await.is_err());
        assert!(take(&places, "2001:db8:0:2::1").await.is_ok());
    }

    #[tokio::test]
    async fn this_machine_is_counted_only_when_told() {
        let free = places(0, false);
        assert!(take(&free, "127.0.0.1").await.is_ok() && take(&free, "::1").await.is_ok());
        let counted = places(0, true);
        assert!(take(&counted, "127.0.0.1").await.is_err() && take(&counted, "::1").await.is_err());
    }

    #[tokio::test]
    async fn a_place_that_was_refused_is_free_again() {
        let places = places(0, true);
        for _ in 0..20 {
            assert!(take(&places, "127.0.0.1").await.is_err());
        }
    }
}
