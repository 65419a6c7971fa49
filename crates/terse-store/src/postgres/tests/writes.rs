//! The writer, when what it does goes wrong.

use std::pin::Pin;

use super::*;
use crate::task::Task;

static END_YOURSELF: Sql = Sql::both(
    "postgres::tests::writes::END_YOURSELF",
    "SELECT pg_terminate_backend(pg_backend_pid())",
);
static DIVIDE_BY_ZERO: Sql = Sql::both("postgres::tests::writes::DIVIDE_BY_ZERO", "SELECT 1 / 0");

async fn store(name: &str) -> Postgres {
    let mut options = StoreOptions::at(Place::Server(database(name).await));
    options.server_within = LIMITS.of(Patience::Quick);
    let Place::Server(url) = options.place.clone() else {
        unreachable!("it was made of one")
    };
    Postgres::open(&url, &options).await.expect("an empty database")
}

/// Runs `sql`; whether its failure is passed over.
async fn write(postgres: &Postgres, sql: &'static Sql, is_passed_over: bool) -> Result<()> {
    let job: Job<()> = Box::new(move |tx| {
        Box::pin(async move {
            let outcome = tx.query_opt(sql, &[], |_| Ok(())).await.map(drop);
            if is_passed_over { Ok(()) } else { outcome }
        })
    });
    postgres.write(Patience::Quick, job).await
}

#[tokio::test]
async fn a_group_whose_connection_the_server_ends_says_what_the_server_said() {
    let postgres = store("ended").await;
    let (before, ends, after) = tokio::join!(
        write(&postgres, &ONE, false),
        write(&postgres, &END_YOURSELF, false),
        write(&postgres, &ONE, false),
    );
    for refused in [before, ends] {
        let error = refused.expect_err("the transaction of all is lost");
        assert!(
            error.causes().contains("terminating connection"),
            "{}",
            error.causes()
        );
    }
    // It was not begun before the group was lost, and has its turn in the next.
    after.expect("a transaction of its own");
    postgres.close().await;
}

#[tokio::test]
async fn a_group_that_a_failure_passed_over_has_spoiled_says_what_the_failure_was() {
    let postgres = store("passed_over").await;
    let (fails, after) = tokio::join!(
        write(&postgres, &DIVIDE_BY_ZERO, true),
        write(&postgres, &ONE, false),
    );
    for refused in [fails, after] {
        let error = refused.expect_err("the transaction of both is lost");
        assert!(error.causes().contains("division by zero"), "{}", error.causes());
    }
    write(&postgres, &ONE, false)
        .await
        .expect("the next has another one");
    postgres.close().await;
}

/// Panics when it is to answer, where nobody expects it.
#[derive(Debug)]
struct Planted;

impl Task for Planted {
    fn begin(&self) -> bool {
        true
    }

    fn run<'a>(&'a mut self, _: &'a mut db::Tx) -> Pin<Box<dyn Future<Output = bool> + Send + 'a>> {
        Box::pin(async { true })
    }

    fn settle(self: Box<Self>, _: Result<()>) {
        panic!("planted");
    }
}

#[tokio::test]
async fn the_writer_goes_on_after_a_panic() {
    let postgres = store("panicked").await;
    let planted = (Box::new(Planted) as Box<dyn Task>, Patience::Quick);
    postgres.enqueue(planted).expect("room");
    let abandoned = write(&postgres, &ONE, false).await;
    // It was committed with the one that panicked, and nobody was left to say so.
    let error = abandoned.expect_err("the group of the panic");
    assert!(
        error.causes().contains("has ended in the middle"),
        "{}",
        error.causes()
    );
    write(&postgres, &ONE, false).await.expect("the writer is there");
    postgres.close().await;
}
