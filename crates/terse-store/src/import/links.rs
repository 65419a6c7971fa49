//! Links from elsewhere.

use std::collections::HashSet;

use terse_core::{LinkId, NewLink, UserId};

use super::{Imported, Taken};
use crate::bus;
use crate::db::Tx;
use crate::error::Result;
use crate::links;
use crate::sql::statements;
use crate::store::Store;
use crate::users;

statements! {
    FIND_CODE = "SELECT short_code FROM links WHERE id = $1";
    FIND_BY_CODE = "SELECT id FROM links WHERE short_code = $1";
}

impl Store {
    /// Stores links; what came of each, in their order. Rows without an id get the next. No `created` events: the
    /// log they come with has them.
    pub async fn import_links(&self, rows: Vec<NewLink>) -> Result<Vec<Imported>> {
        let imported = self
            .db
            .write_at_length(move |tx| {
                Box::pin(async move {
                    let mut imported = Vec::with_capacity(rows.len());
                    let mut owners = HashSet::new();
                    for row in &rows {
                        imported.push(import(tx, row, &mut owners).await?);
                    }
                    let new = rows
                        .iter()
                        .zip(&imported)
                        .filter(|(_, imported)| **imported == Imported::Inserted);
                    let as_of = bus::announce_without_event(tx, new.map(|(row, _)| &row.short_code)).await?;
                    Ok((imported, as_of))
                })
            })
            .await?;
        Ok(self.changed(imported))
    }
}

/// `owners` are those found already; nobody can be removed while the transaction runs.
async fn import(tx: &mut Tx, row: &NewLink, owners: &mut HashSet<UserId>) -> Result<Imported> {
    if let Some(obstacle) = find_obstacle(tx, row).await? {
        return Ok(obstacle);
    }
    if let Some(owner) = row.owner
        && !owners.contains(&owner)
    {
        if !users::exists(tx, owner).await? {
            return Ok(Imported::Taken(Taken::NoSuchUser));
        }
        owners.insert(owner);
    }
    links::insert(tx, row).await?;
    Ok(Imported::Inserted)
}

async fn find_obstacle(tx: &mut Tx, row: &NewLink) -> Result<Option<Imported>> {
    if let Some(id) = row.id
        && let Some(code) = tx
            .query_opt(&FIND_CODE, &[id.get().into()], |row| row.text(0))
            .await?
    {
        return Ok(Some(if code == row.short_code.as_str() {
            Imported::AlreadyThere
        } else {
            Imported::Taken(Taken::LinkId)
        }));
    }
    let by_code = tx
        .query_opt(&FIND_BY_CODE, &[row.short_code.as_str().into()], first_id)
        .await?;
    Ok(by_code.map(|kept_by| Imported::Taken(Taken::ShortCode { kept_by })))
}

fn first_id(row: &crate::db::Row<'_>) -> Result<LinkId> {
    links::decode_id(row, 0)
}
