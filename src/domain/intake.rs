//! What others tell of incidents: a vendor's status page that is read, a monitoring system that calls, a job that gives a sign of life.
//!
//! Each format becomes a list of [`Report`]s ([`statuspage`], [`syndication`], [`mapped`], [`alertmanager`]); [`decide`] compares them with
//! what is followed already and says what is opened, said or closed, and why the rest isn't. [`heartbeat`] knows when a sign of life is
//! overdue. What others write is hostile until [`text`] has made a few plain lines of it.

pub mod alertmanager;
pub mod decide;
pub mod heartbeat;
pub mod mapped;
pub mod statuspage;
pub mod syndication;
#[cfg(test)]
mod tests;
pub mod text;

use std::collections::BTreeMap;
use std::fmt;

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};
use xxhash_rust::xxh3::xxh3_64;

use super::audit::Actor;
use super::ids::{FeedName, HeartbeatName, OutageId};
use super::outage::said::Said;
use super::outage::{Severity, State, TITLE_MAX};
use heartbeat::Beat;

/// No answer of a status page is larger: one that is hasn't incidents alone in it.
pub const LARGEST: usize = 2 << 20;
/// More entries than this are no list of incidents.
pub const MOST_ENTRIES: usize = 1_000;
/// The most characters of what a report says.
pub const SAID_MAX: usize = 2_000;
/// The most characters of what tells one report from another; of what is longer a digest is kept.
const KEY_MAX: usize = 120;

/// Who tells.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Teller {
    /// A vendor's status page.
    Feed(FeedName),
    /// The Alertmanager that calls.
    Alertmanager,
}

impl fmt::Display for Teller {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Teller::Feed(name) => write!(f, "feed {name}"),
            Teller::Alertmanager => f.write_str("alertmanager"),
        }
    }
}

impl Teller {
    /// As the author of what it brings about.
    pub fn actor(&self) -> Actor {
        Actor::Source(self.to_string().into())
    }

    /// What is said of what it doesn't list any more.
    fn unlisted(&self) -> Option<Said> {
        match self {
            Teller::Feed(name) => Some(Said::Unlisted { feed: name.to_string().into() }),
            Teller::Alertmanager => None,
        }
    }
}

/// One incident, as somebody tells it now. Everything in it is clean and short.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Report {
    /// What tells it from others of the same teller, for good ([`stable_key`]).
    pub key: Box<str>,
    /// One line; never empty.
    pub title: Box<str>,
    /// What was said last; may be empty.
    pub text: Box<str>,
    /// How bad it is; None: the teller doesn't say.
    pub severity: Option<Severity>,
    /// Where it stands.
    pub state: State,
    /// Whether it is no incident but something planned.
    pub planned: bool,
    /// The teller's own parts that are concerned.
    pub components: Vec<Box<str>>,
    /// When that was said; None: the teller doesn't say.
    pub at: Option<DateTime<Utc>>,
    /// Where more is said.
    pub link: Option<Box<str>>,
    /// Since when what it tells of lasts at the longest; None: the teller doesn't say.
    pub began: Option<DateTime<Utc>>,
    /// A digest of what it is about, when its words change though nothing new is said, as measured values do.
    pub about: Option<u64>,
}

impl Report {
    /// What there is to say.
    pub fn said(&self) -> &str {
        if self.text.is_empty() { &self.title } else { &self.text }
    }

    /// A digest of what makes another word of it.
    pub fn digest(&self) -> u64 {
        let severity = self.severity.map(|severity| severity.to_string()).unwrap_or_default();
        let about = self.about.map_or_else(|| self.said().to_owned(), |about| about.to_string());
        xxh3_64(format!("{}\0{severity}\0{about}", self.state).as_bytes())
    }
}

/// What a page lists.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Listed {
    /// What could be read.
    pub reports: Vec<Report>,
    /// What is there too, but of which no more than its identity could be read.
    pub unread: Vec<Box<str>>,
    /// How many entries there are of which not even that could be read.
    pub lost: usize,
}

impl Listed {
    /// What became of each entry.
    fn of(entries: impl IntoIterator<Item = Entry>) -> Listed {
        let mut listed = Listed::default();
        for entry in entries {
            match entry {
                Entry::Read(report) => listed.reports.push(*report),
                Entry::Unread(key) => listed.unread.push(key),
                Entry::Lost => listed.lost += 1,
            }
        }
        listed
    }
}

