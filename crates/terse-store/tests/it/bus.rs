//! What replicas of one database hear of each other.

use std::sync::Arc;
use std::time::Duration;

use terse_core::{LinkChange, ShortCode, SystemClock};
use terse_store::{CopyError, News, Occupied, Store};
use tokio::sync::mpsc;
use tokio::task::JoinSet;

use crate::engine::{Database, run};
use crate::sample::{at, code, create, create_user, new_link};

/// Somebody who follows the changes of a store.
struct Follower {
    news: mpsc::UnboundedReceiver<News>,
    /// Ends when it is dropped.
    _following: JoinSet<()>,
}

impl Follower {
    async fn of(store: &Store, name: &str) -> Self {
        let (tell, news) = mpsc::unbounded_channel();
        let (store, name) = (store.clone(), name.to_owned());
        let mut following = JoinSet::new();
        following.spawn(async move {
            let clock = Arc::new(SystemClock::new());
            store
                .follow_changes(clock, name, move |news| {
                    let _ = tell.send(news);
                })
                .await;
        });
        let mut follower = Self {
            news,
            _following: following,
        };
        assert!(matches!(follower.next().await, News::Listening { .. }));
        follower
    }

    async fn next(&mut self) -> News {
        self.news.recv().await.expect("following goes on")
    }

    /// The next change, and its moment.
    async fn change(&mut self) -> (Vec<ShortCode>, i64) {
        loop {
            match self.next().await {
                News::Changed { codes, as_of } => return (codes, as_of),
                News::ManyChanged { .. } => panic!("these were worth naming"),
                // On a busy machine beats may be late.
                News::Complete { .. } | News::Deaf | News::Listening { .. } => {}
            }
        }
    }
}

async fn two_replicas(database: &Database) -> (Store, Store) {
    let open = || Store::open(database.options());
    (open().await.expect("a store"), open().await.expect("a store"))
}

#[test]
fn every_change_of_a_link_is_heard_by_all_with_its_moment() {
    run(async {
        let database = Database::postgres();
        let (one, other) = two_replicas(&database).await;
        let mut follower = Follower::of(&other, "other").await;
        let mut itself = Follower::of(&one, "one").await;

        let mut new = new_link("abc");
        let owner = create_user(&one, "ann").await;
        new.owner = Some(owner.id);
        let link = create(&one, new).await;
        let (codes, created) = follower.change().await;
        assert_eq!(codes, [code("abc")]);
        assert_eq!(itself.change().await, (codes, created));
        let row = other.find_redirect(&code("abc")).await.expect("an answer");
        assert!(row.expect("a link").as_of >= created);

        let change = LinkChange {
            short_code: Some(code("def")),
            ..LinkChange::default()
        };
        one.update_link(link.id, change, at(2_000))
            .await
            .expect("a change");
        let (codes, updated) = follower.change().await;
        assert_eq!(codes, [code("abc"), code("def")]);
        assert!(updated > created);
        assert_eq!(one.last_change(), updated);

        one.delete_user(owner.id).await.expect("an answer");
        let (codes, disowned) = follower.change().await;
        assert_eq!((codes, disowned > updated), (vec![code("def")], true));

        one.deactivate_link(&code("def"), at(3_000))
            .await
            .expect("an answer");
        let (_, deactivated) = follower.change().await;
        one.delete_link(link.id, at(4_000)).await.expect("an answer");
        let (codes, deleted) = follower.change().await;
        assert_eq!(codes, [code("def")]);
        assert!(disowned < deactivated && deactivated < deleted);

        one.import_links(vec![new_link("imported")])
            .await
            .expect("an import");
        let (codes, imported) = follower.change().await;
        assert_eq!((codes, imported > deleted), (vec![code("imported")], true));
        one.close().await;
        other.close().await;
    });
}

#[test]
fn a_store_tells_of_its_own_changes_what_the_database_would_say() {
    run(async {
        let database = Database::postgres();
        let (one, other) = two_replicas(&database).await;
        let mut own = one.own_changes();
        let link = create(&one, new_link("abc")).await;
        let change = LinkChange {
            short_code: Some(code("def")),
            ..LinkChange::default()
        };
        one.update_link(link.id, change, at(2_000))
            .await
            .expect("a change");
        one.deactivate_link(&code("def"), at(3_000))
            .await
            .expect("an answer");
        let asked = other.find_redirect(&code("def")).await.expect("an answer");
        one.delete_link(link.id, at(4_000)).await.expect("an answer");
        create(&other, new_link("xyz")).await; // not its own
        create(&one, new_link("last")).await;

        let mut told = Vec::new();
        for expected in ["abc", "def", "abc", "def", "def", "last"] {
            let made = own.next().await.expect("the store is there");
            assert_eq!(made.code, code(expected));
            told.push(made);
        }
        assert!(told.windows(2).all(|pair| pair[0].as_of <= pair[1].as_of));
        let leads = told.iter().map(|made| made.row.as_ref().map(|row| row.is_active));
        assert_eq!(
            leads.collect::<Vec<_>>(),
            [Some(true), Some(true), None, Some(false), None, Some(true)]
        );
        assert_eq!(told[3].row, asked);
        one.close().await;
        other.close().await;
    });
}

