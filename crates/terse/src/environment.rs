//! The one place that looks at the environment beside clap: for variables that nobody knows, and for empty ones.

use std::collections::BTreeSet;

use clap::Command;

use crate::failure::Failure;

const PREFIX: &str = "TERSE_";
/// One letter in so many may be wrong, so that a name is still taken for another one.
const WRONG_LETTERS_OF: usize = 3;

/// What is set.
pub(crate) struct Environment {
    names: BTreeSet<String>,
    empty: BTreeSet<String>,
}

impl Environment {
    /// The environment of this process.
    #[expect(
        clippy::disallowed_methods,
        reason = "this is where the environment enters, beside clap"
    )]
    pub(crate) fn read() -> Self {
        Self::of(
            std::env::vars_os().map(|(name, value)| (name.to_string_lossy().into_owned(), value.is_empty())),
        )
    }

    /// Names, and whether the variable is empty.
    fn of(variables: impl Iterator<Item = (String, bool)>) -> Self {
        let (mut names, mut empty) = (BTreeSet::new(), BTreeSet::new());
        for (name, is_empty) in variables {
            if is_empty {
                empty.insert(name.clone());
            }
            names.insert(name);
        }
        Self { names, empty }
    }

    /// Takes empty variables for unset ones: `VARIABLE= terse …` and a blank line in a settings file mean that.
    pub(crate) fn without_empty(&self, command: Command) -> Command {
        let names: Vec<_> = command
            .get_subcommands()
            .map(|command| command.get_name().to_owned())
            .collect();
        let command = command.mut_args(|arg| {
            let is_empty = arg
                .get_env()
                .is_some_and(|name| self.empty.contains(&*name.to_string_lossy()));
            if is_empty { arg.env(None::<&str>) } else { arg }
        });
        names.into_iter().fold(command, |command, name| {
            command.mut_subcommand(name, |subcommand| self.without_empty(subcommand))
        })
    }

    /// Refuses variables that look like settings of terse and are none: a misspelt setting would be ignored silently.
    pub(crate) fn refuse_unknown(&self, command: &Command) -> Result<(), Failure> {
        let known = variables_of(command);
        let unknown = self
            .names
            .iter()
            .find(|name| name.starts_with(PREFIX) && !known.contains(*name));
        unknown.map_or(Ok(()), |name| {
            Err(Failure::usage(format!(
                "the environment variable {name} is not known{}",
                nearest(name, &known)
            )))
        })
    }
}

fn variables_of(command: &Command) -> BTreeSet<String> {
    let own = command.get_arguments().filter_map(clap::Arg::get_env);
    let mut known: BTreeSet<_> = own.map(|name| name.to_string_lossy().into_owned()).collect();
    known.extend(command.get_subcommands().flat_map(variables_of));
    known
}

/// What was probably meant; nothing when that would be a guess. Some settings have their names from elsewhere, without prefix.
fn nearest(name: &str, known: &BTreeSet<String>) -> String {
    let without_prefix = |name: &str| name.strip_prefix(PREFIX).unwrap_or(name).to_owned();
    let name = without_prefix(name);
    let distance = |candidate: &str| strsim::damerau_levenshtein(&name, &without_prefix(candidate));
    known
        .iter()
        .map(|candidate| (distance(candidate), candidate))
        .min()
        .filter(|(distance, _)| distance * WRONG_LETTERS_OF <= name.len())
        .map_or_else(String::new, |(_, nearest)| format!(": did you mean {nearest}?"))
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;
    use crate::args::Cli;

    fn environment(variables: &[(&str, bool)]) -> Environment {
        Environment::of(
            variables
                .iter()
                .map(|(name, is_empty)| ((*name).to_owned(), *is_empty)),
        )
    }

    #[test]
    fn a_misspelt_variable_is_refused_and_the_nearest_named() {
        for (name, nearest) in [
            ("TERSE_LISTNE", "TERSE_LISTEN"),
            ("TERSE_BASEURL", "TERSE_BASE_URL"),
            ("TERSE_JOURNAL_SYNC", "TERSE_JOURNAL_SYNC_MS"),
            ("TERSE_DATABASE_URL", "DATABASE_URL"),
            ("TERSE_REDIS_URL", "REDIS_URL"),
            ("TERSE_PORT", "PORT"),
        ] {
            let refused = environment(&[("PATH", false), (name, false)]).refuse_unknown(&Cli::command());
            let text = format!("{:?}", refused.expect_err("unknown"));
            assert!(
                text.contains(&format!("{name} is not known: did you mean {nearest}?")),
                "{text}"
            );
        }
    }

    #[test]
    fn where_nothing_is_near_nothing_is_guessed() {
        for name in ["TERSE_HEALTH", "TERSE_", "TERSE_USERNAME"] {
            let refused = environment(&[(name, false)]).refuse_unknown(&Cli::command());
            let text = refused.expect_err("unknown").to_string();
            assert_eq!(text, format!("the environment variable {name} is not known"));
        }
    }

    #[test]
    fn known_variables_and_those_of_others_are_fine() {
        let variables = [
            ("TERSE_LISTEN", false),
            ("TERSE_LOG", true),
            ("TERSENESS", false),
            ("PORT", false),
        ];
        assert!(environment(&variables).refuse_unknown(&Cli::command()).is_ok());
    }

    #[test]
    fn the_command_line_is_sound() {
        Cli::command().debug_assert();
        environment(&[("TERSE_LISTEN", true)])
            .without_empty(Cli::command())
            .debug_assert();
    }
}
