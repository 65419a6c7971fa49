//! `terse shorten`.

mod remote;

use terse_core::{ShortCode, TargetUrl, Title};
use terse_server::app::App;
use terse_server::config::{BaseUrl, Config};
use terse_server::data_dir::{DataDir, DataDirError};
use terse_server::links::{self, LinkDraft};

use crate::agent::Via;
use crate::args::ShortenArgs;
use crate::failure::Failure;
use crate::{output, runtime};

/// Makes a link and prints its short URL.
pub(super) fn run(args: ShortenArgs) -> Result<(), Failure> {
    let (url, code, title) = (&args.url, args.code.as_deref(), args.title.as_deref());
    if let Some(server) = &args.server {
        let short_url = remote::shorten(server, Via::Network, url, code, title)?;
        return Ok(output::result(short_url)?);
    }
    let config = args.data.resolve(args.base_url)?;
    let short_url = match DataDir::lock(&config.data_dir, &config.database.place) {
        Ok(_data_dir) => runtime::runtime()?.block_on(shorten(config, draft(url, code, title)?))?,
        Err(DataDirError::InUse {
            address: Some(address),
            ..
        }) => remote::shorten(&address, Via::ThisMachine, url, code, title)?,
        Err(error) => return Err(error.into()),
    };
    Ok(output::result(short_url)?)
}

fn draft(url: &str, code: Option<&str>, title: Option<&str>) -> Result<LinkDraft, Failure> {
    let code = code.map(str::trim).filter(|code| !code.is_empty());
    let title = title.filter(|title| !title.trim().is_empty());
    Ok(LinkDraft {
        short_code: code
            .map(str::parse::<ShortCode>)
            .transpose()
            .map_err(Failure::new)?,
        target: url.parse::<TargetUrl>().map_err(Failure::new)?,
        title: title
            .map(str::parse::<Title>)
            .transpose()
            .map_err(|error| Failure::new(format!("title {error}")))?,
        owner: None,
        is_active: true,
    })
}

async fn shorten(config: Config, draft: LinkDraft) -> Result<String, Failure> {
    let base = match &config.base_url {
        Some(base) => base.clone(),
        None => BaseUrl::from_host(&config.listen.to_string()).map_err(Failure::usage)?,
    };
    let app = App::open(config, runtime::clock(), runtime::random()?).await?;
    let created = links::create(&app, draft, &base).await;
    app.store.close().await;
    Ok(format!("{base}/{}", created?.short_code))
}
