//! The cluster of `scripts/cluster.bash`, with a way between each replica and each server that it needs.

use std::net::{SocketAddr, TcpListener};
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};

use serde_json::Value;

use crate::coherence::door::Place;
use crate::server::repository;
use crate::torture::Dice;
use crate::way::{Flow, Way};

pub(super) const REPLICAS: usize = 3;
/// Ports that are wanted, counted from the first: nginx, replicas, PostgreSQL, Redis, Sentinels.
const PORTS: [u16; 5] = [0, 1, 101, 201, 301];
const SERVERS_OF_EACH: [u16; 5] = [1, 3, 2, 2, 3];
const FIRST_PORT_MIN: u64 = 20_000;
const FIRST_PORTS: u64 = 100;
const PORTS_APART: u64 = 100;

/// The cluster. Whoever has made its folder stops it: `scripts/faults`.
pub(super) struct Cluster {
    folder: PathBuf,
    first_port: u16,
    ways: Vec<Ways>,
}

/// From one replica.
struct Ways {
    postgres: Vec<Way>,
    redis: Vec<Way>,
    sentinels: Vec<Way>,
}

impl Cluster {
    /// Starts everything, with its data below `folder`.
    pub(super) fn start(folder: PathBuf, dice: &Dice) -> Self {
        let first_port = first_port(dice);
        let mut cluster = Self {
            folder,
            first_port,
            ways: Vec::new(),
        };
        cluster.shell("faults_start_servers");
        cluster.ways = (0..REPLICAS).map(|_| cluster.ways_of_one()).collect();
        for replica in 0..REPLICAS {
            cluster.start_replica(replica);
        }
        cluster.shell("nginx_start");
        cluster
    }

    fn ways_of_one(&self) -> Ways {
        let to = |kind: usize| {
            let count = SERVERS_OF_EACH[kind];
            (0..count).map(move |number| self.first_port + PORTS[kind] + number)
        };
        let postgres = to(2).map(|port| Way::to(&format!("127.0.0.1:{port}"))).collect();
        let redis: Vec<_> = to(3).map(|port| Way::to(&format!("127.0.0.1:{port}"))).collect();
        let renamed: Vec<_> = to(3)
            .zip(&redis)
            .map(|(port, way)| {
                (
                    format!("\r\n{port}\r\n"),
                    format!("\r\n{}\r\n", way.address().port()),
                )
            })
            .collect();
        let sentinels = to(4)
            .map(|port| Way::renaming(&format!("127.0.0.1:{port}"), &renamed))
            .collect();
        Ways {
            postgres,
            redis,
            sentinels,
        }
    }

    /// Starts a replica, which says that it serves when this returns.
    pub(super) fn start_replica(&self, replica: usize) {
        self.start_replica_with("", replica);
    }

    /// As [`Cluster::start_replica`], with settings of its surroundings.
    pub(super) fn start_replica_with(&self, environment: &str, replica: usize) {
        let (database, redis) = self.urls(replica);
        self.shell(&format!(
            "{environment} replica_start {} --log warn --database-url '{database}' --redis-url '{redis}'",
            replica + 1
        ));
    }

    fn urls(&self, replica: usize) -> (String, String) {
        let ways = &self.ways[replica];
        let (postgres, sentinels) = (addresses(&ways.postgres), addresses(&ways.sentinels));
        (
            format!("postgres://postgres@{postgres}/terse"),
            format!("redis+sentinel://{sentinels}/terse"),
        )
    }

    /// What becomes of connections between this replica and PostgreSQL.
    pub(super) fn set_postgres(&self, replica: usize, flow: Flow) {
        self.ways[replica].postgres.iter().for_each(|way| way.set(flow));
    }

    /// What becomes of those on which it listens for changes.
    pub(super) fn set_bus(&self, replica: usize, flow: Flow) {
        self.ways[replica]
            .postgres
            .iter()
            .for_each(|way| way.set_bus(flow));
    }

