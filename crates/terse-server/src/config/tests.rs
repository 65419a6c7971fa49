use terse_store::Place;

use super::*;

fn resolve(set: impl FnOnce(&mut RawConfig)) -> Result<Config, String> {
    let mut raw = RawConfig::default();
    set(&mut raw);
    Config::resolve(raw).map_err(|error| error.to_string())
}

#[test]
fn nothing_said_is_a_loopback_server_with_its_data_below_the_working_directory() {
    let config = resolve(|_| ()).expect("valid");
    assert_eq!(config.listen.to_string(), "127.0.0.1:8000");
    assert_eq!(config.data_dir, PathBuf::from("./data"));
    assert_eq!(config.database.place, Place::File("./data/terse.db".into()));
    assert_eq!(config.journal_sync, Duration::from_secs(1));
    assert_eq!(config.stop_delay, Duration::ZERO);
    assert_eq!((config.auth, config.base_url), (Auth::LoopbackOnly, None));
}

#[test]
fn other_machines_are_let_in_only_when_that_was_said() {
    for address in ["0.0.0.0:8000", "[::]:8000", "192.0.2.1:80"] {
        let error = resolve(|raw| raw.listen = Some(address.into())).expect_err(address);
        assert!(
            error.contains("--auth open") && error.contains(address),
            "{error}"
        );
        let open = |raw: &mut RawConfig| (raw.listen, raw.auth) = (Some(address.into()), Some("open".into()));
        assert_eq!(resolve(open).expect("said").listen.to_string(), address);
    }
    for address in ["127.0.0.1:0", "127.9.9.9:1", "[::1]:8000"] {
        assert!(
            resolve(|raw| raw.listen = Some(address.into())).is_ok(),
            "{address}"
        );
    }
}

#[test]
fn port_alone_is_honoured() {
    assert_eq!(
        resolve(|raw| raw.port = Some("81".into()))
            .expect("valid")
            .listen
            .to_string(),
        "127.0.0.1:81"
    );
    let hosted = |raw: &mut RawConfig| (raw.port, raw.auth) = (Some("81".into()), Some("open".into()));
    assert_eq!(resolve(hosted).expect("valid").listen.to_string(), "0.0.0.0:81");
    let both =
        |raw: &mut RawConfig| (raw.port, raw.listen) = (Some("81".into()), Some("127.0.0.1:82".into()));
    assert_eq!(resolve(both).expect("valid").listen.port(), 82);
}

#[test]
fn a_database_url_names_a_file() {
    for (url, file) in [
        ("sqlite:x.db", "x.db"),
        ("sqlite:///var/x.db", "/var/x.db"),
        ("sqlite:/var/x.db", "/var/x.db"),
    ] {
        let config = resolve(|raw| raw.database_url = Some(url.into())).expect(url);
        assert_eq!(config.database.place, Place::File(file.into()));
    }
}

#[test]
fn a_database_url_names_a_server_and_is_shown_without_password() {
    for scheme in ["postgres", "postgresql"] {
        let url = format!("{scheme}://ann:secret@db.example/links");
        let config = resolve(|raw| raw.database_url = Some(url)).expect("valid");
        let options = config.database.store_options();
        assert!(matches!(options.place, Place::Server(_)), "{options:?}");
        assert_eq!(options.connections_max, 16);
        assert_eq!(options.server_within, Duration::from_millis(600));
        let shown = format!("{config:?}");
        assert!(
            shown.contains("postgres://db.example:5432/links") && !shown.contains("secret"),
            "{shown}"
        );
    }
}

#[test]
fn patience_with_a_database_server_is_set() {
    let set = |raw: &mut RawConfig| {
        raw.database_connections = Some("3".into());
        raw.database_timeout_ms = Some("60000".into());
    };
    let options = resolve(set).expect("valid").database.store_options();
    assert_eq!(options.connections_max, 3);
    assert_eq!(options.server_within, Duration::from_mins(1));
}

