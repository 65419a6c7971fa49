//! No room: clicks are shed and counted, and recorded again as soon as there is room.

use std::io::Write;
use std::process::Command;

use super::*;
use crate::clicks::keeper;

/// Appends until there is no room; how many were recorded.
fn append_until_shed(journal: &Journal, from: i64) -> i64 {
    let recorded = (from..from + 100_000).find(|number| journal.append(&click(*number)) == Err(Shed));
    recorded.expect("the limit is far below so many clicks") - from
}

async fn expect_shedding_and_recovery(site: &Site, options: JournalOptions) {
    let journal = site.open(options).expect("a journal");
    let store = site.store().await;
    let shipper = Shipper::new(Arc::clone(&journal), store.clone());

    let recorded = append_until_shed(&journal, 0);
    assert!(recorded > 0);
    assert_eq!(
        journal.append(&click(0)),
        Err(Shed),
        "it stays shed until there is room"
    );
    assert_eq!(journal.stats().shed, 2);
    assert!(journal.stats().disk_bytes <= journal.stats().disk_bytes_max);

    shipper.ship_all().await.expect("the store is there");
    keeper::round(journal.shared());
    append_all(&journal, recorded..recorded + 10);
    shipper.ship_all().await.expect("the store is there");
    assert_eq!(
        stored(&store).await,
        numbers(0..recorded + 10),
        "nothing recorded is lost"
    );
}

#[tokio::test]
async fn a_journal_at_its_limit_sheds_until_something_is_shipped() {
    let site = Site::new();
    let options = JournalOptions {
        max_bytes: 4 * u64::from(SEGMENT_BYTES_MIN),
        ..site.options()
    };
    expect_shedding_and_recovery(&site, options).await;
}

#[tokio::test]
async fn segments_of_former_runs_count_towards_the_limit() {
    let site = Site::new();
    append_all(&site.journal(), 0..500);
    let journal = site
        .open(JournalOptions {
            max_bytes: 4 * u64::from(SEGMENT_BYTES_MIN),
            ..site.options()
        })
        .expect("a journal");
    assert_eq!(journal.append(&click(500)), Err(Shed));

    let store = site.store().await;
    let shipper = Shipper::new(Arc::clone(&journal), store.clone());
    assert_eq!(shipper.recover().await.expect("the store is there").clicks, 500);
    keeper::round(journal.shared());
    append_all(&journal, 500..501);
    shipper.ship_all().await.expect("the store is there");
    assert_eq!(stored(&store).await, numbers(0..501));
}

/// A file system of its own, unmounted at the end.
struct OwnDisk(PathBuf);

impl OwnDisk {
    fn mount(at: PathBuf, kind: &str, size: &str) -> Option<Self> {
        std::fs::create_dir(&at).expect("a folder to mount on");
        let mount = Command::new("mount")
            .args(["-t", kind, "-o", size, kind])
            .arg(&at)
            .output();
        mount
            .is_ok_and(|output| output.status.success())
            .then_some(Self(at))
    }
}

impl Drop for OwnDisk {
    fn drop(&mut self) {
        let unmounted = Command::new("umount").arg("--lazy").arg(&self.0).status();
        assert!(
            unmounted.is_ok_and(|status| status.success()),
            "{} stays mounted",
            self.0.display()
        );
    }
}

#[tokio::test]
async fn a_full_disk_sheds_until_something_is_shipped() {
    let site = Site::new();
    let Some(_disk) = OwnDisk::mount(site.journal_path(), "tmpfs", "size=128k") else {
        let _ = writeln!(std::io::stderr(), "skipped: only root can mount a disk");
        return;
    };
    expect_shedding_and_recovery(&site, site.options()).await;
}

#[tokio::test]
async fn a_disk_that_is_full_at_the_start_does_not_stop_it() {
    let site = Site::new();
    let Some(_disk) = OwnDisk::mount(site.journal_path(), "tmpfs", "size=64k") else {
        let _ = writeln!(std::io::stderr(), "skipped: only root can mount a disk");
        return;
    };
    let ballast = site.journal_path().join("ballast");
    let filled = std::fs::write(&ballast, vec![1; 128 << 10]);
    assert_eq!(
        filled.expect_err("the disk is small").kind(),
        std::io::ErrorKind::StorageFull
    );

    let journal = site.journal();
    assert_eq!(journal.append(&click(0)), Err(Shed));
    std::fs::remove_file(&ballast).expect("the ballast");
    keeper::round(journal.shared());
    append_all(&journal, 0..1);
}

#[tokio::test]
async fn a_file_system_without_preallocation_will_do() {
    let site = Site::new();
    let Some(_disk) = OwnDisk::mount(site.journal_path(), "ramfs", "mode=700") else {
        let _ = writeln!(std::io::stderr(), "skipped: only root can mount a disk");
        return;
    };
    let journal = site.journal();
    let store = site.store().await;
    append_all(&journal, 0..500);
    let shipper = Shipper::new(Arc::clone(&journal), store.clone());
    shipper.ship_all().await.expect("the store is there");
    assert_eq!(stored(&store).await, numbers(0..500));
}
