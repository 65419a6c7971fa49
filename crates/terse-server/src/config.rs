//! What an operator can set: raw texts in, a checked [`Config`] out.
//!
//! [`RawConfig`] is what flags and environment say, [`Config`] is what the program works with. Nothing else in the
//! workspace reads settings.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

mod base_url;
mod database;
mod duration;
mod listen;
mod otlp;
mod shown;

use terse_store::Place;
use url::Url;

use crate::second_cache::{InvalidRedisUrl, RedisUrl};

pub use base_url::{BaseUrl, InvalidBaseUrl};
pub use database::{
    DATABASE_CONNECTIONS_DEFAULT, DATABASE_CONNECTIONS_MAX, DATABASE_CONNECTIONS_MIN,
    DATABASE_TIMEOUT_MS_DEFAULT, DATABASE_TIMEOUT_MS_MAX, DATABASE_TIMEOUT_MS_MIN, DatabaseConfig, place,
};
pub use listen::{Auth, address_to_ask, reachable};
pub use shown::without_credentials;

/// Where the program listens when nothing else is said.
pub const LISTEN_DEFAULT: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 8000);
/// Where data is kept when nothing else is said.
pub const DATA_DIR_DEFAULT: &str = "./data";
/// Memory for links that are answered without the store, in MiB.
pub const CACHE_MIB_DEFAULT: u64 = 256;
/// The most that `--cache-mib` may ask for.
pub const CACHE_MIB_MAX: u64 = 1 << 20;
/// Milliseconds between two syncs of the journal: what a power cut can cost.
pub const JOURNAL_SYNC_MS_DEFAULT: u64 = 1_000;
/// The most that `--journal-sync-ms` may ask for.
pub const JOURNAL_SYNC_MS_MAX: u64 = 60_000;
/// Disk space for clicks that the store has not taken yet, in MiB.
pub const JOURNAL_MAX_MIB_DEFAULT: u64 = 1_024;
/// The least that `--journal-max-mib` may ask for: a few segments.
pub const JOURNAL_MAX_MIB_MIN: u64 = 64;
/// Open connections at most.
pub const CONNECTIONS_MAX_DEFAULT: usize = 15_000;
const CONNECTIONS_MAX_MAX: usize = 1_000_000;
/// Open connections of one address at most; this machine's own are not counted unless the setting is given.
pub const CONNECTIONS_PER_ADDRESS_DEFAULT: usize = 1_000;

/// How long links are answered from memory while the database is away.
pub const STALE_FOR_DEFAULT: Duration = Duration::from_hours(24);
/// The least and the most that `--stale-for` may ask for.
pub const STALE_FOR_LIMITS: (Duration, Duration) = (Duration::from_secs(1), Duration::from_hours(24 * 365));
/// Milliseconds between the order to stop and the closing of the door.
pub const STOP_DELAY_MS_DEFAULT: u64 = 0;
/// The most that `--stop-delay-ms` may ask for.
pub const STOP_DELAY_MS_MAX: u64 = 60_000;

