//! Files of users that clients upload.

use terse_core::{PageRequest, Timestamp};

use super::Scratch;
use crate::transfer::users::{RENUMBERED_LISTED_MAX, UploadReport, import_uploaded};
use crate::transfer::{SKIPPED_LISTED_MAX, TransferError};

const NOW: Timestamp = Timestamp::from_millis(1_700_000_000_000);

/// The users afterwards as `id name email`, and the skipped rows as `row reason`.
async fn uploaded(scratch: &Scratch, csv: &str) -> (Vec<String>, Vec<String>) {
    let report = reported(scratch, csv).await;
    let page = PageRequest::after(0, 1_000);
    let users = scratch.store.list_users(page).await.expect("readable").rows;
    let user = |user: terse_core::User| format!("{} {} {}", user.id, user.username, user.email);
    let skipped = report.skipped.iter();
    (
        users.into_iter().map(user).collect(),
        skipped
            .map(|skipped| format!("{} {}", skipped.row, skipped.reason))
            .collect(),
    )
}

async fn reported(scratch: &Scratch, csv: &str) -> UploadReport {
    import_uploaded(&scratch.store, csv.as_bytes(), NOW)
        .await
        .expect("a file that can be read")
}

/// The users whose ids were replaced as `row old new`.
async fn renumbered(scratch: &Scratch, csv: &str) -> Vec<String> {
    let report = reported(scratch, csv).await;
    assert_eq!(report.skipped, []);
    let listed = report.renumbered.iter();
    listed
        .map(|one| format!("{} {} {}", one.row, one.wished_id, one.id))
        .collect()
}

async fn refused(csv: &[u8]) -> TransferError {
    let scratch = Scratch::new().await;
    import_uploaded(&scratch.store, csv, NOW)
        .await
        .expect_err("a file that cannot be read")
}

#[tokio::test]
async fn names_of_columns_may_stand_in_any_order_and_case_behind_a_byte_order_mark() {
    let scratch = Scratch::new().await;
    let csv = "\u{feff} EMail ,shoe size,UserName\r\nada@example.com,38,Ada\r\n\"jörg@bücher.example\",,\"Jörg \"\"J\"\" O'Neil, sen.\"\r\n";
    let (users, skipped) = uploaded(&scratch, csv).await;
    assert_eq!(
        users,
        [
            "1 Ada ada@example.com",
            "2 Jörg \"J\" O'Neil, sen. jörg@bücher.example"
        ]
    );
    assert_eq!(skipped, Vec::<String>::new());
}

#[tokio::test]
async fn a_free_id_is_kept_and_a_taken_one_replaced_and_reported() {
    let scratch = Scratch::new().await;
    uploaded(&scratch, "id,username,email\n7,ada,ada@a.example\n").await;
    let csv = "id,username,email\n7,bob,bob@a.example\n,cyd,cyd@a.example\n20,dan,dan@a.example\n20,eve,eve@a.example\n8,fay,fay@a.example\n9007199254740993,gus,gus@a.example\n";
    assert_eq!(
        renumbered(&scratch, csv).await,
        ["2 7 21", "5 20 23", "7 9007199254740993 24"]
    );
    let (users, _) = uploaded(&scratch, "username,email\n").await;
    assert_eq!(
        users,
        [
            "7 ada ada@a.example",
            "8 fay fay@a.example",
            "20 dan dan@a.example",
            "21 bob bob@a.example",
            "22 cyd cyd@a.example",
            "23 eve eve@a.example",
            "24 gus gus@a.example",
        ]
    );
}

#[tokio::test]
async fn one_taken_id_costs_no_other_row_its_own_however_long_the_file_is() {
    let scratch = Scratch::new().await;
    uploaded(&scratch, "id,username,email\n1,ada,ada@a.example\n").await;
    let rows = (1..=5_000).map(|id| format!("{id},u{id},u{id}@a.example\n"));
    let csv = format!("id,username,email\n{}", rows.collect::<String>());
    assert_eq!(renumbered(&scratch, &csv).await, ["2 1 5001"]);
}

