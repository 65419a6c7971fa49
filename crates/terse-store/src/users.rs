//! Users: who links may belong to.

use terse_core::{
    Email, NewUser, Page, PageRequest, ShortCode, Timestamp, User, UserChange, UserId, Username,
};

use crate::bus;
use crate::db::{Param, Read, Row, Tx, page_params};
use crate::error::Result;
use crate::links;
use crate::sql::statements;
use crate::store::Store;

macro_rules! columns {
    () => {
        "id, username, email, created_at"
    };
}

statements! {
    EXISTS = "SELECT id FROM users WHERE id = $1";
    FIND = concat!("SELECT ", columns!(), " FROM users WHERE id = $1");
    LIST = concat!("SELECT ", columns!(), " FROM users WHERE id > $1 ORDER BY id LIMIT $2 OFFSET $3");
    INSERT = concat!(
        "INSERT INTO users (username, email, email_key, created_at) VALUES ($1, $2, $3, $4) RETURNING ", columns!()
    );
    INSERT_WITH_ID = concat!(
        "INSERT INTO users (username, email, email_key, created_at, id) VALUES ($1, $2, $3, $4, $5) RETURNING ",
        columns!()
    );
    UPDATE = concat!(
        "UPDATE users SET username = COALESCE($2, username), email = COALESCE($3, email), \
         email_key = COALESCE($4, email_key) WHERE id = $1 RETURNING ",
        columns!()
    );
    DELETE = "DELETE FROM users WHERE id = $1";
}

impl Store {
    /// Creates a user.
    ///
    /// # Errors
    /// [`crate::Conflict::Username`], [`crate::Conflict::Email`] in any case, or [`crate::Conflict::UserId`] if the
    /// user brings its id along.
    pub async fn create_user(&self, user: NewUser) -> Result<User> {
        self.db
            .write(move |tx| Box::pin(async move { insert(tx, &user).await }))
            .await
    }

    /// Changes a user; fields that are not named stay.
    ///
    /// # Errors
    /// [`crate::Conflict::Username`], [`crate::Conflict::Email`]
    pub async fn update_user(&self, id: UserId, change: UserChange) -> Result<Option<User>> {
        self.db
            .write(move |tx| {
                Box::pin(async move {
                    let email_key = change.email.as_ref().map(Email::to_key);
                    let params: [Param<'_>; 4] = [
                        id.get().into(),
                        change.username.as_ref().map(Username::as_str).into(),
                        change.email.as_ref().map(Email::as_str).into(),
                        email_key.as_ref().into(),
                    ];
                    tx.query_opt(&UPDATE, &params, decode).await
                })
            })
            .await
    }

    /// Removes a user. Its links stay, without owner and one version further; gives their codes, which caches must
    /// forget.
    pub async fn delete_user(&self, id: UserId) -> Result<Option<Vec<ShortCode>>> {
        let deleted = self
            .db
            .write_at_length(move |tx| {
                Box::pin(async move {
                    let codes = links::change::disown(tx, id).await?;
                    let deleted = tx.execute(&DELETE, &[id.get().into()]).await?;
                    let as_of = bus::announce_without_event(tx, &codes).await?;
                    Ok(((deleted > 0).then_some(codes), as_of))
                })
            })
            .await?;
        Ok(self.changed(deleted))
    }

    /// The user with this id.
    pub async fn find_user(&self, id: UserId) -> Result<Option<User>> {
        self.db
            .read(Read::Point, move |tx| {
                Box::pin(async move { tx.query_opt(&FIND, &[id.get().into()], decode).await })
            })
            .await
    }

    /// Users by id.
    pub async fn list_users(&self, page: PageRequest) -> Result<Page<User>> {
        self.db
            .read(Read::Scan, move |tx| {
                Box::pin(async move {
                    let rows = tx.query(&LIST, &page_params(&page), decode).await?;
                    Ok(Page::from_rows(rows, &page))
                })
            })
            .await
    }
}

pub(crate) async fn insert(tx: &mut Tx, user: &NewUser) -> Result<User> {
    let email_key = user.email.to_key();
    let params: [Param<'_>; 5] = [
        user.username.as_str().into(),
        user.email.as_str().into(),
        (&email_key).into(),
        user.created_at.as_millis().into(),
        user.id.map(UserId::get).into(),
    ];
    match user.id {
        Some(_) => tx.query_one(&INSERT_WITH_ID, &params, decode).await,
        None => tx.query_one(&INSERT, &params[..4], decode).await,
    }
}

pub(crate) async fn exists(tx: &mut Tx, id: UserId) -> Result<bool> {
    let found = tx
        .query_opt(&EXISTS, &[id.get().into()], |row| row.int(0))
        .await?;
    Ok(found.is_some())
}

pub(crate) fn decode_id(row: &Row<'_>, column: usize) -> Result<UserId> {
    UserId::new(row.int(column)?).map_err(|error| row.unreadable(column, error.to_string()))
}

/// The owner of a link, who may be nobody.
pub(crate) fn decode_owner(row: &Row<'_>, column: usize) -> Result<Option<UserId>> {
    match row.opt_int(column)? {
        Some(_) => decode_id(row, column).map(Some),
        None => Ok(None),
    }
}

fn decode(row: &Row<'_>) -> Result<User> {
    Ok(User {
        id: decode_id(row, 0)?,
        username: row.text(1)?,
        email: row.text(2)?,
        created_at: Timestamp::from_millis(row.int(3)?),
    })
}
