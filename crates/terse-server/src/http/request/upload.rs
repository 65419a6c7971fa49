//! The file of `POST /users/bulk`: uploaded as a form, or named.

use std::time::Duration;

use axum::extract::{FromRequest, Multipart, Request};
use bytes::Bytes;

use super::Fields;
use super::body::{collect, collect_json, content_type_is, parse, refuse_encoded};
use crate::error::{Error, Result};

/// The most bytes an uploaded file may have.
pub(in crate::http) const UPLOAD_BYTES_MAX: usize = 10 * 1024 * 1024;

/// A file must have arrived after this long: the largest needs 0.3 Mbit/s.
const UPLOAD_WITHIN: Duration = Duration::from_mins(5);

/// Boundaries, part headers and other parts of a form come on top of the file.
const FORM_OVERHEAD_BYTES_MAX: usize = 64 * 1024;
const NO_FILE: &str = "No file provided";

/// A file to be imported.
pub(in crate::http) enum Upload {
    /// Its content.
    Content(Bytes),
    /// Its name in the import folder.
    Named(String),
}

impl<S: Send + Sync> FromRequest<S> for Upload {
    type Rejection = Error;

    async fn from_request(request: Request, state: &S) -> Result<Self> {
        refuse_encoded(request.headers())?;
        if content_type_is(request.headers(), "multipart/form-data") {
            return from_form(request, state).await;
        }
        let is_json = content_type_is(request.headers(), "application/json");
        let bytes = collect_json(request.into_body()).await?;
        if !is_json || bytes.is_empty() {
            return Err(Error::invalid_field("file", NO_FILE));
        }
        let mut fields = Fields::of(parse(&bytes)?)?;
        let name = fields.required_text("file", NO_FILE);
        let name = fields.finish(name)?;
        if name.trim().is_empty() {
            Err(Error::invalid_field("file", NO_FILE))
        } else {
            Ok(Self::Named(name))
        }
    }
}

async fn from_form<S: Send + Sync>(request: Request, state: &S) -> Result<Upload> {
    let (parts, body) = request.into_parts();
    let whole = collect(body, UPLOAD_BYTES_MAX + FORM_OVERHEAD_BYTES_MAX, UPLOAD_WITHIN).await?;
    let request = Request::from_parts(parts, whole.into());
    let mut form = Multipart::from_request(request, state)
        .await
        .map_err(|error| malformed(&error.body_text()))?;
    while let Some(field) = form
        .next_field()
        .await
        .map_err(|error| malformed(&error.body_text()))?
    {
        if field.name() == Some("file") {
            let content = field
                .bytes()
                .await
                .map_err(|error| malformed(&error.body_text()))?;
            return file(content);
        }
    }
    Err(Error::invalid_field("file", NO_FILE))
}

fn file(content: Bytes) -> Result<Upload> {
    if content.len() > UPLOAD_BYTES_MAX {
        return Err(Error::TooLarge {
            bytes_max: UPLOAD_BYTES_MAX,
        });
    }
    Ok(Upload::Content(content))
}

fn malformed(problem: &str) -> Error {
    Error::invalid(format!("Malformed form: {problem}"))
}
