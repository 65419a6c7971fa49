//! Who calls, as a value that proves what the call may do.
//!
//! A handler that needs a right takes a [`Caller`] with that right's scope, so a forgotten check does not compile.
//! In open mode everybody has every right; see [`crate::config::Auth`] for who can reach the address at all.

use std::convert::Infallible;
use std::marker::PhantomData;

use axum::extract::FromRequestParts;
use http::request::Parts;

/// A right that a call can need.
pub trait Scope: Send + 'static {}

/// To see links, users and events.
#[derive(Debug)]
pub struct Read;

/// To create, change and delete them.
#[derive(Debug)]
pub struct Write;

impl Scope for Read {}
impl Scope for Write {}

/// Proof that the call may do what `S` allows. Made by extraction from a request only.
#[derive(Debug)]
pub struct Caller<S: Scope>(PhantomData<S>);

impl<S: Scope, State: Sync> FromRequestParts<State> for Caller<S> {
    type Rejection = Infallible;

    async fn from_request_parts(_: &mut Parts, _: &State) -> Result<Self, Infallible> {
        Ok(Self(PhantomData))
    }
}
