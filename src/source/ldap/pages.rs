//! Searches page by page (RFC 2696), and whether that leads anywhere.

use ldap3::controls::{MakeCritical, PagedResults, RawControl};

use super::ber::Reader;
use super::screen::Finds;
use super::session::{Search, Session};
use crate::domain::entry::Entry;
use crate::source::SourceError;

pub(super) const PAGED_RESULTS: &str = "1.2.840.113556.1.4.319";
/// More empty pages in a row than this lead nowhere.
const MAX_EMPTY_PAGES: u32 = 1000;

/// One page of a search.
pub(super) struct Page {
    pub entries: Vec<Entry>,
    /// How many references to other servers came with it. They are never followed.
    pub references: usize,
    /// How many entries the server believes there are in all, 0 when it doesn't say.
    pub estimate: u32,
    /// What to ask the next page with; empty after the last one.
    pub cookie: Vec<u8>,
}

impl Page {
    /// Tells two pages apart.
    fn mark(&self) -> (Vec<u8>, Option<String>) {
        (self.cookie.clone(), self.entries.first().map(|entry| entry.dn.clone()))
    }
}

/// Whether page after page leads anywhere.
#[derive(Default)]
pub(super) struct Advance {
    last: (Vec<u8>, Option<String>),
    empty: u32,
}

impl Advance {
    /// Takes note of a page, before the next one is asked for.
    pub(super) fn note(&mut self, page: &Page) {
        self.last = page.mark();
    }

    /// Judges the next one. The cookie may stay the same (Samba's does), and a page may be empty (RFC 2696 §3), but not for ever.
    pub(super) fn judge(&mut self, page: &Page) -> Result<(), &'static str> {
        self.empty = if page.entries.is_empty() { self.empty + 1 } else { 0 };
        if self.empty > MAX_EMPTY_PAGES || (self.empty == 0 && page.mark() == self.last) {
            return Err("the server gives the same page again and again");
        }
        Ok(())
    }
}

impl Session<'_> {
    /// One page, `cookie` being empty for the first.
    pub(super) async fn page(&mut self, search: &Search<'_>, cookie: Vec<u8>) -> Result<Page, SourceError> {
        self.page_with(search, &[], cookie).await
    }

    async fn page_with(
        &mut self,
        search: &Search<'_>,
        controls: &[RawControl],
        cookie: Vec<u8>,
    ) -> Result<Page, SourceError> {
        if !self.pages {
            let (Finds { entries, references, .. }, result) = self.run(search, controls.to_vec()).await?;
            self.judge(search, &result)?;
            return Ok(Page { entries, references, estimate: 0, cookie: Vec::new() });
        }
        let size = i32::from(self.settings.page_size);
        let paged = PagedResults { size, cookie }.critical();
        let controls = std::iter::once(paged.into()).chain(controls.iter().cloned()).collect();
        let (Finds { entries, references, .. }, result) = self.run(search, controls).await?;
        self.judge(search, &result)?;
        let control = result.ctrls.iter().find(|control| control.1.ctype == PAGED_RESULTS);
        let (estimate, cookie) =
            control.and_then(|control| paging(control.1.val.as_deref()?)).ok_or_else(|| {
                self.incomplete(
                    search.base,
                    "a page of it came without the mark that tells whether there are more",
                )
            })?;
        Ok(Page { entries, references, estimate, cookie })
    }

    /// All pages, each handed to `take`. Returns how many references came with them.
    pub(super) async fn pages(
        &mut self,
        search: &Search<'_>,
        take: impl FnMut(Vec<Entry>),
    ) -> Result<usize, SourceError> {
        self.pages_with(search, &[], take).await
    }

    /// All pages of a search with these controls besides.
    pub(super) async fn pages_with(
        &mut self,
        search: &Search<'_>,
        controls: &[RawControl],
        mut take: impl FnMut(Vec<Entry>),
    ) -> Result<usize, SourceError> {
        let mut page = self.page_with(search, controls, Vec::new()).await?;
        let (mut references, mut progress) = (page.references, Advance::default());
        while !page.cookie.is_empty() {
            progress.note(&page);
            let cookie = std::mem::take(&mut page.cookie);
            // The server makes the next page while this one is taken.
            let (next, ()) =
                tokio::join!(self.page_with(search, controls, cookie), async { take(page.entries) });
            page = next?;
            references += page.references;
            progress.judge(&page).map_err(|reason| self.incomplete(search.base, reason))?;
        }
        take(page.entries);
        Ok(references)
    }

    /// All that a search finds; None when that is more than `most`, and then the rest isn't asked for.
    pub(super) async fn up_to(
        &mut self,
        search: &Search<'_>,
        most: usize,
    ) -> Result<Option<Vec<Entry>>, SourceError> {
        let (mut found, mut advance) = (Vec::new(), Advance::default());
        let mut cookie = Vec::new();
        loop {
            let mut page = self.page(search, cookie).await?;
            advance.judge(&page).map_err(|reason| self.incomplete(search.base, reason))?;
            advance.note(&page);
            found.append(&mut page.entries);
            cookie = page.cookie;
            if found.len() > most {
                return Ok(None);
            }
            if cookie.is_empty() {
                return Ok(Some(found));
            }
        }
    }
}

/// Estimate and cookie of the server's paging control (RFC 2696 §2).
fn paging(value: &[u8]) -> Option<(u32, Vec<u8>)> {
    let mut parts = Reader(value).next()?.inside()?;
    let estimate = parts.next()?.bytes()?;
    let estimate = estimate.iter().fold(0_u32, |number, byte| number.wrapping_shl(8) | u32::from(*byte));
    Some((estimate, parts.next()?.bytes()?.to_vec()))
}
