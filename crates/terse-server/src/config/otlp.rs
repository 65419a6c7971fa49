//! Where traces go.

use url::Url;

use super::{ConfigError, value_error, without_credentials};

const SETTING: &str = "--otlp-endpoint";
/// Of the OTLP specification: where a base URL takes traces.
const TRACES: [&str; 2] = ["v1", "traces"];

/// The address that takes traces, of the base URL `text`; `is_built_in` is whether this program can send any.
///
/// # Errors
/// [`ConfigError::NoOtlp`] if it cannot, [`ConfigError::Value`] for what is no base URL.
pub(super) fn traces_url(text: &str, is_built_in: bool) -> Result<Url, ConfigError> {
    if !is_built_in {
        return Err(ConfigError::NoOtlp);
    }
    let refused = |problem: &str| value_error(SETTING, &without_credentials(text), problem);
    let mut url: Url = text
        .parse()
        .map_err(|error: url::ParseError| refused(&format!("is no URL: {error}")))?;
    if !matches!(url.scheme(), "http" | "https") {
        return Err(refused("does not begin with http:// or https://"));
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(refused(
            "has a password: write it into OTEL_EXPORTER_OTLP_HEADERS",
        ));
    }
    if url.query().is_some() || url.fragment().is_some() {
        return Err(refused("is no base URL: leave out what begins with ? or #"));
    }
    if let Ok(mut path) = url.path_segments_mut() {
        path.pop_if_empty().extend(TRACES);
    }
    Ok(url)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn traces_go_below_the_base_url() {
        for (base, traces) in [
            ("http://127.0.0.1:4318", "http://127.0.0.1:4318/v1/traces"),
            ("http://127.0.0.1:4318/", "http://127.0.0.1:4318/v1/traces"),
            ("https://otlp.example/a/b", "https://otlp.example/a/b/v1/traces"),
        ] {
            let url = traces_url(base, true).expect("a base URL");
            assert_eq!(url.as_str(), traces);
        }
    }

    #[test]
    fn what_is_no_base_url_is_refused() {
        for text in [
            "",
            "collector:4318",
            "grpc://collector:4317",
            "http://me:secret@collector:4318",
            "http://collector:4318/?key=1",
        ] {
            let refused = traces_url(text, true).expect_err(text).to_string();
            assert!(refused.starts_with(SETTING), "{refused}");
            assert!(!refused.contains("secret"), "{refused}");
        }
    }

    #[test]
    fn a_build_that_cannot_send_traces_says_so() {
        let refused = traces_url("http://127.0.0.1:4318", false).expect_err("not built in");
        assert_eq!(
            refused.to_string(),
            "--otlp-endpoint: this build has no OTLP export: build with --features otlp"
        );
    }
}
