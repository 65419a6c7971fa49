//! Replicas die, are stopped, or have the wrong time.

use super::super::cluster::REPLICAS;
use super::super::stage::Stage;
use super::Fault;

pub(super) const ALL: [Fault; 3] = [
    ("a replica is killed", kill),
    ("all replicas are restarted, one by one", rolling_restart),
    ("clocks of replicas an hour apart", clocks_apart),
];

fn kill(stage: &mut Stage<'_>) {
    stage.kill_replica(1);
    stage.lasts();
    stage.start_replica(1);
}

fn rolling_restart(stage: &mut Stage<'_>) {
    for replica in 0..REPLICAS {
        stage.stop_replica(replica);
        stage.start_replica(replica);
    }
}

fn clocks_apart(stage: &mut Stage<'_>) {
    let offset = |seconds: &str| format!("LD_PRELOAD=$cluster/clock-offset.so CLOCK_OFFSET_S={seconds}");
    for (replica, seconds) in [(1, "3600"), (2, "-3600")] {
        stage.stop_replica(replica);
        stage.start_replica_with(&offset(seconds), replica);
    }
    stage.begins();
    let hours = [0, 1, 2].map(|replica| hour(stage, replica));
    assert!(
        hours[0] != hours[1] && hours[0] != hours[2] && hours[1] != hours[2],
        "{hours:?}"
    );
    stage.lasts();
    for replica in [1, 2] {
        stage.stop_replica(replica);
        stage.start_replica(replica);
    }
}

/// The hour that a replica has.
fn hour(stage: &Stage<'_>, replica: usize) -> String {
    let address = stage.cluster.replica_address(replica);
    let head = stage
        .cluster
        .shell(&format!("curl -s -o /dev/null -D - http://{address}/livez"));
    let date = head
        .lines()
        .find_map(|line| line.to_lowercase().strip_prefix("date: ").map(str::to_owned));
    let date = date.expect("every answer has its date");
    date.split(' ')
        .nth(4)
        .and_then(|time| time.split(':').next())
        .expect("a time of day")
        .to_owned()
}
