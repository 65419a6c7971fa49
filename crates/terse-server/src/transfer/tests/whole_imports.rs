//! Users, links and events together.

use std::fmt::Write as _;

use terse_core::{EventFilter, LinkFilter, LinkId, PageRequest, UserId};

use super::Scratch;
use crate::transfer::import::{ImportFiles, ImportReport, import};
use crate::transfer::{FileReport, TransferError};

const USERS: &str = "id,username,email,created_at\n\
    1,ada,ada@a.example,2024-01-02 17:05:09\n\
    2,bob,bob@a.example,2024-01-02 17:05:09\n\
    3,ada,ada3@a.example,2024-01-02 17:05:09\n\
    4,dan,BOB@a.example,2024-01-02 17:05:09\n";
const URLS: &str = "id,user_id,short_code,original_url,title,is_active,created_at,updated_at\n\
    1,1,aaaa,https://a.example/1,\"Größe, \"\"XL\"\"\",True,2024-01-02 17:05:09,2024-01-03 17:05:09\n\
    2,3,bbbb,https://a.example/2,,False,2024-01-02 17:05:09,2024-01-03 17:05:09\n\
    3,4,cccc,https://a.example/3,x,true,2024-01-02 17:05:09,2024-01-03 17:05:09\n\
    4,,dddd,https://a.example/4,x,1,2024-01-02 17:05:09,2024-01-03 17:05:09\n\
    5,9,eeee,https://a.example/5,x,0,2024-01-02 17:05:09,2024-01-03 17:05:09\n\
    6,1,docs,https://a.example/6,x,True,2024-01-02 17:05:09,2024-01-03 17:05:09\n\
    7,1,gggg,javascript:alert(1),x,True,2024-01-02 17:05:09,2024-01-03 17:05:09\n\
    8,1,hhhh,https://a.example/8,x,perhaps,2024-01-02 17:05:09,2024-01-03 17:05:09\n\
    9,1,aaaa,https://a.example/9,x,True,2024-01-02 17:05:09,2024-01-03 17:05:09\n\
    1,1,iiii,https://a.example/10,x,True,2024-01-02 17:05:09,2024-01-03 17:05:09\n";
const EVENTS: &str = "id,url_id,user_id,event_type,timestamp,details\n\
    1,1,1,created,2024-01-02 17:05:09,\"{\"\"a\"\":\"\"line\\nbreak\"\"}\"\n\
    2,2,3,click,2024-01-02 17:05:10,\n\
    3,77,99,click,2024-01-02 17:05:11,null\n\
    4,1,,click,2024-01-02 17:05:12,[1]\n\
    5,1,,click,2024-01-02 17:05:12,{\n\
    6,x,,click,2024-01-02 17:05:12,\n\
    2,1,,updated,2024-01-02 17:05:12,\n";

async fn imported(scratch: &Scratch, files: [Option<&str>; 3]) -> Result<ImportReport, TransferError> {
    let [users, urls, events] = files;
    let files = ImportFiles {
        users: users.map(|text| scratch.file("users.csv", text)),
        urls: urls.map(|text| scratch.file("urls.csv", text)),
        events: events.map(|text| scratch.file("events.csv", text)),
    };
    import(&scratch.store, &files, &mut |_| ()).await
}

fn lines(report: Option<FileReport>) -> Vec<String> {
    let report = report.expect("the file was given");
    let mut lines = vec![format!(
        "{} read, {} inserted, {} there, {} reassigned, {} skipped",
        report.read, report.inserted, report.already_there, report.reassigned, report.skipped.total
    )];
    let skipped = report.skipped.listed.into_iter();
    lines.extend(skipped.map(|skipped| format!("{}: {}", skipped.row, skipped.reason)));
    lines
}

#[tokio::test]
async fn every_row_is_stored_or_named() {
    let scratch = Scratch::new().await;
    let report = imported(&scratch, [Some(USERS), Some(URLS), Some(EVENTS)])
        .await
        .expect("readable");
    assert_eq!(
        lines(report.users),
        [
            "4 read, 2 inserted, 0 there, 0 reassigned, 2 skipped",
            "4: user 3 (ada) repeats the user name of user 1, who keeps it",
            "5: user 4 (dan) repeats the e-mail address of user 2, who keeps it",
        ]
    );
    assert_eq!(
        lines(report.urls),
        [
            "10 read, 4 inserted, 0 there, 2 reassigned, 6 skipped",
            "6: link 5 (eeee): its owner, user 9, does not exist",
            "7: Short code is reserved",
            "8: URL must start with http:// or https://",
            "9: is_active must be True or False, not \"perhaps\"",
            "10: link 9: link 1 has the short code aaaa already",
            "11: link 1 (iiii): the id belongs to a link with another short code",
        ]
    );
    assert_eq!(
        lines(report.events),
        [
            "7 read, 3 inserted, 0 there, 1 reassigned, 4 skipped",
            "5: details must be a JSON object",
            "6: details are not valid JSON: EOF while parsing an object at line 1 column 1",
            "7: url_id must be an integer, not \"x\"",
            "8: event 2: the id belongs to another event",
        ]
    );
}

