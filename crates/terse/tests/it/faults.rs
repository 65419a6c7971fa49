//! `make faults`: a cluster under load, in which one thing after the other fails. What that costs is measured and held to what
//! is promised (docs/reliability.md), and in the end every link and click is accounted for.

mod catalogue;
mod cluster;
mod load;
mod measure;
mod reconcile;
mod report;
mod session;
mod stage;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use terse_core::{Clock, Seeded, SystemClock};

use crate::coherence::Play;
use crate::torture::{Dice, random_seed, setting, text_setting};
use cluster::{Cluster, REPLICAS};
use load::Load;
use measure::Cost;
use stage::Stage;

/// Before anything is compared, everybody has been everywhere.
const WARM_UP: Duration = Duration::from_secs(3);
const SHIPPED_WITHIN: Duration = Duration::from_mins(1);
const LOOK_AGAIN_AFTER: Duration = Duration::from_millis(100);

#[test]
#[ignore = "takes minutes, and a cluster: make faults"]
#[expect(clippy::print_stdout, reason = "it is there to be read")]
fn every_fault_costs_no_more_than_it_may() {
    let folder = text_setting("FAULTS_FOLDER").expect("scripts/faults makes it, and stops what runs in it");
    let only = text_setting("FAULTS_ONLY").unwrap_or_default();
    let seed = setting("TORTURE_SEED").unwrap_or_else(random_seed);
    println!("to repeat: TORTURE_SEED={seed} make faults");
    let clock = Arc::new(SystemClock::new());
    let cluster = Cluster::start(PathBuf::from(folder), &Dice(Seeded::new(random_seed())));
    let load = Load::start(&clock, &cluster, seed);
    let play = Play::start(&clock, &cluster.replicas(), seed, false);
    std::thread::sleep(WARM_UP);
    let has_disk = cluster.try_shell("disk_is_there").status.success();
    let mut windows = Vec::new();
    for (name, fault) in catalogue::ALL.into_iter().flatten() {
        if !name.contains(&only) {
            continue;
        }
        if *name == catalogue::FULL_DISK && !has_disk {
            println!("{name}: left out, for only root can make a small disk");
            continue;
        }
        let window = Stage::play(name, *fault, &cluster, &clock, &load);
        println!("{:>6.1} s: {name}", window.began_at.as_secs_f64());
        windows.push(window);
    }
    let (history, record) = (play.finish(), load.finish());
    let costs: Vec<_> = windows
        .iter()
        .map(|window| Cost::of(window, &record, &history))
        .collect();
    println!("\n{}", report::table(&costs));
    let mut problems = Vec::new();
    for cost in &costs {
        problems.extend(
            cost.excesses()
                .into_iter()
                .map(|excess| format!("{}: {excess}", cost.name)),
        );
        println!(
            "{}: slowest redirects {:?} and {:?}, {} readings, links made again after {:?}",
            cost.name, cost.through_nginx.slowest, cost.at_replicas.slowest, cost.readings, cost.making
        );
    }
    println!("{:>6.1} s: the faults are over", clock.elapsed().as_secs_f64());
    wait_until_shipped(&cluster, &clock);
    println!("{:>6.1} s: everything is shipped", clock.elapsed().as_secs_f64());
    let findings = reconcile::reconcile(&cluster, &record, &history, &windows);
    println!(
        "{:>6.1} s: everything is reconciled",
        clock.elapsed().as_secs_f64()
    );
    let visits: usize = record.visits.iter().map(|visits| visits.all.len()).sum();
    println!(
        "{} links, {} clicks, {visits} visits of known links, {} of them counted twice because a replica was killed; {} codes changed {} times",
        findings.links,
        findings.clicks,
        findings.counted_twice_by_kills,
        history.changes.len(),
        history.changes.values().map(Vec::len).sum::<usize>(),
    );
    problems.extend(findings.problems);
    for replica in 0..REPLICAS {
        cluster.shell(&format!("replica_stop {}", replica + 1));
        let (is_whole, said) = cluster.check(replica);
        if !is_whole {
            problems.push(said);
        }
    }
    assert!(problems.is_empty(), "\n{}", problems.join("\n"));
}

fn wait_until_shipped(cluster: &Cluster, clock: &SystemClock) {
    let until = clock.elapsed() + SHIPPED_WITHIN;
    let is_shipped = |replica| {
        let page = cluster.page(replica, "/health");
        page.is_some_and(|(_, page)| page["unshipped_clicks"] == 0)
    };
    while !(0..REPLICAS).all(is_shipped) {
        assert!(clock.elapsed() < until, "clicks are left in a journal");
        std::thread::sleep(LOOK_AGAIN_AFTER);
    }
}
