//! One replica is cut off from what the others still reach.

use super::super::cluster::Cluster;
use super::super::stage::Stage;
use super::Fault;
use crate::way::Flow;

pub(super) const ALL: [Fault; 6] = [
    ("a replica's bus is cut", |stage| {
        cut(stage, Cluster::set_bus, Flow::Shut);
    }),
    ("a replica's bus is silent", |stage| {
        cut(stage, Cluster::set_bus, Flow::Silent);
    }),
    ("a replica is cut off from Redis", |stage| {
        cut(stage, Cluster::set_redis, Flow::Shut);
    }),
    ("a replica hears nothing from Redis", |stage| {
        cut(stage, Cluster::set_redis, Flow::Silent);
    }),
    ("a replica is cut off from PostgreSQL", |stage| {
        cut(stage, Cluster::set_postgres, Flow::Shut);
    }),
    ("a replica hears nothing from PostgreSQL", |stage| {
        cut(stage, Cluster::set_postgres, Flow::Silent);
    }),
];

const WHICH: usize = 1;

fn cut(stage: &mut Stage<'_>, set: fn(&Cluster, usize, Flow), flow: Flow) {
    set(stage.cluster, WHICH, flow);
    stage.lasts();
    set(stage.cluster, WHICH, Flow::Open);
}
