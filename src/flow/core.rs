//! What all flows share: the store, an immutable view of what it holds, and the settings.

mod follow;
mod places;
mod settings;

use std::collections::BTreeMap;
use std::mem::take;
use std::sync::Arc;

use arc_swap::ArcSwap;
use chrono::{DateTime, TimeDelta, Utc};
use tokio::sync::{Mutex, MutexGuard, Notify, Semaphore};

use self::places::Places;
pub use settings::{DirectorySettings, Settings};

use super::coverage::Untold;
use super::past;
use crate::domain::absence::Absence;
use crate::domain::absence::source::TakenCalendar;
use crate::domain::alert::lasting::Seen;
use crate::domain::audit::{self, Actor};
use crate::domain::bounce::{Marks, ReturnKey};
use crate::domain::changes::{self, ContactChange, open};
use crate::domain::climb::Climb;
use crate::domain::contacts::{self, Asker, ContactMap};
use crate::domain::coverage::watch::Told;
use crate::domain::delivery::Delivery;
use crate::domain::directory::{Directory, User};
use crate::domain::entitled::GivenOut;
use crate::domain::ids::{AssignmentId, DirectoryName, Generation, OutageId, SilenceId, SourceName};
use crate::domain::intake::Intake;
use crate::domain::lists::{ListName, TakenList, listed};
use crate::domain::locale::Locale;
use crate::domain::notice::{EventKey, Recipient, once_each};
use crate::domain::organisation::Organisation;
use crate::domain::outage::Outage;
use crate::domain::outage::inhibit::Held;
use crate::domain::past::Arrangement;
use crate::domain::quiet::Clocks;
use crate::domain::roles::{self, Assignment};
use crate::domain::silence::Silence;
use crate::domain::subscriber::Subscribers;
use crate::store::{Change, Committed, DirectoryState, Event, Lease, Store, StoreError};

/// The one source of the time: a function, so that tests move it.
pub type Now = Arc<dyn Fn() -> DateTime<Utc> + Send + Sync>;

/// What is committed, arranged for answering. Immutable once shown: who holds one keeps a consistent picture.
#[derive(Clone, Debug)]
pub struct View {
    /// Which generation this is.
    pub generation: Generation,
    /// Directory, tree, roles, holders, absences.
    pub organisation: Arc<Organisation>,
    /// Incidents and maintenance that aren't over.
    pub outages: BTreeMap<OutageId, Outage>,
    /// The last good list of each that somebody else keeps.
    pub lists: BTreeMap<ListName, Arc<TakenList>>,
    /// What was last taken of each calendar with absences.
    pub calendars: BTreeMap<SourceName, Arc<TakenCalendar>>,
    /// What was last given out of those who hold some roles.
    pub given_out: BTreeMap<Box<str>, Arc<GivenOut>>,
    /// How far changes of contacts have been told; None: they aren't.
    pub contacts_told: Option<Arc<open::Told>>,
    /// When contacts were last sent what they are contacts for; None: never, or they aren't.
    pub duties_sent: Option<DateTime<Utc>>,
    /// What others tell of incidents.
    pub intake: Arc<Intake>,
    /// Which warning was told last of each period that is watched.
    pub coverage_told: BTreeMap<Box<str>, Told>,
    /// What was told of the channels.
    pub delivery: Arc<Delivery>,
    /// The addresses that aren't there.
    pub marks: Marks,
    /// What the signs of messages are made with; None before the first start.
    pub return_key: Option<ReturnKey>,
    /// Who outside wants to be told of outages, or was asked.
    pub subscribers: Arc<Subscribers>,
    /// What isn't told for a while.
    pub silences: BTreeMap<SilenceId, Silence>,
    /// Who wasn't told of which open incident, since another speaks for it.
    pub inhibited: Arc<BTreeMap<OutageId, Held>>,
    /// Which small things were there when it was last looked.
    pub lasting: Option<Arc<Seen>>,
    /// The notices that wait for somebody to take them on, by thread.
    pub climbs: Arc<BTreeMap<EventKey, Climb>>,
    /// How each directory's sync is doing.
    pub directories: BTreeMap<DirectoryName, DirectoryState>,
    /// Where everybody's local contacts are, as of the last recompute.
    pub local: Arc<ContactMap>,
    /// What is written down of the configuration ([`Arrangement::to_text`]); None: nothing is yet.
    pub arranged: Option<Box<str>>,
    /// Up to when it has been noted who got other contacts by time alone.
    pub contacts_seen: DateTime<Utc>,
}

