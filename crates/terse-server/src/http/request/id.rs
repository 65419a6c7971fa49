//! The `{id}` and `{code}` of a path.

use std::str::FromStr;

use axum::extract::{FromRequestParts, Path};
use http::request::Parts;

use crate::error::{Error, NOT_FOUND};
use crate::visits;

/// An id in a path. Nothing can have an id that is none, so anything else is simply not found.
pub(in crate::http) struct Id<T>(pub(in crate::http) T);

impl<T: FromStr, S: Send + Sync> FromRequestParts<S> for Id<T> {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Error> {
        let not_found = || Error::NotFound(NOT_FOUND);
        let Path(text) = Path::<String>::from_request_parts(parts, state)
            .await
            .map_err(|_| not_found())?;
        text.parse().map(Self).map_err(|_| not_found())
    }
}

/// A code in a path, not checked yet. What is not even text is the code of no link.
pub(in crate::http) struct Code(pub(in crate::http) String);

impl<S: Send + Sync> FromRequestParts<S> for Code {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Error> {
        let segment = Path::<String>::from_request_parts(parts, state).await;
        segment
            .map(|Path(text)| Self(text))
            .map_err(|_| Error::NotFound(visits::NOT_FOUND))
    }
}
