//! JSON bodies, bounded in size and time.

use std::time::Duration;

use axum::body::Body;
use axum::extract::{FromRequest, Request};
use bytes::{Bytes, BytesMut};
use http::HeaderMap;
use http::header::{CONTENT_ENCODING, CONTENT_TYPE};
use http_body_util::BodyExt;
use serde_json::Value;

use super::fields::{Fields, Taken};
use crate::error::{Error, Result};

/// The most bytes a JSON body may have.
pub(in crate::http) const JSON_BODY_BYTES_MAX: usize = 64 * 1024;
/// A JSON body must have arrived after this long.
const JSON_WITHIN: Duration = Duration::from_secs(20);
/// Of a body over its limit this much is read and thrown away, so that a client that writes before it reads gets the
/// answer instead of a reset connection.
const EXCESS_BYTES_MAX: usize = 16 * 1024 * 1024;

/// A JSON body that became a `T`.
pub(in crate::http) struct Json<T>(pub(in crate::http) T);

/// What can be made from the members of a JSON object.
pub(in crate::http) trait FromFields: Sized {
    /// What is said when there is no body, or one that is not called JSON.
    const MISSING: &'static str;

    /// Takes the members that it knows, all of them even if one is wrong, so that the client hears of all that are; the caller
    /// refuses the rest.
    fn from_fields(fields: &mut Fields) -> Taken<Self>;
}

impl<T: FromFields, S: Sync> FromRequest<S> for Json<T> {
    type Rejection = Error;

    async fn from_request(request: Request, _: &S) -> Result<Self> {
        let (parts, body) = request.into_parts();
        let is_json = content_type_is(&parts.headers, "application/json");
        refuse_encoded(&parts.headers)?;
        let bytes = collect_json(body).await?;
        if !is_json || bytes.is_empty() {
            return Err(Error::invalid(T::MISSING));
        }
        let mut fields = Fields::of(parse(&bytes)?)?;
        let value = T::from_fields(&mut fields);
        fields.finish(value).map(Self)
    }
}

/// Any JSON text.
///
/// # Errors
/// `Invalid` that says where the text stops being JSON.
pub(super) fn parse(bytes: &Bytes) -> Result<Value> {
    serde_json::from_slice(bytes).map_err(|error| Error::invalid(format!("Malformed JSON: {error}")))
}

/// Whether the body says that it is of this type, whatever its parameters.
pub(super) fn content_type_is(headers: &HeaderMap, wanted: &str) -> bool {
    let given = headers
        .get(CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .unwrap_or("");
    given
        .split(';')
        .next()
        .is_some_and(|name| name.trim().eq_ignore_ascii_case(wanted))
}

/// Compressed bodies are refused: a small one can become a huge one.
pub(super) fn refuse_encoded(headers: &HeaderMap) -> Result<()> {
    match headers.get(CONTENT_ENCODING) {
        Some(encoding) if encoding != "identity" => Err(Error::invalid(
            "Content-Encoding is not supported: send the body as it is",
        )),
        _ => Ok(()),
    }
}

/// The whole of a body that is called JSON.
pub(super) async fn collect_json(body: Body) -> Result<Bytes> {
    collect(body, JSON_BODY_BYTES_MAX, JSON_WITHIN).await
}

/// The whole body.
///
/// # Errors
/// `TooLarge`, `TooSlow`, `Invalid` when the connection breaks off.
pub(super) async fn collect(body: Body, bytes_max: usize, within: Duration) -> Result<Bytes> {
    tokio::time::timeout(within, collect_bounded(body, bytes_max))
        .await
        .map_err(|_| Error::TooSlow)?
}

async fn collect_bounded(mut body: Body, bytes_max: usize) -> Result<Bytes> {
    let mut collected = BytesMut::new();
    let mut total = 0;
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|_| Error::invalid("Request body is incomplete"))?;
        let Ok(data) = frame.into_data() else { continue };
        total += data.len();
        if total <= bytes_max {
            collected.extend_from_slice(&data);
        } else if total > bytes_max + EXCESS_BYTES_MAX {
            break;
        }
    }
    if total > bytes_max {
        Err(Error::TooLarge { bytes_max })
    } else {
        Ok(collected.freeze())
    }
}
