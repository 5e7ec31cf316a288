//! Being told by a domain controller that something changes ([MS-ADTS] 3.1.1.3.4.1.9).
//!
//! A search that never ends gives every object that changes, as it is now. What changed of it isn't told, a controller that is busy may tell
//! late or not at all, and an account is told only of what it may see: so it is a hint that a run should look, no more.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use futures_util::future::select_all;
use ldap3::Scope;
use ldap3::controls::RawControl;
use tokio::sync::Notify;

use super::Ldap;
use super::active_directory::controller::SHOW_DELETED;
use super::active_directory::{GROUPS, UNITS, USERS};
use super::session::{RootDse, Search, Session};
use crate::domain::dn::Dn;
use crate::domain::entry::Entry;
use crate::domain::run::{Cursor, Position};
use crate::source::{Answer, Ask, SourceError};

const NOTIFICATION: &str = "1.2.840.113556.1.4.528";
const NUMBER: &str = "uSNChanged";
/// What changes all the time and is neither a user, a unit or a group nor above any, as far as the usual filters go. Everything else counts.
const NOISE: [&str; 8] = [
    "computer",
    "dnsNode",
    "msFVE-RecoveryInformation",
    "printQueue",
    "rIDManager",
    "rIDSet",
    "secret",
    "serviceConnectionPoint",
];

/// What is heard of a server.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Heard {
    /// It has been asked, and will tell.
    Listening,
    /// Something has changed, or may have since it was read last.
    Change,
}

/// Why nothing more is heard.
#[derive(Debug)]
pub enum WatchEnded {
    /// The server doesn't offer it: there is no use in asking it again. A full sentence without its end.
    NotOffered(String),
    /// The connection couldn't be made, or has broken.
    Broken(SourceError),
}

/// A connection of which a naming context's changes are asked.
struct Ear<'a> {
    session: Session<'a>,
    context: String,
}

impl Ldap {
    /// Listens to the server that was read last, until that can't go on.
    pub(in crate::source) async fn watch(
        &self,
        ask: &Ask<'_>,
        heard: &(dyn Fn(Heard) + Send + Sync),
    ) -> WatchEnded {
        let Some(cursor) = ask.cursor else {
            return WatchEnded::NotOffered("nothing was read yet".to_owned());
        };
        let (ears, root) = match self.ears(ask, cursor).await {
            Ok(ears) => ears,
            Err(error) => return WatchEnded::Broken(error),
        };
        if ears.is_empty() {
            return WatchEnded::NotOffered(format!("{} doesn't show its naming contexts", cursor.server));
        }
        let news = Arc::new(News {
            seen: AtomicU64::new(root.highest_usn.unwrap_or(0)),
            all_kinds: (&*self.user_filter, &*self.unit_filter, &*self.group_filter)
                != (USERS, UNITS, GROUPS),
            heard: Notify::new(),
        });
        heard(Heard::Listening);
        if root.highest_usn.is_none_or(|highest| Some(highest) != highest_of(&cursor.position)) {
            heard(Heard::Change);
        }
        let mut ended = select_all(ears.into_iter().map(|ear| Box::pin(ear.listen(Arc::clone(&news)))));
        loop {
            tokio::select! {
                (ended, ..) = &mut ended => return ended,
                // However many come meanwhile: one is told.
                () = news.heard.notified() => heard(Heard::Change),
            }
        }
    }

    /// Connections to the server that was read last, signed in: one for each naming context, of which there is seldom more than one.
    async fn ears(&self, ask: &Ask<'_>, cursor: &Cursor) -> Result<(Vec<Ear<'_>>, RootDse), SourceError> {
        self.check()?;
        let credentials = self.sign_in.load()?;
        self.refusals.may_try(ask, &credentials)?;
        let tls = self.tls()?;
        let candidates = self.candidates(ask).await?;
        let server = candidates.into_iter().find(|server| *server.to_string() == *cursor.server);
        let gone = || SourceError::Settings(format!("{} isn't one of its servers any more", cursor.server));
        let server = server.ok_or_else(gone)?;
        let open = async || {
            let mut session = Session::open(self, &server, &tls).await?;
            session.bind_unless_refused(ask).await?;
            Ok::<_, SourceError>(session)
        };
        let mut session = open().await?;
        let root = session.root_dse().await?;
        let mut contexts = self.contexts(&root).into_iter();
        let mut ears = Vec::new();
        ears.extend(contexts.next().map(|context| Ear { session, context }));
        for context in contexts {
            ears.push(Ear { session: open().await?, context });
        }
        Ok((ears, root))
    }

    /// The naming contexts of the bases, each once: only a whole one can be listened to.
    pub(super) fn contexts(&self, root: &RootDse) -> Vec<String> {
        let bases = self.bases.iter().filter_map(|base| base.parse::<Dn>().ok());
        let mut contexts: Vec<String> =
            bases.filter_map(|base| root.context_of(&base)).map(str::to_owned).collect();
        contexts.sort_unstable();
        contexts.dedup();
        contexts
    }
}

