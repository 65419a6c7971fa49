//! What may be shown of a URL that somebody wrote.

/// `text` without what stands before an `@` in a URL in it: user and password. Rather too little is shown than too much, as a
/// password that was not encoded may hold any character.
pub fn without_credentials(text: &str) -> String {
    let Some((before, after)) = text.rsplit_once('@') else {
        return text.to_owned();
    };
    match before.split_once("://") {
        Some((scheme, _)) => format!("{scheme}://…@{after}"),
        None => format!("…@{after}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn user_and_password_are_left_out_wherever_they_end() {
        for (written, shown) in [
            ("https://sho.rt/a", "https://sho.rt/a"),
            ("https://u:hunter2@sho.rt/a", "https://…@sho.rt/a"),
            ("https://u:hun/t@er2@sho.rt", "https://…@sho.rt"),
            ("u:hunter2@sho.rt", "…@sho.rt"),
            ("bad uri: http://u:hunter2@", "bad uri: http://…@"),
        ] {
            assert_eq!(without_credentials(written), shown);
        }
    }
}
