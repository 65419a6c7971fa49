//! `POST /shorten`.

use std::sync::Arc;

use axum::extract::State;
use terse_core::{ShortCode, TargetUrl};
use utoipa::ToSchema;

use super::Created;
use super::described::{BadRequest, Conflict, Forbidden};
use super::urls::short_code;
use crate::app::App;
use crate::auth::{Caller, Write};
use crate::error::Result;
use crate::http::request::{Fields, FromFields, Json, Origin, Taken};
use crate::http::view::LinkView;
use crate::links::{self, LinkDraft};

/// A target to be shortened.
#[derive(ToSchema)]
pub(super) struct ShortenRequest {
    /// Where the link is to lead.
    #[schema(value_type = String, format = "uri", max_length = 8192, example = "https://example.com/a/long/path")]
    url: TargetUrl,
    /// The code to use; without one, or with a blank one, a code is generated.
    #[schema(value_type = Option<String>, max_length = 64, pattern = "^[A-Za-z0-9][A-Za-z0-9_-]*$")]
    short_code: Option<ShortCode>,
}

impl FromFields for ShortenRequest {
    const MISSING: &'static str = "Missing 'url' in request body";

    fn from_fields(fields: &mut Fields) -> Taken<Self> {
        let url = fields.required_text("url", Self::MISSING);
        let url = url.and_then(|text| fields.parsed("url", &text));
        let short_code = short_code(fields);
        Ok(Self {
            url: url?,
            short_code: short_code?,
        })
    }
}

/// Shorten a URL.
#[utoipa::path(
    post, path = "/shorten", tag = "short links", request_body = ShortenRequest,
    responses(
        (status = 201, description = "The link.", body = LinkView),
        BadRequest,
        Forbidden,
        Conflict,
    )
)]
pub(super) async fn shorten(
    State(app): State<Arc<App>>,
    _: Caller<Write>,
    origin: Origin,
    Json(request): Json<ShortenRequest>,
) -> Result<Created<LinkView>> {
    let draft = LinkDraft {
        short_code: request.short_code,
        target: request.url,
        title: None,
        owner: None,
        is_active: true,
    };
    let link = links::create(&app, draft, origin.reached_at()).await?;
    Ok(super::urls::created(link, &origin))
}