/// What all flows share.
pub struct Core {
    /// Where everything is kept.
    pub store: Store,
    /// The number of this installation, for Message-IDs.
    pub instance: u64,
    /// The time.
    pub now: Now,
    /// Woken when something was put into the outbox.
    pub outbox: Notify,
    /// Woken when something else may be shown than before.
    pub shown: Notify,
    /// Woken when the clock may have something else to do for an outage than before.
    pub outages: Notify,
    /// Woken when a run of a directory is written down.
    pub ran: Notify,
    /// Woken when a notice that asks to be taken on may go on at another time than before.
    pub climbs: Notify,
    settings: ArcSwap<Settings>,
    view: ArcSwap<View>,
    places: Places,
    /// Periods that aren't covered, of which nobody could be told.
    pub(super) coverage_untold: Mutex<BTreeMap<Box<str>, Untold>>,
    writer: Mutex<()>,
    /// How many may look into the past at once.
    pub(super) looking_back: Arc<Semaphore>,
}

/// The right to decide on what is held in memory and to commit: one at a time, so that two decisions can't be taken on one picture.
pub struct Turn<'a> {
    core: &'a Core,
    /// Under which lease it was read what is decided on.
    pub(super) lease: Lease,
    _alone: MutexGuard<'a, ()>,
}

impl Core {
    /// Takes over what the store holds.
    pub async fn load(store: Store, settings: Settings, now: Now) -> Result<Core, StoreError> {
        let mut state = store.load().await?;
        let instance = store.instance();
        let (name, roles) = (&settings.organisation, settings.roles.clone());
        let absences = take(&mut state.absences).into_values();
        let listed = listed(&state.lists, &settings.lists);
        let (directory, assignments) = (take(&mut state.directory), take(&mut state.assignments));
        let mut organisation = Organisation::new(name, directory, roles, assignments, absences, listed);
        organisation.gone = Arc::new(take(&mut state.gone));
        organisation.subjects = Arc::new(take(&mut state.subjects));
        organisation.services = Arc::clone(&settings.outages.services);
        let started = now();
        let local = Arc::new(local_map(&organisation, started));
        let mut view = View::of(state, Arc::new(organisation), local, started);
        view.note_arrangement(&store, &settings, started).await;
        Ok(Core {
            store,
            instance,
            now,
            outbox: Notify::new(),
            shown: Notify::new(),
            outages: Notify::new(),
            climbs: Notify::new(),
            ran: Notify::new(),
            settings: ArcSwap::from_pointee(settings),
            view: ArcSwap::from_pointee(view),
            places: Places::default(),
            coverage_untold: Mutex::default(),
            writer: Mutex::new(()),
            looking_back: Arc::new(Semaphore::new(past::AT_ONCE)),
        })
    }

    /// The time.
    pub fn now(&self) -> DateTime<Utc> {
        (self.now)()
    }

    /// What is committed.
    pub fn view(&self) -> Arc<View> {
        self.view.load_full()
    }

    /// The settings in force.
    pub fn settings(&self) -> Arc<Settings> {
        self.settings.load_full()
    }

    /// Waits for the turn to decide and commit, on what all nodes have committed.
    pub async fn turn(&self) -> Turn<'_> {
        let turn = self.turn_as_it_is().await;
        if let Err(error) = turn.catch_up().await {
            // What is decided without it is refused by the store.
            tracing::warn!("What other nodes have committed can't be read: {error}");
        }
        turn
    }

    /// The same for what was read under a lease: under another one it isn't written.
    pub(super) async fn turn_under(&self, lease: Lease) -> Turn<'_> {
        Turn { lease, ..self.turn().await }
    }

    async fn turn_as_it_is(&self) -> Turn<'_> {
        Turn { core: self, lease: Lease::default(), _alone: self.writer.lock().await }
    }

    /// Puts new settings in force, and arranges the organisation by them.
    pub async fn reload(&self, settings: Settings) {
        let turn = self.turn().await;
        let (mut view, now) = (View::clone(&self.view()), self.now());
        let organisation = Arc::clone(&view.organisation);
        view.arrange(
            &settings,
            organisation.directory.clone(),
            BTreeMap::clone(&organisation.assignments),
            all_absences(&organisation),
            now,
        );
        view.note_arrangement(&self.store, &settings, now).await;
        self.settings.store(Arc::new(settings));
        turn.show(|shown, _, _| *shown = view);
        self.outages.notify_one();
    }

    /// Works out everybody's contacts anew from what is committed: time passes, absences begin and end. Who got other contacts by that
    /// is noted.
    pub async fn recompute(&self) -> Result<(), StoreError> {
        let turn = self.turn().await;
        let noted = turn.note_time(self.now()).await;
        // Answers stay right also when that can't be noted.
        turn.show(|view, _, now| view.local = Arc::new(local_map(&view.organisation, now)));
        noted
    }

    /// How a recipient is written to; a place, which many read, as the organisation is.
    pub fn locale_of(&self, recipient: &Recipient) -> Locale {
        let (settings, view) = (self.settings.load(), self.view.load());
        self.places.locale_of(recipient, &settings, &view.organisation, self.now())
    }

    /// When it is night for a recipient.
    pub fn clocks_of(&self, recipient: &Recipient) -> Clocks {
        let (settings, view) = (self.settings.load(), self.view.load());
        self.places.clocks_of(recipient, &settings, &view.organisation, self.now())
    }

    /// Those who hold `role` for `asker` and count now, as recipients; the role's fallback when nobody does.
    pub fn recipients(&self, role: &str, asker: &Asker) -> Vec<Recipient> {
        let view = self.view();
        let Some(role) = view.organisation.role(role) else { return Vec::new() };
        let answer = contacts::resolve(&view.organisation, role, asker, self.now());
        once_each(answer.contacts.iter().map(Recipient::from_contact))
    }
}