/// What became of an entry of a page.
enum Entry {
    /// It could be read.
    Read(Box<Report>),
    /// No more than its identity.
    Unread(Box<str>),
    /// Not even that.
    Lost,
}

/// What tells a report from others: as it is, or a digest of what is too long or has anything odd in it.
pub fn stable_key(id: &str) -> Box<str> {
    let id = id.trim();
    let odd = |c: char| c.is_control() || text::is_invisible(c);
    let plain = id.chars().count() <= KEY_MAX && !id.chars().any(odd);
    if plain { id.into() } else { format!("#{:016x}{:x}", xxh3_64(id.as_bytes()), id.len()).into() }
}

/// What the configuration says of a teller.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Policy {
    /// How bad what doesn't say so is.
    pub severity: Severity,
    /// What is less bad isn't opened.
    pub least: Severity,
    /// The teller's parts that count, each with the service here that they are; none: all count.
    pub components: Vec<Component>,
    /// The services that are concerned when no component says which.
    pub services: Vec<Box<str>>,
    /// The units that are concerned, by name.
    pub units: Vec<Box<str>>,
    /// What was said longer ago isn't opened.
    pub max_age: TimeDelta,
    /// What isn't told of any more for so long is closed.
    pub grace: TimeDelta,
    /// At most so many outages of this teller are open at a time.
    pub most: usize,
}

impl Default for Policy {
    fn default() -> Policy {
        Policy {
            severity: Severity::Major,
            least: Severity::Minor,
            components: Vec::new(),
            services: Vec::new(),
            units: Vec::new(),
            max_age: TimeDelta::days(1),
            grace: TimeDelta::minutes(30),
            most: 10,
        }
    }
}

/// A part of what a teller watches.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Component {
    /// What the teller calls it.
    pub name: Box<str>,
    /// The service here that doesn't work when it doesn't.
    pub service: Option<Box<str>>,
}

/// How far a report is followed.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Followed {
    /// Who tells.
    pub teller: Teller,
    /// Which report.
    pub key: Box<str>,
    /// The outage that it became; None: it was there before anybody looked.
    pub outage: Option<OutageId>,
    /// [`Report::digest`] of what was said of it last.
    pub said: u64,
    /// How bad the teller said it was.
    pub severity: Option<Severity>,
    /// Since when it isn't told of any more, without a failed look in between.
    pub missing: Option<DateTime<Utc>>,
    /// In how many looks since then it wasn't; more than are needed aren't counted.
    pub misses: u32,
    /// What was told of it, when and how often.
    pub pace: Pace,
    /// Why it isn't followed any more.
    pub over: Option<Over>,
}

/// What a teller made us say of a report, when and how often: who says something else at each look isn't repeated each time.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct Pace {
    /// Where the teller said last that it stands. What an operator says isn't taken back before the teller says something else.
    pub state: Option<State>,
    /// When something was last said of it.
    pub spoke: Option<DateTime<Utc>>,
    /// When an outage was last opened for it.
    pub opened: Option<DateTime<Utc>>,
    /// How many words of it were told since then.
    pub words: u32,
    /// How often it came back soon after its end.
    pub turns: u32,
}

/// Why a report isn't followed any more.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Over {
    /// The teller said that it is over.
    Told,
    /// The teller didn't speak of it any more.
    Gone,
    /// Somebody here closed the outage. It isn't opened again before it is over by the teller, too.
    ByHand,
    /// It was closed by hand, or was there before anybody looked, and then the teller didn't speak of it any more.
    Lapsed,
}

/// What was last read of a status page.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct TakenFeed {
    /// Which.
    pub name: FeedName,
    /// When what it says was first read so.
    pub taken: DateTime<Utc>,
    /// A digest of where it was read and how: when that differs, it isn't enough that the server says that nothing has changed.
    pub terms: u64,
    /// The server's `ETag` (RFC 9110 §8.8.3).
    pub etag: Option<Box<str>>,
    /// The server's `Last-Modified` (RFC 9110 §8.8.2), as it was sent.
    pub modified: Option<Box<str>>,
    /// How many entries it had.
    pub entries: u32,
}

