//! Pages of lists: where one starts, how many rows it has, whether more follow.

/// Rows on a page when the client does not say.
pub const PER_PAGE_DEFAULT: u32 = 1_000;
/// The most rows on a page.
pub const PER_PAGE_MAX: u32 = 1_000;

/// Where a page starts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Start {
    /// After the row with this id: costs the same at any depth.
    After(i64),
    /// After this many rows, which must be counted off.
    Offset(i64),
}

/// Which part of a list is wanted; lists are ordered by id.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PageRequest {
    start: Start,
    per_page: u32,
}

/// Why a page cannot be given.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidPage {
    /// `page` is zero or negative, or so large that no list has it.
    #[error("page must be a positive integer")]
    Page,
    /// `per_page` is zero, negative or over [`PER_PAGE_MAX`].
    #[error("per_page must be between 1 and 1000")]
    PerPage,
    /// `after` is negative.
    #[error("after must be an id")]
    After,
    /// `after` and `page` exclude each other.
    #[error("after and page cannot be combined")]
    Both,
}

impl InvalidPage {
    /// The name of the number that is wrong.
    pub fn parameter(self) -> &'static str {
        match self {
            Self::Page | Self::Both => "page",
            Self::PerPage => "per_page",
            Self::After => "after",
        }
    }
}

impl PageRequest {
    /// The part of a list that a client asks for; `page` counts from 1, `after` is the last id seen.
    ///
    /// # Errors
    /// [`InvalidPage`] for numbers that name no page.
    pub fn new(page: Option<i64>, after: Option<i64>, per_page: Option<i64>) -> Result<Self, InvalidPage> {
        let per_page = per_page
            .map_or(Ok(PER_PAGE_DEFAULT), u32::try_from)
            .map_err(|_| InvalidPage::PerPage)?;
        if !(1..=PER_PAGE_MAX).contains(&per_page) {
            return Err(InvalidPage::PerPage);
        }
        let start = match (page, after) {
            (Some(_), Some(_)) => return Err(InvalidPage::Both),
            (None, Some(after)) if after < 0 => return Err(InvalidPage::After),
            (None, Some(after)) => Start::After(after),
            (page, None) => Start::Offset(offset(page.unwrap_or(1), per_page).ok_or(InvalidPage::Page)?),
        };
        Ok(Self { start, per_page })
    }

    /// The first `per_page` rows after the row with id `after`; 0 is before every row.
    pub fn after(after: i64, per_page: u32) -> Self {
        Self {
            start: Start::After(after),
            per_page,
        }
    }

    /// Where the page starts.
    pub fn start(&self) -> Start {
        self.start
    }

    /// How many rows it has at most.
    pub fn per_page(&self) -> u32 {
        self.per_page
    }
}

fn offset(page: i64, per_page: u32) -> Option<i64> {
    page.checked_sub(1)
        .filter(|before| *before >= 0)?
        .checked_mul(i64::from(per_page))
}

/// A part of a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page<T> {
    /// The rows, ordered by id.
    pub rows: Vec<T>,
    /// Whether the list goes on after them.
    pub has_more: bool,
}

impl<T> Page<T> {
    /// A page out of the rows of a query that asked for one row more than `request` wants.
    pub fn from_rows(mut rows: Vec<T>, request: &PageRequest) -> Self {
        let per_page = usize::try_from(request.per_page).unwrap_or(usize::MAX);
        let has_more = rows.len() > per_page;
        rows.truncate(per_page);
        Self { rows, has_more }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_start_where_the_numbers_say() {
        for (page, after, per_page, start, rows) in [
            (None, None, None, Start::Offset(0), 1000),
            (Some(1), None, Some(10), Start::Offset(0), 10),
            (Some(3), None, Some(10), Start::Offset(20), 10),
            (None, Some(77), Some(1000), Start::After(77), 1000),
            (None, Some(0), None, Start::After(0), 1000),
        ] {
            let request = PageRequest::new(page, after, per_page).expect("valid");
            assert_eq!((request.start(), request.per_page()), (start, rows));
        }
    }

    #[test]
    fn numbers_that_name_no_page_are_refused() {
        for (page, after, per_page, reason) in [
            (Some(0), None, None, InvalidPage::Page),
            (Some(-1), None, None, InvalidPage::Page),
            (Some(i64::MAX), None, None, InvalidPage::Page),
            (None, None, Some(0), InvalidPage::PerPage),
            (None, None, Some(-5), InvalidPage::PerPage),
            (None, None, Some(1001), InvalidPage::PerPage),
            (None, None, Some(i64::MAX), InvalidPage::PerPage),
            (None, Some(-1), None, InvalidPage::After),
            (Some(1), Some(1), None, InvalidPage::Both),
        ] {
            assert_eq!(PageRequest::new(page, after, per_page), Err(reason));
        }
    }

    #[test]
    fn one_row_too_many_means_that_more_follow() {
        let request = PageRequest::after(0, 2);
        assert_eq!(
            Page::from_rows(vec![1, 2, 3], &request),
            Page {
                rows: vec![1, 2],
                has_more: true
            }
        );
        assert_eq!(
            Page::from_rows(vec![1, 2], &request),
            Page {
                rows: vec![1, 2],
                has_more: false
            }
        );
    }
}
