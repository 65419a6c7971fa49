//! The store beside a simple model of it in memory: whatever is done to both in a random order, they show the same.
//!
//! The seed decides everything; a failure names it, with the step at which the two came apart.

mod compare;
mod dice;
mod steps;
mod world;

use terse_store::Store;

use compare::Comparison;
use dice::Dice;
use steps::Steps;

use crate::engine::{Database, run};

/// Few blocks in the tail have it folded often, many have much found in the tail.
const TAIL_BLOCKS: [u32; 4] = [1, 3, 20, 1_024];
const STEPS: u32 = 150;

async fn open(database: &Database, dice: &Dice) -> Store {
    let mut options = database.options();
    options.unindexed_blocks_max = dice.pick(&TAIL_BLOCKS);
    Store::open(options).await.expect("a store")
}

/// Does what `seed` says, and compares a little after each step and everything at the end.
async fn store_and_model_agree(database: Database, seed: u64) {
    let dice = Dice::new(seed);
    let mut steps = Steps::default();
    let mut store = open(&database, &dice).await;
    for step in 0..STEPS {
        let at = format!("seed {seed}, step {step}");
        steps.take(&store, &dice, &at).await;
        if dice.one_in(20) {
            store.close().await;
            store = open(&database, &dice).await;
        }
        let comparison = Comparison::new(&store, &steps.world, &at);
        comparison.of_some(&dice).await;
        comparison.of_soundness().await;
    }
    let at = format!("seed {seed}, at the end");
    Comparison::new(&store, &steps.world, &at).of_all(&dice).await;
    store.close().await;
}

macro_rules! with_seeds {
    [$($case:ident: $engine:ident $seed:literal),+ $(,)?] => {
        $(#[test]
        fn $case() {
            run(store_and_model_agree(Database::$engine(), $seed));
        })+
    };
}

with_seeds![
    store_and_model_agree_with_seed_1: sqlite 1,
    store_and_model_agree_with_seed_2: sqlite 2,
    store_and_model_agree_with_seed_3: sqlite 3,
    store_and_model_agree_with_seed_4: sqlite 4,
    store_on_postgres_and_model_agree_with_seed_1: postgres 1,
    store_on_postgres_and_model_agree_with_seed_5: postgres 5,
];