/// All that is kept of what others tell.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Intake {
    /// What was last read of each status page.
    pub feeds: BTreeMap<FeedName, TakenFeed>,
    /// How far each report is followed.
    pub followed: BTreeMap<Teller, BTreeMap<Box<str>, Followed>>,
    /// The last sign of life of each job.
    pub beats: BTreeMap<HeartbeatName, Beat>,
}

/// What becomes different of it, all in one transaction. None takes away.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Changes {
    /// Of status pages.
    pub feeds: Vec<(FeedName, Option<TakenFeed>)>,
    /// Of reports.
    pub followed: Vec<(Teller, Box<str>, Option<Followed>)>,
    /// Of jobs.
    pub beats: Vec<(HeartbeatName, Option<Beat>)>,
}

impl Changes {
    /// One report is followed so far.
    pub fn following(followed: Followed) -> Changes {
        let (teller, key) = (followed.teller.clone(), followed.key.clone());
        Changes { followed: vec![(teller, key, Some(followed))], ..Changes::default() }
    }

    /// A job is doing so.
    pub fn beat(beat: Beat) -> Changes {
        Changes { beats: vec![(beat.name.clone(), Some(beat))], ..Changes::default() }
    }

    /// Whether nothing becomes different.
    pub fn is_empty(&self) -> bool {
        self.feeds.is_empty() && self.followed.is_empty() && self.beats.is_empty()
    }

    /// With the number of the outage that is opened.
    pub fn numbered(mut self, outage: OutageId) -> Changes {
        for followed in self.followed.iter_mut().filter_map(|(_, _, followed)| followed.as_mut()) {
            followed.outage = Some(outage);
        }
        for beat in self.beats.iter_mut().filter_map(|(_, beat)| beat.as_mut()) {
            beat.outage = Some(outage);
        }
        self
    }
}

impl Intake {
    /// Takes over what becomes different.
    pub fn apply(&mut self, changes: Changes) {
        let Changes { feeds, followed, beats } = changes;
        for (name, feed) in feeds {
            put(&mut self.feeds, name, feed);
        }
        for (teller, key, followed) in followed {
            put(self.followed.entry(teller.clone()).or_default(), key, followed);
            if self.followed.get(&teller).is_some_and(BTreeMap::is_empty) {
                self.followed.remove(&teller);
            }
        }
        for (name, beat) in beats {
            put(&mut self.beats, name, beat);
        }
    }

    /// Takes out a report by its address in the store, which is its teller and its key.
    pub fn lose(&mut self, address: &str) {
        let Some((teller, key)) = address.split_once('\0') else { return };
        if let Some(of) = self.followed.iter_mut().find(|(known, _)| known.to_string() == teller) {
            of.1.remove(key);
        }
        self.followed.retain(|_, of| !of.is_empty());
    }

    /// What is followed of one teller.
    pub fn of(&self, teller: &Teller) -> impl Iterator<Item = &Followed> {
        self.followed.get(teller).into_iter().flat_map(BTreeMap::values)
    }
}

fn put<K: Ord, V>(map: &mut BTreeMap<K, V>, key: K, value: Option<V>) {
    match value {
        Some(value) => drop(map.insert(key, value)),
        None => drop(map.remove(&key)),
    }
}

/// Why what was fetched isn't a list of incidents. Said after the name of the source.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum Unreadable {
    /// A page for people.
    #[error("it is a page for people (HTML), not {0}; look for the address of the status page's feed or API")]
    Html(&'static str),
    /// Something else.
    #[error("it is not {0}: {1}")]
    Other(&'static str, String),
    /// Too much.
    #[error(
        "it has {0} entries, and at most {MOST_ENTRIES} are looked at; take an address that lists only what is open"
    )]
    TooMany(usize),
    /// A mapping that finds nothing.
    #[error("{0}")]
    Mapping(String),
}

impl Unreadable {
    /// It is something else; what a parser says of that may quote all of it.
    fn other(what: &'static str, problem: impl fmt::Display) -> Unreadable {
        Unreadable::Other(what, text::one_line(&problem.to_string(), TITLE_MAX))
    }
}

/// Whether this begins like a page for people.
fn is_html(bytes: &[u8]) -> bool {
    let start = bytes.get(..bytes.len().min(512)).unwrap_or_default();
    let start = String::from_utf8_lossy(start).to_lowercase();
    let start = start.trim_start_matches('\u{feff}').trim_start();
    start.starts_with("<!doctype html") || start.starts_with("<html")
}