#[test]
fn a_change_that_was_not_committed_is_not_announced() {
    run(async {
        let database = Database::postgres();
        let (one, other) = two_replicas(&database).await;
        create(&one, new_link("abc")).await;
        let mut follower = Follower::of(&other, "other").await;
        one.create_link(new_link("abc")).await.expect_err("a conflict");
        create(&one, new_link("def")).await;
        assert_eq!(follower.change().await.0, [code("def")]);
        one.close().await;
        other.close().await;
    });
}

#[test]
fn more_changes_than_are_worth_naming_are_one_message() {
    run(async {
        let database = Database::postgres();
        let (one, other) = two_replicas(&database).await;
        let mut follower = Follower::of(&other, "other").await;
        let many = (0..300)
            .map(|number| new_link(&format!("many{number}")))
            .collect();
        one.import_links(many).await.expect("an import");
        loop {
            match follower.next().await {
                News::ManyChanged { .. } => break,
                News::Changed { .. } => panic!("too many to be named"),
                News::Complete { .. } | News::Deaf | News::Listening { .. } => {}
            }
        }
        one.close().await;
        other.close().await;
    });
}

#[test]
fn listening_is_shown_by_beats_that_arrive_again_and_again() {
    run(async {
        let database = Database::postgres();
        let (one, other) = two_replicas(&database).await;
        let mut follower = Follower::of(&other, "other").await;
        let mut last = Duration::ZERO;
        let mut beats = 0;
        while beats < 5 {
            match follower.next().await {
                News::Complete { until } => {
                    assert!(until >= last);
                    last = until;
                    beats += 1;
                }
                News::Deaf | News::Listening { .. } => {} // on a busy machine beats may be late
                other => panic!("{other:?}"),
            }
        }
        one.close().await;
        other.close().await;
    });
}

#[test]
fn a_listener_that_cannot_listen_says_so_and_everything_else_goes_on() {
    run(async {
        let database = Database::postgres();
        let writer = Store::open(database.options()).await.expect("a store");
        let mut options = database.options();
        options.server_within = Duration::from_millis(200);
        // Nobody listens there.
        options.listen_at = Some("postgres://postgres@127.0.0.1:1/postgres".parse().expect("a URL"));
        let deaf = Store::open(options).await.expect("a store");
        let (tell, mut news) = mpsc::unbounded_channel();
        let mut following = JoinSet::new();
        let listener = deaf.clone();
        following.spawn(async move {
            let clock = Arc::new(SystemClock::new());
            let tell = move |news| drop(tell.send(news));
            listener.follow_changes(clock, "deaf".to_owned(), tell).await;
        });
        for _ in 0..3 {
            assert_eq!(news.recv().await, Some(News::Deaf));
        }
        // The others go on.
        create(&writer, new_link("abc")).await;
        let found = deaf.find_redirect(&code("abc")).await.expect("an answer");
        assert!(found.is_some());
        writer.close().await;
        deaf.close().await;
    });
}

#[test]
fn a_database_whose_changes_are_followed_takes_no_copy_and_goes_on_as_it_is() {
    run(async {
        let (source, target) = (Database::sqlite(), Database::postgres());
        let empty = Store::open(source.options()).await.expect("a store");
        empty.close().await;
        let (from, to) = (source.options().place, target.options().place);
        let served = Store::open(target.options()).await.expect("a store");
        create(&served, new_link("abc")).await;
        let follower = Follower::of(&served, "served").await;
        let refused = Store::copy(&from, &to, Occupied::Empty, |_, _| ()).await;
        assert!(matches!(refused, Err(CopyError::InUse)), "{refused:?}");
        create(&served, new_link("def")).await;
        let found = served.find_redirect(&code("abc")).await.expect("an answer");
        assert!(found.is_some());
        drop(follower);
        served.close().await;
        Store::copy(&from, &to, Occupied::Empty, |_, _| ())
            .await
            .expect("nobody uses it any more");
    });
}
