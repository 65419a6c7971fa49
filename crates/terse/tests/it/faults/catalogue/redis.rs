//! Redis fails.

use std::time::Duration;

use super::super::cluster::REPLICAS;
use super::super::stage::Stage;
use super::Fault;
use crate::way::Flow;

pub(super) const ALL: [Fault; 6] = [
    ("Redis is killed, its replica too", kill),
    ("Redis hangs (SIGSTOP), its replica too", hang),
    ("Redis takes 200 ms more", slow),
    ("Redis has no memory", full),
    ("Redis is flushed again and again", flush),
    (
        "Redis' primary is killed, Sentinel makes its replica the primary",
        fail_over,
    ),
];

const SLOWER_BY: Duration = Duration::from_millis(200);

fn kill(stage: &mut Stage<'_>) {
    stage.cluster.shell("part_kill redis-1; part_kill redis-2");
    stage.lasts();
    stage.cluster.shell("redis_start redis-1; redis_start redis-2");
}

fn hang(stage: &mut Stage<'_>) {
    stage
        .cluster
        .shell("part_signal redis-1 STOP; part_signal redis-2 STOP");
    stage.lasts();
    stage
        .cluster
        .shell("part_signal redis-1 CONT; part_signal redis-2 CONT");
}

fn slow(stage: &mut Stage<'_>) {
    set_all(stage, Flow::Slow(SLOWER_BY));
    stage.lasts();
    set_all(stage, Flow::Open);
}

fn full(stage: &mut Stage<'_>) {
    let set = "redis_ask \"$(redis_primary)\" config set maxmemory";
    stage.cluster.shell(&format!("{set}-policy noeviction; {set} 1"));
    stage.lasts();
    stage
        .cluster
        .shell(&format!("{set} 64mb; {set}-policy allkeys-lru"));
}

fn flush(stage: &mut Stage<'_>) {
    stage
        .cluster
        .shell("for time in 1 2 3 4 5 6; do redis_ask \"$(redis_primary)\" flushall; sleep 0.8; done");
}

fn fail_over(stage: &mut Stage<'_>) {
    let old = stage.cluster.shell("redis_primary");
    let old = old.trim();
    stage.cluster.shell(&format!("part_kill {old}"));
    stage.lasts();
    stage.cluster.shell(&format!(
        "until new=$(redis_primary) && [ \"$new\" != {old} ]; do sleep 0.1; done"
    ));
    stage.ends();
    stage.cluster.shell(&format!("redis_start {old}"));
}

fn set_all(stage: &Stage<'_>, flow: Flow) {
    (0..REPLICAS).for_each(|replica| stage.cluster.set_redis(replica, flow));
}