impl View {
    /// How the sync of one directory is doing.
    pub fn directory_state(&self, name: &DirectoryName) -> DirectoryState {
        self.directories.get(name).cloned().unwrap_or_default()
    }

    /// Takes another organisation, and works out everybody's contacts, unless they are known to be the same.
    pub fn take(&mut self, organisation: Organisation, now: DateTime<Utc>) {
        if !organisation.answers_like(&self.organisation) {
            self.local = Arc::new(local_map(&organisation, now));
        }
        self.organisation = Arc::new(organisation);
    }

    /// Writes down what answers depend on of the configuration, by which this is arranged, if it is another than what is written down,
    /// and who got other contacts by it. When it can't be written the organisation is answered from all the same, and the next reload or
    /// start tries again.
    async fn note_arrangement(&mut self, store: &Store, settings: &Settings, now: DateTime<Utc>) {
        let text = settings.arrangement().to_text();
        if self.arranged.as_ref() == Some(&text) {
            return;
        }
        match self.commit_arrangement(store, text.clone(), now).await {
            Ok(committed) => {
                self.generation = committed.generation.unwrap_or(self.generation);
                self.arranged = Some(text);
            }
            Err(error) => {
                tracing::error!("It can't be noted that the roles are configured otherwise now: {error}");
            }
        }
    }

    async fn commit_arrangement(
        &mut self,
        store: &Store,
        text: Box<str>,
        now: DateTime<Utc>,
    ) -> Result<Committed, StoreError> {
        let event = |change| Event { at: now, change, notices: Vec::new(), audit: None };
        let mut contacts = Vec::new();
        if let Some(Arrangement { roles, lists: believed }) =
            self.arranged.as_deref().and_then(Arrangement::from_text)
        {
            let after = &*self.organisation;
            let assignments = BTreeMap::clone(&after.assignments);
            let listed = listed(&self.lists, &believed);
            let before = after.clone().maintained(roles, assignments, all_absences(after), listed);
            // First what time alone has done up to then, by what was in force.
            let seen = self.contacts_seen;
            if before.differs_by_time(seen, now) {
                let by_time = changes::between((&before, seen), (&before, now), &[]);
                store.commit_edit(event(Change::TimePassed), by_time).await?;
            }
            contacts = changes::between((&before, now), (after, now), &[]);
            self.contacts_seen = now;
        }
        store.commit_edit(event(Change::Arranged(text)), contacts).await
    }

    /// Arranges the organisation anew from these parts, and works out everybody's contacts.
    pub fn arrange(
        &mut self,
        settings: &Settings,
        directory: Directory,
        assignments: BTreeMap<AssignmentId, Assignment>,
        absences: Vec<Absence>,
        now: DateTime<Utc>,
    ) {
        let (name, roles) = (&settings.organisation, settings.roles.clone());
        let listed = listed(&self.lists, &settings.lists);
        let mut organisation = Organisation::new(name, directory, roles, assignments, absences, listed);
        organisation.gone = Arc::clone(&self.organisation.gone);
        organisation.subjects = Arc::clone(&self.organisation.subjects);
        organisation.services = Arc::clone(&settings.outages.services);
        self.take(organisation, now);
    }
}

/// Every absence there is.
pub fn all_absences(organisation: &Organisation) -> Vec<Absence> {
    organisation.absences.values().flatten().cloned().collect()
}

