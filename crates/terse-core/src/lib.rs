//! The domain of terse, pure: what a link, a code, a target, a click is, and which inputs are none.
//!
//! Nothing here knows of tokio, SQL, HTTP or the environment; time and chance come in through [`Clock`]
//! and [`Random`]. Input becomes one of these types once, at the edge, and is never checked again.
//!
//! # Glossary
//!
//! The same words are used in Rust, SQL, JSON, logs and texts.
//!
//! | term | is |
//! |---|---|
//! | **link** | a short code that leads to a target; belongs to a user or to nobody |
//! | **short code** | the path segment that names a link; case-sensitive, never reused while the link exists |
//! | **target** | where a link leads; `original_url` as it was given, `location` as it is sent |
//! | **active**, **deactivated** | a deactivated link answers 410 and keeps its code |
//! | **redirect** | the answer to a visit of an active link |
//! | **click** | a redirect that was answered to a GET; becomes an event of type `click` |
//! | **event** | an entry of the append-only log of what happened to links |
//! | **owner** | the user a link belongs to |
//! | **journal** | the append-only files that hold clicks until they are shipped |
//! | **lane**, **segment** | a journal has a lane per writing thread, a lane is a row of segment files |
//! | **ship** | move clicks from the journal into the store, exactly once |
//! | **position** | how far a lane has been shipped: segment and byte offset |
//! | **total** | the number of counted clicks of a link; with those of the tail its `click_count` |
//! | **version** | grows with each change of a link; decides which of two copies is newer, and says what a click visited |
//! | **block** | up to 1,024 clicks with consecutive event ids, packed into one value |
//! | **posting**, **run** | whose click an event is; the sorted postings of consecutive blocks |
//! | **tail** | the newest blocks, which are in no run and no total yet |
//! | **fold** | bring the tail into the runs and the totals |

mod clock;
mod code_length;
mod email;
mod event;
#[cfg(any(test, feature = "fuzzing"))]
#[doc(hidden)]
pub mod fuzzing;
mod id;
mod link;
mod page;
mod random;
mod short_code;
mod target_url;
mod text;
mod timestamp;
mod user;

pub use clock::{Clock, ManualClock, SystemClock};
pub use code_length::{CODE_LENGTH_MIN, code_length_for};
pub use email::{EMAIL_BYTES_MAX, Email, InvalidEmail};
pub use event::{
    BotReason, Click, DETAILS_BYTES_MAX, Details, EVENT_TYPE_CHARS_MAX, Event, EventFilter, EventType,
    InvalidDetails, InvalidEventType, NewEvent, REFERRER_BYTES_MAX, TextIndex, USER_AGENT_BYTES_MAX,
};
pub use id::{EventId, InvalidId, LinkId, UserId};
pub use link::{Link, LinkChange, LinkFilter, NewLink, Owner};
pub use page::{InvalidPage, PER_PAGE_DEFAULT, PER_PAGE_MAX, Page, PageRequest, Start};
pub use random::{OsSeeded, Random, Seeded};
pub use short_code::{CODE_CHARS_MAX, InvalidShortCode, RESERVED_SEGMENTS, ShortCode, is_reserved_segment};
pub use target_url::{InvalidTarget, TARGET_BYTES_MAX, TargetUrl};
pub use text::{
    InvalidText, SEARCH_CHARS_MAX, SearchText, TITLE_CHARS_MAX, Title, USERNAME_CHARS_MAX, Username,
};
pub use timestamp::{InvalidTimestamp, Timestamp};
pub use user::{NewUser, User, UserChange};