/// Settings as they were written, `None` where nothing was. Field by field the flag of the same name.
#[derive(Debug, Clone, Default)]
pub struct RawConfig {
    /// `--listen`, `TERSE_LISTEN`: `ADDR:PORT`.
    pub listen: Option<String>,
    /// `PORT`: what hosting platforms set.
    pub port: Option<String>,
    /// `--data-dir`, `TERSE_DATA_DIR`.
    pub data_dir: Option<PathBuf>,
    /// `--database-url`, `DATABASE_URL`.
    pub database_url: Option<String>,
    /// `--database-connections`, `TERSE_DATABASE_CONNECTIONS`.
    pub database_connections: Option<String>,
    /// `--database-listen-url`, `TERSE_DATABASE_LISTEN_URL`.
    pub database_listen_url: Option<String>,
    /// `--database-timeout-ms`, `TERSE_DATABASE_TIMEOUT_MS`.
    pub database_timeout_ms: Option<String>,
    /// `--redis-url`, `REDIS_URL`.
    pub redis_url: Option<String>,
    /// `--base-url`, `TERSE_BASE_URL`.
    pub base_url: Option<String>,
    /// `--import-dir`, `TERSE_IMPORT_DIR`.
    pub import_dir: Option<PathBuf>,
    /// `--auth`, `TERSE_AUTH`.
    pub auth: Option<String>,
    /// `--cache-mib`, `TERSE_CACHE_MIB`.
    pub cache_mib: Option<String>,
    /// `--journal-sync-ms`, `TERSE_JOURNAL_SYNC_MS`.
    pub journal_sync_ms: Option<String>,
    /// `--journal-max-mib`, `TERSE_JOURNAL_MAX_MIB`.
    pub journal_max_mib: Option<String>,
    /// `--max-connections`, `TERSE_MAX_CONNECTIONS`.
    pub max_connections: Option<String>,
    /// `--max-connections-per-address`, `TERSE_MAX_CONNECTIONS_PER_ADDRESS`.
    pub max_connections_per_address: Option<String>,
    /// `--stop-delay-ms`, `TERSE_STOP_DELAY_MS`.
    pub stop_delay_ms: Option<String>,
    /// `--stale-for`, `TERSE_STALE_FOR`.
    pub stale_for: Option<String>,
    /// `--log-redirects`, `TERSE_LOG_REDIRECTS`.
    pub log_redirects: bool,
    /// `--otlp-endpoint`, `TERSE_OTLP_ENDPOINT`.
    pub otlp_endpoint: Option<String>,
}

/// Settings that make sense, each on its own and together.
#[derive(Debug, Clone)]
pub struct Config {
    /// Where to listen; port 0 lets the system choose.
    pub listen: SocketAddr,
    /// Everything that must survive.
    pub data_dir: PathBuf,
    /// Where the truth is kept.
    pub database: DatabaseConfig,
    /// The second cache.
    pub redis_url: Option<RedisUrl>,
    /// What short URLs start with; `None` takes the request's host.
    pub base_url: Option<BaseUrl>,
    /// The folder whose files may be imported by name.
    pub import_dir: Option<PathBuf>,
    /// Who may call.
    pub auth: Auth,
    /// Memory for links, in bytes.
    pub cache_bytes: u64,
    /// Time between two syncs of the journal; zero syncs before each answer.
    pub journal_sync: Duration,
    /// Disk space for clicks that are not shipped, in bytes.
    pub journal_bytes_max: u64,
    /// Open connections at most.
    pub connections_max: usize,
    /// Open connections of one address at most, this machine's own among them; `None` for the default.
    pub connections_per_address: Option<usize>,
    /// Time between the order to stop and the closing of the door.
    pub stop_delay: Duration,
    /// How long links are answered from memory while the database is away.
    pub stale_for: Duration,
    /// Whether redirects are logged too.
    pub log_redirects: bool,
    /// The address that takes traces; has no password in it.
    pub traces_url: Option<Url>,
}

/// Why settings make no sense; names the setting and says what to write.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ConfigError {
    /// A value that cannot be read.
    #[error("{setting}: `{value}` {problem}")]
    Value {
        /// The flag.
        setting: &'static str,
        /// What was written.
        value: String,
        /// What is wrong with it, continuing the sentence.
        problem: String,
    },
    /// A setting for replicas, of a server whose database is a file.
    #[error("{0} needs a PostgreSQL database (--database-url postgres://…): {1}")]
    NeedsPostgres(&'static str, &'static str),
    /// Traces, of a program that was built without them.
    #[error("--otlp-endpoint: this build has no OTLP export: build with --features otlp")]
    NoOtlp,
    /// The API would be open to a network without anybody having said so.
    #[error(
        "--listen {0} is reachable from other machines, and anybody who reaches it can create and delete links: \
         add `--auth open` to allow that, or listen on 127.0.0.1 and put a proxy with access rules in front"
    )]
    OpenToNetwork(SocketAddr),
}

