//! Who calls, as a value that proves what the call may do.
//!
//! A handler that needs a right takes a [`Caller`] with that right's scope, so a forgotten check does not compile.
//! In open mode everybody has every right; see [`crate::config::Auth`] for who can reach the address at all.

use std::marker::PhantomData;
use std::sync::Arc;

use axum::extract::FromRequestParts;
use http::header::{HOST, ORIGIN};
use http::request::Parts;
use http::{HeaderMap, HeaderName};

use crate::app::App;
use crate::config::BaseUrl;
use crate::error::Error;

const SEC_FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");
const CROSS_SITE: &str = "Browsers may not call this from another site";

/// A right that a call can need.
pub trait Scope: Send + 'static {
    /// Whether the right changes something: then a browser must not use it on behalf of another site.
    const CHANGES: bool;
}

/// To see links, users and events.
#[derive(Debug)]
pub struct Read;

/// To create, change and delete them.
#[derive(Debug)]
pub struct Write;

impl Scope for Read {
    const CHANGES: bool = false;
}

impl Scope for Write {
    const CHANGES: bool = true;
}

/// Proof that the call may do what `S` allows. Made by extraction from a request only.
#[derive(Debug)]
pub struct Caller<S: Scope>(PhantomData<S>);

impl<S: Scope> FromRequestParts<Arc<App>> for Caller<S> {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, Error> {
        if S::CHANGES && is_from_another_site(&parts.headers, app.config.base_url.as_ref()) {
            return Err(Error::Forbidden(CROSS_SITE));
        }
        Ok(Self(PhantomData))
    }
}

/// Whether a browser sends this for a page of another site, which it says by `Sec-Fetch-Site`
/// ([Fetch Metadata](https://www.w3.org/TR/fetch-metadata/)) or, where it does not, by `Origin`. Programs say neither.
fn is_from_another_site(headers: &HeaderMap, base: Option<&BaseUrl>) -> bool {
    if let Some(site) = headers.get(SEC_FETCH_SITE) {
        return site != "same-origin" && site != "none";
    }
    let Some(origin) = headers.get(ORIGIN) else {
        return false;
    };
    let origin = origin
        .to_str()
        .ok()
        .and_then(|origin| origin.parse::<BaseUrl>().ok());
    let host = headers
        .get(HOST)
        .and_then(|host| BaseUrl::from_host(host.to_str().ok()?).ok());
    let same = |own: &BaseUrl| origin.as_ref().is_some_and(|origin| origin.host() == own.host());
    !(host.as_ref().is_some_and(same) || base.is_some_and(same))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_browser_calls_from_its_own_site_only() {
        let base: BaseUrl = "https://sho.rt".parse().expect("a base");
        for (headers, foreign) in [
            (&[][..], false),
            (&[("sec-fetch-site", "same-origin")], false),
            (&[("sec-fetch-site", "none")], false),
            (&[("sec-fetch-site", "cross-site")], true),
            (&[("sec-fetch-site", "same-site")], true),
            (
                &[
                    ("sec-fetch-site", "same-origin"),
                    ("origin", "https://evil.example"),
                ],
                false,
            ),
            (&[("origin", "http://127.0.0.1:8000")], false),
            (&[("origin", "http://127.0.0.1:9000")], false),
            (&[("origin", "https://sho.rt")], false),
            (&[("origin", "https://evil.example")], true),
            (&[("origin", "https://sho.rt.evil.example")], true),
            (&[("origin", "null")], true),
        ] {
            let mut map = HeaderMap::new();
            map.insert(HOST, "127.0.0.1:8000".parse().expect("a value"));
            for (name, value) in headers {
                map.insert(*name, value.parse().expect("a value"));
            }
            assert_eq!(is_from_another_site(&map, Some(&base)), foreign, "{headers:?}");
        }
    }
}