impl Ear<'_> {
    async fn listen(mut self, news: Arc<News>) -> WatchEnded {
        let control = |oid: &str, crit| RawControl { ctype: oid.to_owned(), crit, val: None };
        // What is deleted is told, too, where the account may see it.
        let controls = vec![control(NOTIFICATION, true), control(SHOW_DELETED, false)];
        let search = Search {
            base: &self.context,
            scope: Scope::Subtree,
            filter: "(objectClass=*)",
            attributes: vec![NUMBER, "objectClass"],
        };
        let listener = Box::new(move |entry: &Entry| news.take(entry));
        let server = self.session.server().to_owned();
        match self.session.be_told(&search, controls, listener).await {
            Ok(answer) => ended(server, answer),
            // An unknown control that can't be left out is answered so by Samba.
            Err(SourceError::Refused { answer, .. }) => ended(server, answer),
            Err(error) => WatchEnded::Broken(error),
        }
    }
}

/// What the end of a search means that should have none.
fn ended(server: String, answer: Answer) -> WatchEnded {
    match answer.code {
        // Time, size or administrative limit; busy, unavailable, other: it may go on later.
        3 | 4 | 11 | 51 | 52 | 80 => {
            WatchEnded::Broken(SourceError::Refused { server, doing: "tell of changes".to_owned(), answer })
        }
        _ => WatchEnded::NotOffered(format!("{server} doesn't tell of changes: {answer}")),
    }
}

fn highest_of(position: &Position) -> Option<u64> {
    match position {
        Position::Usn(at) | Position::DirSync { at, .. } => Some(at.highest),
        Position::None | Position::ContentSync { .. } | Position::ModifyTimestamp { .. } => None,
    }
}

/// Which of what is told is news.
struct News {
    /// The highest number of a change that was told. What changes without a new number isn't replicated and of no concern: the time of the
    /// last sign-in, ours too.
    seen: AtomicU64,
    /// Nothing is known to be of no concern, since the filters aren't the usual ones.
    all_kinds: bool,
    heard: Notify,
}

impl News {
    fn take(&self, entry: &Entry) {
        if self.is_news(entry) {
            self.heard.notify_one();
        }
    }

    fn is_news(&self, entry: &Entry) -> bool {
        let number = entry.first(NUMBER).and_then(|value| str::from_utf8(value).ok()?.parse::<u64>().ok());
        if number.is_some_and(|number| self.seen.fetch_max(number, Ordering::Relaxed) >= number) {
            return false;
        }
        let is_noise = |class: &[u8]| NOISE.iter().any(|noise| class.eq_ignore_ascii_case(noise.as_bytes()));
        self.all_kinds || !entry.values("objectClass").any(is_noise)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(number: Option<&str>, classes: &[&str]) -> Entry {
        let mut entry = Entry::new("CN=x");
        entry.add(NUMBER, number.map(str::as_bytes)).unwrap();
        entry.add("objectClass", classes.iter().map(|class| class.as_bytes())).unwrap();
        entry
    }

    fn news(all_kinds: bool) -> News {
        News { seen: AtomicU64::new(100), all_kinds, heard: Notify::new() }
    }

    #[test]
    fn what_has_no_new_number_is_no_news() {
        let (news, user) = (news(false), ["top", "person", "organizationalPerson", "user"]);
        for (number, is_news) in [
            (Some("100"), false),
            (Some("101"), true),
            (Some("101"), false),
            (Some("99"), false),
            (Some("102"), true),
            (None, true),
            (Some("many"), true),
        ] {
            assert_eq!(news.is_news(&told(number, &user)), is_news, "{number:?}");
        }
    }

    #[test]
    fn computers_are_no_news_where_they_can_be_no_users() {
        let computer = ["top", "person", "organizationalPerson", "user", "Computer"];
        for (all_kinds, classes, is_news) in [
            (false, &computer[..], false),
            (true, &computer[..], true),
            (false, &computer[..4], true),
            (false, &["top", "group"], true),
            (false, &["top", "organizationalUnit"], true),
            (false, &["top", "container"], true),
            (false, &["top", "dnsNode"], false),
            (false, &[], true),
        ] {
            assert_eq!(news(all_kinds).is_news(&told(Some("101"), classes)), is_news, "{classes:?}");
        }
    }

    #[test]
    fn an_end_is_for_good_or_for_a_while() {
        for (code, for_good) in [
            (0, true),
            (1, true),
            (2, true),
            (12, true),
            (50, true),
            (53, true),
            (3, false),
            (4, false),
            (11, false),
            (51, false),
            (52, false),
            (80, false),
        ] {
            let ended = ended("ldaps://dc1".to_owned(), Answer::new(code, "", ""));
            assert_eq!(matches!(ended, WatchEnded::NotOffered(_)), for_good, "{code}: {ended:?}");
        }
    }
}
