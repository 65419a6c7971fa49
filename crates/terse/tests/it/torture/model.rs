//! What must be true after a kill, and the comparison with what is.

use std::collections::{HashMap, HashSet};

use serde_json::Value;

use super::client::Client;
use super::load::{Creations, History, Visits};
use crate::server::Server;

const LINKS_AT_FIRST: usize = 20;

/// What the server must know.
#[derive(Clone)]
pub(crate) struct Model {
    links: Vec<LinkModel>,
    /// Clicks seen in the log, by link.
    clicks_of_link: HashMap<u64, u64>,
    /// The last event that was read.
    last_event: u64,
}

/// A link that was acknowledged, or found after a kill that interrupted its creation.
#[derive(Clone)]
pub(crate) struct LinkModel {
    pub(crate) id: u64,
    pub(crate) code: String,
    target: String,
}

impl Model {
    /// Creates the first links.
    pub(crate) fn with_links(server: &Server) -> Self {
        Self::with_long_links(server, 0)
    }

    /// Creates the first links, whose targets have so many bytes more than they need: each click's record has them too, so
    /// that segments are soon full.
    pub(crate) fn with_long_links(server: &Server, more_bytes: usize) -> Self {
        let mut model = Self {
            links: Vec::new(),
            clicks_of_link: HashMap::new(),
            last_event: 0,
        };
        for number in 0..LINKS_AT_FIRST {
            let code = format!("first{number}");
            let target = Self::first_target(&code) + &"-".repeat(more_bytes);
            let (status, link) = server.shorten(&target, &code);
            assert_eq!(status, 201, "{link}");
            model.links.push(LinkModel::of(&link));
        }
        model
    }

    /// Where a link leads until it is changed.
    pub(crate) fn first_target(code: &str) -> String {
        format!("https://example.com/{code}")
    }

    pub(crate) fn links(&self) -> &[LinkModel] {
        &self.links
    }

    /// Clicks in the log.
    pub(crate) fn clicks(&self) -> u64 {
        self.clicks_of_link.values().sum()
    }

    /// Holds the restarted server to what was acknowledged before it was killed, and learns which of the requests that
    /// were under way took effect.
    pub(crate) fn reconcile(&mut self, server: &Server, history: &History) {
        self.apply_changes(server, history);
        self.adopt(server, &history.creations);
        self.read_clicks(server, &history.visits);
        self.compare(server);
    }

    /// Every link leads where it should, and every total equals its rows.
    pub(crate) fn compare(&self, server: &Server) {
        let mut client = Client::of(server);
        for link in &self.links {
            assert_eq!(
                target_of(&mut client, &link.code).as_deref(),
                Some(&*link.target),
                "{}",
                link.code
            );
        }
        let totals = walk(server, "/urls?per_page=1000");
        assert_eq!(totals.len(), self.links.len(), "no link was invented");
        for link in totals {
            let id = link["id"].as_u64().expect("an id");
            let rows = self.clicks_of_link.get(&id).copied().unwrap_or(0);
            assert_eq!(
                link["click_count"].as_u64(),
                Some(rows),
                "the total of {link} equals its rows"
            );
        }
    }

    fn apply_changes(&mut self, server: &Server, history: &History) {
        for change in &history.changes {
            let link = &mut self.links[change.link];
            // The one that was under way may have been committed, or not.
            if change.is_acknowledged
                || target_of(&mut Client::of(server), &link.code).as_deref() == Some(&change.target)
            {
                link.target.clone_from(&change.target);
            }
        }
    }

    fn adopt(&mut self, server: &Server, creations: &Creations) {
        let mut client = Client::of(server);
        let mut found = HashMap::new();
        let newest = self.links.last().map_or(0, |link| link.id);
        for link in walk(server, &format!("/urls?after={newest}")) {
            found.insert(
                link["short_code"].as_str().expect("a code").to_owned(),
                LinkModel::of(&link),
            );
        }
        for (number, code) in creations.codes.iter().enumerate() {
            match found.remove(code) {
                Some(link) => self.links.push(link),
                None => assert!(
                    number >= creations.acknowledged,
                    "{code} was acknowledged and is lost"
                ),
            }
            let redirects = target_of(&mut client, code).is_some();
            assert!(
                redirects || number >= creations.acknowledged,
                "{code} was acknowledged and does not redirect"
            );
        }
        assert!(found.is_empty(), "{:?} were never asked for", found.keys());
    }

    fn read_clicks(&mut self, server: &Server, visits: &[Visits]) {
        let mut recorded: HashMap<String, HashSet<u64>> = HashMap::new();
        for event in walk(
            server,
            &format!("/events?event_type=click&after={}", self.last_event),
        ) {
            self.last_event = event["id"].as_u64().expect("an id");
            if event["details"]["bot"] == true {
                continue; // looked whether a link is there
            }
            let agent = event["details"]["user_agent"]
                .as_str()
                .expect("every visit has a name");
            let (name, number) = agent.rsplit_once('n').expect("a name and a number");
            let is_new = recorded
                .entry(name.to_owned())
                .or_default()
                .insert(number.parse().expect("a number"));
            assert!(is_new, "{agent} is recorded twice");
            let link = event["url_id"].as_u64().expect("an id");
            *self.clicks_of_link.entry(link).or_default() += 1;
        }
        for visits in visits {
            let recorded = recorded.remove(&visits.name).unwrap_or_default();
            let lost = (0..visits.answered).find(|number| !recorded.contains(number));
            assert_eq!(
                lost, None,
                "of {}, {} were answered",
                visits.name, visits.answered
            );
            let invented = recorded.iter().find(|number| **number >= visits.sent);
            assert_eq!(invented, None, "of {}, {} were sent", visits.name, visits.sent);
        }
        assert!(
            recorded.is_empty(),
            "clicks of nobody, or of an earlier round: {:?}",
            recorded.keys()
        );
    }
}

impl LinkModel {
    fn of(link: &Value) -> Self {
        Self {
            id: link["id"].as_u64().expect("an id"),
            code: link["short_code"].as_str().expect("a code").to_owned(),
            target: link["original_url"].as_str().expect("a target").to_owned(),
        }
    }
}

/// Where a code leads, asked without counting a click.
fn target_of(client: &mut Client, code: &str) -> Option<String> {
    let answer = client
        .request("HEAD", &format!("/{code}"), "", "")
        .expect("the server lives");
    (answer.status == 302).then_some(answer.location)
}

fn walk(server: &Server, path: &str) -> Vec<Value> {
    rows_of(&mut Client::of(server), path)
}

/// Every row of a list.
pub(crate) fn rows_of(client: &mut Client, path: &str) -> Vec<Value> {
    let (mut rows, mut next) = (Vec::new(), path.to_owned());
    loop {
        let answer = client.request("GET", &next, "", "").expect("the server lives");
        let page = answer.body.as_array().expect("a list").clone();
        let Some(last) = page.last() else { return rows };
        let (path, query) = path.split_once('?').expect("a query");
        let kept = query.split('&').filter(|pair| !pair.starts_with("after="));
        next = format!(
            "{path}?{}&after={}",
            kept.collect::<Vec<_>>().join("&"),
            last["id"]
        );
        rows.extend(page);
    }
}
