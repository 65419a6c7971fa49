//! Users from elsewhere.

use terse_core::{NewUser, UserId};

use super::{Imported, Taken};
use crate::db::Tx;
use crate::error::Result;
use crate::sql::statements;
use crate::store::Store;
use crate::users::{self, decode_id};

statements! {
    FIND_USERNAME = "SELECT username FROM users WHERE id = $1";
    FIND_BY_USERNAME = "SELECT id FROM users WHERE username = $1";
    FIND_BY_EMAIL = "SELECT id FROM users WHERE email_key = $1";
}

impl Store {
    /// Stores users; what came of each, in their order. Rows without an id get the next.
    pub async fn import_users(&self, rows: Vec<NewUser>) -> Result<Vec<Imported>> {
        self.db
            .write_at_length(move |tx| {
                Box::pin(async move {
                    let mut imported = Vec::with_capacity(rows.len());
                    for row in &rows {
                        imported.push(import(tx, row).await?);
                    }
                    Ok(imported)
                })
            })
            .await
    }
}

async fn import(tx: &mut Tx, row: &NewUser) -> Result<Imported> {
    if let Some(obstacle) = find_obstacle(tx, row).await? {
        return Ok(obstacle);
    }
    users::insert(tx, row).await?;
    Ok(Imported::Inserted)
}

async fn find_obstacle(tx: &mut Tx, row: &NewUser) -> Result<Option<Imported>> {
    if let Some(id) = row.id
        && let Some(username) = tx
            .query_opt(&FIND_USERNAME, &[id.get().into()], |row| row.text(0))
            .await?
    {
        return Ok(Some(if username == row.username.as_str() {
            Imported::AlreadyThere
        } else {
            Imported::Taken(Taken::UserId)
        }));
    }
    let by_username = tx
        .query_opt(&FIND_BY_USERNAME, &[row.username.as_str().into()], first_id)
        .await?;
    if let Some(kept_by) = by_username {
        return Ok(Some(Imported::Taken(Taken::Username { kept_by })));
    }
    let email_key = row.email.to_key();
    let by_email = tx
        .query_opt(&FIND_BY_EMAIL, &[(&email_key).into()], first_id)
        .await?;
    Ok(by_email.map(|kept_by| Imported::Taken(Taken::Email { kept_by })))
}

fn first_id(row: &crate::db::Row<'_>) -> Result<UserId> {
    decode_id(row, 0)
}
