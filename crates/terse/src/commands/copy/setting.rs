//! What a server that is to use the copy has to be told.

const PASSWORD_IS_MISSING: &str = " (with the password of --to, which is not shown)";

/// A flag to paste, and what to do to it before.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Setting {
    pub(super) flag: String,
    pub(super) note: &'static str,
}

/// The database that `written` means, without a password.
pub(super) fn of(written: &str) -> Setting {
    let shown = if written.starts_with("sqlite:") {
        written.to_owned()
    } else {
        without_password(written)
    };
    let note = if shown == written { "" } else { PASSWORD_IS_MISSING };
    let flag = format!("--database-url {}", for_a_shell(shown));
    Setting { flag, note }
}

fn without_password(url: &str) -> String {
    let (base, query) = url.split_once('?').unwrap_or((url, ""));
    let kept: Vec<_> = query.split('&').filter(|pair| is_no_password(pair)).collect();
    let base = match (base.split_once("://"), base.rsplit_once('@')) {
        (Some((scheme, rest)), Some((_, hosts))) => {
            let user = rest.split([':', '@']).next().unwrap_or_default();
            format!("{scheme}://{user}@{hosts}")
        }
        _ => base.to_owned(),
    };
    let mark = if kept.is_empty() { "" } else { "?" };
    format!("{base}{mark}{}", kept.join("&"))
}

/// A key that is written in another way may be that of a password as well.
fn is_no_password(pair: &str) -> bool {
    let key = pair.split('=').next().unwrap_or_default();
    !key.is_empty() && key != "password" && !key.contains('%')
}

fn for_a_shell(text: String) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "_-./:@,%+=".contains(c);
    if text.chars().all(is_plain) {
        text
    } else {
        format!("'{}'", text.replace('\'', "'\\''"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_flag_can_be_pasted_and_holds_no_password() {
        for (written, flag, is_whole) in [
            ("sqlite:back.db", "sqlite:back.db", true),
            ("sqlite:my data/@/it's.db", r"'sqlite:my data/@/it'\''s.db'", true),
            ("postgres://h/d", "postgres://h/d", true),
            (
                "postgres://ann@h/d?sslmode=require",
                "'postgres://ann@h/d?sslmode=require'",
                true,
            ),
            (
                "postgres://ann:s3cret@h:1,i:2/d",
                "postgres://ann@h:1,i:2/d",
                false,
            ),
            ("postgres://ann:s3c@ret@h/d", "postgres://ann@h/d", false),
            (
                "postgresql://h/d?user=ann&password=s3cret",
                "'postgresql://h/d?user=ann'",
                false,
            ),
            ("postgres://h/d?pass%77ord=s3cret", "postgres://h/d", false),
        ] {
            let setting = of(written);
            assert_eq!(setting.flag, format!("--database-url {flag}"));
            assert_eq!(setting.note.is_empty(), is_whole, "{written}");
        }
    }
}
