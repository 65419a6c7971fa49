//! `POST /users/bulk`.

use std::path::Path;
use std::sync::Arc;

use axum::Json as Answer;
use axum::extract::State;
use bytes::Bytes;
use http::StatusCode;
use serde::Serialize;
use utoipa::ToSchema;

use super::described::{BadRequest, Forbidden, NotFound, TooLarge};
use crate::app::App;
use crate::auth::{Caller, Write};
use crate::error::{Error, Result};
use crate::http::request::{UPLOAD_BYTES_MAX, Upload};
use crate::transfer::Skipped;
use crate::transfer::users::{Renumbered, UploadReport, import_uploaded};

/// What became of a file of users. The first three are the same number.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct BulkReport {
    /// Users that were created.
    count: u64,
    /// Users that were created.
    imported: u64,
    /// Users that were created.
    inserted: u64,
    /// Rows that were not, and why.
    skipped: Vec<SkippedRow>,
    /// Users that were created with another id than their row has, the first thousand of them. Not there when there are none.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schema(required = false)]
    renumbered: Vec<RenumberedRow>,
    /// How many they are. Not there when there are none.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = u64, required = false)]
    renumbered_total: Option<u64>,
}

/// A row of the file that created no user.
#[derive(Debug, Serialize, ToSchema)]
struct SkippedRow {
    /// Its number in the file; the header is row 1, empty lines are none.
    row: u64,
    /// Why it was skipped.
    reason: String,
}

/// A row of the file whose user has another id than it has.
#[derive(Debug, Serialize, ToSchema)]
struct RenumberedRow {
    /// Its number in the file; the header is row 1, empty lines are none.
    row: u64,
    /// The id in the file, which another user has, or which is too large.
    requested_id: i64,
    /// The user's id.
    id: i64,
}

impl From<UploadReport> for BulkReport {
    fn from(report: UploadReport) -> Self {
        let row = |Skipped { row, reason }| SkippedRow { row, reason };
        let renumbered_row = |renumbered: Renumbered| RenumberedRow {
            row: renumbered.row,
            requested_id: renumbered.wished_id,
            id: renumbered.id.get(),
        };
        Self {
            count: report.inserted,
            imported: report.inserted,
            inserted: report.inserted,
            skipped: report.skipped.into_iter().map(row).collect(),
            renumbered: report.renumbered.into_iter().map(renumbered_row).collect(),
            renumbered_total: Some(report.renumbered_total).filter(|total| *total > 0),
        }
    }
}

/// What the body may be, for the description.
#[derive(ToSchema)]
#[expect(dead_code, reason = "describes the form, which is taken apart by hand")]
struct UploadForm {
    /// CSV with a header; columns `username` and `email`, perhaps `id` and `created_at`.
    #[schema(value_type = String, format = Binary)]
    file: Vec<u8>,
}

/// Create users from a CSV file.
///
/// Rows that are malformed, or repeat a user, are skipped and reported. A row whose id is taken creates a user with the
/// next one, which is reported too. Instead of a form, `{"file": "name.csv"}` names a file in the server's import folder.
#[utoipa::path(
    post, path = "/users/bulk", tag = "users", request_body(content = UploadForm, content_type = "multipart/form-data"),
    responses(
        (status = 201, description = "What became of the rows.", body = BulkReport),
        BadRequest,
        Forbidden,
        NotFound,
        TooLarge,
    )
)]
pub(super) async fn import(
    State(app): State<Arc<App>>,
    _: Caller<Write>,
    upload: Upload,
) -> Result<(StatusCode, Answer<BulkReport>)> {
    let content = match upload {
        Upload::Content(content) => content,
        Upload::Named(name) => read_named(app.config.import_dir.as_deref(), &name).await?,
    };
    let report = import_uploaded(&app.store, &content, app.clock.now()).await?;
    Ok((StatusCode::CREATED, Answer(report.into())))
}

/// A plain name only: neither separators nor `..` lead out of the folder.
async fn read_named(folder: Option<&Path>, name: &str) -> Result<Bytes> {
    if name.contains(['/', '\\', '\0']) || name.contains("..") {
        return Err(Error::invalid_field(
            "file",
            "file must be the plain name of a file in the import folder",
        ));
    }
    let not_found = || Error::NoSuchFile(name.to_owned());
    let path = folder.ok_or_else(not_found)?.join(name);
    let metadata = tokio::fs::symlink_metadata(&path)
        .await
        .map_err(|_| not_found())?;
    if !metadata.is_file() {
        return Err(not_found());
    }
    if metadata.len() > UPLOAD_BYTES_MAX as u64 {
        return Err(Error::TooLarge {
            bytes_max: UPLOAD_BYTES_MAX,
        });
    }
    tokio::fs::read(path)
        .await
        .map(Bytes::from)
        .map_err(|_| not_found())
}