#[tokio::test]
async fn more_replaced_ids_than_anybody_reads_are_counted() {
    let scratch = Scratch::new().await;
    let file = |name: &str| {
        let rows = (1..=1_500).map(|id| format!("{id},{name}{id},{name}{id}@a.example\n"));
        format!("id,username,email\n{}", rows.collect::<String>())
    };
    uploaded(&scratch, &file("a")).await;
    let report = reported(&scratch, &file("b")).await;
    assert_eq!((report.inserted, report.renumbered_total), (1_500, 1_500));
    assert_eq!(report.renumbered.len(), RENUMBERED_LISTED_MAX);
}

#[tokio::test]
async fn repeated_and_malformed_rows_are_skipped_and_named() {
    let scratch = Scratch::new().await;
    let csv = "id,username,email,created_at\n\
        1,ada,ada@a.example,2024-01-02 17:05:09\n\
        2,ada,other@a.example,2024-01-02 17:05:09\n\
        3,bob,ADA@A.example,2024-01-02 17:05:09\n\
        1,ada,ada@a.example,2024-01-02 17:05:09\n\
        ,,x@a.example,\n\
        ,\"two\nlines\",y@a.example,\n\
        ,cyd,nonsense,\n\
        zero,dan,dan@a.example,\n\
        ,eve,eve@a.example,yesterday\n\
        ,too,few\n\n\
        \"never closed,x@a.example\n";
    let (users, skipped) = uploaded(&scratch, csv).await;
    assert_eq!(users, ["1 ada ada@a.example"]);
    assert_eq!(
        skipped,
        [
            "3 username already exists",
            "4 email already exists",
            "5 username already exists",
            "6 username cannot be empty",
            "7 username must not contain control characters",
            "8 Invalid email format",
            "9 id must be a positive integer, not \"zero\"",
            "10 created_at must be a time as 2026-01-31T12:00:00Z or 2026-01-31 12:00:00 (UTC), not \"yesterday\"",
            "11 has 3 fields, the header has 4",
            "12 has 1 field, the header has 4",
        ]
    );
}

#[tokio::test]
async fn a_file_that_is_no_table_of_users_says_what_it_needs() {
    for (csv, text) in [
        (
            &b""[..],
            "The file is empty: its first row must name the columns username,email",
        ),
        (
            b"username;email\nada;a@b.example\n",
            "The file has no column `username`: its first row must name the columns username,email",
        ),
        (
            b"username\nada\n",
            "The file has no column `email`: its first row must name the columns username,email",
        ),
        (
            b"username,email,Email\nada,a@b.example,c@d.example\n",
            "The file has two columns `email`",
        ),
        (
            b"username,email\nad\xe4,a@b.example\n",
            "The file is not UTF-8 text: save it as CSV in UTF-8",
        ),
    ] {
        assert_eq!(refused(csv).await.to_string(), text);
    }
}

#[tokio::test]
async fn a_quote_that_is_never_closed_is_found_before_it_takes_the_memory() {
    let mut csv = b"username,email\nada,\"".to_vec();
    csv.resize(2_000_000, b'x');
    let text = refused(&csv).await.to_string();
    assert!(
        text.starts_with("The file: row 2 is longer than 262144 bytes"),
        "{text}"
    );
}

#[tokio::test]
async fn more_bad_rows_than_anybody_reads_are_counted() {
    let scratch = Scratch::new().await;
    let csv = format!("username,email\n{}", "a,b\n".repeat(SKIPPED_LISTED_MAX + 5_000));
    let (_, skipped) = uploaded(&scratch, &csv).await;
    assert_eq!(skipped.len(), SKIPPED_LISTED_MAX + 1);
    assert_eq!(
        skipped.last().map(String::as_str),
        Some("6001 5000 more rows up to this one were skipped and are not listed")
    );
}
