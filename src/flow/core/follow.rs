//! What other nodes have committed, taken into the view.

use std::collections::BTreeMap;
use std::mem::take;
use std::sync::Arc;

use chrono::{DateTime, Utc};

use super::{Core, Settings, Turn, View, all_absences, local_map};
use crate::domain::absence::Absence;
use crate::domain::contacts::ContactMap;
use crate::domain::ids::{AbsenceId, Generation};
use crate::domain::intake::Intake;
use crate::domain::lists::listed;
use crate::domain::organisation::Organisation;
use crate::store::{CaughtUp, State, StoreError};

impl Core {
    /// Takes over what other nodes have committed. Who decides does so by itself before ([`Core::turn`]).
    pub async fn follow(&self) -> Result<(), StoreError> {
        self.turn_as_it_is().await.catch_up().await
    }

    /// Works out everybody's contacts anew from what is held, and notes nothing: another node does that.
    pub async fn look_anew(&self) {
        let turn = self.turn_as_it_is().await;
        turn.show(|view, _, now| view.local = Arc::new(local_map(&view.organisation, now)));
    }
}

impl Turn<'_> {
    /// Takes over what other nodes have committed, if anything.
    pub(super) async fn catch_up(&self) -> Result<(), StoreError> {
        let (store, view) = (&self.core.store, self.core.view());
        if !store.is_behind(view.generation, Some(view.contacts_seen)).await? {
            return Ok(());
        }
        let caught = store.catch_up(view.to_state()).await?;
        let (settings, now) = (self.core.settings(), self.core.now());
        let new = view.caught_up(caught, &settings, now);
        let outages = new.outages != view.outages || new.inhibited != view.inhibited;
        let climbs = new.climbs != view.climbs;
        self.show(|shown, _, _| *shown = new);
        if outages {
            self.core.outages.notify_one();
        }
        if climbs {
            self.core.climbs.notify_one();
        }
        Ok(())
    }
}

impl View {
    /// What the store has, around an organisation that was made of the objects, assignments, absences and subjects in it, and where everybody's
    /// local contacts are there. Who got other contacts by time is noted up to `seen`, if the store doesn't say.
    pub(super) fn of(
        state: State,
        organisation: Arc<Organisation>,
        local: Arc<ContactMap>,
        seen: DateTime<Utc>,
    ) -> View {
        View {
            generation: state.generation.unwrap_or(Generation(0)),
            organisation,
            local,
            outages: state.open_outages,
            lists: state.lists,
            calendars: state.calendars,
            given_out: state.given_out,
            contacts_told: state.contacts_told,
            duties_sent: state.duties_sent,
            coverage_told: state.coverage_told,
            intake: Arc::new(state.intake),
            delivery: state.delivery,
            marks: state.marks,
            return_key: state.return_key,
            lasting: state.lasting,
            climbs: state.climbs,
            silences: state.silences,
            subscribers: state.subscribers,
            inhibited: state.inhibited,
            directories: state.directories,
            arranged: state.arranged,
            contacts_seen: state.contacts_seen.unwrap_or(seen),
        }
    }

    /// The same as the store has it.
    fn to_state(&self) -> State {
        let organisation = &self.organisation;
        State {
            generation: Some(self.generation).filter(|generation| generation.0 > 0),
            directory: organisation.directory.clone(),
            gone: (*organisation.gone).clone(),
            assignments: BTreeMap::clone(&organisation.assignments),
            absences: self.absences(),
            subjects: BTreeMap::clone(&organisation.subjects),
            contacts_seen: Some(self.contacts_seen),
            contacts_told: self.contacts_told.clone(),
            duties_sent: self.duties_sent,
            delivery: Arc::clone(&self.delivery),
            marks: self.marks.clone(),
            return_key: self.return_key.clone(),
            lasting: self.lasting.clone(),
            climbs: Arc::clone(&self.climbs),
            silences: self.silences.clone(),
            subscribers: Arc::clone(&self.subscribers),
            inhibited: Arc::clone(&self.inhibited),
            arranged: self.arranged.clone(),
            lists: self.lists.clone(),
            given_out: self.given_out.clone(),
            calendars: self.calendars.clone(),
            open_outages: self.outages.clone(),
            coverage_told: self.coverage_told.clone(),
            intake: Intake::clone(&self.intake),
            directories: self.directories.clone(),
        }
    }

    fn absences(&self) -> BTreeMap<AbsenceId, Absence> {
        all_absences(&self.organisation).into_iter().map(|absence| (absence.id, absence)).collect()
    }

    /// The view of what is stored now.
    fn caught_up(&self, caught: CaughtUp, settings: &Settings, now: DateTime<Utc>) -> View {
        let CaughtUp { mut state, delta } = caught;
        let listed = listed(&state.lists, &settings.lists);
        let old = &*self.organisation;
        let maintained = state.assignments != *old.assignments
            || state.absences != self.absences()
            || state.lists != self.lists;
        let mut organisation = match &delta {
            Some(delta) if delta.is_empty() => old.clone(),
            Some(delta) => old.updated(delta),
            None => {
                let directory = state.directory.clone();
                let (assignments, absences) = (state.assignments.clone(), state.absences.values().cloned());
                let roles = settings.roles.clone();
                let name = &settings.organisation;
                Organisation::new(name, directory, roles, assignments, absences, Arc::clone(&listed))
            }
        };
        if maintained && delta.is_some() {
            let (assignments, absences) = (take(&mut state.assignments), take(&mut state.absences));
            organisation =
                organisation.maintained(settings.roles.clone(), assignments, absences.into_values(), listed);
        }
        organisation.gone = Arc::new(take(&mut state.gone));
        if state.subjects != *old.subjects || delta.is_none() {
            organisation.subjects = Arc::new(take(&mut state.subjects));
        }
        organisation.services = Arc::clone(&settings.outages.services);
        for (name, directory) in &mut state.directories {
            // Not stored: the node that reads knows them.
            let known = self.directories.get(name).map(|known| known.warnings.clone());
            directory.warnings = known.unwrap_or_default();
        }
        let (organisation_before, local) = (Arc::clone(&self.organisation), Arc::clone(&self.local));
        let mut view = View::of(state, organisation_before, local, self.contacts_seen);
        view.take(organisation, now);
        view
    }
}
