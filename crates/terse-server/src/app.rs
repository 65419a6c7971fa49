//! The one state of a running server, built top to bottom.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use terse_core::{Clock, Random, ShortCode};
use terse_store::Store;

use crate::cache::{LinkCache, Sharing};
use crate::clicks::{Journal, JournalOptions, Shipper};
use crate::config::Config;
use crate::health::Health;
use crate::second_cache::SecondCache;
use crate::server::StartError;
use crate::telemetry::Telemetry;
use crate::visits;
use tokio::runtime::Handle;

/// How long a reader of its own clicks waits for the shipper, at most.
pub const CAUGHT_UP_WITHIN: Duration = Duration::from_secs(1);

/// The same where the store has refused the latest clicks: most likely it refuses what is to be read as well.
const CAUGHT_UP_WHILE_AWAY: Duration = Duration::from_millis(50);

/// How long a start waits for a database server that cannot be reached yet: they are often started together.
const SERVER_THERE_WITHIN: Duration = Duration::from_secs(30);

/// What a crash left is shipped before the first request, unless it takes longer than this; then it goes on beside the
/// requests.
const RECOVER_WITHIN: Duration = Duration::from_secs(2);
/// Letters that tell this process's beats on the bus from those of others.
const BEAT_NAME_LENGTH: usize = 12;
const JOURNAL_FOLDER: &str = "journal";

/// Everything that a use-case may need. Shared by all connections.
pub struct App {
    /// What the operator set.
    pub config: Config,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Chance, for short codes.
    pub random: Arc<dyn Random>,
    /// The truth.
    pub store: Store,
    /// Links in memory.
    pub cache: LinkCache,
    /// Links in Redis, where there is one.
    pub second_cache: Option<SecondCache>,
    /// Where clicks are safe before their answer leaves.
    pub journal: Arc<Journal>,
    /// What moves clicks from the journal into the store.
    pub shipper: Arc<Shipper>,
    /// What is counted.
    pub telemetry: Telemetry,
    /// Whether requests should be sent here.
    pub health: Health,
    /// Whether the last reader of clicks was answered without the latest.
    is_behind: AtomicBool,
}

impl App {
    /// Opens the store and the journal of `config`, and ships what a crash left. The caller holds the data directory's
    /// lock.
    ///
    /// # Errors
    /// [`StartError`].
    pub async fn open(
        config: Config,
        clock: Arc<dyn Clock>,
        random: Arc<dyn Random>,
    ) -> Result<Self, StartError> {
        let mut options = config.database.store_options();
        options.server_there_within = SERVER_THERE_WITHIN;
        let store = Store::open(options).await?;
        let journal = Arc::new(Journal::open(
            journal_options(&config),
            Arc::clone(&clock),
            Arc::clone(&random),
        )?);
        let shipper = Arc::new(Shipper::new(Arc::clone(&journal), store.clone()));
        recover(&shipper).await;
        let cache = LinkCache::new(
            config.cache_bytes,
            Arc::clone(&clock),
            sharing(&store, config.stale_for),
        );
        let second_cache = config
            .redis_url
            .clone()
            .map(|url| SecondCache::new(url, store.clone()));
        Ok(Self {
            telemetry: Telemetry::new(clock.now()),
            health: Health::default(),
            config,
            clock,
            random,
            store,
            cache,
            second_cache,
            journal,
            shipper,
            is_behind: AtomicBool::new(false),
        })
    }

    /// Keeps what is in memory true to the database, for ever: hears of other replicas' changes, and reads anew what is old.
    pub(crate) async fn keep_coherent(&self) {
        let name = ShortCode::generate(BEAT_NAME_LENGTH, &*self.random).to_string();
        let hear = |news| self.cache.hear(&news);
        let following = self.store.follow_changes(Arc::clone(&self.clock), name, hear);
        let second_cache = async {
            if let Some(second_cache) = &self.second_cache {
                second_cache
                    .run(|is_there| self.cache.set_elsewhere(is_there))
                    .await;
            }
        };
        tokio::join!(following, visits::refresh(self), second_cache);
    }

    /// Has every cache forget these codes, whose change was committed just now and is not acknowledged yet.
    pub(crate) fn forget<'a>(&self, codes: impl IntoIterator<Item = &'a ShortCode>) {
        let as_of = self.store.last_change();
        for code in codes {
            self.cache.forget([code], as_of);
            if let Some(second_cache) = &self.second_cache {
                second_cache.changed(code, as_of);
            }
        }
    }

    /// Waits until every click answered so far can be read in the store, but at most [`CAUGHT_UP_WITHIN`]: while the
    /// store refuses clicks, readers get what it has.
    pub(crate) async fn see_own_clicks(&self) {
        let within = if self.shipper.is_store_away() {
            CAUGHT_UP_WHILE_AWAY
        } else {
            CAUGHT_UP_WITHIN
        };
        let is_behind = !self.shipper.caught_up(within).await;
        // Once for all readers who meet the same delay.
        match (self.is_behind.swap(is_behind, Ordering::Relaxed), is_behind) {
            (false, true) => {
                tracing::warn!("answering without the latest clicks: they are safe in the journal");
            }
            (true, false) => tracing::info!("answers have the latest clicks again"),
            _ => {}
        }
    }
}

/// Who else may change what is in memory.
fn sharing(store: &Store, stale_for: Duration) -> Sharing {
    if store.is_shared() {
        Sharing::Shared { stale_for }
    } else {
        Sharing::Alone
    }
}

/// A lane for each thread of the runtime.
fn journal_options(config: &Config) -> JournalOptions {
    JournalOptions {
        max_bytes: config.journal_bytes_max,
        sync_interval: config.journal_sync,
        ..JournalOptions::new(
            config.data_dir.join(JOURNAL_FOLDER),
            Handle::current().metrics().num_workers(),
        )
    }
}

async fn recover(shipper: &Shipper) {
    match tokio::time::timeout(RECOVER_WITHIN, shipper.recover()).await {
        Ok(Ok(recovered)) if recovered.clicks > 0 => {
            tracing::info!(
                clicks = recovered.clicks,
                "shipped the clicks that the last run left in the journal"
            );
        }
        Ok(Ok(_)) => {}
        Ok(Err(error)) => tracing::warn!("clicks of the last run stay in the journal for now: {error}"),
        Err(_) => tracing::warn!("clicks of the last run are being shipped while requests are answered"),
    }
}
