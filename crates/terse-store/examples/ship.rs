//! What it costs to ship clicks: processor time of the whole process for each click, folds included, and bytes on disk;
//! and then, to list a link's clicks.
//!
//! Ships batches of 10,000 clicks on random links, with 200 browsers and 200 referrers, into a new database in the
//! system's folder for temporary files. On Linux:
//!
//! ```sh
//! cargo run --release -p terse-store --example ship
//! ```
//!
//! With the URL of an empty PostgreSQL database behind it, ships there, and prints clicks per second instead of bytes: how fast a
//! backlog drains.

#![expect(clippy::print_stdout, reason = "a program that prints what it measured")]

use std::sync::Arc;

use terse_core::{
    Click, Clock, EventFilter, LinkId, PageRequest, Random, Seeded, SystemClock, TextIndex, Timestamp, UserId,
};
use terse_store::{ClickBatch, Place, Position, PostgresUrl, Store, StoreOptions};

type Failure = Box<dyn std::error::Error>;

const BATCHES: u64 = 1_000;
const BATCH_CLICKS: u64 = 10_000;
/// How often a line is printed: costs must not grow with the log.
const BATCHES_PER_LINE: u64 = 200;
/// How many links are asked for their clicks.
const LISTS: i64 = 500;
const TEXTS: u64 = 200;
const OWNERS: u64 = 1_000;
/// What `/proc` counts in, on every Linux since 2.6.
const MICROSECONDS_PER_TICK: u64 = 10_000;

fn main() -> Result<(), Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    runtime.block_on(async {
        if let Some(url) = std::env::args().nth(1) {
            return measure_server(url.parse()?).await;
        }
        for links in [100_000, 1_000_000] {
            measure(links).await?;
        }
        Ok(())
    })
}

/// As [`measure`], against a server, which has processors of its own: time that passes is what counts.
async fn measure_server(url: PostgresUrl) -> Result<(), Failure> {
    const LINKS: u64 = 100_000;
    let store = Store::open(StoreOptions::at(Place::Server(url))).await?;
    let random = Seeded::new(LINKS);
    let clock = SystemClock::new();
    for step in 0..BATCHES {
        store.ship_clicks(batch(step, LINKS, &random)?).await?;
        store.fold_if_due().await;
        if (step + 1) % BATCHES_PER_LINE == 0 {
            let clicks = (step + 1) * BATCH_CLICKS;
            let seconds = clock.elapsed().as_secs_f64();
            #[expect(clippy::cast_precision_loss, reason = "far below 2^52")]
            let rate = clicks as f64 / seconds;
            println!("{clicks} clicks in {seconds:.1} s: {rate:.0}/s, folds included");
        }
    }
    store.close().await;
    Ok(())
}

async fn measure(links: u64) -> Result<(), Failure> {
    let folder = tempfile::tempdir()?;
    let file = folder.path().join("terse.sqlite");
    let store = Store::open(StoreOptions::new(&file)).await?;
    let random = Seeded::new(links);
    let (mut spent, mut dearest) = (0, 0);
    for step in 0..BATCHES {
        let batch = batch(step, links, &random)?;
        let before = processor_time_us()?;
        store.ship_clicks(batch).await?;
        store.fold_if_due().await;
        let cost = processor_time_us()? - before;
        spent += cost;
        dearest = dearest.max(cost);
        if (step + 1) % BATCHES_PER_LINE == 0 {
            let clicks = (step + 1) * BATCH_CLICKS;
            println!(
                "{links} links, {clicks} clicks: {:.3} µs per click",
                ratio(spent, clicks)
            );
        }
    }
    let before = processor_time_us()?;
    for number in 1..=LISTS {
        let link_id = Some(number * 17);
        let of_link = EventFilter {
            link_id,
            ..EventFilter::default()
        };
        store.list_events(of_link, PageRequest::after(0, 100)).await?;
    }
    let listing = processor_time_us()? - before;
    println!(
        "{links} links: {} ms for the batch with the largest fold, {} µs to list a link's clicks",
        dearest / 1_000,
        listing / LISTS.cast_unsigned()
    );
    let before = processor_time_us()?;
    store.close().await;
    let closing = processor_time_us()? - before;
    let bytes = std::fs::metadata(&file)?.len();
    let clicks = BATCHES * BATCH_CLICKS;
    println!(
        "{links} links: closing {:.3} µs per click, {:.1} bytes per click on disk",
        ratio(closing, clicks),
        ratio(bytes, clicks)
    );
    Ok(())
}

fn batch(step: u64, links: u64, random: &Seeded) -> Result<ClickBatch, Failure> {
    let position = |offset| Position { segment: 0, offset };
    let mut clicks = Vec::new();
    for index in 0..BATCH_CLICKS {
        let link = 1 + below(links, random);
        // Every other link has an owner.
        let owner = link.is_multiple_of(2).then_some(1 + link % OWNERS);
        let text = |number| u32::try_from(number).map(TextIndex);
        clicks.push(Click {
            at: Timestamp::from_millis(i64::try_from(1_764_000_000_000 + step * 1_000 + index / 10)?),
            link_id: LinkId::new(i64::try_from(link)?)?,
            version: 1,
            owner: owner.map(|owner| UserId::new(owner.cast_signed())).transpose()?,
            referrer: Some(text(TEXTS + below(TEXTS, random))?),
            user_agent: Some(text(below(TEXTS, random))?),
            bot: None,
        });
    }
    let agents = (0..TEXTS).map(|agent| Arc::from(format!("Mozilla/5.0 (X11; Linux x86_64) Agent/{agent}")));
    let referrers = (0..TEXTS).map(|page| Arc::from(format!("https://news.example/{page}")));
    Ok(ClickBatch {
        journal_id: "measured".to_owned(),
        lane: 0,
        from: position(step),
        to: position(step + 1),
        clicks,
        texts: agents.chain(referrers).collect(),
        visited: Vec::new(),
    })
}

fn below(bound: u64, random: &Seeded) -> u64 {
    let mut bytes = [0; 8];
    random.fill(&mut bytes);
    u64::from_le_bytes(bytes) % bound
}

/// User and system time of all threads, also of those that have ended.
fn processor_time_us() -> Result<u64, Failure> {
    let stat = std::fs::read_to_string("/proc/self/stat")?;
    // The name in parentheses may hold spaces; user and system time are the 12th and 13th field behind it.
    let (_, fields) = stat.rsplit_once(')').ok_or("no name in /proc/self/stat")?;
    let mut ticks = 0;
    for field in fields.split_whitespace().skip(11).take(2) {
        ticks += field.parse::<u64>()?;
    }
    Ok(ticks * MICROSECONDS_PER_TICK)
}

#[expect(clippy::cast_precision_loss, reason = "three digits are shown")]
fn ratio(part: u64, whole: u64) -> f64 {
    part as f64 / whole as f64
}
