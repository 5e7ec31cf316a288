//! What other nodes have committed, taken into the view.

use std::collections::BTreeMap;
use std::sync::Arc;

use chrono::{DateTime, Utc};

use super::{Core, Settings, Turn, View, all_absences, local_map};
use crate::domain::ids::Generation;
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
    /// The same as the store has it.
    fn to_state(&self) -> State {
        let organisation = &self.organisation;
        State {
            generation: Some(self.generation).filter(|generation| generation.0 > 0),
            directory: organisation.directory.clone(),
            gone: (*organisation.gone).clone(),
            assignments: BTreeMap::clone(&organisation.assignments),
            absences: all_absences(organisation).into_iter().map(|absence| (absence.id, absence)).collect(),
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

    /// The view of what is stored now.
    fn caught_up(&self, caught: CaughtUp, settings: &Settings, now: DateTime<Utc>) -> View {
        let CaughtUp { state, delta } = caught;
        let before = self.to_state();
        let listed = listed(&state.lists, &settings.lists);
        let maintained = state.assignments != before.assignments
            || state.absences != before.absences
            || state.lists != before.lists;
        let old = &*self.organisation;
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
            let absences = state.absences.into_values();
            organisation =
                organisation.maintained(settings.roles.clone(), state.assignments, absences, listed);
        }
        organisation.gone = Arc::new(state.gone);
        if state.subjects != before.subjects || delta.is_none() {
            organisation.subjects = Arc::new(state.subjects);
        }
        organisation.services = Arc::clone(&settings.outages.services);
        let mut directories = state.directories;
        for (name, directory) in &mut directories {
            // Not stored: the node that reads knows them.
            let known = self.directories.get(name).map(|known| known.warnings.clone());
            directory.warnings = known.unwrap_or_default();
        }
        let mut view = View {
            generation: state.generation.unwrap_or(Generation(0)),
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
            directories,
            arranged: state.arranged,
            contacts_seen: state.contacts_seen.unwrap_or(self.contacts_seen),
            ..self.clone()
        };
        view.take(organisation, now);
        view
    }
}
