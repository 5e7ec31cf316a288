//! Records into what is held in memory.

use std::sync::Arc;

use crate::domain::absence::Absence;
use crate::domain::absence::source::TakenCalendar;
use crate::domain::directory::{Container, Group, Unit, User};
use crate::domain::entitled::GivenOut;
use crate::domain::gone::Gone;
use crate::domain::ids::{DirectoryName, Generation, GroupId, Guid, UnitId, UserId};
use crate::domain::intake::heartbeat::Beat;
use crate::domain::intake::{Followed, TakenFeed};
use crate::domain::lists::TakenList;
use crate::domain::outage::Outage;
use crate::domain::roles::Assignment;
use crate::domain::run::Run;
use crate::domain::subject::Subject;

use super::super::records::{
    Arranged, ContactsSeen, DutiesSent, Kind, LastNumber, Numbers, Pack, Packed, number_key, number_of,
    runs_of,
};
use super::super::types::{DirectoryState, State};
use super::engine::View;
use super::trouble::Trouble;
use super::tx::decode;

/// The kinds of records that a [`State`] is made of.
const KINDS: [Kind; 26] = [
    Kind::Arranged,
    Kind::ContactsSeen,
    Kind::ContactsTold,
    Kind::DutiesSent,
    Kind::Delivery,
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
pub(super) struct StateBuilder {
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
    pub(super) fn take(&mut self, kind: Kind, key: &[u8], value: &[u8]) -> Result<(), Trouble> {
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
            Kind::Numbers if *rest == [Numbers::Generation as u8] => {
                self.state.generation = Some(Generation(decode::<LastNumber>(value)?.0));
            }
            _ => {}
        }
        Ok(())
    }

    /// The state, once every record is in.
    pub(super) fn end(self, view: &View<'_>) -> Result<State, Trouble> {
        let mut state = self.state;
        state.directory.users = self.users.into_iter().collect();
        state.directory.units = self.units.into_iter().collect();
        state.directory.groups = self.groups.into_iter().collect();
        state.directory.containers = self.containers.into_iter().collect();
        state.gone = self.gone.into_iter().collect();
        for (name, directory) in &mut state.directories {
            directory.last_run = last_run(view, name)?;
        }
        Ok(state)
    }

    fn directory(&mut self, name: &[u8]) -> &mut DirectoryState {
        let name = DirectoryName::from(&*String::from_utf8_lossy(name));
        self.state.directories.entry(name).or_default()
    }
}

/// Reads the state by itself.
pub(super) fn load(view: &View<'_>) -> Result<State, Trouble> {
    let mut builder = StateBuilder::default();
    for kind in KINDS {
        for row in view.rows(&[kind as u8]) {
            let (key, value) = row?;
            builder.take(kind, &key, &value)?;
        }
    }
    builder.end(view)
}

/// The last run of a directory.
pub(super) fn last_run(view: &View<'_>, name: &DirectoryName) -> Result<Option<Run>, Trouble> {
    let Some(key) = view.keys(&runs_of(name)).next_back().transpose()? else { return Ok(None) };
    let number = number_of(&key).unwrap_or_default();
    view.get(&number_key(Kind::Run, number))?.map(|value| decode(&value)).transpose()
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