/// Who gets other contacts when one organisation follows the other at `now`; `users` are those that differ.
pub fn contact_changes(
    before: &Organisation,
    after: &Organisation,
    users: &[(Arc<User>, Arc<User>)],
    now: DateTime<Utc>,
) -> Vec<ContactChange> {
    let moved = users.iter().any(|(before, after)| before.unit != after.unit);
    if !moved && after.answers_like(before) {
        return Vec::new();
    }
    changes::between((before, now), (after, now), users)
}

/// That time has passed is noted this often when nobody got other contacts by it.
const LOOK_NOTED: TimeDelta = TimeDelta::hours(1);

fn local_map(organisation: &Organisation, now: DateTime<Utc>) -> ContactMap {
    organisation
        .role(roles::LOCAL)
        .map(|role| contacts::recompute(organisation, role, now))
        .unwrap_or_default()
}

impl Turn<'_> {
    /// Notes who got other contacts by time alone since it was last looked at, up to `now`.
    async fn note_time(&self, now: DateTime<Utc>) -> Result<(), StoreError> {
        let view = self.core.view();
        let (organisation, seen) = (&view.organisation, view.contacts_seen);
        let contacts = if organisation.differs_by_time(seen, now) {
            changes::between((organisation, seen), (organisation, now), &[])
        } else {
            Vec::new()
        };
        if !contacts.is_empty() || now - seen >= LOOK_NOTED {
            let event = Event { at: now, change: Change::TimePassed, notices: Vec::new(), audit: None };
            self.core.store.commit_edit(event, contacts).await?;
            self.show(|view, _, _| view.contacts_seen = now);
        }
        Ok(())
    }

    /// Commits an event with who gets other contacts by it, and then shows what `change` makes of the view.
    ///
    /// What time alone has changed up to then is noted before, by what was in force: else what began shortly before an edit that
    /// brings it would be noted once more.
    pub async fn commit(
        &self,
        mut event: Event,
        change: impl FnOnce(&mut View, &Settings, DateTime<Utc>),
    ) -> Result<Committed, StoreError> {
        event.notices = self.core.spread(event.notices, event.at);
        self.note_time(event.at).await?;
        let (before, now) = (self.core.view(), event.at);
        let mut after = View { contacts_seen: now, ..View::clone(&before) };
        change(&mut after, &self.core.settings(), self.core.now());
        let contacts = contact_changes(&before.organisation, &after.organisation, &[], now);
        let committed = self.core.store.commit_edit(event, contacts).await?;
        self.show_committed(&committed, |view, _, _| *view = after);
        Ok(committed)
    }

    /// Shows what a commit changed, and wakes the sender when it put something into the outbox.
    pub fn show_committed(
        &self,
        committed: &Committed,
        change: impl FnOnce(&mut View, &Settings, DateTime<Utc>),
    ) {
        self.show(|view, settings, now| {
            change(view, settings, now);
            view.generation = committed.generation.unwrap_or(view.generation);
            for (outage, held) in &committed.inhibited {
                match held {
                    Some(held) => drop(Arc::make_mut(&mut view.inhibited).insert(*outage, held.clone())),
                    None => drop(Arc::make_mut(&mut view.inhibited).remove(outage)),
                }
            }
            for thread in &committed.unasked {
                Arc::make_mut(&mut view.climbs).remove(thread);
            }
            if !committed.climbs.is_empty() {
                Arc::make_mut(&mut view.climbs)
                    .extend(committed.climbs.iter().map(|climb| (climb.thread.clone(), climb.clone())));
            }
        });
        if committed.messages > 0 {
            self.core.outbox.notify_one();
        }
        if !committed.climbs.is_empty() {
            self.core.climbs.notify_one();
        }
    }

    fn show(&self, change: impl FnOnce(&mut View, &Settings, DateTime<Utc>)) {
        let mut view = View::clone(&self.core.view());
        change(&mut view, &self.core.settings(), self.core.now());
        self.core.view.store(Arc::new(view));
        self.core.shown.notify_one();
    }
}

/// An entry of the audit log, with the objects as JSON.
pub fn audit_entry<T: serde::Serialize>(
    at: DateTime<Utc>,
    by: &Actor,
    action: &str,
    object: String,
    before: Option<&T>,
    after: Option<&T>,
    why: Option<&str>,
) -> audit::Entry {
    let json = |value: &T| serde_json::to_string(value).unwrap_or_default().into_boxed_str();
    audit::Entry {
        at,
        by: by.clone(),
        action: action.into(),
        object: object.into(),
        before: before.map(json),
        after: after.map(json),
        why: why.map(Box::from),
    }
}

#[cfg(test)]
mod tests;
