//! Records into what is held in memory.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::domain::absence::Absence;
use crate::domain::absence::source::TakenCalendar;
use crate::domain::climb::Climb;
use crate::domain::delta::{Changes, Delta};
use crate::domain::directory::{Container, Group, Unit, User};
use crate::domain::entitled::GivenOut;
use crate::domain::gone::Gone;
use crate::domain::ids::{
    AbsenceId, AssignmentId, DirectoryName, FeedName, Generation, GroupId, Guid, HeartbeatName, OutageId,
    SilenceId, SourceName, SubjectName, SubscriberId, UnitId, UserId,
};
use crate::domain::intake::heartbeat::Beat;
use crate::domain::intake::{Followed, TakenFeed};
use crate::domain::lists::{ListName, TakenList};
use crate::domain::map::Map;
use crate::domain::notice::EventKey;
use crate::domain::outage::Outage;
use crate::domain::roles::Assignment;
use crate::domain::run::Run;
use crate::domain::silence::Silence;
use crate::domain::subject::Subject;
use crate::domain::subscriber::Subscriber;

use super::super::records::{
    Arranged, ContactsSeen, DutiesSent, Kind, LastNumber, Numbers, Pack, Packed, number_of,
};
use super::super::types::{DirectoryState, State};
use super::trouble::Trouble;
use super::tx::decode;

/// The kinds of records that a [`State`] is made of.
pub(in crate::store) const KINDS: [Kind; 33] = [
    Kind::Arranged,
    Kind::ContactsSeen,
    Kind::ContactsTold,
    Kind::DutiesSent,
    Kind::Delivery,
    Kind::Mark,
    Kind::ReturnKey,
    Kind::Climb,
    Kind::Lasting,
    Kind::Silence,
    Kind::Subscriber,
    Kind::Inhibited,
    Kind::Numbers,
    Kind::Users,
    Kind::Units,
    Kind::Groups,
    Kind::Containers,
    Kind::Gone,
    Kind::Assignment,
    Kind::Absence,
    Kind::Subject,
    Kind::Outage,
    Kind::List,
    Kind::GivenOut,
    Kind::AbsenceSource,
    Kind::Feed,
    Kind::Followed,
    Kind::Beat,
    Kind::CoverageTold,
    Kind::Health,
    Kind::Cursor,
    Kind::Held,
    Kind::Vetoes,
];

/// A state in the making.
#[derive(Default)]
pub(in crate::store) struct StateBuilder {
    state: State,
    // Records come by bucket; the maps are built from sorted lists at the end, which is ten times as fast.
    users: Vec<(UserId, Arc<User>)>,
    units: Vec<(UnitId, Arc<Unit>)>,
    groups: Vec<(GroupId, Arc<Group>)>,
    containers: Vec<(Guid, Arc<Container>)>,
    gone: Vec<(Guid, Arc<Gone>)>,
    names: Vec<DirectoryName>,
}

