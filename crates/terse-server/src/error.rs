//! What can go wrong in a use-case, by what the caller can do about it. HTTP makes of it what it likes.

/// Nothing is at this path, or has this id.
pub const NOT_FOUND: &str = "Not found";

/// Why a use-case did not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The input is wrong: change it. Nothing was stored.
    #[error("{detail}")]
    Invalid {
        /// What is wrong, for a person; of several things the first.
        detail: String,
        /// The members or parameters that are wrong, where they are to blame.
        fields: Vec<InvalidField>,
    },
    /// The thing does not exist.
    #[error("{0}")]
    NotFound(&'static str),
    /// A file to be imported does not exist; its name comes from the caller.
    #[error("File not found: {0}")]
    NoSuchFile(String),
    /// The thing existed and was taken away.
    #[error("{0}")]
    Gone(&'static str),
    /// The caller may not do this, or not from there.
    #[error("{0}")]
    Forbidden(&'static str),
    /// Something else has the name already: choose another.
    #[error("{0}")]
    Conflict(&'static str),
    /// The input is larger than a named limit.
    #[error("Request body is larger than {bytes_max} bytes")]
    TooLarge {
        /// The limit.
        bytes_max: usize,
    },
    /// The input took longer to arrive than a named limit.
    #[error("Request body did not arrive in time")]
    TooSlow,
    /// The store cannot be used just now: try again later.
    #[error("Service temporarily unavailable, try again later")]
    Unavailable(#[source] terse_store::Error),
    /// A fault of ours, or a damaged store.
    #[error("Internal server error")]
    Internal(#[source] Box<dyn std::error::Error + Send + Sync>),
}

/// A member or parameter that is wrong.
#[derive(Debug)]
pub struct InvalidField {
    /// Its name.
    pub name: String,
    /// What is wrong with it: a whole sentence.
    pub problem: String,
}

/// What a use-case gives.
pub type Result<T> = std::result::Result<T, Error>;

impl Error {
    /// Wrong input that no single field is to blame for.
    pub fn invalid(detail: impl std::fmt::Display) -> Self {
        Self::Invalid {
            detail: detail.to_string(),
            fields: Vec::new(),
        }
    }

    /// A wrong value of `field`; `detail` is a whole sentence.
    pub fn invalid_field(field: &str, detail: impl std::fmt::Display) -> Self {
        let problem = detail.to_string();
        Self::Invalid {
            detail: problem.clone(),
            fields: vec![InvalidField {
                name: field.to_owned(),
                problem,
            }],
        }
    }

    /// Wrong values of `fields`; `None` when there are none.
    pub fn invalid_fields(fields: Vec<InvalidField>) -> Option<Self> {
        let detail = fields.first()?.problem.clone();
        Some(Self::Invalid { detail, fields })
    }
}

/// Conflicts that a use-case has not given a text are faults: it should have foreseen them.
impl From<terse_store::Error> for Error {
    fn from(error: terse_store::Error) -> Self {
        match error {
            terse_store::Error::Unavailable { .. } => Self::Unavailable(error),
            other => Self::Internal(Box::new(other)),
        }
    }
}