    /// What becomes of connections between this replica and Redis.
    pub(super) fn set_redis(&self, replica: usize, flow: Flow) {
        let ways = &self.ways[replica];
        ways.redis
            .iter()
            .chain(&ways.sentinels)
            .for_each(|way| way.set(flow));
    }

    pub(super) fn nginx(&self) -> Place {
        Place::at(&format!("127.0.0.1:{}", self.first_port))
    }

    pub(super) fn replicas(&self) -> Vec<Place> {
        (0..REPLICAS)
            .map(|replica| Place::at(&self.replica_address(replica)))
            .collect()
    }

    pub(super) fn replica_address(&self, replica: usize) -> String {
        let number = u16::try_from(replica).expect("a few");
        format!("127.0.0.1:{}", self.first_port + PORTS[1] + number)
    }

    /// Where the PostgreSQL is that is written.
    pub(super) fn postgres(&self) -> SocketAddr {
        let port = self.shell("postgres_port \"$(postgres_primary)\"");
        format!("127.0.0.1:{}", port.trim()).parse().expect("a port")
    }

    /// What `terse check` says of the database and of the journal of a replica that has ended; whether nothing is wrong.
    pub(super) fn check(&self, replica: usize) -> (bool, String) {
        let (database, _) = self.urls(replica);
        let name = format!("replica-{}", replica + 1);
        let script = format!("\"$terse\" check --database-url '{database}' --data-dir \"$cluster/{name}\"");
        let done = self.try_shell(&script);
        (
            done.status.success(),
            String::from_utf8_lossy(&done.stdout).into_owned(),
        )
    }

    /// Runs functions of `scripts/cluster.bash` and `scripts/faults.bash`; what they say.
    pub(super) fn shell(&self, script: &str) -> String {
        let done = self.try_shell(script);
        let said = String::from_utf8_lossy(&done.stdout).into_owned();
        assert!(
            done.status.success(),
            "{script}: {said}{}",
            String::from_utf8_lossy(&done.stderr)
        );
        said
    }

    pub(super) fn try_shell(&self, script: &str) -> Output {
        let mut bash = Command::new("bash");
        bash.arg("-c")
            .arg(format!(
                "set -euo pipefail; source \"$1\"; cluster=$2; cluster_require; {script}"
            ))
            .arg("faults")
            .arg(repository().join("scripts/faults.bash"))
            .arg(&self.folder)
            .stdin(Stdio::null());
        let names = [
            "PORT",
            "REPLICA_PORT",
            "POSTGRES_PORT",
            "REDIS_PORT",
            "SENTINEL_PORT",
        ];
        for (name, port) in names.into_iter().zip(PORTS) {
            bash.env(format!("CLUSTER_{name}"), (self.first_port + port).to_string());
        }
        bash.output().expect("bash is there")
    }

    /// A page of a replica, if it answers.
    pub(super) fn page(&self, replica: usize, path: &str) -> Option<(u16, Value)> {
        let within = std::time::Duration::from_secs(2);
        let mut door = crate::coherence::door::Door::to(&self.replicas()[replica], within);
        let answer = door.ask("GET", path, "", "")?;
        Some((answer.status, answer.body))
    }
}

fn addresses(ways: &[Way]) -> String {
    let addresses: Vec<_> = ways.iter().map(|way| way.address().to_string()).collect();
    addresses.join(",")
}

/// The first of ports that nobody listens on. All have five digits, as those of ways have: names of one replace the other.
fn first_port(dice: &Dice) -> u16 {
    let is_free = |port: u16| TcpListener::bind(("127.0.0.1", port)).is_ok();
    loop {
        let first = FIRST_PORT_MIN + PORTS_APART * dice.roll(FIRST_PORTS);
        let first = u16::try_from(first).expect("below 65,536");
        let wanted = PORTS.into_iter().zip(SERVERS_OF_EACH);
        let mut ports = wanted.flat_map(|(from, count)| (0..count).map(move |number| first + from + number));
        if ports.all(is_free) {
            return first;
        }
    }
}