impl StateBuilder {
    /// Takes in a record; of a kind that isn't held in memory: nothing.
    pub(in crate::store) fn take(&mut self, kind: Kind, key: &[u8], value: &[u8]) -> Result<(), Trouble> {
        let rest = key.get(1..).unwrap_or_default();
        match kind {
            Kind::Users => take_pack(&mut self.users, value, &mut self.names, |u| u.id)?,
            Kind::Units => take_pack(&mut self.units, value, &mut self.names, |u| u.id)?,
            Kind::Groups => take_pack(&mut self.groups, value, &mut self.names, |g| g.id)?,
            Kind::Containers => take_pack(&mut self.containers, value, &mut self.names, |c| c.id)?,
            Kind::Gone => take_pack(&mut self.gone, value, &mut self.names, |g| g.id)?,
            Kind::Assignment => {
                let assignment: Assignment = decode(value)?;
                self.state.assignments.insert(assignment.id, assignment);
            }
            Kind::Absence => {
                let absence: Absence = decode(value)?;
                self.state.absences.insert(absence.id, absence);
            }
            Kind::Subject => {
                let subject: Subject = decode(value)?;
                self.state.subjects.insert(subject.name.clone(), subject);
            }
            Kind::Outage => {
                let outage: Outage = decode(value)?;
                if outage.ended_at().is_none() {
                    self.state.open_outages.insert(outage.id, outage);
                } else {
                    self.state.open_outages.remove(&outage.id);
                }
            }
            Kind::List => {
                let list: TakenList = decode(value)?;
                self.state.lists.insert(list.name.clone(), Arc::new(list));
            }
            Kind::GivenOut => {
                let given: GivenOut = decode(value)?;
                self.state.given_out.insert(GivenOut::key(&given.roles).into(), Arc::new(given));
            }
            Kind::AbsenceSource => {
                let taken: TakenCalendar = decode(value)?;
                self.state.calendars.insert(taken.name.clone(), Arc::new(taken));
            }
            Kind::Feed => {
                let feed: TakenFeed = decode(value)?;
                self.state.intake.feeds.insert(feed.name.clone(), feed);
            }
            Kind::Followed => {
                let followed: Followed = decode(value)?;
                let of = self.state.intake.followed.entry(followed.teller.clone()).or_default();
                of.insert(followed.key.clone(), followed);
            }
            Kind::Beat => {
                let beat: Beat = decode(value)?;
                self.state.intake.beats.insert(beat.name.clone(), beat);
            }
            Kind::CoverageTold => {
                let period = String::from_utf8_lossy(rest).into();
                self.state.coverage_told.insert(period, decode(value)?);
            }
            Kind::Health => self.directory(rest).health = Some(decode(value)?),
            Kind::Cursor => self.directory(rest).cursor = Some(decode(value)?),
            Kind::Held => self.directory(rest).held = Some(decode(value)?),
            Kind::Vetoes => self.directory(rest).vetoes = decode(value)?,
            Kind::Arranged => self.state.arranged = Some(decode::<Arranged>(value)?.0),
            Kind::ContactsSeen => self.state.contacts_seen = Some(decode::<ContactsSeen>(value)?.0),
            Kind::ContactsTold => self.state.contacts_told = Some(Arc::new(decode(value)?)),
            Kind::DutiesSent => self.state.duties_sent = Some(decode::<DutiesSent>(value)?.0),
            Kind::Delivery => self.state.delivery = Arc::new(decode(value)?),
            Kind::Mark => self.state.marks.put(decode(value)?),
            Kind::ReturnKey => self.state.return_key = Some(decode(value)?),
            Kind::Subscriber => {
                let subscriber: Subscriber = decode(value)?;
                Arc::make_mut(&mut self.state.subscribers).insert(subscriber.id, subscriber);
            }
            Kind::Silence => {
                let silence: Silence = decode(value)?;
                self.state.silences.insert(silence.id, silence);
            }
            Kind::Inhibited => {
                let outage = OutageId(number_of(key).unwrap_or_default());
                Arc::make_mut(&mut self.state.inhibited).insert(outage, decode(value)?);
            }
            Kind::Lasting => self.state.lasting = Some(Arc::new(decode(value)?)),
            Kind::Climb => {
                let climb: Climb = decode(value)?;
                if climb.end.is_none() {
                    Arc::make_mut(&mut self.state.climbs).insert(climb.thread.clone(), climb);
                } else {
                    Arc::make_mut(&mut self.state.climbs).remove(&climb.thread);
                }
            }
            Kind::Numbers if *rest == [Numbers::Generation as u8] => {
                self.state.generation = Some(Generation(decode::<LastNumber>(value)?.0));
            }
            _ => {}
        }
        Ok(())
    }

    /// The state, once every record is in; `last_run` is the last run of a directory.
    pub(in crate::store) fn end(
        self,
        last_run: impl Fn(&DirectoryName) -> Result<Option<Run>, Trouble>,
    ) -> Result<State, Trouble> {
        let mut state = self.state;
        state.directory.users = self.users.into_iter().collect();
        state.directory.units = self.units.into_iter().collect();
        state.directory.groups = self.groups.into_iter().collect();
        state.directory.containers = self.containers.into_iter().collect();
        state.gone = self.gone.into_iter().collect();
        for (name, directory) in &mut state.directories {
            directory.last_run = last_run(name)?;
        }
        Ok(state)
    }

    /// Goes on from what is known.
    pub(in crate::store) fn on(state: State) -> StateBuilder {
        StateBuilder { state, ..StateBuilder::default() }
    }

