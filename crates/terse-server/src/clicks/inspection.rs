//! A look at a journal that changes nothing: for operators, also while a server writes it.

use std::collections::BTreeSet;
use std::io;
use std::path::Path;

use terse_store::{Position, Store};

use super::frame::{Found, Scan, Sealed};
use super::header::{HEADER_BYTES, SEGMENT_SUFFIX, SegmentHeader};
use super::leftovers::{has_records, of_that_name, read, read_header};
use super::problem::{Problem, ProblemKind};
use super::record;
use super::succession::Succession;
use super::texts;

/// What files that were set aside have in their names.
const ASIDE_SUFFIX: &str = ".seg.bad";

/// What stands in a journal's folder.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Inspection {
    /// Segments that can be read.
    pub segments: u64,
    /// Clicks that the store does not have yet.
    pub unshipped_clicks: u64,
    /// Names of segments whose last record was never finished, because its writer was killed. Its click was not answered, or
    /// not on disk when the machine stopped.
    pub unfinished: Vec<String>,
    /// What is wrong with files.
    pub problems: Vec<Problem>,
    /// Names of files that a start set aside because something in them could not be read.
    pub set_aside: Vec<String>,
}

/// Whether somebody appends meanwhile.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Writer {
    /// Nobody does.
    Gone,
    /// A server does: what is last in a segment may be half written, and segments may go away.
    Serving,
}

/// Why a journal cannot be inspected.
#[derive(Debug, thiserror::Error)]
pub enum InspectionError {
    /// The folder cannot be listed.
    #[error("the folder cannot be listed: {0}")]
    Folder(#[from] io::Error),
    /// The store does not say how far lanes were shipped.
    #[error(transparent)]
    Store(#[from] terse_store::Error),
}

/// Reads every segment in `folder`; `store` says what was shipped. A folder that is not there holds nothing.
///
/// # Errors
/// [`InspectionError`]; files that cannot be read are problems, not errors.
pub async fn inspect(folder: &Path, store: &Store, writer: Writer) -> Result<Inspection, InspectionError> {
    let mut inspection = Inspection::default();
    let mut succession = Succession::default();
    for name in names(folder)? {
        if name.contains(ASIDE_SUFFIX) {
            inspection.set_aside.push(name);
        } else if name.ends_with(SEGMENT_SUFFIX) {
            inspection
                .segment(folder, name, (store, writer), &mut succession)
                .await?;
        }
    }
    Ok(inspection)
}

fn names(folder: &Path) -> io::Result<Vec<String>> {
    let entries = match std::fs::read_dir(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        other => other?,
    };
    let mut names = entries
        .map(|entry| Ok(entry?.file_name().to_string_lossy().into_owned()))
        .collect::<io::Result<Vec<_>>>()?;
    names.sort();
    Ok(names)
}

impl Inspection {
    async fn segment(
        &mut self,
        folder: &Path,
        file: String,
        (store, writer): (&Store, Writer),
        succession: &mut Succession,
    ) -> Result<(), InspectionError> {
        let path = folder.join(&file);
        let read = async {
            let (header, file_bytes) = read_header(&path)?;
            Ok::<_, io::Error>((header, file_bytes, read(&path).await?))
        };
        let (header, file_bytes, bytes) = match read.await {
            // Shipped and removed since the folder was listed.
            Err(error) if error.kind() == io::ErrorKind::NotFound && writer == Writer::Serving => {
                return Ok(());
            }
            Err(error) => {
                let kind = ProblemKind::Unreadable(error.kind());
                self.problems.push(Problem { file, kind });
                return Ok(());
            }
            Ok(read) => read,
        };
        let header = match header.and_then(|header| of_that_name(header, &file)) {
            Ok(header) => header,
            Err(reason) => {
                let kind = ProblemKind::Header(reason);
                self.problems.push(Problem { file, kind });
                return Ok(());
            }
        };
        self.segments += 1;
        let expected_bytes = u64::from(header.segment_bytes);
        if expected_bytes != file_bytes {
            self.problems.push(Problem {
                file: file.clone(),
                kind: ProblemKind::Size {
                    expected_bytes,
                    actual_bytes: file_bytes,
                },
            });
        }
        let positions = store.load_positions(&header.journal_id.to_string()).await?;
        let shipped = positions.into_iter().find(|(lane, _)| *lane == header.lane);
        let shipped = shipped.map_or(Position::START, |(_, position)| position);
        self.records(&file, &header, &bytes, shipped, writer);
        let segments = if has_records(&bytes) {
            succession.missing_before(&header, shipped)
        } else {
            succession.pass(&header);
            0
        };
        // A server may have shipped and removed some since the store was copied.
        if segments > 0 && writer == Writer::Gone {
            let kind = ProblemKind::Missing { segments };
            self.problems.push(Problem { file, kind });
        }
        Ok(())
    }

    fn records(
        &mut self,
        file: &str,
        header: &SegmentHeader,
        bytes: &[u8],
        shipped: Position,
        writer: Writer,
    ) {
        let problems = &mut self.problems;
        let mut report = |kind| {
            problems.push(Problem {
                file: file.to_owned(),
                kind,
            });
        };
        let segment = Sealed::new(bytes, header.salt);
        let mut lost = BTreeSet::new();
        let mut begin = HEADER_BYTES;
        for found in Scan::new(segment, HEADER_BYTES) {
            match found {
                Found::Record { payload, end } => {
                    let position = Position {
                        segment: header.sequence,
                        offset: end as u64,
                    };
                    self.unshipped_clicks += u64::from(position > shipped);
                    match record::decode(payload) {
                        Ok(click) => lost.extend(texts::lost(segment, &click)),
                        Err(reason) => {
                            let offset = begin as u64;
                            report(ProblemKind::Record { offset, reason });
                        }
                    }
                    begin = end;
                }
                Found::Unfinished { .. } | Found::Damage { is_tail: true, .. }
                    if writer == Writer::Serving => {}
                Found::Unfinished { .. } => self.unfinished.push(file.to_owned()),
                Found::Damage {
                    offset,
                    bytes,
                    is_tail,
                    end,
                } => {
                    report(ProblemKind::of_damage(offset, bytes, is_tail));
                    begin = end;
                }
            }
        }
        for offset in lost {
            report(ProblemKind::Text { offset });
        }
    }
}
