//! Blocks: clicks with consecutive event ids, packed into one value.
//!
//! `version: u8 = 1`, then seven columns: time, link, version of the link, owner, referrer, user agent, bot.

use terse_core::BotReason;

use super::column::{self, Column};

/// The most clicks of a block: a reader of one unpacks few, a writer of many writes few rows.
pub(crate) const BLOCK_CLICKS_MAX: usize = 1_024;

const FORMAT: u8 = 1;

/// A click as it is stored. Zero stands for "none".
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct StoredClick {
    /// Unix milliseconds.
    pub(crate) at: i64,
    pub(crate) link_id: i64,
    /// Which state of the link was visited.
    pub(crate) version: i64,
    pub(crate) owner: i64,
    /// Ids of texts.
    pub(crate) referrer: i64,
    pub(crate) user_agent: i64,
    /// See [`bot_of`].
    pub(crate) bot: i64,
}

/// A block that is looked at.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Block<'a> {
    /// The id of the first click; the others follow without a gap.
    pub(crate) first_id: i64,
    count: usize,
    at: Column<'a>,
    link_id: Column<'a>,
    version: Column<'a>,
    owner: Column<'a>,
    referrer: Column<'a>,
    user_agent: Column<'a>,
    bot: Column<'a>,
}

/// The body of a block of `clicks`.
pub(crate) fn body(clicks: &[StoredClick]) -> Vec<u8> {
    let mut body = Vec::with_capacity(clicks.len() * 16 + 128);
    body.push(FORMAT);
    column::write(&mut body, clicks.iter().map(|click| click.at));
    column::write(&mut body, clicks.iter().map(|click| click.link_id));
    column::write(&mut body, clicks.iter().map(|click| click.version));
    column::write(&mut body, clicks.iter().map(|click| click.owner));
    column::write(&mut body, clicks.iter().map(|click| click.referrer));
    column::write(&mut body, clicks.iter().map(|click| click.user_agent));
    column::write(&mut body, clicks.iter().map(|click| click.bot));
    body
}

/// A length as a column's number; nothing that is in memory is longer than that holds.
pub(crate) fn count_of(length: usize) -> i64 {
    i64::try_from(length).unwrap_or(i64::MAX)
}

/// The number that stands for a reason.
pub(crate) fn number_of(bot: Option<BotReason>) -> i64 {
    match bot {
        None => 0,
        Some(BotReason::Head) => 1,
        Some(BotReason::Prefetch) => 2,
        Some(BotReason::Preview) => 3,
        Some(BotReason::Crawler) => 4,
    }
}

/// The reason that a number stands for. Numbers of newer programs are taken for the most general one.
pub(crate) fn bot_of(number: i64) -> Option<BotReason> {
    match number {
        0 => None,
        1 => Some(BotReason::Head),
        2 => Some(BotReason::Prefetch),
        3 => Some(BotReason::Preview),
        _ => Some(BotReason::Crawler),
    }
}

impl<'a> Block<'a> {
    /// Reads the row of a block; `None` if no program of ours can have written it.
    pub(crate) fn read(first_id: i64, clicks: i64, body: &'a [u8]) -> Option<Self> {
        let count = usize::try_from(clicks).ok()?;
        let (format, mut rest) = body.split_first()?;
        let mut column = || Column::take(&mut rest, count);
        let block = Self {
            first_id,
            count,
            at: column()?,
            link_id: column()?,
            version: column()?,
            owner: column()?,
            referrer: column()?,
            user_agent: column()?,
            bot: column()?,
        };
        let fits =
            (1..=BLOCK_CLICKS_MAX).contains(&count) && first_id > 0 && first_id.checked_add(clicks).is_some();
        (*format == FORMAT && rest.is_empty() && fits).then_some(block)
    }

    /// The id of the last click.
    pub(crate) fn last_id(&self) -> i64 {
        self.first_id + count_of(self.count) - 1
    }

    /// The ids of its clicks.
    pub(crate) fn ids(&self) -> std::ops::RangeInclusive<i64> {
        self.first_id..=self.last_id()
    }

    /// The click with this id, which must be one of its [`Self::ids`].
    pub(crate) fn click(&self, id: i64) -> StoredClick {
        let index = usize::try_from(id - self.first_id).expect("the id is one of this block's");
        StoredClick {
            at: self.at.get(index),
            link_id: self.link_id.get(index),
            version: self.version.get(index),
            owner: self.owner.get(index),
            referrer: self.referrer.get(index),
            user_agent: self.user_agent.get(index),
            bot: self.bot.get(index),
        }
    }

    /// The links of its clicks, in the order of their ids.
    pub(crate) fn links(&self) -> impl Iterator<Item = i64> + '_ {
        self.link_id.iter()
    }

    /// The owners of its clicks' links, in the order of their ids.
    pub(crate) fn owners(&self) -> impl Iterator<Item = i64> + '_ {
        self.owner.iter()
    }

    /// The links of those clicks that count.
    pub(crate) fn counted_links(&self) -> impl Iterator<Item = i64> + '_ {
        let clicks = self.link_id.iter().zip(self.bot.iter());
        clicks.filter(|(_, bot)| *bot == 0).map(|(link, _)| link)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn click(number: i64) -> StoredClick {
        StoredClick {
            at: 1_700_000_000_000 + number * 3,
            link_id: number * 7 % 100_000 + 1,
            version: 1,
            owner: number % 3,
            referrer: number % 200,
            user_agent: number % 300 + 1,
            bot: number % 5,
        }
    }

    #[test]
    fn clicks_read_back_and_take_few_bytes() {
        let clicks: Vec<_> = (0..1_000).map(click).collect();
        let body = body(&clicks);
        assert!(body.len() < 11 * clicks.len(), "{} bytes", body.len());
        let block = Block::read(41, 1_000, &body).expect("a block");
        assert_eq!(block.ids(), 41..=1_040);
        let read: Vec<_> = block.ids().map(|id| block.click(id)).collect();
        assert_eq!(read, clicks);
        assert_eq!(block.counted_links().count(), 200);
    }

    #[test]
    fn every_reason_has_a_number_of_its_own() {
        for (number, bot) in (0..).zip([
            None,
            Some(BotReason::Head),
            Some(BotReason::Prefetch),
            Some(BotReason::Preview),
            Some(BotReason::Crawler),
        ]) {
            assert_eq!((number_of(bot), bot_of(number)), (number, bot));
        }
    }

    #[test]
    fn a_row_that_does_not_add_up_is_refused() {
        let body = body(&[click(1), click(2)]);
        assert!(Block::read(1, 2, &body).is_some());
        for (first_id, clicks) in [(1, 1), (1, 3), (1, 0), (1, -2), (0, 2), (i64::MAX - 1, 2)] {
            assert!(
                Block::read(first_id, clicks, &body).is_none(),
                "{first_id} {clicks}"
            );
        }
        assert!(Block::read(1, 2, &body[..body.len() - 1]).is_none());
        assert!(Block::read(1, 2, &[&body[..], &[0]].concat()).is_none());
        assert!(Block::read(1, 2, &[&[2], &body[1..]].concat()).is_none());
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_or_refused(bytes: Vec<u8>, clicks in 0..20_i64) {
            let bytes = [&[FORMAT], bytes.as_slice()].concat();
            if let Some(block) = Block::read(1, clicks, &bytes) {
                for id in block.ids() {
                    block.click(id);
                }
            }
        }
    }
}
