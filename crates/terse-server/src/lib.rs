//! The service.

pub mod clicks;
