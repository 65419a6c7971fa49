//! The members of a JSON object, taken one by one; what nobody takes is refused by name.
//!
//! A wrong member does not end the taking: it is noted, and all that were noted are one error in the end, whose text is that
//! of the first.

use std::fmt::Display;
use std::str::FromStr;

use serde_json::{Map, Value};

use crate::error::{Error, InvalidField, Result};

/// Members that the service sends and does not take: a client may send an object back as it read it.
const READ_ONLY: [&str; 5] = ["id", "short_url", "click_count", "created_at", "updated_at"];
/// Wrong members that are named at most: a body has room for thousands.
const NOTED_MAX: usize = 100;

/// Members that nobody took yet, and what is wrong with others.
pub(in crate::http) struct Fields {
    members: Map<String, Value>,
    noted: Vec<InvalidField>,
}

/// A member is wrong, and its [`Fields`] have noted why.
#[derive(Debug, Clone, Copy)]
pub(in crate::http) struct Noted(());

/// A member's value.
pub(in crate::http) type Taken<T> = std::result::Result<T, Noted>;

impl Fields {
    /// The members of a JSON object.
    ///
    /// # Errors
    /// `Invalid` for any other JSON value.
    pub(super) fn of(value: Value) -> Result<Self> {
        match value {
            Value::Object(members) => Ok(Self {
                members,
                noted: Vec::new(),
            }),
            _ => Err(Error::invalid("Request body must be a JSON object")),
        }
    }

    /// Notes each of the members `names` that is not there; `missing` is what is said of it.
    pub(in crate::http) fn require(&mut self, names: &[&str], missing: &str) {
        for name in names {
            if !self.members.contains_key(*name) {
                self.note(name, missing);
            }
        }
    }

    /// Notes that the member is wrong: `problem` is a whole sentence. Of several problems of a member the first counts.
    pub(in crate::http) fn note(&mut self, name: &str, problem: impl Display) -> Noted {
        if self.noted.len() < NOTED_MAX && self.noted.iter().all(|noted| noted.name != name) {
            self.noted.push(InvalidField {
                name: name.to_owned(),
                problem: problem.to_string(),
            });
        }
        Noted(())
    }

    /// A member whatever its value.
    pub(in crate::http) fn take(&mut self, name: &str) -> Option<Value> {
        self.members.shift_remove(name)
    }

    /// A string that must be there; `missing` is what is said otherwise.
    pub(in crate::http) fn required_text(&mut self, name: &str, missing: &str) -> Taken<String> {
        self.text(name)?.ok_or_else(|| self.note(name, missing))
    }

    /// A string, if it is there.
    pub(in crate::http) fn text(&mut self, name: &str) -> Taken<Option<String>> {
        match self.take(name) {
            None => Ok(None),
            Some(Value::String(text)) => Ok(Some(text)),
            Some(_) => Err(self.note(name, format_args!("{name} must be a string"))),
        }
    }

    /// A string or `null`, if it is there. A blank string is taken as `null`.
    pub(in crate::http) fn nullable_text(&mut self, name: &str) -> Taken<Option<Option<String>>> {
        if self.take_null(name) {
            return Ok(Some(None));
        }
        let text = self.text(name)?;
        Ok(text.map(|text| Some(text).filter(|text| !text.trim().is_empty())))
    }

    /// An integer that must be there; `missing` is what is said otherwise.
    pub(in crate::http) fn required_integer(&mut self, name: &str, missing: &str) -> Taken<i64> {
        self.integer(name)?.ok_or_else(|| self.note(name, missing))
    }

    /// An integer or `null`, if it is there.
    pub(in crate::http) fn nullable_integer(&mut self, name: &str) -> Taken<Option<Option<i64>>> {
        if self.take_null(name) {
            return Ok(Some(None));
        }
        self.integer(name).map(|number| number.map(Some))
    }

    /// `true` or `false`, if it is there.
    pub(in crate::http) fn boolean(&mut self, name: &str) -> Taken<Option<bool>> {
        match self.take(name) {
            None => Ok(None),
            Some(Value::Bool(value)) => Ok(Some(value)),
            Some(_) => Err(self.note(name, format_args!("{name} must be true or false"))),
        }
    }

    /// A core type from a member's text; the type's own message is the whole sentence.
    pub(in crate::http) fn parsed<T: FromStr<Err: Display>>(&mut self, name: &str, text: &str) -> Taken<T> {
        text.parse().map_err(|problem| self.note(name, problem))
    }

    /// As [`Self::parsed`], of a text that may not be there.
    pub(in crate::http) fn parsed_if_given<T: FromStr<Err: Display>>(
        &mut self,
        name: &str,
        text: Taken<Option<String>>,
    ) -> Taken<Option<T>> {
        text?.map(|text| self.parsed(name, text.trim())).transpose()
    }

    /// `value`, unless a member was wrong, or is one that nobody took and that is not read-only.
    ///
    /// # Errors
    /// `Invalid` that names all of them.
    pub(super) fn finish<T>(mut self, value: Taken<T>) -> Result<T> {
        for (name, _) in std::mem::take(&mut self.members) {
            if !READ_ONLY.contains(&name.as_str()) {
                self.note(&name, format_args!("Unknown field: {name}"));
            }
        }
        match Error::invalid_fields(self.noted) {
            Some(error) => Err(error),
            None => Ok(value.expect("whatever could not be taken was noted")),
        }
    }

    fn take_null(&mut self, name: &str) -> bool {
        let is_null = self.members.get(name).is_some_and(Value::is_null);
        is_null && self.take(name).is_some()
    }

    fn integer(&mut self, name: &str) -> Taken<Option<i64>> {
        let Some(value) = self.take(name) else {
            return Ok(None);
        };
        let number = value.as_i64();
        number
            .map(Some)
            .ok_or_else(|| self.note(name, format_args!("{name} must be an integer")))
    }
}
