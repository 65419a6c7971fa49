//! The engines that every case runs on.

use terse_store::{Store, StoreOptions};

/// Makes a test of each case, on each engine. A new engine is one more module here.
macro_rules! on_every_engine {
    [$($case:ident),+ $(,)?] => {
        mod sqlite {
            $(#[test]
            fn $case() {
                $crate::engine::on_sqlite(super::$case);
            })+
        }
    };
}
pub(crate) use on_every_engine;

/// Runs `case` on an empty store, and sees to it that it left a sound one.
pub(crate) fn on_sqlite<F: Future<Output = ()>>(case: impl FnOnce(Store) -> F) {
    let folder = tempfile::tempdir().expect("a folder");
    let options = StoreOptions::new(folder.path().join("terse.sqlite"));
    run(async {
        let store = Store::open(options).await.expect("an empty folder");
        case(store.clone()).await;
        assert_eq!(store.integrity_problems().await.expect("a check"), [""; 0]);
        store.close().await;
    });
}

fn run(case: impl Future<Output = ()>) {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .build()
        .expect("a runtime")
        .block_on(case);
}
