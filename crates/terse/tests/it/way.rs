//! What stands between a server and another one that it needs, and can be shut, made silent or slow: a small TCP proxy.

use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener as AsyncListener, TcpStream};
use tokio::runtime::{Builder, Runtime};
use tokio::sync::watch;

/// What happens to connections.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Flow {
    /// Everything goes through.
    Open,
    /// They are closed, and new ones too.
    Shut,
    /// They stay, and nothing goes through until later: as through a network that has come apart.
    Silent,
    /// Everything takes so much longer, in each direction.
    Slow(Duration),
}

/// What happens to which connections.
#[derive(Debug, Clone, Copy)]
struct Flows {
    all: Flow,
    /// Those on which a replica listens for changes, unless something happens to all.
    bus: Flow,
}

/// One way, from a port of its own to one server.
pub(crate) struct Way {
    address: SocketAddr,
    flows: watch::Sender<Flows>,
    /// The connections end with it.
    _runtime: Runtime,
}

/// What a connection is told, and is known of it.
#[derive(Clone)]
struct Passage {
    flows: watch::Receiver<Flows>,
    is_bus: Arc<AtomicBool>,
    /// Texts that are replaced by others of the same length on the way back.
    renamed: Arc<[(String, String)]>,
}

impl Way {
    /// An open way to `server`, which is `ADDRESS:PORT`.
    pub(crate) fn to(server: &str) -> Self {
        Self::renaming(server, &[])
    }

    /// As [`Way::to`], and what the server says is given other names: Sentinels say where Redis is, to which there is another
    /// way.
    pub(crate) fn renaming(server: &str, renamed: &[(String, String)]) -> Self {
        let server: SocketAddr = server.parse().expect("ADDRESS:PORT");
        let is_alike = |(from, to): &(String, String)| from.len() == to.len();
        assert!(
            renamed.iter().all(is_alike),
            "lengths are told ahead: {renamed:?}"
        );
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        listener.set_nonblocking(true).expect("ours");
        let address = listener.local_addr().expect("bound");
        let (flows, told) = watch::channel(Flows {
            all: Flow::Open,
            bus: Flow::Open,
        });
        let runtime = Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .expect("a thread");
        let renamed = renamed.into();
        runtime.spawn(async move {
            let listener = AsyncListener::from_std(listener).expect("within a runtime");
            loop {
                let Ok((from, _)) = listener.accept().await else {
                    return;
                };
                let passage = Passage {
                    flows: told.clone(),
                    is_bus: Arc::default(),
                    renamed: Arc::clone(&renamed),
                };
                tokio::runtime::Handle::current().spawn(passage.carry(from, server));
            }
        });
        Self {
            address,
            flows,
            _runtime: runtime,
        }
    }

    /// Where it begins.
    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    pub(crate) fn set(&self, flow: Flow) {
        self.flows.send_modify(|flows| flows.all = flow);
    }

    /// Of the connections on which a replica listens for changes.
    pub(crate) fn set_bus(&self, flow: Flow) {
        self.flows.send_modify(|flows| flows.bus = flow);
    }
}

impl Passage {
    fn flow(&self) -> Flow {
        let flows = *self.flows.borrow();
        if flows.all == Flow::Open && self.is_bus.load(Ordering::Relaxed) {
            flows.bus
        } else {
            flows.all
        }
    }

    async fn carry(mut self, from: TcpStream, server: SocketAddr) {
        if !self.may_go_on().await {
            return;
        }
        let Ok(to) = TcpStream::connect(server).await else {
            return;
        };
        for stream in [&from, &to] {
            stream.set_nodelay(true).expect("a TCP connection");
        }
        let (from_read, from_write) = from.into_split();
        let (to_read, to_write) = to.into_split();
        let forth = self.clone().pump(from_read, to_write, |passage, bytes| {
            if find(bytes, b"LISTEN ") {
                passage.is_bus.store(true, Ordering::Relaxed);
            }
        });
        let back = self.pump(to_read, from_write, |passage, bytes| {
            for (name, other) in &*passage.renamed {
                replace(bytes, name.as_bytes(), other.as_bytes());
            }
        });
        // However one direction ends, the other does as well.
        tokio::select! {
            () = forth => {}
            () = back => {}
        }
    }

    async fn pump(
        mut self,
        mut from: OwnedReadHalf,
        mut to: OwnedWriteHalf,
        look: impl Fn(&Self, &mut [u8]),
    ) {
        let mut bytes = vec![0; 65_536];
        loop {
            let length = tokio::select! {
                changed = self.flows.changed() => {
                    if changed.is_err() || self.flow() == Flow::Shut {
                        return;
                    }
                    continue;
                }
                length = from.read(&mut bytes) => length.unwrap_or(0),
            };
            if length == 0 {
                return;
            }
            look(&self, &mut bytes[..length]);
            if !self.may_go_on().await || to.write_all(&bytes[..length]).await.is_err() {
                return;
            }
        }
    }

    /// Waits as long as nothing goes through. Whether it ever does.
    async fn may_go_on(&mut self) -> bool {
        loop {
            match self.flow() {
                Flow::Open => return true,
                Flow::Shut => return false,
                Flow::Slow(by) => {
                    tokio::time::sleep(by).await;
                    return true;
                }
                Flow::Silent => {
                    if self.flows.changed().await.is_err() {
                        return false;
                    }
                }
            }
        }
    }
}

fn find(bytes: &[u8], text: &[u8]) -> bool {
    bytes.windows(text.len()).any(|window| window == text)
}

fn replace(bytes: &mut [u8], text: &[u8], other: &[u8]) {
    let mut at = 0;
    while at + text.len() <= bytes.len() {
        let window = &mut bytes[at..at + text.len()];
        if window == text {
            window.copy_from_slice(other);
        }
        at += 1;
    }
}
