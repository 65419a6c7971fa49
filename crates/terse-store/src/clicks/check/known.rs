//! Whether what clicks name is there: their texts, and what their links were.

use std::collections::HashSet;
use std::hash::Hash;

use super::Report;
use crate::clicks::block::Block;
use crate::clicks::texts;
use crate::db::Tx;
use crate::error::Result;
use crate::links::versions;

/// Things to remember having found; beyond, all are forgotten, and looked up again.
const FOUND_MAX: usize = 1_000_000;

/// What was found already.
#[derive(Debug, Default)]
pub(super) struct Known {
    texts: HashSet<i64>,
    versions: HashSet<(i64, i64)>,
}

impl Known {
    /// Looks up what the clicks of `block` name and no click before did.
    pub(super) async fn check(&mut self, tx: &mut Tx, block: &Block<'_>, report: &mut Report) -> Result<()> {
        for id in block.ids() {
            let click = block.click(id);
            for text in [click.referrer, click.user_agent] {
                if text != 0
                    && is_new(&mut self.texts, text)
                    && texts::find_content(tx, text).await?.is_none()
                {
                    report.add(|| format!("the click with id {id} has text {text}, which is gone"));
                }
            }
            let version = (click.link_id, click.version);
            if is_new(&mut self.versions, version)
                && versions::find(tx, version.0, version.1).await?.is_none()
            {
                report.add(|| {
                    let (link, version) = version;
                    format!("nothing says what link {link} was at version {version}, which has clicks")
                });
            }
        }
        Ok(())
    }
}

fn is_new<T: Eq + Hash>(found: &mut HashSet<T>, thing: T) -> bool {
    if found.len() >= FOUND_MAX {
        found.clear();
    }
    found.insert(thing)
}