#[tokio::test]
async fn links_and_events_of_skipped_users_go_to_those_who_kept_the_name() {
    let scratch = Scratch::new().await;
    imported(&scratch, [Some(USERS), Some(URLS), Some(EVENTS)])
        .await
        .expect("readable");
    let page = PageRequest::after(0, 100);
    let links = scratch.store.list_links(LinkFilter::default(), page).await;
    let owners = links.expect("readable").rows.into_iter();
    let owners: Vec<_> = owners.map(|link| link.owner.map(UserId::get)).collect();
    assert_eq!(owners, [Some(1), Some(1), Some(2), None]);
    let events = scratch.store.list_events(EventFilter::default(), page).await;
    let users: Vec<_> = events
        .expect("readable")
        .rows
        .iter()
        .map(|event| event.user_id)
        .collect();
    assert_eq!(users, [Some(1), Some(1), Some(99)]);
    let clicked = LinkId::new(2).expect("positive");
    let link = scratch.store.find_link(clicked).await.expect("readable");
    assert_eq!(link.map(|link| link.click_count), Some(1));
}

#[tokio::test]
async fn the_same_import_again_doubles_nothing() {
    let scratch = Scratch::new().await;
    let files = [Some(USERS), Some(URLS), Some(EVENTS)];
    imported(&scratch, files).await.expect("readable");
    let again = imported(&scratch, files).await.expect("readable");
    let counts = |report| lines(report).swap_remove(0);
    assert_eq!(
        counts(again.users),
        "4 read, 0 inserted, 2 there, 0 reassigned, 2 skipped"
    );
    assert_eq!(
        counts(again.urls),
        "10 read, 0 inserted, 4 there, 2 reassigned, 6 skipped"
    );
    assert_eq!(
        counts(again.events),
        "7 read, 0 inserted, 3 there, 1 reassigned, 4 skipped"
    );
}

#[tokio::test]
async fn nobody_gets_the_links_of_another_user_of_the_same_number() {
    let scratch = Scratch::new().await;
    imported(&scratch, [Some(USERS), None, None])
        .await
        .expect("readable");
    let others = "id,username,email,created_at\n1,zoe,zoe@a.example,2024-01-02 17:05:09\n";
    let report = imported(&scratch, [Some(others), Some(URLS), Some(EVENTS)])
        .await
        .expect("readable");
    assert_eq!(
        lines(report.users),
        [
            "1 read, 0 inserted, 0 there, 0 reassigned, 1 skipped",
            "2: user 1 (zoe): the id belongs to a user with another name"
        ]
    );
    let reason = "its user, 1 in the file, was skipped, and the id belongs to another user";
    assert_eq!(lines(report.urls)[1], format!("2: {reason}"));
    assert_eq!(lines(report.events)[1], format!("2: {reason}"));
}

#[tokio::test]
async fn a_bad_header_of_the_last_file_stops_the_import_before_its_first_row() {
    let scratch = Scratch::new().await;
    let error = imported(&scratch, [Some(USERS), None, Some("id,url_id\n")])
        .await
        .expect_err("columns are missing")
        .to_string();
    assert!(
        error.ends_with(
            "events.csv has no column `user_id`: its first row must name the columns \
             id,url_id,user_id,event_type,timestamp,details"
        ),
        "{error}"
    );
    let users = scratch.store.list_users(PageRequest::after(0, 10)).await;
    assert_eq!(users.expect("readable").rows, []);
}

#[tokio::test]
async fn a_hundred_thousand_rows_stream_through_and_progress_ends_at_the_end() {
    let scratch = Scratch::new().await;
    let mut csv = "id,user_id,short_code,original_url,title,is_active,created_at,updated_at\n".to_owned();
    for id in 1..=100_000 {
        let time = "2024-01-02 17:05:09";
        writeln!(csv, "{id},,c{id},https://a.example/{id},,True,{time},{time}").expect("into memory");
    }
    let files = ImportFiles {
        urls: Some(scratch.file("urls.csv", &csv)),
        ..ImportFiles::default()
    };
    let mut seen = Vec::new();
    let report = import(&scratch.store, &files, &mut |progress| seen.push(progress))
        .await
        .expect("readable");
    assert_eq!(report.urls.map(|report| report.inserted), Some(100_000));
    let last = seen.last().expect("progress was told");
    assert_eq!(
        (last.rows, last.bytes_done, last.bytes_total),
        (100_000, csv.len() as u64, csv.len() as u64)
    );
    assert!(seen.len() > 20, "{} chunks", seen.len());
}

