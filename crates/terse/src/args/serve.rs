//! Everything that a server can be told.

use std::path::PathBuf;

use clap::Args;
use clap::builder::BoolishValueParser;
use terse_server::config::RawConfig;

use super::DataArgs;

const OTLP_HELP: &str = if cfg!(feature = "otlp") {
    "OpenTelemetry collector that gets traces of requests, such as http://127.0.0.1:4318 [default: none]"
} else {
    "Collector of traces (OTLP). This build has no OTLP export: build with --features otlp"
};

/// The settings of a server, as texts: [`terse_server::config::Config::resolve`] judges them.
#[derive(Debug, Clone, Args)]
pub(crate) struct ServeArgs {
    /// Address to listen on; port 0 takes a free one, and the start-up line names it [default: 127.0.0.1:8000]
    #[arg(long, env = "TERSE_LISTEN", hide_env_values = true, value_name = "ADDR:PORT")]
    listen: Option<String>,

    /// Port alone, as hosting platforms set it; --listen wins. On all addresses with `--auth open`, else on this machine's
    #[arg(long, env = "PORT", hide_env_values = true, value_name = "PORT")]
    port: Option<String>,

    #[command(flatten)]
    data: DataArgs,

    /// Second cache, which replicas on PostgreSQL share: `redis://HOST`, `rediss://HOST` (TLS) or
    /// `redis+sentinel://HOST,HOST/NAME` [default: none]
    #[arg(long, env = "REDIS_URL", hide_env_values = true, value_name = "URL")]
    redis_url: Option<String>,

    /// What short URLs, and addresses of next pages, start with [default: the host that the request named]
    #[arg(long, env = "TERSE_BASE_URL", hide_env_values = true, value_name = "URL")]
    base_url: Option<String>,

    /// Folder whose files may be named in POST /users/bulk [default: none may]
    #[arg(long, env = "TERSE_IMPORT_DIR", hide_env_values = true, value_name = "DIR")]
    import_dir: Option<PathBuf>,

    /// `open` lets everybody who reaches the address create and delete links; without it only this machine is listened to
    #[arg(long, env = "TERSE_AUTH", hide_env_values = true, value_name = "open")]
    auth: Option<String>,

    /// Memory for links that are answered without the database, in MiB: more means fewer look-ups [default: 256]
    #[arg(long, env = "TERSE_CACHE_MIB", hide_env_values = true, value_name = "MIB")]
    cache_mib: Option<String>,

    /// Milliseconds between two syncs of the click journal: a power cut may cost the clicks of that time, a crash of terse
    /// costs none. 0 syncs before each answer, which makes redirects as slow as the disk [default: 1000]
    #[arg(
        long,
        env = "TERSE_JOURNAL_SYNC_MS",
        hide_env_values = true,
        value_name = "MS"
    )]
    journal_sync_ms: Option<String>,

    /// Disk space for clicks that the database has not taken yet, in MiB: when it is full redirects go on, but their clicks
    /// are not counted [default: 1024, at least 64]
    #[arg(
        long,
        env = "TERSE_JOURNAL_MAX_MIB",
        hide_env_values = true,
        value_name = "MIB"
    )]
    journal_max_mib: Option<String>,

    /// Open connections at most; more wait until one closes [default: 15000]
    #[arg(
        long,
        env = "TERSE_MAX_CONNECTIONS",
        hide_env_values = true,
        value_name = "NUMBER"
    )]
    max_connections: Option<String>,

    /// Open connections of one address (IPv6: one /64) at most; raise it for a proxy on another machine [default: 1000, none
    /// for this machine]
    #[arg(
        long,
        env = "TERSE_MAX_CONNECTIONS_PER_ADDRESS",
        hide_env_values = true,
        value_name = "NUMBER"
    )]
    max_connections_per_address: Option<String>,

    /// Milliseconds to go on as before when told to stop, with /readyz saying 503 already, so that a load balancer has turned
    /// away before the door closes [default: 0]
    #[arg(long, env = "TERSE_STOP_DELAY_MS", hide_env_values = true, value_name = "MS")]
    stop_delay_ms: Option<String>,

    /// How long links in memory are answered while a PostgreSQL database is away, such as 90s, 30m, 24h, 7d [default: 24h]
    #[arg(long, env = "TERSE_STALE_FOR", hide_env_values = true, value_name = "TIME")]
    stale_for: Option<String>,

    /// Log redirects too, a line for each: costs more than answering them
    #[arg(long, env = "TERSE_LOG_REDIRECTS", hide_env_values = true, value_parser = BoolishValueParser::new())]
    log_redirects: bool,

    /// Base URL of an OpenTelemetry collector.
    #[arg(
        long,
        help = OTLP_HELP,
        env = "TERSE_OTLP_ENDPOINT",
        hide_env_values = true,
        value_name = "URL"
    )]
    otlp_endpoint: Option<String>,
}

impl From<ServeArgs> for RawConfig {
    fn from(args: ServeArgs) -> Self {
        Self {
            listen: args.listen,
            port: args.port,
            redis_url: args.redis_url,
            base_url: args.base_url,
            import_dir: args.import_dir,
            auth: args.auth,
            cache_mib: args.cache_mib,
            journal_sync_ms: args.journal_sync_ms,
            journal_max_mib: args.journal_max_mib,
            max_connections: args.max_connections,
            max_connections_per_address: args.max_connections_per_address,
            stop_delay_ms: args.stop_delay_ms,
            stale_for: args.stale_for,
            log_redirects: args.log_redirects,
            otlp_endpoint: args.otlp_endpoint,
            ..args.data.into()
        }
    }
}
