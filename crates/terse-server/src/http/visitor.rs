//! What a request's headers tell of the visitor: read in one pass, by the same rules wherever the headers come from.

use crate::visits::Visitor;

/// Collects what is of interest, header by header. Of a header that is there twice the first one counts.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct VisitorHeaders<'a> {
    referrer: Option<&'a [u8]>,
    user_agent: Option<&'a [u8]>,
    do_not_track: Option<bool>,
    privacy_control: Option<bool>,
    is_prefetch: bool,
}

impl<'a> VisitorHeaders<'a> {
    /// Notes a header, whose name may be in any case; headers that say nothing of visitors are passed over.
    pub(super) fn note(&mut self, name: &str, value: &'a [u8]) {
        // By length first: of a request's dozen headers, all but two or three are told apart by it.
        match name.len() {
            3 if is(name, "dnt") => first(&mut self.do_not_track, value == b"1"),
            5 if is(name, "x-moz") => self.note_purpose(value, b"prefetch"),
            7 if is(name, "referer") => first(&mut self.referrer, value),
            7 if is(name, "sec-gpc") => first(&mut self.privacy_control, value == b"1"),
            7 if is(name, "purpose") => self.note_purpose(value, b"prefetch"),
            9 if is(name, "x-purpose") => self.note_purpose(value, b"preview"),
            10 if is(name, "user-agent") => first(&mut self.user_agent, value),
            11 if is(name, "sec-purpose") => self.note_purpose(value, b"prefetch"),
            _ => {}
        }
    }

    /// The visitor, who sent a HEAD request or another, and perhaps the wish not to be tracked: [DNT](https://www.w3.org/TR/tracking-dnt/),
    /// [Global Privacy Control](https://w3c.github.io/gpc/).
    pub(super) fn visitor(&self, is_head: bool) -> Visitor<'a> {
        Visitor {
            referrer: self.referrer,
            user_agent: self.user_agent,
            is_head,
            is_prefetch: self.is_prefetch,
            is_private: self.do_not_track == Some(true) || self.privacy_control == Some(true),
        }
    }

    /// `Sec-Purpose: prefetch;prerender` ([Fetch](https://fetch.spec.whatwg.org/#sec-purpose-header)), and what browsers sent
    /// before it had a name: `Purpose`, `X-Moz`, and Safari's `X-Purpose: preview`.
    fn note_purpose(&mut self, value: &[u8], purpose: &[u8]) {
        let first = value.split(|byte| *byte == b';').next().unwrap_or_default();
        self.is_prefetch |= first.trim_ascii().eq_ignore_ascii_case(purpose);
    }
}

fn is(name: &str, lower_case: &str) -> bool {
    name.eq_ignore_ascii_case(lower_case)
}

fn first<T>(place: &mut Option<T>, value: T) {
    if place.is_none() {
        *place = Some(value);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn visitor<'a>(headers: &[(&str, &'a str)]) -> Visitor<'a> {
        let mut noted = VisitorHeaders::default();
        for (name, value) in headers {
            noted.note(name, value.as_bytes());
        }
        noted.visitor(false)
    }

    #[test]
    fn names_are_known_in_any_case_and_the_first_of_two_counts() {
        let visitor = visitor(&[
            ("REFERER", "https://a"),
            ("User-Agent", "one"),
            ("user-agent", "two"),
        ]);
        assert_eq!(visitor.referrer, Some(&b"https://a"[..]));
        assert_eq!(visitor.user_agent, Some(&b"one"[..]));
    }

    #[test]
    fn the_wish_not_to_be_tracked_is_noted() {
        for (wish, value, is_private) in [
            ("dnt", "1", true),
            ("Sec-GPC", "1", true),
            ("DNT", "0", false),
            ("sec-gpc", "", false),
            ("accept", "1", false),
        ] {
            let visitor = visitor(&[("user-agent", "a"), (wish, value)]);
            assert_eq!(visitor.is_private, is_private, "{wish}: {value}");
        }
    }

    #[test]
    fn prefetches_are_told_by_every_header_that_browsers_send() {
        for (name, value) in [
            ("Sec-Purpose", "prefetch"),
            ("Sec-Purpose", "prefetch;prerender"),
            ("sec-purpose", "Prefetch ; anonymous-client-ip"),
            ("Purpose", "prefetch"),
            ("X-moz", "prefetch"),
            ("X-Purpose", "preview"),
        ] {
            assert!(visitor(&[(name, value)]).is_prefetch, "{name}: {value}");
        }
        for (name, value) in [
            ("Sec-Purpose", "navigate"),
            ("Purpose", "prefetching"),
            ("x-moz", ""),
        ] {
            assert!(!visitor(&[(name, value)]).is_prefetch, "{name}: {value}");
        }
    }
}