    /// Takes in that a record is there no longer. Before what is there: it may have come back.
    pub(in crate::store) fn lose(&mut self, kind: Kind, key: &[u8], lost: &mut Delta) {
        let rest = key.get(1..).unwrap_or_default();
        let (number, name) = (number_of(key).unwrap_or_default(), String::from_utf8_lossy(rest));
        let guid = rest.try_into().map(Guid).unwrap_or_default();
        let state = &mut self.state;
        match kind {
            Kind::Users => lost.users.removed.extend(state.directory.users.remove(&UserId(guid))),
            Kind::Units => lost.units.removed.extend(state.directory.units.remove(&UnitId(guid))),
            Kind::Groups => lost.groups.removed.extend(state.directory.groups.remove(&GroupId(guid))),
            Kind::Containers => lost.containers.removed.extend(state.directory.containers.remove(&guid)),
            Kind::Gone => drop(state.gone.remove(&guid)),
            Kind::Assignment => drop(state.assignments.remove(&AssignmentId(number))),
            Kind::Absence => drop(state.absences.remove(&AbsenceId(number))),
            Kind::Subject => drop(state.subjects.remove(&SubjectName::from(&*name))),
            Kind::Outage => drop(state.open_outages.remove(&OutageId(number))),
            Kind::List => drop(state.lists.remove(&ListName::from(&*name))),
            Kind::GivenOut => drop(state.given_out.remove(&*name)),
            Kind::AbsenceSource => drop(state.calendars.remove(&SourceName::from(&*name))),
            Kind::Feed => drop(state.intake.feeds.remove(&FeedName::from(&*name))),
            Kind::Followed => state.intake.lose(&name),
            Kind::Beat => drop(state.intake.beats.remove(&HeartbeatName::from(&*name))),
            Kind::CoverageTold => drop(state.coverage_told.remove(&*name)),
            Kind::Mark => name.parse().into_iter().for_each(|address| state.marks.remove(&address)),
            Kind::Health => self.directory(rest).health = None,
            Kind::Cursor => self.directory(rest).cursor = None,
            Kind::Held => self.directory(rest).held = None,
            Kind::Vetoes => self.directory(rest).vetoes = Vec::new(),
            Kind::ContactsTold => state.contacts_told = None,
            Kind::DutiesSent => state.duties_sent = None,
            Kind::Climb => drop(Arc::make_mut(&mut state.climbs).remove(&EventKey(name.into()))),
            Kind::Silence => drop(state.silences.remove(&SilenceId(number))),
            Kind::Subscriber => drop(Arc::make_mut(&mut state.subscribers).remove(&SubscriberId(number))),
            Kind::Inhibited => drop(Arc::make_mut(&mut state.inhibited).remove(&OutageId(number))),
            Kind::Lasting => state.lasting = None,
            _ => {}
        }
    }

    /// The state after what was taken in, and how its objects differ from those before; `lost` is what [`StateBuilder::lose`] said of them.
    pub(in crate::store) fn merged(
        self,
        mut lost: Delta,
        mut last_run: impl FnMut(&DirectoryName) -> Option<Run>,
    ) -> (State, Delta) {
        let mut state = self.state;
        let mut delta = Delta::default();
        let of = &mut state.directory;
        merge(&mut of.users, self.users, std::mem::take(&mut lost.users), &mut delta.users, |u| u.id);
        merge(&mut of.units, self.units, std::mem::take(&mut lost.units), &mut delta.units, |u| u.id);
        merge(&mut of.groups, self.groups, std::mem::take(&mut lost.groups), &mut delta.groups, |g| g.id);
        merge(&mut of.containers, self.containers, lost.containers, &mut delta.containers, |c| c.id);
        state.gone.extend(self.gone);
        for (name, directory) in &mut state.directories {
            if let Some(run) = last_run(name) {
                directory.last_run = Some(run);
            }
        }
        (state, delta)
    }

    fn directory(&mut self, name: &[u8]) -> &mut DirectoryState {
        let name = DirectoryName::from(&*String::from_utf8_lossy(name));
        self.state.directories.entry(name).or_default()
    }
}

/// The objects of a pack; the name of their directory is kept once for all of them.
fn take_pack<K, T: Packed>(
    objects: &mut Vec<(K, Arc<T>)>,
    value: &[u8],
    names: &mut Vec<DirectoryName>,
    id: impl Fn(&T) -> K,
) -> Result<(), Trouble> {
    let Pack(mut pack) = decode::<Pack<T>>(value)?;
    for object in pack.iter_mut().filter_map(Arc::get_mut) {
        let name = object.directory();
        match names.iter().find(|known| *known == name) {
            Some(known) => *name = known.clone(),
            None => names.push(name.clone()),
        }
    }
    objects.extend(pack.into_iter().map(|object| (id(&object), object)));
    Ok(())
}

/// Puts objects in, and says of each whether it came, changed, or went.
fn merge<K: Ord + Copy, T: PartialEq>(
    map: &mut Map<K, Arc<T>>,
    put: Vec<(K, Arc<T>)>,
    lost: Changes<T>,
    changes: &mut Changes<T>,
    id: impl Fn(&T) -> K,
) {
    let mut lost: BTreeMap<K, Arc<T>> =
        lost.removed.into_iter().map(|object| (id(&object), object)).collect();
    for (key, after) in put {
        let before = map.insert(key, Arc::clone(&after)).or_else(|| lost.remove(&key));
        match before {
            Some(before) if before == after => {}
            Some(before) => changes.changed.push((before, after)),
            None => changes.added.push(after),
        }
    }
    changes.removed.extend(lost.into_values());
}
