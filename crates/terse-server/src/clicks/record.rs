//! A click as bytes: the payload of a journal record, version 3 (`docs/journal-format.md`).
//!
//! Encoding copies straight into the segment, decoding borrows from it; neither allocates. Decoding accepts any bytes and
//! never panics.

use bytes::{Buf, BufMut};
use terse_core::{
    BotReason, CODE_CHARS_MAX, LinkId, REFERRER_BYTES_MAX, TARGET_BYTES_MAX, Timestamp, USER_AGENT_BYTES_MAX,
    UserId,
};

/// The most bytes a payload can have: everything at its limit.
pub(super) const PAYLOAD_BYTES_MAX: usize =
    FIXED_BYTES + CODE_CHARS_MAX + TARGET_BYTES_MAX + REFERRER_BYTES_MAX + USER_AGENT_BYTES_MAX;

const VERSION: u8 = 3;
/// The same, but that every text stands in it itself. Version 1, which did not name the link's version, was never released.
const VERSION_WITHOUT_REFERENCES: u8 = 2;
const FIXED_BYTES: usize = 44;
/// Where a fixed part says which texts of the visitor stand elsewhere.
const REFERENCES_AT: usize = 3;
/// And where how long they are: two bytes for each.
const LENGTHS_AT: usize = 6;
const HAS_OWNER: u8 = 1;
const HAS_REFERRER: u8 = 1 << 1;
const HAS_USER_AGENT: u8 = 1 << 2;
/// Where a record has several, the first counts.
const BOT_REASONS: [BotReason; 4] = [
    BotReason::Head,
    BotReason::Prefetch,
    BotReason::Preview,
    BotReason::Crawler,
];
const KNOWN_FLAGS: u8 = 0b0111_1111;
/// What stands in a record for a text that an earlier one has.
const REFERENCE_BYTES: usize = size_of::<u32>();

/// A redirect that is about to be answered, or was. Borrows its texts: the hot path copies them once, into the journal. What a
/// visitor said is `T`: a text when it is written, and when it is read perhaps only where that stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ClickRecord<'a, T = &'a [u8]> {
    /// When it is answered.
    pub at: Timestamp,
    /// The link.
    pub link_id: LinkId,
    /// Which state of the link it is.
    pub version: i64,
    /// The link's owner.
    pub owner: Option<UserId>,
    /// The code that was visited; at most [`CODE_CHARS_MAX`] bytes are kept.
    pub short_code: &'a [u8],
    /// The target as it was given, UTF-8; at most [`TARGET_BYTES_MAX`] bytes are kept.
    pub original_url: &'a [u8],
    /// The `Referer` header as sent; at most [`REFERRER_BYTES_MAX`] bytes are kept.
    pub referrer: Option<T>,
    /// The `User-Agent` header as sent; at most [`USER_AGENT_BYTES_MAX`] bytes are kept.
    pub user_agent: Option<T>,
    /// Why it is not a person's, where the request said so itself, or where its user agent did and is not kept. What a kept
    /// user agent says is left to the shipper.
    pub bot: Option<BotReason>,
}

/// What a text of a visitor is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Role {
    /// A referrer.
    Referrer,
    /// A user agent.
    UserAgent,
}

/// A text of a visitor, as a record has it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Text<'a> {
    /// Itself.
    Here(&'a [u8]),
    /// The one that stands, in the same role, in the record at this offset of the segment.
    In(u32),
}

/// A click whose texts are cut to their limits, ready to be copied.
#[derive(Debug, Clone)]
pub(super) struct Payload<'a> {
    fixed: [u8; FIXED_BYTES],
    /// The code and the target.
    of_link: [&'a [u8]; 2],
    /// In the order of [`Role::ALL`].
    of_visitor: [Text<'a>; 2],
}

/// Why a payload is no click that this program knows, although its checksum is right.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Undecodable {
    /// Written by another version.
    #[error("payload version {0} is unknown")]
    Version(u8),
    /// A flag that this version does not have.
    #[error("payload flags {0:#04x} are unknown")]
    Flags(u8),
    /// A reference that this version does not have.
    #[error("payload references {0:#04x} are unknown")]
    References(u8),
    /// The lengths do not add up to the payload.
    #[error("payload lengths are inconsistent")]
    Lengths,
    /// The link's or owner's number is not positive.
    #[error("payload holds an id that is not positive")]
    Id,
}

