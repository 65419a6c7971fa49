//! Where the client reached us: what the addresses in the answer start with.

use std::convert::Infallible;
use std::sync::Arc;

use axum::extract::{FromRequestParts, OriginalUri};
use http::header::HOST;
use http::request::Parts;

use crate::app::App;
use crate::config::BaseUrl;
use crate::http::api::MOUNT;

/// The address of this request, and the base of short URLs.
pub(in crate::http) struct Origin {
    base: BaseUrl,
    reached_at: BaseUrl,
    path: String,
}

impl Origin {
    /// What short URLs start with: as configured, else where the client reached us.
    pub(in crate::http) fn base(&self) -> &BaseUrl {
        &self.base
    }

    /// Where the client reached us.
    pub(in crate::http) fn reached_at(&self) -> &BaseUrl {
        &self.reached_at
    }

    /// This request's own address as it is seen from outside, without query. Only the base knows the scheme and the path in
    /// front of ours that a proxy adds.
    pub(in crate::http) fn this_url(&self) -> String {
        format!("{}{}", self.base, self.path)
    }

    /// The path of something else of the API, below the same mount as this request: for `Location`.
    pub(in crate::http) fn sibling(&self, path: &str) -> String {
        let mount = if self.path.starts_with(MOUNT) { MOUNT } else { "" };
        format!("{mount}{path}")
    }
}

impl FromRequestParts<Arc<App>> for Origin {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, Infallible> {
        let OriginalUri(uri) = OriginalUri::from_request_parts(parts, app).await?;
        let header = parts.headers.get(HOST).and_then(|host| host.to_str().ok());
        let host = uri.authority().map(http::uri::Authority::as_str).or(header);
        let configured = app.config.base_url.clone();
        let listening =
            || BaseUrl::from_host(&app.config.listen.to_string()).expect("an address and a port are a host");
        let reached_at = host
            .and_then(|host| BaseUrl::from_host(host).ok())
            .unwrap_or_else(listening);
        Ok(Self {
            base: configured.unwrap_or_else(|| reached_at.clone()),
            reached_at,
            path: uri.path().to_owned(),
        })
    }
}
