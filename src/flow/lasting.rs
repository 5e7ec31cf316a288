//! Tell those who answer for the directories, once a day, what lasts though it is too small to alert.

use std::sync::Arc;

use super::core::{Core, View};
use super::silence;
use crate::domain::alert::lasting::{Small, fails, look};
use crate::domain::contacts::Asker;
use crate::domain::notice::{EventKey, Facts, NewNotice};
use crate::domain::roles;
use crate::store::{Change, Event, StoreError};

/// So many things are told in one notice.
const NAMED: usize = 50;

/// Looks whether the schedule says to tell, and tells what has lasted since the last look, if anything has.
pub async fn tick(core: &Core) -> Result<(), StoreError> {
    let (settings, now) = (core.settings(), core.now());
    let Some(schedule) = &settings.lasting else { return Ok(()) };
    let turn = core.turn().await;
    let view = core.view();
    let seen = view.lasting.as_deref();
    // The first look is the one that the next compares with.
    let due = seen.is_none_or(|seen| schedule.next_after(seen.at.min(now)).is_some_and(|due| due <= now));
    if !due {
        return Ok(());
    }
    let (mut lasting, after) = look(seen, now, there(&view));
    let recipients = core.recipients(roles::AD_SYNC, &Asker::Organisation);
    let more = u32::try_from(lasting.len().saturating_sub(NAMED)).unwrap_or(u32::MAX);
    lasting.truncate(NAMED);
    let event = EventKey(format!("lasting/{}", now.timestamp()).into());
    let (told, expires) = (lasting.len(), now + settings.expires_after);
    if told > 0 && recipients.is_empty() {
        tracing::error!(
            "Nobody can be told of {told} small things that last: no contact for ad-sync or global counts; assign one with `budkavle contacts assign ad-sync`"
        );
        // It is looked again, as soon as there is somebody.
        return Ok(());
    }
    let facts = Facts::Lasting { lasting, more };
    if told > 0 && silence::reaches_nobody(core, &facts, &recipients, now) {
        // It is told when that is over.
        return Ok(());
    }
    let notice = (told > 0).then(|| NewNotice::new(event, facts, recipients, expires));
    if told > 0 {
        tracing::info!(things = told, "Small things that last are told");
    }
    let after = Arc::new(after);
    let change = Change::Lasting(Arc::clone(&after));
    let event = Event { at: now, change, notices: notice.into_iter().collect(), audit: None };
    turn.commit(event, |view, _, _| view.lasting = Some(after)).await?;
    Ok(())
}

/// What is there now.
fn there(view: &View) -> Vec<Small> {
    let count = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
    let mut there = Vec::new();
    for (name, state) in &view.directories {
        there.extend(state.health.as_ref().and_then(|health| fails(name, health)));
        let objects = state.last_run.as_ref().map_or(0, |run| run.counts.quarantined);
        let (aside, undone) = (objects > 0, !state.vetoes.is_empty());
        there.extend(aside.then(|| Small::Quarantined { directory: name.clone(), objects }));
        let runs = count(state.vetoes.len());
        there.extend(undone.then(|| Small::Undone { directory: name.clone(), runs }));
    }
    let organisation = &view.organisation;
    let units = count(organisation.tree.misplaced().len());
    there.extend((units > 0).then_some(Small::Misplaced { units }));
    there.extend(organisation.unknown_groups.iter().map(|u| Small::NoGroup { group: u.group.clone() }));
    there
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use super::*;
    use crate::domain::alert::Health;
    use crate::domain::roles::{GLOBAL, Holder, Place};
    use crate::domain::schedule::Schedule;
    use crate::domain::testing::hour;
    use crate::flow::assign::{NewAssignment, assign};
    use crate::flow::core::Settings;
    use crate::store::{MessageFilter, SledSettings, Store};

    #[tokio::test]
    async fn what_lasts_is_told_each_day_at_its_minute_until_it_is_mended() {
        let folder = tempfile::tempdir().unwrap();
        let clock = Arc::new(Mutex::new(hour(6)));
        let (store, _) = Store::open_sled(SledSettings::small(folder.path()), hour(6)).await.unwrap();
        let time = Arc::clone(&clock);
        let schedule = Schedule::parse("0 7 * * *", chrono_tz::UTC).unwrap();
        let settings = Settings { lasting: Some(schedule), ..Settings::default() };
        let core = Core::load(store, settings, Arc::new(move || *time.lock().unwrap())).await.unwrap();
        let mail = "bo@x.example".parse().unwrap();
        let bo = Holder::Outside { name: "Bo".into(), mail };
        let new = NewAssignment::new(GLOBAL, bo, Place::Organisation);
        assign(&core, new, &crate::domain::authority::Caller::system(), None).await.unwrap();
        let failing = async |failures| {
            let error = (failures > 0).then(|| "away".into());
            let health = Health { failures, last_error: error, ..Health::new(hour(0)) };
            let change = Change::Health("main".into(), health.clone());
            let event = Event { at: core.now(), change, notices: vec![], audit: None };
            let shown = |view: &mut View| {
                view.directories.entry("main".into()).or_default().health = Some(health.clone());
            };
            core.turn().await.commit(event, |view, _, _| shown(view)).await.unwrap();
        };
        let told = async |at| {
            *clock.lock().unwrap() = at;
            tick(&core).await.unwrap();
            let filter = MessageFilter { limit: 100, ..MessageFilter::default() };
            core.store.messages(filter).await.unwrap().len()
        };
        failing(1).await;
        assert_eq!(told(hour(6)).await, 0, "the first look");
        assert_eq!(told(hour(7) - chrono::TimeDelta::seconds(1)).await, 0);
        assert_eq!(told(hour(7)).await, 1);
        assert_eq!(told(hour(8)).await, 1);
        assert_eq!(told(hour(7 + 24)).await, 2);
        failing(0).await;
        assert_eq!(told(hour(7 + 48)).await, 2);
    }
}
