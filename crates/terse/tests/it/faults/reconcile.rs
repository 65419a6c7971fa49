//! What must be in the database in the end: every link and every click that was acknowledged, each once.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use serde_json::Value;

use super::cluster::Cluster;
use super::load::{Record, Via, target_of};
use super::stage::Window;
use crate::coherence::door::Door;
use crate::coherence::history::{History, State};
use crate::torture::client::Client;
use crate::torture::model::rows_of;

const ANSWER_WITHIN: Duration = Duration::from_secs(30);
/// How long before and after a replica was killed a visit may have been under way there.
const AROUND_KILL: Duration = Duration::from_millis(250);

/// What was found.
pub(super) struct Findings {
    pub(super) links: usize,
    pub(super) clicks: usize,
    /// Visits that nginx asked another replica about, after the first had counted them and before it could answer.
    pub(super) counted_twice_by_kills: usize,
    pub(super) problems: Vec<String>,
}

/// Compares what the cluster has with what it has acknowledged.
pub(super) fn reconcile(
    cluster: &Cluster,
    record: &Record,
    history: &History,
    windows: &[Window],
) -> Findings {
    let mut client = Door::to(&cluster.replicas()[0], ANSWER_WITHIN)
        .connect()
        .expect("it is well");
    let mut findings = Findings {
        links: 0,
        clicks: 0,
        counted_twice_by_kills: 0,
        problems: Vec::new(),
    };
    let rows = findings.clicks(&mut client, record, windows);
    findings.links(&mut client, record, history, &rows);
    findings
}

impl Findings {
    fn problem(&mut self, text: String) {
        const SHOWN_MAX: usize = 20;
        if self.problems.len() < SHOWN_MAX {
            self.problems.push(text);
        }
    }

    /// Answered visits ⊆ recorded clicks ⊆ sent visits, each once. Clicks by link.
    fn clicks(&mut self, client: &mut Client, record: &Record, windows: &[Window]) -> HashMap<u64, u64> {
        let mut of_link: HashMap<u64, u64> = HashMap::new();
        let mut recorded: HashMap<String, HashSet<usize>> = HashMap::new();
        let by_name: HashMap<_, _> = record
            .visits
            .iter()
            .map(|visits| (&*visits.name, visits))
            .collect();
        for event in rows_of(client, "/events?event_type=click") {
            self.clicks += 1;
            *of_link
                .entry(event["url_id"].as_u64().expect("an id"))
                .or_default() += 1;
            let agent = event["details"]["user_agent"]
                .as_str()
                .expect("every visit has a name")
                .to_owned();
            let (name, number) = agent.rsplit_once('n').expect("a name and a number");
            let number = number.parse().expect("a number");
            if recorded.entry(name.to_owned()).or_default().insert(number) {
                continue;
            }
            let visits = by_name.get(name).filter(|visits| visits.via == Via::Nginx);
            let visit = visits.and_then(|visits| visits.all.get(number));
            let was_killed = visit.is_some_and(|visit| {
                let kills = windows.iter().flat_map(|window| &window.kills);
                kills.into_iter().any(|kill| {
                    visit.sent_at <= *kill + AROUND_KILL && visit.sent_at + visit.took + AROUND_KILL >= *kill
                })
            });
            if was_killed {
                self.counted_twice_by_kills += 1;
            } else {
                self.problem(format!("{agent} is recorded twice"));
            }
        }
        for visits in &record.visits {
            let recorded = recorded.remove(&visits.name).unwrap_or_default();
            for (number, visit) in visits.all.iter().enumerate() {
                if visit.is_redirected && !recorded.contains(&number) {
                    self.problem(format!(
                        "{}n{number} was answered and is lost: {visit:?}",
                        visits.name
                    ));
                }
            }
            if let Some(number) = recorded.iter().find(|number| **number >= visits.all.len()) {
                self.problem(format!("{}n{number} was never sent", visits.name));
            }
        }
        of_link
    }

    /// Links lead where they should, and totals equal rows.
    fn links(&mut self, client: &mut Client, record: &Record, history: &History, rows: &HashMap<u64, u64>) {
        let links: HashMap<String, Value> = rows_of(client, "/urls?per_page=1000")
            .into_iter()
            .map(|link| (link["short_code"].as_str().expect("a code").to_owned(), link))
            .collect();
        self.links = links.len();
        for (code, link) in &links {
            let expected = rows
                .get(&link["id"].as_u64().expect("an id"))
                .copied()
                .unwrap_or(0);
            if link["click_count"].as_u64() != Some(expected) {
                self.problem(format!(
                    "{code} has {expected} rows and a total of {}",
                    link["click_count"]
                ));
            }
        }
        for creation in record
            .creations
            .iter()
            .filter(|creation| creation.status == Some(201))
        {
            let target = links
                .get(&creation.code)
                .and_then(|link| link["original_url"].as_str());
            if target != Some(&target_of(&creation.code)) {
                self.problem(format!(
                    "{} was acknowledged and leads to {target:?}",
                    creation.code
                ));
            }
        }
        for (code, changes) in &history.changes {
            let last = changes.last().expect("it was changed");
            if last.acknowledged_at.is_none() {
                continue; // may be done, or not
            }
            let found = match links.get(code) {
                None => State::Nothing,
                Some(link) if link["is_active"] == false => State::Gone,
                Some(link) => State::Leads(link["original_url"].as_str().expect("a target").to_owned()),
            };
            if found != last.state {
                self.problem(format!("{code} should be {:?} and is {found:?}", last.state));
            }
        }
    }
}
