//! Segments that cannot be read for a while: they and their followers wait for a start that can.

use super::*;
use crate::clicks::keeper;

/// Something that no reader takes for a segment stands where the segment was, which waits beside it.
pub(super) struct Hidden {
    segment: PathBuf,
    beside: PathBuf,
}

impl Hidden {
    pub(super) fn hide(segment: PathBuf) -> Self {
        let beside = segment.with_extension("hidden");
        std::fs::rename(&segment, &beside).expect("the segment");
        std::fs::create_dir(&segment).expect("a folder in its place");
        Self { segment, beside }
    }

    pub(super) fn show(self) {
        std::fs::remove_dir(&self.segment).expect("the folder");
        std::fs::rename(self.beside, self.segment).expect("the segment");
    }
}

/// What a run left that had recorded these on one lane: several segments, in their order.
pub(super) fn left_segments(site: &Site, range: std::ops::Range<i64>) -> Vec<PathBuf> {
    drop(site.journal()); // makes the folder
    let before = site.files();
    append_all(&site.journal(), range);
    let mut names = site.files();
    names.retain(|name| !before.contains(name));
    assert!(names.len() > 3, "{names:?}");
    names
        .into_iter()
        .map(|name| site.journal_path().join(name))
        .collect()
}

async fn ship(journal: &Arc<Journal>, store: &Store) -> ShipperStats {
    let shipper = Shipper::new(Arc::clone(journal), store.clone());
    shipper.ship_all().await.expect("the store is there");
    assert!(
        shipper.caught_up(Duration::ZERO).await,
        "nobody waits for what cannot be read"
    );
    keeper::round(journal.shared());
    shipper.stats()
}

#[tokio::test]
async fn a_segment_that_the_start_cannot_read_loses_nothing() {
    let site = Site::new();
    let store = site.store().await;
    let blocked = left_segments(&site, 0..500);
    left_segments(&site, 500..1_000);
    let hidden = Hidden::hide(blocked[1].clone());

    let journal = site.journal();
    append_all(&journal, 1_000..1_010);
    let stats = ship(&journal, &store).await;
    assert_eq!(stats.blocked_segments, blocked.len());
    assert_eq!(stats.leftover_segments, 0);
    assert_eq!(stored(&store).await, numbers(500..1_010), "other lanes go on");
    assert_eq!(journal.problems().len(), 1, "told once: {:?}", journal.problems());
    drop(journal);

    hidden.show();
    ship(&site.journal(), &store).await;
    assert_eq!(stored(&store).await, numbers(0..1_010));
    assert_eq!(site.files(), Vec::<String>::new());
}

#[tokio::test]
async fn a_segment_that_the_shipper_cannot_read_loses_nothing() {
    let site = Site::new();
    let store = site.store().await;
    let blocked = left_segments(&site, 0..500);
    left_segments(&site, 500..1_000);

    let journal = site.journal();
    let hidden = Hidden::hide(blocked[1].clone());
    let stats = ship(&journal, &store).await;
    assert_eq!(stats.blocked_segments, blocked.len() - 1);
    assert_eq!(stats.leftover_segments, 0);
    let shipped = stored(&store).await;
    assert!(shipped.len() > 500 && shipped.len() < 1_000, "{}", shipped.len());
    assert_eq!(journal.problems().len(), 1, "told once: {:?}", journal.problems());
    drop(journal);

    hidden.show();
    ship(&site.journal(), &store).await;
    assert_eq!(stored(&store).await, numbers(0..1_000));
    assert_eq!(site.files(), Vec::<String>::new());
}

#[test]
fn a_bad_name_blocks_no_lane() {
    let site = Site::new();
    let names = [
        "letter.seg",
        "a-b-c.seg",
        "00000000000000000000000000000000-1.seg",
    ];
    for name in names {
        std::fs::create_dir_all(site.journal_path().join(name)).expect("a folder");
    }
    assert_eq!(site.journal().take_leftovers().blocked, []);
}
