//! What is exported and imported elsewhere is the same.

use proptest::prelude::*;
use terse_core::{
    Event, EventFilter, Link, LinkFilter, NewEvent, NewLink, NewUser, PageRequest, Timestamp, User, UserId,
};

use super::Scratch;
use crate::transfer::export::{Audience, export};
use crate::transfer::import::{ImportFiles, import};

async fn content(scratch: &Scratch) -> (Vec<User>, Vec<Link>, Vec<Event>) {
    let page = PageRequest::after(0, 1_000);
    let store = &scratch.store;
    (
        store.list_users(page).await.expect("readable").rows,
        store
            .list_links(LinkFilter::default(), page)
            .await
            .expect("readable")
            .rows,
        store
            .list_events(EventFilter::default(), page)
            .await
            .expect("readable")
            .rows,
    )
}

async fn fill(scratch: &Scratch, titles: &[String]) {
    let at = |number: i64| Timestamp::from_millis(1_700_000_000_123 + number * 1_000);
    let user = NewUser {
        id: None,
        username: "=ada".parse().expect("a name"),
        email: "+ada@a.example".parse().expect("an address"),
        created_at: at(0),
    };
    scratch.store.import_users(vec![user]).await.expect("stored");
    for (number, title) in (1..).zip(titles) {
        let link = NewLink {
            id: None,
            owner: (number % 2 == 0).then(|| UserId::new(1).expect("positive")),
            short_code: format!("c{number}").parse().expect("a code"),
            target: "https://a.example/?q=\",ä".parse().expect("a target"),
            title: title.parse().ok(),
            is_active: number % 3 != 0,
            created_at: at(number),
            updated_at: at(number + 1),
        };
        scratch.store.import_links(vec![link]).await.expect("stored");
        let details = serde_json::json!({ "text": title });
        let event = NewEvent {
            id: None,
            link_id: number,
            user_id: None,
            event_type: "click".parse().expect("a type"),
            at: at(number),
            details: (&details).try_into().ok(),
        };
        scratch.store.import_events(vec![event]).await.expect("stored");
    }
}

async fn is_the_same_elsewhere(titles: Vec<String>) {
    let (here, there) = (Scratch::new().await, Scratch::new().await);
    fill(&here, &titles).await;
    let folder = here.folder.path().join("out/deep");
    let report = export(&here.store, &folder, Audience::Programs, &mut |_| ())
        .await
        .expect("written");
    assert_eq!((report.users, report.urls), (1, titles.len() as u64));
    let files = ImportFiles {
        users: Some(folder.join("users.csv")),
        urls: Some(folder.join("urls.csv")),
        events: Some(folder.join("events.csv")),
    };
    import(&there.store, &files, &mut |_| ()).await.expect("read");
    assert_eq!(content(&there).await, content(&here).await);
}

#[tokio::test]
async fn an_export_is_imported_as_it_was_and_leaves_nothing_else_behind() {
    is_the_same_elsewhere(["", "=1+1", "a,\"b\"", "Grüße 🙂", "'"].map(str::to_owned).into()).await;
    let scratch = Scratch::new().await;
    let folder = scratch.folder.path().join("out");
    export(&scratch.store, &folder, Audience::Programs, &mut |_| ())
        .await
        .expect("written");
    let names = std::fs::read_dir(&folder).expect("a folder");
    let mut names: Vec<_> = names.map(|entry| entry.expect("an entry").file_name()).collect();
    names.sort();
    assert_eq!(names, ["events.csv", "urls.csv", "users.csv"]);
}

#[tokio::test]
async fn a_spreadsheet_sees_no_formula() {
    let scratch = Scratch::new().await;
    fill(&scratch, &["-2+3".to_owned(), "@SUM(A1)".to_owned()]).await;
    let folder = scratch.folder.path();
    export(&scratch.store, folder, Audience::Spreadsheets, &mut |_| ())
        .await
        .expect("written");
    let users = std::fs::read_to_string(folder.join("users.csv")).expect("written");
    assert!(users.contains("1,'=ada,'+ada@a.example,"), "{users}");
    let urls = std::fs::read_to_string(folder.join("urls.csv")).expect("written");
    assert!(urls.contains(",'-2+3,") && urls.contains(",'@SUM(A1),"), "{urls}");
}

#[tokio::test]
async fn a_folder_that_cannot_be_written_is_named() {
    let scratch = Scratch::new().await;
    let file = scratch.file("file", "");
    let error = export(&scratch.store, &file, Audience::Programs, &mut |_| ())
        .await
        .expect_err("a file is no folder");
    assert!(error.to_string().contains(&file.display().to_string()), "{error}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(16))]

    #[test]
    fn any_text_survives(titles in prop::collection::vec("\\PC{0,20}|[\",'=+\\-@ \n\r;]{0,6}", 1..5)) {
        tokio::runtime::Runtime::new().expect("a runtime").block_on(is_the_same_elsewhere(titles));
    }
}
