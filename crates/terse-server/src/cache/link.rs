//! A link in memory: one allocation, texts included, so that a visit of a link that no processor's cache holds waits for
//! memory once.

use http::HeaderValue;
use terse_core::{InvalidTarget, LinkId, ShortCode, TargetUrl, UserId};
use terse_store::{AsOf, RedirectRow};
use triomphe::ThinArc;

use super::Moment;
use super::freshness::Times;
use super::prefetch::prefetch;

/// Most links fit into so many of the processor's cache lines.
const LINES: usize = 3;

/// All that a redirect needs of a link, ready to be sent. Cheap to clone.
#[derive(Debug, Clone)]
pub struct CachedLink(ThinArc<Fixed, u8>);

/// What stands before the texts: the code, the target as it is sent and, if it was given as another text, as it was given.
#[derive(Debug, Clone, Copy)]
struct Fixed {
    id: LinkId,
    owner: Option<UserId>,
    version: i64,
    as_of: AsOf,
    times: Times,
    is_active: bool,
    code_bytes: u8,
    location_bytes: u32,
}

impl CachedLink {
    /// What `row`, the link named `code`, says, with its target ready to be sent. It was read no
    /// earlier than `read_at`.
    ///
    /// # Errors
    /// [`InvalidTarget`] for a row that was stored under more lenient rules.
    pub fn of(code: &ShortCode, row: &RedirectRow, read_at: Moment) -> Result<Self, InvalidTarget> {
        let target: TargetUrl = row.original_url.parse()?;
        let location = target.location();
        // What is written to connections as it stands must be a header's value.
        HeaderValue::from_str(location).map_err(|_| InvalidTarget::Control)?;
        let fixed = Fixed {
            id: row.id,
            owner: row.owner,
            version: row.version,
            as_of: row.as_of,
            times: Times {
                read_at,
                checked_at: read_at,
            },
            is_active: row.is_active,
            code_bytes: u8::try_from(code.as_str().len()).expect("a code has at most 64 bytes"),
            location_bytes: u32::try_from(location.len()).map_err(|_| InvalidTarget::TooLong)?,
        };
        let given = Some(row.original_url.as_str()).filter(|given| *given != location);
        let texts = [code.as_str(), location, given.unwrap_or_default()].concat();
        Ok(Self(ThinArc::from_header_and_slice(fixed, texts.as_bytes())))
    }

    /// Names the link.
    pub fn id(&self) -> LinkId {
        self.fixed().id
    }

    /// The user it belongs to.
    pub fn owner(&self) -> Option<UserId> {
        self.fixed().owner
    }

    /// Which state of the link this is.
    pub fn version(&self) -> i64 {
        self.fixed().version
    }

    /// When it was read, in the database's history.
    pub fn as_of(&self) -> AsOf {
        self.fixed().as_of
    }

    /// When it was read, and held to be good, in this process's time.
    pub(super) fn times(&self) -> Times {
        self.fixed().times
    }

    /// The same, held to be as good as anything that can be had at this moment.
    pub(super) fn checked(&self, checked_at: Moment) -> Self {
        self.with(Times {
            checked_at,
            ..self.times()
        })
    }

    /// The same, believed no more than what was read at this moment.
    pub(super) fn read_at(&self, read_at: Moment) -> Self {
        self.with(Times {
            read_at,
            ..self.times()
        })
    }

    fn with(&self, times: Times) -> Self {
        let fixed = Fixed {
            times,
            ..*self.fixed()
        };
        Self(ThinArc::from_header_and_slice(fixed, &self.0.slice))
    }

    /// Whether it redirects.
    pub fn is_active(&self) -> bool {
        self.fixed().is_active
    }

    /// The code that leads to it.
    pub fn short_code(&self) -> &[u8] {
        &self.0.slice[..usize::from(self.fixed().code_bytes)]
    }

    /// The target as it is sent: the value of a header.
    pub fn location(&self) -> &[u8] {
        self.targets().0
    }

    /// The target as it was given, UTF-8.
    pub fn original_url(&self) -> &[u8] {
        match self.targets() {
            (location, []) => location,
            (_, given) => given,
        }
    }

    /// How long its texts are together.
    pub(super) fn text_bytes(&self) -> usize {
        self.0.slice.len()
    }

    /// Has it brought near the processor, as far as a visit needs it, where it is not much longer than most.
    pub(super) fn prefetch(&self) {
        prefetch(self.fixed(), LINES);
    }

    fn fixed(&self) -> &Fixed {
        &self.0.header.header
    }

    fn targets(&self) -> (&[u8], &[u8]) {
        let targets = &self.0.slice[usize::from(self.fixed().code_bytes)..];
        targets.split_at(self.fixed().location_bytes as usize)
    }
}
