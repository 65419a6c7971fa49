//! The members of a JSON object, taken one by one; what nobody takes is refused by name.

use std::fmt::Display;
use std::str::FromStr;

use serde_json::{Map, Value};

use crate::error::{Error, Result};

/// Members that the service sends and does not take: a client may send an object back as it read it.
const READ_ONLY: [&str; 5] = ["id", "short_url", "click_count", "created_at", "updated_at"];

/// Members that nobody took yet.
pub(in crate::http) struct Fields(Map<String, Value>);

impl Fields {
    /// The members of a JSON object.
    ///
    /// # Errors
    /// `Invalid` for any other JSON value.
    pub(super) fn of(value: Value) -> Result<Self> {
        match value {
            Value::Object(members) => Ok(Self(members)),
            _ => Err(Error::invalid("Request body must be a JSON object")),
        }
    }

    /// Whether the member is there, even if `null`.
    pub(in crate::http) fn has(&self, name: &str) -> bool {
        self.0.contains_key(name)
    }

    /// A member whatever its value.
    pub(in crate::http) fn take(&mut self, name: &str) -> Option<Value> {
        self.0.shift_remove(name)
    }

    /// A string that must be there; `missing` is what is said otherwise.
    pub(in crate::http) fn required_text(&mut self, name: &str, missing: &str) -> Result<String> {
        let value = self
            .take(name)
            .ok_or_else(|| Error::invalid_field(name, missing))?;
        text(name, value)
    }

    /// A string, if it is there.
    pub(in crate::http) fn text(&mut self, name: &str) -> Result<Option<String>> {
        self.take(name).map(|value| text(name, value)).transpose()
    }

    /// A string or `null`, if it is there. A blank string is taken as `null`.
    pub(in crate::http) fn nullable_text(&mut self, name: &str) -> Result<Option<Option<String>>> {
        match self.take(name) {
            None => Ok(None),
            Some(Value::Null) => Ok(Some(None)),
            Some(value) => Ok(Some(
                Some(text(name, value)?).filter(|text| !text.trim().is_empty()),
            )),
        }
    }

    /// An integer or `null`, if it is there.
    pub(in crate::http) fn nullable_integer(&mut self, name: &str) -> Result<Option<Option<i64>>> {
        match self.take(name) {
            None => Ok(None),
            Some(Value::Null) => Ok(Some(None)),
            Some(value) => integer(name, &value).map(|number| Some(Some(number))),
        }
    }

    /// An integer that must be there; `missing` is what is said otherwise.
    pub(in crate::http) fn required_integer(&mut self, name: &str, missing: &str) -> Result<i64> {
        let value = self
            .take(name)
            .ok_or_else(|| Error::invalid_field(name, missing))?;
        integer(name, &value)
    }

    /// `true` or `false`, if it is there.
    pub(in crate::http) fn boolean(&mut self, name: &str) -> Result<Option<bool>> {
        match self.take(name) {
            None => Ok(None),
            Some(Value::Bool(value)) => Ok(Some(value)),
            Some(_) => Err(Error::invalid_field(
                name,
                format!("{name} must be true or false"),
            )),
        }
    }

    /// Refuses the first member that nobody took and that is not read-only.
    ///
    /// # Errors
    /// `Invalid` that names it.
    pub(super) fn finish(self) -> Result<()> {
        match self.0.keys().find(|name| !READ_ONLY.contains(&name.as_str())) {
            None => Ok(()),
            Some(name) => Err(Error::invalid_field(name, format!("Unknown field: {name}"))),
        }
    }
}

/// A core type from a member's text; the type's own message is the whole sentence.
pub(in crate::http) fn parsed<T: FromStr<Err: Display>>(name: &str, text: &str) -> Result<T> {
    text.parse()
        .map_err(|problem| Error::invalid_field(name, problem))
}

fn text(name: &str, value: Value) -> Result<String> {
    match value {
        Value::String(text) => Ok(text),
        _ => Err(Error::invalid_field(name, format!("{name} must be a string"))),
    }
}

fn integer(name: &str, value: &Value) -> Result<i64> {
    value
        .as_i64()
        .ok_or_else(|| Error::invalid_field(name, format!("{name} must be an integer")))
}