impl<'a> Payload<'a> {
    /// The payload of `click`.
    pub(super) fn of(click: &ClickRecord<'a>) -> Self {
        let (code, code_bytes) = cut::<u8>(click.short_code, CODE_CHARS_MAX);
        let (url, url_bytes) = cut::<u16>(click.original_url, TARGET_BYTES_MAX);
        let (referrer, referrer_bytes) = cut::<u16>(click.referrer.unwrap_or_default(), REFERRER_BYTES_MAX);
        let (agent, agent_bytes) = cut::<u16>(click.user_agent.unwrap_or_default(), USER_AGENT_BYTES_MAX);
        let mut fixed = [0; FIXED_BYTES];
        let mut out = fixed.as_mut_slice();
        out.put_u8(VERSION);
        out.put_u8(flags(click));
        out.put_u8(code_bytes);
        out.put_u8(0);
        out.put_u16_le(url_bytes);
        out.put_u16_le(referrer_bytes);
        out.put_u16_le(agent_bytes);
        out.put_u16_le(0);
        out.put_i64_le(click.at.as_millis());
        out.put_i64_le(click.link_id.get());
        out.put_i64_le(click.owner.map_or(0, UserId::get));
        out.put_i64_le(click.version);
        Self {
            fixed,
            of_link: [code, url],
            of_visitor: [Text::Here(referrer), Text::Here(agent)],
        }
    }

    /// A text of the visitor; an empty one if there is none.
    pub(super) fn text(&self, role: Role) -> Text<'a> {
        self.of_visitor[role as usize]
    }

    /// Where that text begins in the payload.
    pub(super) fn offset_of(&self, role: Role) -> usize {
        let before = &self.of_visitor[..role as usize];
        self.link_bytes() + before.iter().map(|text| text.bytes()).sum::<usize>()
    }

    /// Puts a reference in the place of that text: the offset of a record in the same segment.
    pub(super) fn refer(&mut self, role: Role, offset: u32) {
        self.fixed[REFERENCES_AT] |= role.reference();
        let bytes = u16::try_from(REFERENCE_BYTES).expect("four");
        let length = LENGTHS_AT + 2 * role as usize;
        self.fixed[length..][..2].copy_from_slice(&bytes.to_le_bytes());
        self.of_visitor[role as usize] = Text::In(offset);
    }

    /// How long it is.
    pub(super) fn bytes(&self) -> usize {
        self.link_bytes() + self.of_visitor.iter().map(|text| text.bytes()).sum::<usize>()
    }

    /// Copies it to the front of `out`, which must have room for [`Self::bytes`].
    pub(super) fn write_to(&self, mut out: &mut [u8]) {
        out.put_slice(&self.fixed);
        for text in self.of_link {
            out.put_slice(text);
        }
        for text in self.of_visitor {
            match text {
                Text::Here(text) => out.put_slice(text),
                Text::In(offset) => out.put_u32_le(offset),
            }
        }
    }

    /// What stands before the visitor's texts.
    fn link_bytes(&self) -> usize {
        FIXED_BYTES + self.of_link.iter().map(|text| text.len()).sum::<usize>()
    }
}

impl Role {
    /// Every role, in the order of their texts in a record.
    pub(super) const ALL: [Self; 2] = [Self::Referrer, Self::UserAgent];

    /// Its bit among the references.
    const fn reference(self) -> u8 {
        1 << self as u8
    }
}

impl Text<'_> {
    /// How long what stands in the record is.
    fn bytes(self) -> usize {
        match self {
            Self::Here(text) => text.len(),
            Self::In(_) => REFERENCE_BYTES,
        }
    }
}

impl<T: Copy> ClickRecord<'_, T> {
    /// What the visitor said in this role.
    pub(super) fn text(&self, role: Role) -> Option<T> {
        match role {
            Role::Referrer => self.referrer,
            Role::UserAgent => self.user_agent,
        }
    }
}

