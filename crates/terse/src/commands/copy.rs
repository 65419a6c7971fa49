//! `terse copy`.

mod setting;

use std::path::Path;

use terse_server::config::place;
use terse_server::data_dir::{DataDirError, DatabaseLock};
use terse_store::{Copied, CopyError, Occupied, Place, Store};

use crate::args::CopyArgs;
use crate::failure::{Failure, with_causes};
use crate::progress::Progress;
use crate::{output, runtime};

/// Tables of which a person knows what they hold, in their words.
const COUNTED: [(&str, &str); 4] = [
    ("users", "users"),
    ("links", "links"),
    ("events", "events"),
    ("click_blocks", "blocks of clicks"),
];

/// Copies one database into another, verified, and says how to go on.
pub(super) fn run(args: &CopyArgs) -> Result<(), Failure> {
    let (from, to) = (place("--from", &args.from)?, place("--to", &args.to)?);
    refuse_nothing_and_itself(&from, &to)?;
    let _to = DatabaseLock::take(&to)?;
    let _from = lock_if_free(&from)?;
    let occupied = if args.force {
        Occupied::Empty
    } else {
        Occupied::Refuse
    };
    let progress = Progress::of_known_size("copying and verifying");
    let copying = Store::copy(&from, &to, occupied, |done, total| progress.set(done, total));
    let copied = runtime::runtime()?.block_on(copying);
    drop(progress);
    let copied = copied.map_err(|error| failure(&error, &to))?;
    Ok(output::result(report(&copied, (&from, &to), &args.to))?)
}

fn refuse_nothing_and_itself(from: &Place, to: &Place) -> Result<(), Failure> {
    if let Place::File(file) = from
        && !file.exists()
    {
        return Err(Failure::new(format!(
            "there is no database at {}",
            file.display()
        )));
    }
    let is_itself = match (from, to) {
        (Place::File(from), Place::File(to)) => real(from).is_some_and(|from| real(to) == Some(from)),
        _ => from == to,
    };
    if is_itself {
        return Err(Failure::usage("--from and --to are the same database"));
    }
    Ok(())
}

fn real(file: &Path) -> Option<std::path::PathBuf> {
    file.canonicalize().ok()
}

/// So that no server begins to write to what is being left. One that does already is let go on: a rehearsal harms nobody.
fn lock_if_free(from: &Place) -> Result<Option<DatabaseLock>, Failure> {
    match DatabaseLock::take(from) {
        Ok(lock) => Ok(Some(lock)),
        Err(DataDirError::InUse { .. }) => {
            output::message(&format!(
                "{} is in use by another terse process: what it writes from now on will not be in the copy",
                super::name_of(from)
            ));
            Ok(None)
        }
        Err(error) => Err(error.into()),
    }
}

fn failure(error: &CopyError, to: &Place) -> Failure {
    match error {
        CopyError::Occupied(_) => Failure::new(format!(
            "{error}; nothing was changed. Name an empty database, or add --force to take everything out of {} first",
            super::name_of(to)
        )),
        CopyError::InUse => Failure::in_use(format!(
            "{error}; nothing was copied. Stop every server that uses {} first; a pooler may keep what they had open for some time",
            super::name_of(to)
        )),
        // Not the whole chain twice: the outer error says only which side.
        _ => Failure::new(with_causes(error)),
    }
}

/// `written` is how the second place was named.
fn report(copied: &[Copied], (from, to): (&Place, &Place), written: &str) -> String {
    let rows = |name: &str| {
        let table = copied.iter().find(|copied| copied.table == name);
        table.map_or(0, |table| table.rows)
    };
    let counted = COUNTED.map(|(table, words)| format!("{} {words}", rows(table)));
    let setting = setting::of(written);
    let (from, to) = (super::name_of(from), super::name_of(to));
    format!(
        "{to} has everything that {from} had: {}, and all that belongs to them, read again and compared\n\
         Clicks may still wait in the journals of servers that used {from}: start each on the --data-dir that it had, with \
         `{}`{}, and it ships what is left there, each click once",
        counted.join(", "),
        setting.flag,
        setting.note
    )
}
