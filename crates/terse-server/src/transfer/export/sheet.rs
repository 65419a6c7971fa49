//! One exported file: written under another name, page by page, and renamed when it is whole.

use std::io;
use std::path::{Path, PathBuf};

use tempfile::NamedTempFile;
use terse_core::{PER_PAGE_MAX, Page, PageRequest};

use super::Audience;
use crate::transfer::error::TransferError;

/// What a spreadsheet takes for the beginning of a formula:
/// <https://owasp.org/www-community/attacks/CSV_Injection>.
const FORMULA_STARTS: [char; 6] = ['=', '+', '-', '@', '\t', '\r'];

/// A file that is not there yet.
pub(super) struct Sheet {
    path: PathBuf,
    writer: csv::Writer<NamedTempFile>,
    audience: Audience,
    rows: u64,
}

impl Sheet {
    /// Begins the file `name` in the folder `to`.
    pub(super) fn create(
        to: &Path,
        name: &str,
        header: &[&str],
        audience: Audience,
    ) -> Result<Self, TransferError> {
        std::fs::create_dir_all(to).map_err(|source| failed(to, source))?;
        // Readable for its owner only, as the addresses in it should be.
        let file = NamedTempFile::with_prefix_in(".export-", to).map_err(|source| failed(to, source))?;
        let mut sheet = Self {
            path: to.join(name),
            writer: csv::Writer::from_writer(file),
            audience,
            rows: 0,
        };
        sheet.write(header.iter().copied())?;
        Ok(sheet)
    }

    /// Writes all rows of a list; `fields_of` gives a row's id and its fields.
    pub(super) async fn fill<T>(
        &mut self,
        list: impl AsyncFn(PageRequest) -> terse_store::Result<Page<T>>,
        fields_of: fn(T) -> (i64, Vec<String>),
        on_rows: &mut dyn FnMut(u64),
    ) -> Result<(), TransferError> {
        let mut after = 0;
        loop {
            let page = list(PageRequest::after(after, PER_PAGE_MAX)).await?;
            let count = page.rows.len() as u64;
            for row in page.rows {
                let (id, fields) = fields_of(row);
                after = id;
                let audience = self.audience;
                self.write(fields.into_iter().map(|field| shown_to(audience, field)))?;
            }
            self.rows += count;
            on_rows(count);
            if !page.has_more {
                return Ok(());
            }
        }
    }

    /// Gives the file its name; how many rows it has.
    pub(super) fn appear(self) -> Result<u64, TransferError> {
        let Self {
            path, writer, rows, ..
        } = self;
        let file = writer
            .into_inner()
            .map_err(|error| failed(&path, error.into_error()))?;
        file.as_file()
            .sync_all()
            .map_err(|source| failed(&path, source))?;
        file.persist(&path).map_err(|error| failed(&path, error.error))?;
        Ok(rows)
    }

    fn write<F: AsRef<[u8]>>(&mut self, fields: impl Iterator<Item = F>) -> Result<(), TransferError> {
        self.writer
            .write_record(fields)
            .map_err(|error| failed(&self.path, io::Error::from(error)))
    }
}

/// Numbers are never negative here, so that whatever starts like a formula is a text.
fn shown_to(audience: Audience, field: String) -> String {
    if audience == Audience::Spreadsheets && field.starts_with(FORMULA_STARTS) {
        format!("'{field}")
    } else {
        field
    }
}

fn failed(path: &Path, source: io::Error) -> TransferError {
    TransferError::Write {
        file: path.display().to_string(),
        source,
    }
}
