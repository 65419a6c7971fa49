//! Requests become core types here: what a handler gets is checked.

mod body;
mod fields;
mod id;
mod origin;
mod query;
mod upload;

pub(super) use body::{FromFields, Json};
pub(super) use fields::{Fields, Taken};
pub(super) use id::{Code, Id};
pub(super) use origin::Origin;
pub(super) use query::Query;
pub(super) use upload::{UPLOAD_BYTES_MAX, Upload};