impl Config {
    /// Checks what was written and fills in the rest.
    ///
    /// # Errors
    /// [`ConfigError`] for the first setting that makes no sense.
    pub fn resolve(raw: RawConfig) -> Result<Self, ConfigError> {
        let auth = listen::auth(raw.auth.as_deref())?;
        let listen = listen::listen(raw.listen.as_deref(), raw.port.as_deref(), auth)?;
        if auth == Auth::LoopbackOnly && !listen.ip().is_loopback() {
            return Err(ConfigError::OpenToNetwork(listen));
        }
        let data_dir = raw.data_dir.clone().unwrap_or_else(|| DATA_DIR_DEFAULT.into());
        let database = DatabaseConfig::resolve(&raw, &data_dir)?;
        let redis_url = raw.redis_url.as_deref().map(redis_url).transpose()?;
        if redis_url.is_some() && matches!(database.place, Place::File(_)) {
            let why = "one server on a file has no use for a second cache";
            return Err(ConfigError::NeedsPostgres("--redis-url", why));
        }
        let mib = 1024 * 1024;
        Ok(Self {
            listen,
            database,
            data_dir,
            redis_url,
            base_url: raw.base_url.map(|text| base_url(&text)).transpose()?,
            import_dir: raw.import_dir.map(directory).transpose()?,
            auth,
            cache_bytes: mib * number("--cache-mib", raw.cache_mib, CACHE_MIB_DEFAULT, 1..=CACHE_MIB_MAX)?,
            journal_sync: Duration::from_millis(number(
                "--journal-sync-ms",
                raw.journal_sync_ms,
                JOURNAL_SYNC_MS_DEFAULT,
                0..=JOURNAL_SYNC_MS_MAX,
            )?),
            journal_bytes_max: mib
                * number(
                    "--journal-max-mib",
                    raw.journal_max_mib,
                    JOURNAL_MAX_MIB_DEFAULT,
                    JOURNAL_MAX_MIB_MIN..=CACHE_MIB_MAX,
                )?,
            connections_max: number(
                "--max-connections",
                raw.max_connections,
                CONNECTIONS_MAX_DEFAULT,
                1..=CONNECTIONS_MAX_MAX,
            )?,
            connections_per_address: raw
                .max_connections_per_address
                .map(|text| {
                    let range = 1..=CONNECTIONS_MAX_MAX;
                    number("--max-connections-per-address", Some(text), 1, range)
                })
                .transpose()?,
            stale_for: duration::duration("--stale-for", raw.stale_for, STALE_FOR_DEFAULT, STALE_FOR_LIMITS)?,
            stop_delay: Duration::from_millis(number(
                "--stop-delay-ms",
                raw.stop_delay_ms,
                STOP_DELAY_MS_DEFAULT,
                0..=STOP_DELAY_MS_MAX,
            )?),
            log_redirects: raw.log_redirects,
            traces_url: raw
                .otlp_endpoint
                .map(|text| otlp::traces_url(&text, cfg!(feature = "otlp")))
                .transpose()?,
        })
    }
}

fn redis_url(text: &str) -> Result<RedisUrl, ConfigError> {
    text.parse()
        .map_err(|problem: InvalidRedisUrl| value_error("--redis-url", scheme_only(text), problem))
}

fn directory(path: PathBuf) -> Result<PathBuf, ConfigError> {
    if path.is_dir() {
        Ok(path)
    } else {
        Err(value_error(
            "--import-dir",
            &path.display().to_string(),
            "is no directory",
        ))
    }
}

/// What follows the scheme may hold a password.
fn scheme_only(url: &str) -> &str {
    url.split_once(':').map_or("…", |(scheme, _)| scheme)
}

fn base_url(text: &str) -> Result<BaseUrl, ConfigError> {
    text.parse()
        .map_err(|problem: InvalidBaseUrl| value_error("--base-url", &without_credentials(text), problem))
}

fn number<N>(
    setting: &'static str,
    text: Option<String>,
    default: N,
    range: std::ops::RangeInclusive<N>,
) -> Result<N, ConfigError>
where
    N: std::str::FromStr + PartialOrd + std::fmt::Display,
{
    let Some(text) = text else { return Ok(default) };
    text.parse()
        .ok()
        .filter(|number| range.contains(number))
        .ok_or_else(|| {
            value_error(
                setting,
                &text,
                format!("is no number from {} to {}", range.start(), range.end()),
            )
        })
}

fn value_error(setting: &'static str, value: &str, problem: impl std::fmt::Display) -> ConfigError {
    ConfigError::Value {
        setting,
        value: value.to_owned(),
        problem: problem.to_string(),
    }
}

#[cfg(test)]
mod tests;
