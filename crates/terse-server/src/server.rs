//! A server from start to end.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use terse_core::{Clock, Random};
use tokio::net::TcpListener;
use tokio::runtime::Handle;

use crate::app::App;
use crate::config::{CONNECTIONS_PER_ADDRESS_DEFAULT, Config, reachable};
use crate::data_dir::{DataDir, DataDirError};
use crate::http::Service;
use crate::http::door::{self, DoorOptions, PerAddress};
use crate::lifecycle::{DRAIN_WITHIN, Tasks};

/// A server that listens. Stopped, and everything it was told safe, when [`Server::run`] returns.
pub struct Server {
    app: Arc<App>,
    tasks: Tasks,
    listener: TcpListener,
    data_dir: DataDir,
}

/// Why a server does not start; says what to do.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The data directory belongs to another process, or to nobody.
    #[error(transparent)]
    DataDir(#[from] DataDirError),
    /// The database cannot be opened.
    #[error("the database cannot be opened: {0}")]
    Store(#[from] terse_store::Error),
    /// The click journal cannot be opened.
    #[error("the click journal cannot be opened: {0}")]
    Journal(#[from] crate::clicks::JournalError),
    /// The address cannot be listened on.
    #[error("cannot listen on {address}: {source}")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// What the system says.
        source: io::Error,
    },
}

impl Server {
    /// Opens everything and listens. Connections wait until [`Server::run`].
    ///
    /// # Errors
    /// [`StartError`].
    pub async fn start(
        mut config: Config,
        clock: Arc<dyn Clock>,
        random: Arc<dyn Random>,
    ) -> Result<Self, StartError> {
        let mut data_dir = DataDir::lock(&config.data_dir, &config.database.place)?;
        let address = config.listen;
        let listen = |source| StartError::Listen { address, source };
        let listener = TcpListener::bind(address).await.map_err(listen)?;
        let here = listener.local_addr().map_err(listen)?;
        // Of port 0 the system has made a real one: links to that lead back here.
        config.listen = here;
        let app = Arc::new(App::open(config, clock, random).await?);
        if let Err(error) = data_dir.announce(&format!("http://{}", reachable(here))) {
            tracing::warn!("commands on the data directory will not find this server: {error}");
        }
        Ok(Self {
            app,
            tasks: Tasks::new(),
            listener,
            data_dir,
        })
    }

    /// Where it listens; the real port where the operator said 0.
    pub fn address(&self) -> SocketAddr {
        self.listener.local_addr().unwrap_or(self.app.config.listen)
    }

    /// Serves until `stop` is done, then: says that it is not ready, waits for the configured delay, accepts no more, finishes the requests under way, ships the journal, closes
    /// the store.
    pub async fn run(self, stop: impl Future<Output = ()>) {
        let Self {
            app,
            tasks,
            listener,
            data_dir,
        } = self;
        // Ends after the last request.
        let beside = Tasks::new();
        let (keeping, ending) = (Arc::clone(&app), beside.stopping());
        beside.spawn(async move {
            let keeping = Box::pin(keeping.keep_coherent());
            ending.run_until_cancelled(keeping).await
        });
        let shipping = Tasks::new();
        start_shipping(&app, &shipping);
        let service = Service::new(Arc::clone(&app), tasks.clone());
        let stopping = tasks.stopping();
        let accepting = door::accept(listener, service, door_options(&app), &tasks);
        let until_stopped = async {
            stop.await;
            app.health.set_stopping();
            // Whoever sends requests here has time to notice; until then they are answered as before.
            tokio::time::sleep(app.config.stop_delay).await;
            stopping.cancel();
        };
        // Both: the door lets those in who wait before it, then closes.
        tokio::join!(accepting, until_stopped);
        tracing::info!("stopping: finishing requests");
        if !tasks.drain().await {
            tracing::warn!(
                "some requests were not finished within {} s",
                DRAIN_WITHIN.as_secs()
            );
        }
        if !shipping.drain().await {
            tracing::warn!(
                "some clicks are not shipped yet: they are safe in the journal, the next start ships them"
            );
        }
        beside.drain().await;
        app.store.close().await;
        // The next process may have the directory when nothing of this one writes in it any more.
        drop(app);
        drop(data_dir);
    }
}

/// On a thread of its own: it reads and packs clicks for milliseconds at a time, and a request would wait behind that.
fn start_shipping(app: &App, shipping: &Tasks) {
    let ship = || {
        let (shipper, stopping) = (Arc::clone(&app.shipper), shipping.stopping());
        async move { shipper.run(stopping).await }
    };
    if let Err(error) = shipping.spawn_thread("click-shipper", ship()) {
        tracing::warn!(
            "clicks are shipped by the threads of requests, for there is no thread for it: {error}"
        );
        shipping.spawn(ship());
    }
}

fn door_options(app: &App) -> DoorOptions {
    let per_address = app.config.connections_per_address;
    DoorOptions {
        connections_max: door::connections_within_limit(app.config.connections_max),
        per_address: PerAddress {
            max: per_address.unwrap_or(CONNECTIONS_PER_ADDRESS_DEFAULT),
            counts_loopback: per_address.is_some(),
        },
        express_threads: if app.journal.syncs_before_answer() {
            0
        } else {
            Handle::current().metrics().num_workers()
        },
    }
}
