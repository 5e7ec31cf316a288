//! What of the notices is under way, for the status: who is asked, what isn't told, who listens from outside.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::App;
use crate::domain::climb::Climb;
use crate::domain::ids::{NoticeId, OutageId};
use crate::domain::outage::Severity;
use crate::domain::silence::Silence;
use crate::domain::subscriber::Standing;
use crate::flow::core::{Settings, View};

/// So many of those that wait are shown one by one.
const SHOWN: usize = 20;

/// What of the notices is under way.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct NoticesStatus {
    /// How many wait for somebody to take them on.
    pub waiting: usize,
    /// Of these the first that were asked, at most 20.
    pub longest_waiting: Vec<WaitingStatus>,
    /// The silences that hold now, and those that are to come.
    pub silences: Vec<SilenceStatus>,
    /// The open incidents of which some people aren't told, since they are told of another.
    pub held_back: Vec<HeldBack>,
    /// Who outside is told of outages.
    pub subscribers: SubscribersStatus,
}

/// A notice that waits for somebody to take it on.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct WaitingStatus {
    /// The number for `budkavle notice ack`.
    pub notice: NoticeId,
    /// What it is about, in a few words.
    pub about: Box<str>,
    /// How bad that is.
    pub severity: Severity,
    /// Since when it is asked.
    pub asked: DateTime<Utc>,
    /// How many people were told.
    pub told: usize,
    /// When it goes to others; None: nobody is left.
    pub goes_on: Option<DateTime<Utc>>,
}

/// A silence.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct SilenceStatus {
    /// What it is.
    #[serde(flatten)]
    pub silence: Silence,
    /// Whether it holds now; else it is to come.
    pub in_force: bool,
}

/// An incident of which some people aren't told.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct HeldBack {
    /// Which one.
    pub outage: OutageId,
    /// The one that they are told of.
    pub by: OutageId,
    /// How many.
    pub people: usize,
}

/// How many outside are told of outages.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct SubscribersStatus {
    /// These have said that they want it.
    pub confirmed: usize,
    /// These were asked, and haven't answered.
    pub unconfirmed: usize,
}

/// What is under way now.
pub(super) fn notices(app: &App, view: &View) -> NoticesStatus {
    NoticesStatus::of(view, &app.core.settings(), app.core.now())
}

impl NoticesStatus {
    fn of(view: &View, settings: &Settings, now: DateTime<Utc>) -> NoticesStatus {
        let mut longest: Vec<&Climb> = view.climbs.values().collect();
        longest.sort_by_key(|climb| (climb.asked, climb.notice));
        let waits = |climb: &Climb| WaitingStatus {
            notice: climb.notice,
            about: climb.about.clone(),
            severity: climb.severity,
            asked: climb.asked,
            told: climb.told.len(),
            goes_on: settings.climbing.due(climb),
        };
        let silent = view.silences.values().filter(|silence| now < silence.until);
        let silent = silent.map(|s| SilenceStatus { in_force: s.from <= now, silence: s.clone() });
        let held = view.inhibited.iter();
        let held = held.map(|(outage, held)| HeldBack {
            outage: *outage,
            by: held.by,
            people: held.mailboxes.len(),
        });
        let confirmed =
            view.subscribers.values().filter(|s| matches!(s.standing, Standing::Confirmed { .. })).count();
        let unconfirmed = view.subscribers.len() - confirmed;
        NoticesStatus {
            waiting: longest.len(),
            longest_waiting: longest.into_iter().take(SHOWN).map(waits).collect(),
            silences: silent.collect(),
            held_back: held.collect(),
            subscribers: SubscribersStatus { confirmed, unconfirmed },
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use chrono::TimeDelta;

    use super::*;
    use crate::domain::audit::Actor;
    use crate::domain::climb;
    use crate::domain::notice::NoticeKind;
    use crate::domain::outage::policy::Policy;
    use crate::domain::roles::{OUTAGE, Place};
    use crate::domain::silence::Matcher;
    use crate::domain::testing::{hour, service};
    use crate::flow::core::Core;
    use crate::flow::links::Public;
    use crate::flow::silence::NewSilence;
    use crate::flow::subscribers::{self, Wanted};
    use crate::flow::testing::{appoint, open_outage};
    use crate::flow::{climb as climbs, silence};
    use crate::store::{SledSettings, Store};

    fn settings() -> Settings {
        let services = [service("net", &[]), service("mail", &["net"])].into_iter().collect();
        let climbing = climb::Policy { kinds: [NoticeKind::Outage].into(), ..climb::Policy::default() };
        Settings {
            outages: Arc::new(Policy { services: Arc::new(services), ..Policy::default() }),
            climbing: Arc::new(climbing),
            public: Some(Public {
                url: "https://b.example".into(),
                lives: TimeDelta::days(7),
                subscribe: false,
            }),
            ..Settings::default()
        }
    }

    #[tokio::test]
    async fn it_is_shown_who_is_asked_what_is_silent_who_is_spared_and_who_listens() {
        let folder = tempfile::tempdir().unwrap();
        let (store, _) = Store::open_sled(SledSettings::small(folder.path()), hour(8)).await.unwrap();
        let core = Core::load(store, settings(), Arc::new(|| hour(8))).await.unwrap();
        appoint(&core, OUTAGE, "asa", Place::Organisation).await;
        let status = || NoticesStatus::of(&core.view(), &core.settings(), core.now());
        assert_eq!(status().waiting, 0);
        open_outage(&core, "The net is down", &["net"], Severity::Critical).await;
        open_outage(&core, "Mail is down", &["mail"], Severity::Critical).await;
        for name in ["yes", "no"] {
            let mail = format!("{name}@out.example").parse().unwrap();
            let wanted = Wanted { mail, services: [].into(), severity: Severity::Minor };
            let id = subscribers::ask(&core, wanted, &Actor::System).await.unwrap().id;
            if name == "yes" {
                subscribers::confirm(&core, id).await.unwrap();
            }
        }
        for from in [None, Some(hour(9))] {
            let matcher = Matcher { kinds: [NoticeKind::Alert].into(), ..Matcher::default() };
            let new = NewSilence { matcher, from, until: hour(10), why: "known".into() };
            silence::add(&core, new, &Actor::System).await.unwrap();
        }
        let shown = status();
        let waits = &shown.longest_waiting[0];
        assert_eq!((shown.waiting, waits.told, waits.goes_on), (1, 1, Some(hour(9))));
        assert!(waits.about.contains("The net is down") && waits.asked == hour(8));
        let held = HeldBack { outage: OutageId(2), by: OutageId(1), people: 1 };
        assert_eq!(shown.held_back, [held]);
        assert_eq!(shown.silences.iter().map(|silence| silence.in_force).collect::<Vec<_>>(), [true, false]);
        assert_eq!(shown.subscribers, SubscribersStatus { confirmed: 1, unconfirmed: 1 });
        climbs::acknowledge(&core, waits.notice, "asa", &Actor::System, None).await.unwrap();
        assert_eq!(status().waiting, 0);
    }
}
