//! Why the store did not take a row, for a person.

use terse_core::{EventId, LinkId, NewLink, NewUser, Owner, ShortCode};
use terse_store::Taken;

use crate::transfer::report::Skipped;

/// What is needed of a link to speak about it after the store has got it.
pub(in crate::transfer::import) struct LinkName {
    id: Option<LinkId>,
    owner: Owner,
    short_code: ShortCode,
}

impl LinkName {
    /// The id in the file.
    pub(in crate::transfer::import) fn id(&self) -> Option<LinkId> {
        self.id
    }

    /// The name of `link`.
    pub(in crate::transfer::import) fn of(link: &NewLink) -> Self {
        Self {
            id: link.id,
            owner: link.owner,
            short_code: link.short_code.clone(),
        }
    }

    /// Why the link was not stored.
    pub(in crate::transfer::import) fn reason(&self, taken: Taken) -> String {
        let code = &self.short_code;
        match taken {
            Taken::ShortCode { kept_by } => {
                format!(
                    "{}: link {kept_by} has the short code {code} already",
                    link(self.id)
                )
            }
            Taken::NoSuchUser => {
                let owner = self.owner.map_or(0, terse_core::UserId::get);
                format!(
                    "{} ({code}): its owner, user {owner}, does not exist",
                    link(self.id)
                )
            }
            _ => format!(
                "{} ({code}): the id belongs to a link with another short code",
                link(self.id)
            ),
        }
    }
}

/// Why a user was not stored.
pub(in crate::transfer::import) fn user(user: &NewUser, taken: Taken) -> String {
    let (id, name) = (user.id.map_or(0, terse_core::UserId::get), user.username.as_str());
    match taken {
        Taken::Username { kept_by } => {
            format!("user {id} ({name}) repeats the user name of user {kept_by}, who keeps it")
        }
        Taken::Email { kept_by } => {
            format!("user {id} ({name}) repeats the e-mail address of user {kept_by}, who keeps it")
        }
        _ => format!("user {id} ({name}): the id belongs to a user with another name"),
    }
}

/// Why an event was not stored.
pub(in crate::transfer::import) fn event(id: Option<EventId>, _: Taken) -> String {
    format!(
        "event {}: the id belongs to another event",
        id.map_or(0, EventId::get)
    )
}

/// A row whose user or link (`what`) was skipped, and left nobody to give it to.
pub(in crate::transfer::import) fn of_skipped(row: u64, what: &str, id: Option<i64>) -> Skipped {
    let id = id.unwrap_or(0);
    Skipped {
        row,
        reason: format!("its {what}, {id} in the file, was skipped, and the id belongs to another {what}"),
    }
}

fn link(id: Option<LinkId>) -> String {
    format!("link {}", id.map_or(0, LinkId::get))
}
