//! What the program says about itself.

use crate::server::terse;

/// Exit code, stdout, stderr.
fn run(arguments: &[&str]) -> (Option<i32>, String, String) {
    let output = terse().args(arguments).output().expect("it runs");
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (output.status.code(), text(&output.stdout), text(&output.stderr))
}

#[test]
fn help_names_every_command_and_exit_code() {
    let (code, help, _) = run(&["-h"]);
    assert_eq!(code, Some(0));
    let (before, _) = help.split_once("Options:").expect("options follow the commands");
    insta::assert_snapshot!(before, @r"
    A URL shortener that never loses a click

    Usage: terse [OPTIONS] <COMMAND>

    Commands:
      serve    Answer redirects and the API until told to stop
      shorten  Make one short link and print its address
      import   Take over users, links and events from CSV files
      export   Write users, links and events to CSV files
      backup   Copy the database, also while it is being served
      restore  Put a backup in the place of the database
      migrate  Bring the schema of the database up to date and say what that took
      copy     Copy everything into another database, also of another engine
      check    Look for problems in settings and data, without changing anything
      health   Ask a server whether it answers, or takes requests
      openapi  Print the description of the API (OpenAPI 3.1, JSON)
      help     Print this message or the help of the given subcommand(s)
    ");
    let (_, codes) = help.split_once("Exit codes:").expect("exit codes are told");
    for code in 0..=4 {
        assert!(codes.contains(&format!("\n  {code}  ")), "{codes}");
    }
}

#[test]
fn the_program_alone_prints_its_help_as_wrong_usage() {
    let (code, stdout, stderr) = run(&[]);
    assert_eq!((code, stdout.as_str()), (Some(2), ""));
    assert!(stderr.contains("Usage: terse"), "{stderr}");
}

#[test]
fn every_setting_of_a_server_is_told_with_its_variable() {
    let (code, help, _) = run(&["serve", "--help"]);
    assert_eq!(code, Some(0));
    let settings = help.lines().map(str::trim);
    let settings: Vec<_> = settings
        .filter(|line| line.starts_with("--") || line.starts_with("[env:"))
        .collect();
    insta::assert_snapshot!(settings.join("\n"), @r"
    --listen <ADDR:PORT>
    [env: TERSE_LISTEN]
    --port <PORT>
    [env: PORT]
    --data-dir <DIR>
    [env: TERSE_DATA_DIR]
    --database-url <URL>
    [env: DATABASE_URL]
    --database-connections <NUMBER>
    [env: TERSE_DATABASE_CONNECTIONS]
    --database-timeout-ms <MS>
    [env: TERSE_DATABASE_TIMEOUT_MS]
    --database-listen-url <URL>
    [env: TERSE_DATABASE_LISTEN_URL]
    --redis-url <URL>
    [env: REDIS_URL]
    --base-url <URL>
    [env: TERSE_BASE_URL]
    --import-dir <DIR>
    [env: TERSE_IMPORT_DIR]
    --auth <open>
    [env: TERSE_AUTH]
    --cache-mib <MIB>
    [env: TERSE_CACHE_MIB]
    --journal-sync-ms <MS>
    [env: TERSE_JOURNAL_SYNC_MS]
    --journal-max-mib <MIB>
    [env: TERSE_JOURNAL_MAX_MIB]
    --max-connections <NUMBER>
    [env: TERSE_MAX_CONNECTIONS]
    --max-connections-per-address <NUMBER>
    [env: TERSE_MAX_CONNECTIONS_PER_ADDRESS]
    --stop-delay-ms <MS>
    [env: TERSE_STOP_DELAY_MS]
    --stale-for <TIME>
    [env: TERSE_STALE_FOR]
    --log-redirects
    [env: TERSE_LOG_REDIRECTS]
    --otlp-endpoint <URL>
    [env: TERSE_OTLP_ENDPOINT]
    --log <FILTER>
    [env: TERSE_LOG]
    --log-format <FORMAT>
    [env: TERSE_LOG_FORMAT]
    ");
}

#[test]
fn the_description_of_the_api_is_json() {
    let (code, stdout, _) = run(&["openapi"]);
    assert_eq!(code, Some(0));
    let description: serde_json::Value = serde_json::from_str(&stdout).expect("JSON");
    assert!(description["paths"]["/shorten"].is_object(), "{description}");
}

#[test]
fn wrong_usage_ends_with_code_2() {
    for arguments in [
        &["serv"][..],
        &["import"],
        &["shorten"],
        &["copy", "--from", "sqlite:a.db"],
        &["openapi", "--log", "=nonsense="],
        &["openapi", "--log-format", "xml"],
        &["check", "--cache-mib", "much"],
    ] {
        let (code, _, stderr) = run(arguments);
        assert_eq!(code, Some(2), "{arguments:?}: {stderr}");
        assert!(stderr.starts_with("error: "), "{stderr}");
    }
}

#[test]
fn a_reader_that_goes_away_is_no_panic() {
    let mut child = terse()
        .arg("openapi")
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::piped())
        .spawn()
        .expect("it runs");
    drop(child.stdout.take());
    let output = child.wait_with_output().expect("ours");
    assert_eq!((output.status.code(), output.stderr.len()), (Some(0), 0));
}

#[cfg(not(feature = "otlp"))]
#[test]
fn a_build_without_traces_says_so_and_refuses_to_be_told_where_they_go() {
    let (code, help, _) = run(&["serve", "--help"]);
    let remark = "This build has no OTLP export: build with --features otlp";
    let words: Vec<_> = help.split_whitespace().collect();
    assert_eq!(code, Some(0));
    assert!(words.join(" ").contains(remark), "{help}");
    let (code, _, refused) = run(&["serve", "--otlp-endpoint", "http://127.0.0.1:4318"]);
    assert_eq!(code, Some(2));
    assert_eq!(
        refused,
        "error: --otlp-endpoint: this build has no OTLP export: build with --features otlp\n"
    );
}