#[test]
fn what_makes_no_sense_is_named() {
    assert_refused(&[
        (
            |raw| raw.stale_for = Some("1w".into()),
            "--stale-for: `1w` is no time from 1 s to 365 days",
        ),
        (
            |raw| raw.database_url = Some("postgres://ann:secret@h/d?no_such_setting=1".into()),
            "--database-url: `postgres` cannot be read: ",
        ),
        (
            |raw| raw.database_connections = Some("1".into()),
            "--database-connections: `1` is no number from 3 to 1000",
        ),
        (
            |raw| raw.database_timeout_ms = Some("0".into()),
            "--database-timeout-ms: `0` is no number from 50 to 60000",
        ),
        (
            |raw| raw.listen = Some("localhost".into()),
            "--listen: `localhost` is no ADDR:PORT",
        ),
        (
            |raw| raw.port = Some("http".into()),
            "PORT: `http` is no port number",
        ),
        (
            |raw| raw.auth = Some("none".into()),
            "--auth: `none` is not known",
        ),
        (
            |raw| raw.database_url = Some("mysql://u:secret@h/d".into()),
            "--database-url: `mysql` is not supported",
        ),
        (
            |raw| raw.database_url = Some("secret".into()),
            "--database-url: `…` is not supported",
        ),
        (
            |raw| raw.database_url = Some("sqlite:".into()),
            "--database-url: `sqlite:` names no file",
        ),
        (
            |raw| raw.database_url = Some("sqlite::memory:".into()),
            "--database-url: `sqlite::memory:` names no file",
        ),
        (
            |raw| raw.redis_url = Some("http://:secret@h".into()),
            "--redis-url: `http` is not supported",
        ),
        (
            |raw| raw.base_url = Some("https://u:secret@sho.rt".into()),
            "--base-url: `https://…@sho.rt` is no URL",
        ),
        (
            |raw| raw.base_url = Some("sho.rt".into()),
            "--base-url: `sho.rt` is no URL",
        ),
        (
            |raw| raw.base_url = Some("ftp://sho.rt".into()),
            "--base-url: `ftp://sho.rt` is no URL",
        ),
        (
            |raw| raw.cache_mib = Some("0".into()),
            "--cache-mib: `0` is no number from 1 to 1048576",
        ),
        (
            |raw| raw.journal_sync_ms = Some("-1".into()),
            "--journal-sync-ms: `-1` is no number from 0 to 60000",
        ),
        (
            |raw| raw.stop_delay_ms = Some("60001".into()),
            "--stop-delay-ms: `60001` is no number from 0 to 60000",
        ),
        (
            |raw| raw.max_connections = Some("many".into()),
            "--max-connections: `many` is no number from 1 to 1000000",
        ),
        (
            |raw| raw.database_url = Some("sqlite:x.db?mode=ro".into()),
            "--database-url: `sqlite:x.db?mode=ro` names no file",
        ),
        (
            |raw| raw.import_dir = Some("/nonexistent".into()),
            "--import-dir: `/nonexistent` is no directory",
        ),
    ]);
}

#[test]
fn what_only_replicas_need_is_refused_where_the_database_is_a_file() {
    assert_refused(&[
        (
            |raw| raw.redis_url = Some("redis://h".into()),
            "--redis-url needs a PostgreSQL database (--database-url postgres://…): one server on a file has no use",
        ),
        (
            |raw| {
                raw.redis_url = Some("redis://h".into());
                raw.database_url = Some("sqlite:x.db".into());
            },
            "--redis-url needs a PostgreSQL database",
        ),
        (
            |raw| raw.database_listen_url = Some("postgres://ann:secret@h/d".into()),
            "--database-listen-url needs a PostgreSQL database",
        ),
        (
            |raw| raw.database_listen_url = Some("sqlite:x.db".into()),
            "--database-listen-url: `sqlite` is not supported: it needs postgres://",
        ),
        (
            |raw| raw.database_listen_url = Some("postgresql:ann:secret@h/d".into()),
            "--database-listen-url: `postgresql` lacks `//`",
        ),
        (
            |raw| raw.database_url = Some("postgres:ann:secret@h/d".into()),
            "--database-url: `postgres` lacks `//`",
        ),
    ]);
}

type Set = fn(&mut RawConfig);

/// Each setting ends in an error that begins so, and shows no `secret`.
fn assert_refused(cases: &[(Set, &str)]) {
    for (set, expected) in cases {
        let error = resolve(set).expect_err(expected);
        assert!(error.starts_with(expected), "{error}");
        assert!(!error.contains("secret"), "{error}");
    }
}

#[test]
fn base_urls_are_written_in_one_way() {
    for (given, written) in [
        ("https://Sho.rt", "https://sho.rt"),
        ("https://sho.rt/", "https://sho.rt"),
        ("http://sho.rt:80/s/", "http://sho.rt/s"),
        ("http://[::1]:8000", "http://[::1]:8000"),
    ] {
        assert_eq!(given.parse::<BaseUrl>().expect(given).to_string(), written);
    }
    for given in [
        "https://u@sho.rt",
        "https://u:p@sho.rt",
        "https://sho.rt?x",
        "https://sho.rt#x",
        "//sho.rt",
    ] {
        assert_eq!(given.parse::<BaseUrl>(), Err(InvalidBaseUrl), "{given}");
    }
}

#[test]
fn a_host_header_is_a_base_url_or_refused() {
    assert_eq!(
        BaseUrl::from_host("Example.com:8000")
            .expect("a host")
            .to_string(),
        "http://example.com:8000"
    );
    for host in [
        "", "a/b", "a?b", "a#b", "u@h", "a b", "a\\b", "[::1", "a:port", "<script>",
    ] {
        assert_eq!(BaseUrl::from_host(host), Err(InvalidBaseUrl), "{host:?}");
    }
}

#[test]
fn a_second_cache_and_a_listening_connection_belong_to_a_database_server() {
    let replica = |raw: &mut RawConfig| {
        raw.database_url = Some("postgres://pooler/links".into());
        raw.database_listen_url = Some("postgres://db/links".into());
        raw.redis_url = Some("redis://cache".into());
    };
    let config = resolve(replica).expect("valid");
    assert!(config.redis_url.is_some() && config.database.listen_at.is_some());
}
