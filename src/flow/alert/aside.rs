//! Tell the AD-sync contacts that many more objects of a directory are set aside, and when they aren't any more.

use chrono::{DateTime, Utc};

use crate::domain::alert::Health;
use crate::domain::alert::aside::{Grown, Word};
use crate::domain::contacts::Asker;
use crate::domain::directory::Quarantined;
use crate::domain::notice::{EventKey, Facts, NewNotice, QuarantineFacts};
use crate::domain::roles;
use crate::domain::run::Run;
use crate::flow::core::Core;
use crate::flow::silence;

/// So many of those that are new are named.
const NAMED: usize = 10;

/// Notes what a run set aside, and decides what is to be told of it: the health with that noted, and the notice to enqueue with it.
pub fn quarantine(
    core: &Core,
    health: Health,
    run: &Run,
    quarantined: &[Quarantined],
    now: DateTime<Utc>,
) -> (Health, Option<NewNotice>) {
    let (settings, name) = (core.settings(), &run.directory);
    let Some(directory) = settings.directories.get(name) else { return (health, None) };
    let before = health.aside.clone();
    let aside = before.clone().after(run, quarantined);
    let word = aside.decide(directory.policy.growth);
    let told = Health { aside: aside.clone().telling(word, now), ..health.clone() };
    let (facts, since) = match word {
        Word::Nothing => return (told, None),
        Word::Grown { before: usual } => {
            let some = before.new_among(quarantined).into_iter().take(NAMED);
            let some = some.map(|one| (one.dn.clone(), one.reason.clone())).collect();
            let (directory, objects) = (name.clone(), aside.objects);
            let facts = QuarantineFacts { directory, objects, before: usual, run: run.id, some };
            (Facts::Quarantine(facts), aside.grown.map_or(now, |grown| grown.since))
        }
        Word::Over(Grown { since, .. }) => {
            let (directory, objects) = (name.clone(), aside.objects);
            (Facts::QuarantineOver { directory, objects, since }, since)
        }
    };
    let recipients = core.recipients(roles::AD_SYNC, &Asker::Directory(name.clone()));
    if recipients.is_empty() {
        tracing::error!(
            directory = &*name.0,
            objects = aside.objects,
            "Nobody can be told how many objects are set aside: no contact for ad-sync or global counts; assign one with `budkavle contacts assign ad-sync`"
        );
    }
    if recipients.is_empty() || silence::reaches_nobody(core, &facts, &recipients, now) {
        // It isn't noted as told: the next run tries again.
        return (Health { aside, ..health }, None);
    }
    // All that is told of it goes into one thread, named by when it was first told.
    let thread = format!("quarantine/{name}/{}", since.timestamp_millis());
    let event = match word {
        Word::Over(_) => format!("{thread}/over"),
        _ if since == now => thread.clone(),
        _ => format!("{thread}/{}", run.id),
    };
    tracing::warn!(directory = &*name.0, objects = aside.objects, "How many objects are set aside is told");
    let expires = now + settings.expires_after;
    let notice = NewNotice::new(EventKey(event.into()), facts, recipients, expires);
    (told, Some(NewNotice { thread: EventKey(thread.into()), ..notice }))
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use super::*;
    use crate::domain::alert;
    use crate::domain::authority::Caller;
    use crate::domain::guard::Limits;
    use crate::domain::ids::{Guid, RunId};
    use crate::domain::notice::NoticeKind;
    use crate::domain::roles::{AD_SYNC, Holder, Place};
    use crate::domain::run::{Counts, Mode, ModeReason, Outcome, Trigger, WholeReads};
    use crate::domain::schedule::Schedule;
    use crate::domain::testing::hour;
    use crate::flow::assign::{NewAssignment, assign};
    use crate::flow::climb;
    use crate::flow::core::{DirectorySettings, Settings};
    use crate::flow::sync::finish;
    use crate::store::{DirectoryState, MessageFilter, SledSettings, Store};

    #[tokio::test]
    async fn many_more_are_told_with_the_new_ones_once_there_is_somebody_and_the_end_is_too() {
        let folder = tempfile::tempdir().unwrap();
        let clock = Arc::new(Mutex::new(hour(0)));
        let (store, _) = Store::open_sled(SledSettings::small(folder.path()), hour(0)).await.unwrap();
        let schedule = Schedule::parse("0 3 * * *", chrono_tz::UTC).unwrap();
        let whole_reads = WholeReads { blind: schedule.clone(), seeing: schedule };
        let policy = alert::Policy::default();
        let directory = DirectorySettings { limits: Limits::default(), policy, whole_reads };
        let kinds = [NoticeKind::Alert].into();
        let climbing = Arc::new(crate::domain::climb::Policy { kinds, ..Default::default() });
        let directories = [("main".into(), directory)].into();
        let settings = Settings { directories, climbing, ..Settings::default() };
        let time = Arc::clone(&clock);
        let core = Core::load(store, settings, Arc::new(move || *time.lock().unwrap())).await.unwrap();
        let all = async || {
            let filter = MessageFilter { limit: 9, ..MessageFilter::default() };
            core.store.messages(filter).await.unwrap()
        };
        let run = async |n: u8, objects: u8| {
            *clock.lock().unwrap() = hour(n.into());
            let aside = |n: u8| Quarantined {
                id: Some(Guid([n; 16])),
                dn: format!("CN={n}").into(),
                reason: "odd".into(),
            };
            let mut run = Run {
                id: RunId(n.into()),
                directory: "main".into(),
                trigger: Trigger::Schedule,
                mode: Mode::Full,
                mode_reason: ModeReason::OnlyFull,
                server: "".into(),
                started: core.now(),
                ended: core.now(),
                outcome: Outcome::Unchanged,
                counts: Counts::default(),
            };
            let state: DirectoryState = core.view().directory_state(&"main".into());
            let turn = core.turn_under(core.store.check_leads().unwrap()).await;
            let quarantined = (0..objects).map(aside).collect();
            finish(&core, &turn, &mut run, state, vec![], quarantined, None, None).await.unwrap();
            drop(turn);
            climb::tick(&core).await.unwrap();
            all().await.first().map(|listed| listed.notice.facts.clone())
        };
        assert_eq!(run(1, 3).await, None);
        assert_eq!(run(2, 13).await, None, "there is nobody");
        let mail = "bo@x.example".parse().unwrap();
        let bo = Holder::Outside { name: "Bo".into(), mail };
        let new = NewAssignment::new(AD_SYNC, bo, Place::Organisation);
        assign(&core, new, &Caller::system(), None).await.unwrap();
        let Some(Facts::Quarantine(facts)) = run(3, 14).await else { panic!("it isn't told") };
        assert_eq!((facts.objects, facts.before, &*facts.some[0].0), (14, 3, "CN=13"));
        assert_eq!(core.view().climbs.len(), 1, "somebody is to take it on");
        let over = Facts::QuarantineOver { directory: "main".into(), objects: 2, since: hour(3) };
        assert_eq!(run(4, 2).await, Some(over));
        assert!(core.view().climbs.is_empty());
        let listed = all().await;
        assert_eq!(listed.len(), 2);
        assert_eq!(listed[0].notice.thread, listed[1].notice.event);
    }
}