/// Reads a payload back. Its texts are what was sent, not necessarily UTF-8: [`text`] makes them so.
pub(super) fn decode(payload: &[u8]) -> Result<ClickRecord<'_, Text<'_>>, Undecodable> {
    let (mut fixed, mut texts) = payload
        .split_at_checked(FIXED_BYTES)
        .ok_or(Undecodable::Lengths)?;
    match fixed.get_u8() {
        VERSION | VERSION_WITHOUT_REFERENCES => {}
        other => return Err(Undecodable::Version(other)),
    }
    let flags = fixed.get_u8();
    if flags & !KNOWN_FLAGS != 0 {
        return Err(Undecodable::Flags(flags));
    }
    let has = |flag| flags & flag != 0;
    let code_bytes = usize::from(fixed.get_u8());
    let references = fixed.get_u8();
    if references & !(Role::Referrer.reference() | Role::UserAgent.reference()) != 0 {
        return Err(Undecodable::References(references));
    }
    let url_bytes = usize::from(fixed.get_u16_le());
    let referrer_bytes = usize::from(fixed.get_u16_le());
    let agent_bytes = usize::from(fixed.get_u16_le());
    fixed.advance(2);
    let at = Timestamp::from_millis(fixed.get_i64_le());
    let link_id = LinkId::new(fixed.get_i64_le()).map_err(|_| Undecodable::Id)?;
    let owner = fixed.get_i64_le();
    let owner = has(HAS_OWNER).then(|| UserId::new(owner)).transpose();
    let click = ClickRecord {
        at,
        link_id,
        version: fixed.get_i64_le(),
        owner: owner.map_err(|_| Undecodable::Id)?,
        short_code: take(&mut texts, code_bytes)?,
        original_url: take(&mut texts, url_bytes)?,
        referrer: Some(of_visitor(
            &mut texts,
            referrer_bytes,
            references,
            Role::Referrer,
        )?)
        .filter(|_| has(HAS_REFERRER)),
        user_agent: Some(of_visitor(&mut texts, agent_bytes, references, Role::UserAgent)?)
            .filter(|_| has(HAS_USER_AGENT)),
        bot: BOT_REASONS.into_iter().find(|reason| has(bot_flag(*reason))),
    };
    if texts.is_empty() {
        Ok(click)
    } else {
        Err(Undecodable::Lengths)
    }
}

/// A text of a record as it is stored: what is no UTF-8 is read lossily and held to the same limit; U+0000, which not every
/// store can keep, becomes U+FFFD.
pub(super) fn text(bytes: &[u8], bytes_max: usize) -> String {
    let mut text = String::from_utf8_lossy(bytes).into_owned();
    if text.contains('\0') {
        text = text.replace('\0', "\u{fffd}");
    }
    // A byte that is no UTF-8 becomes three.
    text.truncate(text.floor_char_boundary(bytes_max));
    text
}

fn flags(click: &ClickRecord<'_>) -> u8 {
    [
        (click.owner.is_some(), HAS_OWNER),
        (click.referrer.is_some(), HAS_REFERRER),
        (click.user_agent.is_some(), HAS_USER_AGENT),
    ]
    .into_iter()
    .filter(|(is_there, _)| *is_there)
    .fold(click.bot.map_or(0, bot_flag), |flags, (_, flag)| flags | flag)
}

const fn bot_flag(reason: BotReason) -> u8 {
    match reason {
        BotReason::Head => 1 << 3,
        BotReason::Prefetch => 1 << 4,
        BotReason::Preview => 1 << 5,
        BotReason::Crawler => 1 << 6,
    }
}

/// The [`front`] of `text`, and its length.
fn cut<L: TryFrom<usize>>(text: &[u8], bytes_max: usize) -> (&[u8], L) {
    let front = front(text, bytes_max);
    let length = L::try_from(front.len()).ok();
    (
        front,
        length.expect("every limit of a text fits its length field"),
    )
}

/// The front of `text`, at most `bytes_max`, not ending inside a UTF-8 character.
pub(super) fn front(text: &[u8], bytes_max: usize) -> &[u8] {
    let mut end = text.len();
    if end > bytes_max {
        end = bytes_max;
        // A character has at most three continuation bytes; more of them are no UTF-8 and may be cut anywhere.
        let back = (0..=3).find(|back| text[end - back] & 0b1100_0000 != 0b1000_0000);
        end -= back.unwrap_or(0);
    }
    &text[..end]
}

fn of_visitor<'a>(
    texts: &mut &'a [u8],
    bytes: usize,
    references: u8,
    role: Role,
) -> Result<Text<'a>, Undecodable> {
    let text = take(texts, bytes)?;
    if references & role.reference() == 0 {
        return Ok(Text::Here(text));
    }
    let offset = text.try_into().map_err(|_| Undecodable::Lengths)?;
    Ok(Text::In(u32::from_le_bytes(offset)))
}

fn take<'a>(texts: &mut &'a [u8], bytes: usize) -> Result<&'a [u8], Undecodable> {
    texts.split_off(..bytes).ok_or(Undecodable::Lengths)
}

#[cfg(test)]
mod tests;
