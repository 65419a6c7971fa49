//! Texts that stand in a segment once, and whose clicks are told of all the same.

use std::collections::BTreeMap;

use super::*;

const AGENTS: [&str; 3] = [
    "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0",
    "Mozilla/5.0 (X11; Linux x86_64; rv:129.0) Gecko/20100101 Firefox/129.0",
    "short",
];
const REFERRERS: [Option<&str>; 2] = [Some("https://news.example/a-page"), None];

/// What the visitor of this click says.
fn said(number: i64) -> (Option<&'static str>, &'static str) {
    let index = usize::try_from(number).expect("positive");
    (REFERRERS[index % REFERRERS.len()], AGENTS[index % AGENTS.len()])
}

fn append(journal: &Journal, numbers: std::ops::Range<i64>) {
    for number in numbers {
        let (referrer, user_agent) = said(number);
        let click = ClickRecord {
            referrer: referrer.map(str::as_bytes),
            user_agent: Some(user_agent.as_bytes()),
            ..click(number)
        };
        journal.append(&click).expect("there is room");
    }
}

/// What the store tells of each click's visitor, by the click's number: the referrer and the user agent.
async fn told(store: &Store) -> BTreeMap<i64, (Option<String>, Option<String>)> {
    let page = store
        .list_events(EventFilter::default(), PageRequest::after(0, 1000))
        .await
        .expect("a page");
    let visitor = |event: &terse_core::Event| {
        let details = event.details.as_deref().expect("a click has details");
        let details: serde_json::Value = serde_json::from_str(details).expect("an object");
        let member = |name: &str| details[name].as_str().map(str::to_owned);
        (event.link_id - 1, (member("referrer"), member("user_agent")))
    };
    page.rows.iter().map(visitor).collect()
}

async fn expect_told(store: &Store, numbers: std::ops::Range<i64>) {
    let told = told(store).await;
    assert_eq!(told.len(), numbers.clone().count());
    for number in numbers {
        let (referrer, user_agent) = said(number);
        let expected = (referrer.map(str::to_owned), Some(user_agent.to_owned()));
        assert_eq!(told[&number], expected, "{number}");
    }
}

fn first_segment(site: &Site) -> PathBuf {
    site.journal_path().join(site.files().first().expect("a segment"))
}

fn count(bytes: &[u8], text: &str) -> usize {
    bytes
        .windows(text.len())
        .filter(|window| *window == text.as_bytes())
        .count()
}

#[tokio::test]
async fn a_text_stands_in_a_segment_once_and_is_told_of_each_click() {
    let site = Site::new();
    let store = site.store().await;
    let journal = site.journal();
    append(&journal, 0..60);
    let bytes = std::fs::read(first_segment(&site)).expect("a segment");
    let times = [AGENTS[0], AGENTS[1], AGENTS[2], "https://news.example/a-page"];
    assert_eq!(times.map(|text| count(&bytes, text)), [1, 1, 20, 1]);

    let shipper = Shipper::new(Arc::clone(&journal), store.clone());
    shipper.ship_all().await.expect("the store is there");
    expect_told(&store, 0..60).await;
}

#[tokio::test]
async fn each_segment_can_be_read_alone_and_from_its_middle() {
    let site = Site::new();
    let store = site.store().await;
    let journal = site.journal();
    let shipper = Shipper::new(Arc::clone(&journal), store.clone());
    append(&journal, 0..10);
    shipper.ship_all().await.expect("the store is there");
    // Into later segments, of which the first refers to what is shipped already.
    append(&journal, 10..900);
    assert!(journal.lanes()[0].segments().len() > 1);
    drop((journal, shipper));

    let journal = site.journal();
    let shipper = Shipper::new(Arc::clone(&journal), store.clone());
    let recovered = shipper.recover().await.expect("the store is there");
    assert_eq!((recovered.clicks, recovered.problems), (890, 0));
    expect_told(&store, 0..900).await;
}

#[tokio::test]
async fn a_click_whose_text_is_damaged_is_counted_without_it_and_that_is_reported() {
    let site = Site::new();
    let store = site.store().await;
    append(&site.journal(), 0..12);
    let path = first_segment(&site);
    let mut bytes = std::fs::read(&path).expect("a segment");
    // In the first record, which has the texts that every second and every third click refers to.
    bytes[80] ^= 1;
    std::fs::write(&path, bytes).expect("written");

    let offset = 64;
    let is_text = |problem: &Problem| problem.kind == ProblemKind::Text { offset };
    let inspection = inspect(&site.journal_path(), &store, Writer::Gone).await;
    let inspection = inspection.expect("the folder can be listed");
    assert_eq!(
        inspection
            .problems
            .iter()
            .filter(|problem| is_text(problem))
            .count(),
        1
    );

    let journal = site.journal();
    let shipper = Shipper::new(Arc::clone(&journal), store.clone());
    let recovered = shipper.recover().await.expect("the store is there");
    assert_eq!((recovered.clicks, recovered.problems), (11, 2));
    assert_eq!(
        journal
            .problems()
            .iter()
            .filter(|problem| is_text(problem))
            .count(),
        1
    );
    let told = told(&store).await;
    for number in 1..12 {
        let (referrer, user_agent) = said(number);
        let lost = (number % 3 == 0).then_some(user_agent);
        assert_eq!(
            told[&number].0, None,
            "{number}: {referrer:?} stood in the first record"
        );
        assert_eq!(told[&number].1.is_none(), lost.is_some(), "{number}");
    }
    drop((journal, shipper));
    assert!(
        site.files().iter().any(|name| name.ends_with(".seg.bad")),
        "kept aside"
    );
}
