//! `terse check`: a line for each thing that was looked at. Changes nothing.

use std::path::Path;

use terse_server::clicks::{Inspection, Writer, inspect};
use terse_server::config::{Config, RawConfig};
use terse_store::Place;

use crate::args::ServeArgs;
use crate::copy::{DatabaseCopy, folder_of, frozen};
use crate::failure::Failure;
use crate::progress::Progress;
use crate::{output, runtime};

/// With less free space than this clicks will soon be shed and links refused.
const FREE_MIB_MIN: u64 = 256;
const JOURNAL_FOLDER: &str = "journal";
const LOCK_FILE: &str = "terse.lock";

/// Looks at everything; fails when something is wrong.
pub(super) fn run(args: ServeArgs) -> Result<(), Failure> {
    let config = Config::resolve(RawConfig::from(args))?;
    let mut findings = Findings::default();
    fine("configuration", "makes sense")?;
    if let Some(writer) = data_dir(&config, &mut findings)? {
        free_space(&config.data_dir, &mut findings)?;
        runtime::runtime()?.block_on(database_and_journal(&config, writer, &mut findings))?;
    }
    if findings.are_bad {
        return Err(Failure::problems());
    }
    Ok(())
}

/// What was found so far.
#[derive(Default)]
struct Findings {
    are_bad: bool,
}

impl Findings {
    fn problem(&mut self, what: &str, text: impl std::fmt::Display) -> std::io::Result<()> {
        self.are_bad = true;
        output::result(format_args!("problem  {what}: {text}"))
    }
}

fn fine(what: &str, text: impl std::fmt::Display) -> std::io::Result<()> {
    output::result(format_args!("ok       {what}: {text}"))
}

/// Who has it; `None` when there is none.
fn data_dir(config: &Config, findings: &mut Findings) -> Result<Option<Writer>, Failure> {
    let path = &config.data_dir;
    if !path.is_dir() {
        let text = format!("there is none at {}: `terse serve` creates it", path.display());
        findings.problem("data directory", text)?;
        return Ok(None);
    }
    let writer = writer(path);
    let user = match writer {
        Writer::Serving => "in use by another terse process",
        Writer::Gone => "not in use",
    };
    fine("data directory", format_args!("{}, {user}", path.display()))?;
    Ok(Some(writer))
}

/// Only asks, and lets go at once: a check that kept the directory would keep a server from starting again.
fn writer(data_dir: &Path) -> Writer {
    match std::fs::File::open(data_dir.join(LOCK_FILE)) {
        Ok(lock) if lock.try_lock_shared().is_err() => Writer::Serving,
        _ => Writer::Gone,
    }
}

fn free_space(data_dir: &Path, findings: &mut Findings) -> Result<(), Failure> {
    let disk = rustix::fs::statvfs(data_dir).map_err(std::io::Error::from)?;
    let free_mib = disk.f_bavail.saturating_mul(disk.f_frsize) / (1024 * 1024);
    if free_mib < FREE_MIB_MIN {
        let text = format!("{free_mib} MiB free, {FREE_MIB_MIN} MiB are too few to go on for long");
        return Ok(findings.problem("disk", text)?);
    }
    Ok(fine("disk", format_args!("{free_mib} MiB free"))?)
}

async fn database_and_journal(
    config: &Config,
    writer: Writer,
    findings: &mut Findings,
) -> Result<(), Failure> {
    let name = super::name_of(&config.database.place);
    let opened = match &config.database.place {
        Place::File(file) if !file.exists() => {
            let text = format!("there is none at {name}: `terse serve` creates it");
            return Ok(findings.problem("database", text)?);
        }
        Place::File(file) => {
            let progress = Progress::of_known_size("reading the database");
            let copy = DatabaseCopy::open(file, folder_of(file), |done, total| progress.set(done, total));
            copy.await.map(|copy| (copy.store.clone(), Some(copy)))
        }
        Place::Server(_) => frozen(config).await.map(|store| (store, None)),
    };
    let (store, _copy) = match opened {
        Ok(opened) => opened,
        Err(failure) => return Ok(findings.problem("database", format_args!("{name}: {failure}"))?),
    };
    let folder = config.data_dir.join(JOURNAL_FOLDER);
    match inspect(&folder, &store, writer).await {
        Ok(inspection) => journal(&inspection, findings)?,
        Err(error) => findings.problem("journal", crate::failure::with_causes(&error))?,
    }
    let problems = store.integrity_problems().await;
    store.close().await;
    match problems.map_err(Failure::from) {
        Ok(problems) if problems.is_empty() => fine("database", format_args!("{name} is whole"))?,
        Ok(problems) => {
            for problem in problems {
                findings.problem("database", problem)?;
            }
        }
        Err(failure) => findings.problem("database", format_args!("{name}: {failure}"))?,
    }
    Ok(())
}

fn journal(inspection: &Inspection, findings: &mut Findings) -> std::io::Result<()> {
    for problem in &inspection.problems {
        findings.problem("journal", problem)?;
    }
    for file in &inspection.unfinished {
        fine(
            "journal",
            format_args!(
                "{file} ends amid a record: its click was not answered, or not synced, when the server was killed"
            ),
        )?;
    }
    for file in &inspection.set_aside {
        findings.problem(
            "journal",
            format_args!("{file} was set aside because something in it could not be read"),
        )?;
    }
    let Inspection {
        segments,
        unshipped_clicks,
        ..
    } = inspection;
    fine(
        "journal",
        format_args!("{segments} segments, {unshipped_clicks} clicks that the database does not have yet"),
    )
}
