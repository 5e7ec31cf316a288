//! A whole read over several connections to the same controller, each of which reads one range of its numbers after the other.
//!
//! A controller that came into the domain late has most objects in a narrow range, so a range that turns out to be full while others have
//! nothing to do is given up after its first pages and cut again; what was read of it comes again and counts once.
//!
//! An object whose number the account may not see is in no range, not even among those that have none (MS-ADTS 3.1.1.3.1.3.1: such a clause
//! is neither true nor false). So the first time the identities of all objects are asked for besides, in one search that tells nothing
//! else, and what no range gave is fetched by its identity. Once that has shown that the ranges give everything, later reads
//! don't ask. In any case those are looked up by identity who would be lost, before anybody is.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use ldap3::Scope;
use tokio::sync::Notify;

use super::Domain;
use super::controller::Controller;
use super::pace::{MOST, Pace};
use super::queue::{Job, Next, PIECES, Shared, State, What, identity};
use super::ranges::Range;
use crate::domain::decode::Decoder;
use crate::domain::entry::Entry;
use crate::domain::ids::DirectoryName;
use crate::domain::shape::as_read;
use crate::source::ldap::Ldap;
use crate::source::ldap::pages::{Advance, Page};
use crate::source::ldap::place::Base;
use crate::source::ldap::session::{Door, Search, Session};
use crate::source::ldap::whole::MANY;
use crate::source::{Ask, SourceError, Tell};

/// After so many pages it is clear whether ranges pay.
const LOOK: usize = 2;
/// So many pages of known objects are much.
const LARGE: usize = 10;
/// A controller whose numbers haven't come so far for each entry of a page holds too little, unless a number of connections is set.
const WORTHWHILE: u64 = 10;

impl Ldap {
    /// Reads everything below the bases, over several connections if that pays.
    pub(super) async fn read_below(
        &self,
        session: &mut Session<'_>,
        domain: &Domain<'_>,
        directory: &DirectoryName,
        ask: &Ask<'_>,
        decoder: &mut Decoder<'_>,
        tell: Tell<'_>,
    ) -> Result<(), SourceError> {
        let bases = domain.place.texts();
        let set = self.connections.map(usize::from);
        let page_size = u64::from(self.page_size);
        let highest = domain.controller.at().map_or(0, |at| at.highest);
        let worthwhile = set.is_some() || highest >= WORTHWHILE * LOOK as u64 * page_size;
        if set == Some(1) || highest < 2 * page_size || !worthwhile {
            return self.read_in_one_go(session, &bases, directory, ask, decoder, tell).await;
        }
        let shared = Shared {
            decoder: Mutex::new(decoder),
            state: Mutex::new(State { open: 1, highest, pace: Some(Pace::new(set)), ..State::default() }),
            changed: Notify::new(),
            member: &self.mapping.member,
            tell,
        };
        // Where it is known that there is much, no look is needed: the server finds everything before it gives a first page.
        let known = as_read(ask.known, &self.mapping.units).identities(directory);
        let mut large: Vec<usize> = (0..domain.place.bases.len()).collect();
        if known.len() < LARGE * self.page_size as usize {
            large.clear();
            for (n, base) in domain.place.bases.iter().enumerate() {
                if !self.look_at(session, base, &shared).await? {
                    large.push(n);
                }
            }
        }
        if large.is_empty() {
            let Shared { decoder, state, .. } = shared;
            let decoder = decoder.into_inner().unwrap_or_else(PoisonError::into_inner);
            let State { read, .. } = state.into_inner().unwrap_or_else(PoisonError::into_inner);
            return self.read_missing(session, &bases, directory, ask, &read, decoder, tell).await;
        }
        let proven = self.experience.ranges_give_all(session.server(), self.scope());
        let most = set.unwrap_or(MOST) as u64;
        let pieces = (most * PIECES).min(highest / page_size).max(2);
        {
            let mut state = shared.state();
            for base in &large {
                let job = |what| Job { base: *base, what };
                if !proven {
                    state.waiting.push_back(job(What::Identities));
                    state.waiting.push_back(job(What::Unnumbered));
                }
                let ranges = Range::ALL.cut(pieces, highest);
                state.waiting.extend(ranges.into_iter().map(|range| job(What::Range(range))));
            }
        }
        self.read_all_jobs(session, domain, &shared).await?;
        let Shared { decoder, state, .. } = shared;
        let decoder = decoder.into_inner().unwrap_or_else(PoisonError::into_inner);
        let State { read, mut there, .. } = state.into_inner().unwrap_or_else(PoisonError::into_inner);
        there.extend(known);
        there.retain(|id| !read.contains(id));
        there.sort_unstable();
        there.dedup();
        drop(read);
        let there = self.who_is_there(session, &bases, there).await?;
        let missed = match there.len() {
            many if many > MANY => many,
            _ => self.read_these(session, &bases, &there, decoder, tell).await?,
        };
        self.experience.note_ranges(session.server(), self.scope(), missed == 0);
        if proven && missed > 0 {
            tracing::warn!(
                server = session.server(),
                missed,
                "objects don't show their uSNCreated any more: everything is read in one go"
            );
        }
        if missed > MANY || (proven && missed > 0) {
            self.read_in_one_go(session, &bases, directory, ask, decoder, tell).await?;
        }
        Ok(())
    }

