//! Query parameters.

use std::convert::Infallible;
use std::str::FromStr;

use axum::extract::FromRequestParts;
use http::request::Parts;
use terse_core::{PageRequest, SearchText};
use url::form_urlencoded;

use crate::error::{Error, Result};

/// A request's query, its names and values decoded. Of a name that is there twice the last counts.
pub(in crate::http) struct Query(Vec<(String, String)>);

impl Query {
    /// The page that is asked for by `page`, `after` and `per_page`.
    pub(in crate::http) fn page(&self) -> Result<PageRequest> {
        PageRequest::new(
            self.integer("page")?,
            self.integer("after")?,
            self.integer("per_page")?,
        )
        .map_err(|problem| Error::invalid_field(problem.parameter(), problem))
    }

    /// An integer.
    pub(in crate::http) fn integer(&self, name: &str) -> Result<Option<i64>> {
        let Some(text) = self.get(name) else {
            return Ok(None);
        };
        text.parse()
            .map(Some)
            .map_err(|_| Error::invalid_field(name, format!("{name} must be an integer")))
    }

    /// `true`, `false`, `1` or `0`.
    pub(in crate::http) fn boolean(&self, name: &str) -> Result<Option<bool>> {
        match self.get(name).map(str::to_ascii_lowercase).as_deref() {
            None => Ok(None),
            Some("true" | "1") => Ok(Some(true)),
            Some("false" | "0") => Ok(Some(false)),
            Some(_) => Err(Error::invalid_field(
                name,
                format!("{name} must be true or false"),
            )),
        }
    }

    /// Anything that parses; the type's own message is the whole sentence.
    pub(in crate::http) fn parsed<T: FromStr<Err: std::fmt::Display>>(
        &self,
        name: &str,
    ) -> Result<Option<T>> {
        let text = self.get(name);
        text.map(|text| {
            text.parse()
                .map_err(|problem| Error::invalid_field(name, problem))
        })
        .transpose()
    }

    /// What `q`, or `search`, looks for; blank looks for anything.
    pub(in crate::http) fn search(&self) -> Result<Option<SearchText>> {
        let given = ["q", "search"]
            .into_iter()
            .find_map(|name| self.get(name).map(|text| (name, text)));
        let Some((name, text)) = given.filter(|(_, text)| !text.trim().is_empty()) else {
            return Ok(None);
        };
        text.parse()
            .map(Some)
            .map_err(|problem| Error::invalid_field(name, format!("{name} {problem}")))
    }

    /// The query of the page that follows the row with id `after`: the same filters, paged by key.
    pub(in crate::http) fn continued_after(&self, after: i64) -> String {
        let kept = self
            .0
            .iter()
            .filter(|(name, _)| name != "page" && name != "after");
        form_urlencoded::Serializer::new(String::new())
            .extend_pairs(kept)
            .append_pair("after", &after.to_string())
            .finish()
    }

    fn get(&self, name: &str) -> Option<&str> {
        self.0
            .iter()
            .rev()
            .find(|(given, _)| given == name)
            .map(|(_, value)| value.as_str())
    }
}

impl<S: Sync> FromRequestParts<S> for Query {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> std::result::Result<Self, Infallible> {
        let query = parts.uri.query().unwrap_or("");
        Ok(Self(
            form_urlencoded::parse(query.as_bytes()).into_owned().collect(),
        ))
    }
}