const LINK_HEADER: &str = "id,user_id,short_code,original_url,title,is_active,created_at,updated_at\n";
const TIMES: &str = "2024-01-02 17:05:09,2024-01-03 17:05:09\n";

#[tokio::test]
async fn events_of_a_skipped_link_go_to_no_stranger() {
    let scratch = Scratch::new().await;
    let mine = format!(
        "{LINK_HEADER}1,,mine,https://a.example/1,,True,{TIMES}2,,both,https://a.example/2,,True,{TIMES}"
    );
    imported(&scratch, [None, Some(&mine), None])
        .await
        .expect("readable");
    let theirs = format!(
        "{LINK_HEADER}1,,theirs,https://b.example/1,,True,{TIMES}7,,both,https://b.example/2,,True,{TIMES}"
    );
    let events = "id,url_id,user_id,event_type,timestamp,details\n\
        1,1,,click,2024-01-02 17:05:09,\n2,7,,click,2024-01-02 17:05:09,\n3,99,,click,2024-01-02 17:05:09,\n";
    let report = imported(&scratch, [None, Some(&theirs), Some(events)])
        .await
        .expect("readable");
    assert_eq!(
        lines(report.events),
        [
            "3 read, 2 inserted, 0 there, 1 reassigned, 1 skipped",
            "2: its link, 1 in the file, was skipped, and the id belongs to another link",
        ]
    );
    let clicks = |link: i64| {
        let store = scratch.store.clone();
        async move {
            let id = LinkId::new(link).expect("positive");
            store
                .find_link(id)
                .await
                .expect("an answer")
                .expect("a link")
                .click_count
        }
    };
    assert_eq!((clicks(1).await, clicks(2).await), (0, 1));
}

#[tokio::test]
async fn the_first_of_two_users_with_one_id_keeps_what_names_it() {
    let scratch = Scratch::new().await;
    let users = "id,username,email,created_at\n5,ann,ann@a.example,2024-01-02 17:05:09\n5,bob,bob@a.example,2024-01-02 17:05:09\n";
    let urls = format!("{LINK_HEADER}1,5,aaaa,https://a.example/1,,True,{TIMES}");
    for (inserted, there) in [(1, 0), (0, 1)] {
        let report = imported(&scratch, [Some(users), Some(&urls), None])
            .await
            .expect("readable");
        let expected = format!("1 read, {inserted} inserted, {there} there, 0 reassigned, 0 skipped");
        assert_eq!(lines(report.urls), [expected]);
    }
}

#[tokio::test]
async fn an_id_that_leaves_no_room_for_others_is_refused() {
    let scratch = Scratch::new().await;
    let max = i64::MAX;
    let users = format!("id,username,email,created_at\n{max},ann,ann@a.example,2024-01-02 17:05:09\n");
    let urls = format!("{LINK_HEADER}{max},,aaaa,https://a.example/1,,True,{TIMES}");
    let events = format!("id,url_id,user_id,event_type,timestamp,details\n{max},1,,x,2024-01-02 17:05:09,\n");
    let report = imported(&scratch, [Some(&users), Some(&urls), Some(&events)])
        .await
        .expect("readable");
    for report in [report.users, report.urls, report.events] {
        assert_eq!(
            lines(report)[1],
            "2: id must be at most 9007199254740991, not \"9223372036854775807\""
        );
    }
    let uploaded = format!("id,username,email\n{max},ann,ann@a.example\n");
    let now = terse_core::Timestamp::from_millis(0);
    let report = crate::transfer::users::import_uploaded(&scratch.store, uploaded.as_bytes(), now).await;
    assert_eq!(report.expect("readable").inserted, 1, "the id is only a wish");
    let next = "username,email\nbob,bob@a.example\n";
    let report = crate::transfer::users::import_uploaded(&scratch.store, next.as_bytes(), now).await;
    assert_eq!(report.expect("readable").inserted, 1);
    let page = scratch
        .store
        .list_users(PageRequest::after(0, 10))
        .await
        .expect("a page");
    assert_eq!(
        page.rows.iter().map(|user| user.id.get()).collect::<Vec<_>>(),
        [1, 2]
    );
}

#[tokio::test]
async fn an_upload_that_cannot_be_read_to_its_end_stores_nothing() {
    let scratch = Scratch::new().await;
    let mut csv = "username,email\n".to_owned();
    for row in 0..6_000 {
        writeln!(csv, "user{row},user{row}@a.example").expect("into memory");
    }
    write!(csv, "\"{}", "x".repeat(300_000)).expect("into memory");
    let now = terse_core::Timestamp::from_millis(0);
    let error = crate::transfer::users::import_uploaded(&scratch.store, csv.as_bytes(), now).await;
    assert!(
        matches!(error, Err(TransferError::RowTooLong { .. })),
        "{error:?}"
    );
    let page = scratch
        .store
        .list_users(PageRequest::after(0, 10))
        .await
        .expect("a page");
    assert!(page.rows.is_empty());
}