    /// Reads a base in one go, unless it turns out to be large: then false, and the first pages are read.
    async fn look_at(
        &self,
        session: &mut Session<'_>,
        base: &Base<'_>,
        shared: &Shared<'_, '_>,
    ) -> Result<bool, SourceError> {
        let filter = self.filter();
        let mut attributes = self.mapping.attributes();
        attributes.push("uSNCreated");
        let search = Search { base: base.text, scope: Scope::Subtree, filter: &filter, attributes };
        // Most objects that don't show their number are no objects to look for by it.
        let enough = |page: &Page, pages: usize| {
            pages == LOOK && page.entries.iter().all(|entry| entry.first("uSNCreated").is_some())
        };
        Ok(self.read_search(session, &search, shared, enough).await?.to_the_end)
    }

    /// Does everything that waits, on as many connections as go well.
    async fn read_all_jobs(
        &self,
        session: &mut Session<'_>,
        domain: &Domain<'_>,
        shared: &Shared<'_, '_>,
    ) -> Result<(), SourceError> {
        let door = session.door();
        loop {
            let mut readers = FuturesUnordered::new();
            readers.push(futures_util::future::Either::Left(self.read_jobs(&mut *session, domain, shared)));
            loop {
                let changed = shared.changed.notified();
                if shared.opens_one() {
                    readers
                        .push(futures_util::future::Either::Right(self.read_beside(&door, domain, shared)));
                }
                tokio::select! {
                    ended = readers.next() => match ended {
                        Some(ended) => ended?,
                        None => break,
                    },
                    () = changed => {}
                }
            }
            drop(readers);
            let mut state = shared.state();
            if state.waiting.is_empty() {
                return Ok(());
            }
            // The last other connection ended before it could take what this one had put back.
            state.open = 1;
        }
    }

    /// Does what waits over a connection of its own, if one can be had.
    async fn read_beside(
        &self,
        door: &Door<'_>,
        domain: &Domain<'_>,
        shared: &Shared<'_, '_>,
    ) -> Result<(), SourceError> {
        let opened = async {
            let mut session = door.open().await?;
            let same = Controller::find(&mut session).await?.is_some_and(|it| it.is(&domain.controller));
            Ok::<_, SourceError>((session, same))
        };
        let mut session = match opened.await {
            Ok((session, true)) => session,
            Ok((_, false)) => {
                tracing::info!(
                    "another controller answers at the same address: the read goes on over fewer connections"
                );
                shared.opened(false);
                return Ok(());
            }
            Err(error) => {
                tracing::info!(%error, "one more connection was not to be had: the read goes on over fewer");
                shared.opened(false);
                return Ok(());
            }
        };
        shared.opened(true);
        self.read_jobs(&mut session, domain, shared).await?;
        session.close().await;
        Ok(())
    }

