//! Whether an `Accept` header asks for a page rather than for data: RFC 9110, 12.5.1.

use http::HeaderValue;

/// Whether `text/html` is named and preferred to JSON. Programs that say `*/*`, or nothing, get JSON.
pub(in crate::http) fn prefers_html(accept: Option<&HeaderValue>) -> bool {
    let Some(accept) = accept.and_then(|value| value.to_str().ok()) else {
        return false;
    };
    let html = quality(accept, &["text/html", "application/xhtml+xml"]).unwrap_or(0.0);
    let json = quality(accept, &["application/json", "application/problem+json"]);
    html > json.or_else(|| quality(accept, &["*/*"])).unwrap_or(0.0)
}

/// The highest weight that `accept` gives to one of `types` by name.
fn quality(accept: &str, types: &[&str]) -> Option<f32> {
    accept
        .split(',')
        .filter_map(|range| {
            let mut parts = range.split(';').map(str::trim);
            let name = parts.next()?;
            let named = types.iter().any(|wanted| wanted.eq_ignore_ascii_case(name));
            named.then(|| parts.find_map(weight).unwrap_or(1.0))
        })
        .reduce(f32::max)
}

fn weight(parameter: &str) -> Option<f32> {
    let (name, value) = parameter.split_once('=')?;
    name.trim()
        .eq_ignore_ascii_case("q")
        .then(|| value.trim().parse().unwrap_or(0.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn people_get_pages_and_programs_get_data() {
        for (accept, html) in [
            (
                "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8",
                true,
            ),
            ("text/html", true),
            ("TEXT/HTML;q=0.5", true),
            ("application/json;q=0.4, text/html; q=0.5", true),
            ("*/*", false),
            ("", false),
            ("application/json", false),
            ("application/json, text/html", false),
            ("text/html;q=0.5, application/json", false),
            ("text/html;q=0.5, */*", false),
            ("text/html;q=0", false),
            ("text/html;q=x", false),
            ("text/*", false),
        ] {
            let value = HeaderValue::from_static(accept);
            assert_eq!(prefers_html(Some(&value)), html, "{accept}");
        }
        assert!(!prefers_html(None));
    }
}
