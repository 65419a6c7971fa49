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
            .write(move |tx| {
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

    /// Stores users under the next ids, whatever their rows say; of each, in their order, its id or what stands in its way.
    pub async fn import_users_renumbered(
        &self,
        rows: Vec<NewUser>,
    ) -> Result<Vec<std::result::Result<UserId, Taken>>> {
        self.db
            .write(move |tx| {
                Box::pin(async move {
                    let mut imported = Vec::with_capacity(rows.len());
                    for row in &rows {
                        imported.push(import_renumbered(tx, row).await?);
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

async fn import_renumbered(tx: &mut Tx, row: &NewUser) -> Result<std::result::Result<UserId, Taken>> {
    if let Some(taken) = find_namesake(tx, row).await? {
        return Ok(Err(taken));
    }
    let row = NewUser {
        id: None,
        ..row.clone()
    };
    Ok(Ok(users::insert(tx, &row).await?.id))
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
    Ok(find_namesake(tx, row).await?.map(Imported::Taken))
}

/// Who has the row's name or address already.
async fn find_namesake(tx: &mut Tx, row: &NewUser) -> Result<Option<Taken>> {
    let by_username = tx
        .query_opt(&FIND_BY_USERNAME, &[row.username.as_str().into()], first_id)
        .await?;
    if let Some(kept_by) = by_username {
        return Ok(Some(Taken::Username { kept_by }));
    }
    let email_key = row.email.to_key();
    let by_email = tx
        .query_opt(&FIND_BY_EMAIL, &[(&email_key).into()], first_id)
        .await?;
    Ok(by_email.map(|kept_by| Taken::Email { kept_by }))
}

fn first_id(row: &crate::db::Row<'_>) -> Result<UserId> {
    decode_id(row, 0)
}