    /// Does what waits, one after the other, until nothing is left, or fewer connections will do.
    async fn read_jobs(
        &self,
        session: &mut Session<'_>,
        domain: &Domain<'_>,
        shared: &Shared<'_, '_>,
    ) -> Result<(), SourceError> {
        loop {
            let changed = shared.changed.notified();
            match shared.next() {
                Next::Do(job) => match self.read_job(session, domain, job, shared).await {
                    Ok(()) => shared.done(),
                    Err(SourceError::Refused { answer, .. }) if answer.code == 51 && shared.put_back(job) => {
                        tracing::info!(server = session.server(), %answer, "the server is busy: it is read over fewer connections");
                        return Ok(());
                    }
                    Err(error) => return Err(error),
                },
                Next::Wait => {
                    shared.state().idle += 1;
                    changed.await;
                    shared.state().idle -= 1;
                }
                Next::End => return Ok(()),
            }
        }
    }

    async fn read_job(
        &self,
        session: &mut Session<'_>,
        domain: &Domain<'_>,
        job: Job,
        shared: &Shared<'_, '_>,
    ) -> Result<(), SourceError> {
        let Some(base) = domain.place.bases.get(job.base) else {
            return Ok(());
        };
        let filter = match job.what {
            What::Range(range) => range.filter(&self.filter()),
            What::Unnumbered => format!("(&{}(!(uSNCreated=*)))", self.filter()),
            What::Identities => self.filter(),
        };
        let attributes = match job.what {
            What::Identities => vec!["1.1"],
            _ => self.mapping.attributes(),
        };
        let search = Search { base: base.text, scope: Scope::Subtree, filter: &filter, attributes };
        if job.what == What::Identities {
            let there =
                |entries: Vec<Entry>| shared.state().there.extend(entries.iter().filter_map(identity));
            session.pages(&search, there).await?;
            return Ok(());
        }
        let page_size = u64::from(self.page_size);
        let enough = |_: &Page, pages: usize| shared.gives_up(job, pages, page_size);
        let (searched, took) = timed(self.read_search(session, &search, shared, enough)).await;
        let entries = searched?.entries;
        // A range in which there is next to nothing tells nothing of how fast the others are given.
        if matches!(job.what, What::Range(_)) && entries >= self.page_size as usize / 4 {
            shared.answered(entries, took);
        }
        Ok(())
    }

    /// Reads page by page until the end, or until a page was `enough`.
    async fn read_search(
        &self,
        session: &mut Session<'_>,
        search: &Search<'_>,
        shared: &Shared<'_, '_>,
        mut enough: impl FnMut(&Page, usize) -> bool,
    ) -> Result<Searched, SourceError> {
        let (mut cut, mut advance) = (Vec::new(), Advance::default());
        let mut entries = 0;
        let mut page = session.page(search, Vec::new()).await;
        for pages in 1.. {
            let mut this = page?;
            entries += this.entries.len();
            if pages > 1 {
                advance.judge(&this).map_err(|reason| session.incomplete(search.base, reason))?;
            }
            advance.note(&this);
            let cookie = std::mem::take(&mut this.cookie);
            if cookie.is_empty() {
                shared.take(this.entries, &mut cut);
                break;
            }
            if enough(&this, pages) {
                shared.take(this.entries, &mut cut);
                // What is cut comes again.
                return Ok(Searched { to_the_end: false, entries });
            }
            // The server makes the next page while this one is taken.
            (page, ()) = tokio::join!(session.page(search, cookie), async {
                shared.take(this.entries, &mut cut);
            });
        }
        for mut entry in cut {
            self.complete(session, &mut entry).await?;
            shared.state().read.extend(identity(&entry));
            shared.decode(|decoder| decoder.push(&entry));
        }
        Ok(Searched { to_the_end: true, entries })
    }
}

/// What came of reading page by page.
struct Searched {
    /// Else the rest wasn't asked for.
    to_the_end: bool,
    entries: usize,
}

/// What comes of it, and how long that took.
async fn timed<T>(doing: impl Future<Output = T>) -> (T, Duration) {
    // The time now, by the timer that the time limits go by.
    let began = tokio::time::sleep(Duration::ZERO).deadline();
    let done = doing.await;
    (done, began.elapsed())
}
