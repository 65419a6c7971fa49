//! Something between a replica and its PostgreSQL that can drop notifications, as poolers do that hand a connection to another
//! client after each transaction: everything works but listening, and nobody is told.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tokio::io::{AsyncReadExt, AsyncWriteExt, BufReader, copy};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

/// The kind of message in which PostgreSQL hands over a notification
/// (<https://www.postgresql.org/docs/current/protocol-message-formats.html>).
const NOTIFICATION: u8 = b'A';

/// Ends with its connections when it is dropped.
pub(super) struct Pooler {
    /// The database, through this.
    pub(super) url: String,
    drops: Arc<AtomicBool>,
    _serving: JoinSet<()>,
}

impl Pooler {
    /// One before the database at `url`; drops nothing yet.
    pub(super) async fn before(url: &str) -> Self {
        let (user, rest) = url.split_once('@').expect("a URL with a user");
        let (server, database) = rest.split_once('/').expect("a URL with a database");
        let server: SocketAddr = server.parse().expect("an address");
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await;
        let listener = listener.expect("a free port");
        let here = listener.local_addr().expect("bound");
        let drops = Arc::<AtomicBool>::default();
        let mut serving = JoinSet::new();
        serving.spawn(serve(listener, server, Arc::clone(&drops)));
        Self {
            // Messages have to be read on their way.
            url: format!("{user}@{here}/{database}?sslmode=disable"),
            drops,
            _serving: serving,
        }
    }

    /// Whether notifications are dropped from now on.
    pub(super) fn set_drops(&self, drops: bool) {
        self.drops.store(drops, Ordering::Relaxed);
    }
}

async fn serve(listener: TcpListener, server: SocketAddr, drops: Arc<AtomicBool>) {
    let mut connections = JoinSet::new();
    while let Ok((client, _)) = listener.accept().await {
        let server = TcpStream::connect(server).await.expect("it runs");
        for stream in [&client, &server] {
            stream.set_nodelay(true).expect("TCP");
        }
        let (mut asked, answered) = client.into_split();
        let (answers, mut asks) = server.into_split();
        let drops = Arc::clone(&drops);
        connections.spawn(async move {
            tokio::select! {
                _ = copy(&mut asked, &mut asks) => {}
                _ = pass_on(answers, answered, &drops) => {}
            }
        });
    }
}

/// Passes on what the server says, message by message, until one of both has closed.
async fn pass_on(from: OwnedReadHalf, mut to: OwnedWriteHalf, drops: &AtomicBool) -> std::io::Result<()> {
    let mut from = BufReader::new(from);
    loop {
        let mut message = vec![from.read_u8().await?];
        let length = from.read_u32().await?;
        message.extend(length.to_be_bytes());
        // The length counts itself.
        let end = message.len() + length as usize - size_of::<u32>();
        message.resize(end, 0);
        from.read_exact(&mut message[1 + size_of::<u32>()..]).await?;
        if message[0] != NOTIFICATION || !drops.load(Ordering::Relaxed) {
            to.write_all(&message).await?;
        }
    }
}
