use chrono::{DateTime, TimeDelta, Utc};
use proptest::prelude::*;

use super::decide::{Plan, Step, Told, Why, decide};
use super::mapped::Mapping;
use super::*;
use crate::domain::testing::hour;

fn teller() -> Teller {
    Teller::Feed("cloud".into())
}

/// An incident that was said `at`.
fn report(key: &str, at: DateTime<Utc>) -> Report {
    Report {
        key: key.into(),
        title: format!("Trouble {key}").into(),
        text: "We look.".into(),
        severity: Some(Severity::Major),
        state: State::Investigating,
        planned: false,
        components: vec![],
        at: Some(at),
        link: None,
        began: None,
        about: None,
    }
}

fn listed(reports: Vec<Report>) -> Listed {
    Listed { reports, ..Listed::default() }
}

/// A feed that is looked at again and again, and what stands open here because of it.
struct World {
    policy: Policy,
    intake: Intake,
    open: Vec<OutageId>,
    opened: u64,
    first: bool,
}

impl World {
    fn new() -> World {
        let intake = Intake::default();
        World { policy: Policy::default(), intake, open: vec![], opened: 0, first: true }
    }

    fn plan(&self, told: Told, now: DateTime<Utc>) -> Plan {
        let of = teller();
        decide(&of, &self.policy, self.intake.of(&of), |id| self.open.contains(&id), told, now)
    }

    /// What is done, in words.
    fn told(&mut self, told: Told, now: DateTime<Utc>) -> Vec<String> {
        let Plan { steps, notes, .. } = self.plan(told, now);
        let notes = notes.into_iter().map(|(key, followed)| (teller(), key, followed)).collect();
        self.intake.apply(Changes { followed: notes, ..Changes::default() });
        let mut done = Vec::new();
        for step in steps {
            match step {
                Step::Open { report, severity, services, followed } => {
                    self.opened += 1;
                    let id = OutageId(self.opened);
                    self.open.push(id);
                    self.intake.apply(Changes::following(followed).numbered(id));
                    done.push(
                        format!("open {} {severity} {}", report.key, services.join("+")).trim().to_owned(),
                    );
                }
                Step::Say { outage, state, text, severity, followed: (key, followed), .. } => {
                    if state == Some(State::Resolved) {
                        self.open.retain(|open| *open != outage);
                    }
                    let changes = vec![(teller(), key, followed)];
                    self.intake.apply(Changes { followed: changes, ..Changes::default() });
                    let severity = severity.map(|severity| format!(" now {severity}")).unwrap_or_default();
                    let state = state.map(|state| format!(" {state}")).unwrap_or_default();
                    done.push(format!("{outage}{state}{severity}: {text}"));
                }
            }
        }
        done
    }

    fn says(&mut self, reports: Vec<Report>, now: DateTime<Utc>) -> Vec<String> {
        let first = std::mem::take(&mut self.first);
        self.told(Told::All { listed: listed(reports), first }, now)
    }

    fn left(&self, reports: Vec<Report>, now: DateTime<Utc>) -> Vec<Why> {
        let plan = self.plan(Told::All { listed: listed(reports), first: self.first }, now);
        assert!(plan.steps.is_empty(), "{plan:?}");
        plan.left.into_iter().map(|(_, why)| why).collect()
    }
}

#[test]
fn a_report_is_opened_once_its_words_follow_and_its_end() {
    let mut world = World::new();
    let first = report("a", hour(0));
    assert_eq!(world.says(vec![first.clone()], hour(0)), ["open a major"]);
    assert_eq!(world.says(vec![first.clone()], hour(1)), [""; 0]);
    let found =
        Report { state: State::Identified, text: "A disk.".into(), at: Some(hour(2)), ..first.clone() };
    assert_eq!(world.says(vec![found.clone()], hour(2)), ["1 identified: A disk."]);
    let worse = Report { severity: Some(Severity::Critical), ..found };
    assert_eq!(world.says(vec![worse.clone()], hour(3)), ["1 now critical: A disk."]);
    let over = Report { state: State::Resolved, text: "Changed.".into(), ..worse };
    assert_eq!(world.says(vec![over.clone()], hour(4)), ["1 resolved: Changed."]);
    assert_eq!(world.says(vec![over], hour(5)), [""; 0]);
    // It breaks again.
    let again = Report { at: Some(hour(6)), text: "Again.".into(), ..first };
    assert_eq!(world.says(vec![again], hour(6)), ["open a major"]);
}

#[test]
fn what_is_not_listed_any_more_is_closed_after_the_grace_also_when_the_server_says_nothing_changed() {
    let mut world = World::new();
    let now = |minutes| hour(0) + TimeDelta::minutes(minutes);
    world.says(vec![report("a", now(0)), report("b", now(0))], now(0));
    assert_eq!(world.says(vec![report("b", now(0))], now(5)), [""; 0]);
    // It was only away for a moment.
    world.says(vec![report("a", now(0)), report("b", now(0))], now(10));
    assert_eq!(world.says(vec![report("b", now(0))], now(40)), [""; 0]);
    assert_eq!(world.told(Told::Same, now(69)), [""; 0]);
    assert_eq!(world.told(Told::Same, now(70)), ["1 resolved: The feed cloud doesn't list it any more."]);
    assert_eq!(world.told(Told::Same, now(80)), [""; 0]);
    // Back: it goes on, also when its last word is old, since nobody said that it was over.
    assert_eq!(world.says(vec![report("a", now(0)), report("b", now(0))], now(90)), ["open a major"]);
    for minutes in [100, 140] {
        assert_eq!(
            world.says(vec![report("b", now(0))], now(minutes)),
            [""; 0],
            "two looks don't make it gone"
        );
    }
    world.says(vec![report("b", now(0))], now(145));
    let days = now(3 * 24 * 60);
    assert_eq!(world.says(vec![report("a", now(0)), report("b", now(0))], days), ["open a major"]);
    // In the end it is forgotten.
    for day in [4, 5, 6, 40] {
        world.says(vec![report("b", now(0))], now(day * 24 * 60));
    }
    assert_eq!(world.intake.of(&teller()).map(|f| &*f.key).collect::<Vec<_>>(), ["b"]);
}

#[test]
fn what_is_left_alone_has_its_reason() {
    let mut world = World::new();
    let now = hour(1000);
    let new = || report("a", now);
    let not = |report| vec![report];
    world.policy.least = Severity::Major;
    world.policy.components = vec![
        Component { name: "Mail".into(), service: Some("post".into()) },
        Component { name: "Chat".into(), service: None },
    ];
    world.policy.services = vec!["cloud".into()];
    let named =
        |names: &[&str]| Report { components: names.iter().map(|n| Box::from(*n)).collect(), ..new() };
    for (report, why) in [
        (Report { state: State::Resolved, ..named(&["Mail"]) }, Why::Over),
        (Report { planned: true, ..named(&["Mail"]) }, Why::Planned),
        (Report { severity: Some(Severity::Minor), ..named(&["Mail"]) }, Why::TooMinor),
        (named(&["Disks"]), Why::OtherComponent),
        (new(), Why::OtherComponent),
        (Report { at: Some(now - TimeDelta::hours(25)), ..named(&["Mail"]) }, Why::Old),
        (Report { at: Some(now + TimeDelta::hours(1)), ..named(&["Mail"]) }, Why::Future),
        (Report { at: None, ..named(&["mail"]) }, Why::Undated),
    ] {
        assert_eq!(world.left(not(report), now), [why]);
    }
    let all = vec![
        Report { key: "1".into(), ..named(&["mail"]) },
        Report { key: "2".into(), ..named(&["CHAT", "Disks"]) },
        Report { key: "3".into(), text: "The mail is slow.".into(), ..new() },
        Report { key: "4".into(), at: Some(now + TimeDelta::minutes(10)), ..named(&["Mail"]) },
    ];
    let opened = ["open 1 major post", "open 2 major cloud", "open 3 major post", "open 4 major post"];
    assert_eq!(world.says(all, now), opened);
}

#[test]
fn what_has_no_time_is_opened_only_when_it_was_not_there_before() {
    let mut world = World::new();
    let undated = |key| Report { at: None, ..report(key, hour(0)) };
    assert_eq!(world.says(vec![undated("old")], hour(0)), [""; 0]);
    assert_eq!(world.says(vec![undated("new"), undated("old")], hour(1)), ["open new major"]);
    let changed = Report { text: "More.".into(), ..undated("old") };
    assert_eq!(world.says(vec![undated("new"), changed], hour(2)), ["open old major"]);
}

#[test]
fn a_flood_opens_nothing_and_what_is_open_goes_on() {
    let mut world = World::new();
    world.says(vec![report("a", hour(0))], hour(0));
    let changed = Report { text: "More.".into(), ..report("a", hour(0)) };
    let flood = (0..500).map(|n| report(&n.to_string(), hour(1))).chain([changed]);
    let flood: Vec<Report> = flood.collect();
    let plan = world.plan(Told::All { listed: listed(flood.clone()), first: false }, hour(1));
    assert_eq!((plan.too_many(), plan.may_ripen()), (500, true));
    assert_eq!(world.says(flood, hour(1)), ["1: More."]);
    let few = (0..10).map(|n| report(&n.to_string(), hour(1))).collect();
    assert_eq!(
        world.says(few, hour(1) + TimeDelta::minutes(1)),
        [""; 0],
        "with the one that is open they are eleven"
    );
}

#[test]
fn what_is_closed_by_hand_stays_closed_until_the_teller_said_that_it_is_over() {
    let mut world = World::new();
    world.says(vec![report("a", hour(0))], hour(0));
    world.open.clear();
    let word = |text: &str| Report { text: text.into(), ..report("a", hour(1)) };
    assert_eq!(world.says(vec![word("More.")], hour(1)), [""; 0]);
    assert_eq!(world.says(vec![word("Still more.")], hour(2)), [""; 0]);
    let over = Report { state: State::Resolved, ..word("Done.") };
    assert_eq!(world.says(vec![over], hour(3)), [""; 0]);
    assert_eq!(world.says(vec![word("Again.")], hour(4)), ["open a major"]);
}

#[test]
fn who_tells_only_some_is_not_held_to_what_it_does_not_speak_of_and_nothing_piles_up() {
    let mut world = World::new();
    world.told(Told::Some(vec![report("a", hour(0))]), hour(0));
    world.told(Told::Some(vec![report("b", hour(0))]), hour(0));
    assert_eq!(world.told(Told::Some(vec![report("b", hour(0))]), hour(100)), [""; 0]);
    assert_eq!(world.open.len(), 2);
    let over = |key| Report { state: State::Resolved, ..report(key, hour(101)) };
    assert_eq!(world.told(Told::Some(vec![over("a")]), hour(101)).len(), 1);
    assert_eq!(world.told(Told::Some(vec![over("a")]), hour(102)), [""; 0]);
    world.open.clear();
    world.told(Told::Some(vec![over("b")]), hour(103));
    world.told(Told::Some(vec![over("c")]), hour(128));
    assert_eq!(world.intake, Intake::default());
}

#[test]
fn what_is_there_but_cannot_be_read_is_not_taken_for_gone_nor_is_anything_after_a_failed_look() {
    let mut world = World::new();
    let now = |minutes| hour(0) + TimeDelta::minutes(minutes);
    world.says(vec![report("a", now(0)), report("b", now(0))], now(0));
    let b = || vec![report("b", now(0))];
    let unread = || Listed { unread: vec!["a".into()], ..listed(b()) };
    let lost = || Listed { lost: 1, ..listed(b()) };
    for n in 1..20 {
        let listed = if n % 2 == 0 { unread() } else { lost() };
        assert_eq!(world.told(Told::All { listed, first: false }, now(n * 60)), [""; 0]);
    }
    // It is gone, but between two looks there is one that fails: the grace begins anew.
    assert_eq!(world.says(b(), now(2000)), [""; 0]);
    assert_eq!(world.says(b(), now(2010)), [""; 0]);
    assert_eq!(world.told(Told::Nothing, now(2020)), [""; 0]);
    assert_eq!(world.says(b(), now(2035)), [""; 0]);
    assert_eq!(world.says(b(), now(2050)), [""; 0]);
    assert_eq!(world.says(b(), now(2065)), ["1 resolved: The feed cloud doesn't list it any more."]);
}

#[test]
fn a_list_that_is_empty_by_mistake_closes_later_and_what_comes_back_is_open_again() {
    let mut world = World::new();
    let now = |minutes| hour(0) + TimeDelta::minutes(minutes);
    let all = || vec![report("a", now(0)), report("b", now(0))];
    world.says(all(), now(0));
    let days = 3 * 24 * 60;
    world.says(all(), now(days));
    for minutes in [5, 20, 40, 124] {
        assert_eq!(world.says(vec![], now(days + minutes)), [""; 0]);
    }
    let plan = world.plan(Told::All { listed: listed(vec![]), first: false }, now(days + 125));
    assert_eq!((plan.vanished, plan.steps.len()), (2, 2));
    assert_eq!(world.says(vec![], now(days + 125)).len(), 2);
    assert_eq!(world.says(all(), now(days + 130)), ["open a major", "open b major"]);
}

#[test]
fn what_was_closed_by_hand_or_there_before_and_was_away_is_opened_when_it_breaks_anew() {
    let mut world = World::new();
    let undated = |key| Report { at: None, ..report(key, hour(0)) };
    let both = || vec![undated("a"), undated("old")];
    world.says(vec![undated("old")], hour(0));
    assert_eq!(world.says(both(), hour(1)), ["open a major"]);
    world.open.clear();
    assert_eq!(world.says(both(), hour(2)), [""; 0]);
    for n in 3..6 {
        assert_eq!(world.says(vec![], hour(n)), [""; 0]);
    }
    assert_eq!(world.says(both(), hour(24 * 7)), ["open a major", "open old major"]);
}

#[test]
fn other_words_at_each_look_and_coming_and_going_are_told_now_and_then_only() {
    let mut world = World::new();
    let now = |minutes| hour(0) + TimeDelta::minutes(minutes);
    let mut told = 0;
    for n in 0..288 {
        let text = format!("Checked {n}").into();
        told += world.says(vec![Report { text, ..report("a", now(0)) }], now(n * 5)).len();
    }
    assert_eq!(told, 96, "one each quarter of an hour");
    let (mut world, mut told) = (World::new(), 0);
    for n in 0..288 {
        let state = if n % 2 == 0 { State::Investigating } else { State::Resolved };
        told +=
            world.says(vec![Report { state, at: Some(now(n * 5)), ..report("a", now(0)) }], now(n * 5)).len();
    }
    assert!((6..=16).contains(&told), "{told}");
    // Something else each time: so many outages are opened in a day, not more.
    let (mut world, mut told) = (World::new(), 0);
    for n in 0..288 {
        told += world
            .says(vec![report(&n.to_string(), now(n * 5))], now(n * 5))
            .iter()
            .filter(|t| t.starts_with("open"))
            .count();
    }
    assert!(told <= 50, "{told}");
}

#[test]
fn what_an_operator_says_is_not_taken_back_before_the_teller_says_something_else() {
    let mut world = World::new();
    world.says(vec![report("a", hour(0))], hour(0));
    let more = Report { text: "More.".into(), ..report("a", hour(0)) };
    assert_eq!(world.says(vec![more.clone()], hour(1)), ["1: More."]);
    let found = Report { state: State::Monitoring, ..more };
    assert_eq!(world.says(vec![found], hour(2)), ["1 monitoring: More."]);
}

#[test]
fn a_component_that_is_named_later_brings_its_service() {
    let mut world = World::new();
    let component =
        |name: &str, service: &str| Component { name: name.into(), service: Some(service.into()) };
    world.policy.components = vec![component("Chat", "chat"), component("Mail Delivery", "mail")];
    let named = |names: &[&str]| Report {
        components: names.iter().map(|n| Box::from(*n)).collect(),
        ..report("a", hour(0))
    };
    assert_eq!(world.says(vec![named(&["Chat"])], hour(0)), ["open a major chat"]);
    let concerns = |world: &World, report| {
        world.plan(Told::All { listed: listed(vec![report]), first: false }, hour(1)).concerns
    };
    assert_eq!(concerns(&world, named(&["mail delivery"])), [(OutageId(1), vec!["mail".into()])]);
    assert_eq!(
        concerns(&world, named(&["Chat", "Mail Delivery"])),
        [(OutageId(1), vec!["chat".into(), "mail".into()])]
    );
    assert_eq!(concerns(&world, named(&["Disks"])), []);
    assert_eq!(concerns(&world, Report { state: State::Resolved, ..named(&["Chat"]) }), []);
}

#[test]
fn what_was_closed_by_hand_and_is_never_spoken_of_again_is_forgotten_in_the_end() {
    let mut world = World::new();
    world.told(Told::Some(vec![report("a", hour(0)), report("open", hour(0))]), hour(0));
    world.open.retain(|id| *id == OutageId(2));
    world.told(Told::Some(vec![report("a", hour(1))]), hour(1));
    let over = Report { state: State::Resolved, ..report("x", hour(24 * 364)) };
    world.told(Told::Some(vec![over.clone()]), hour(24 * 364));
    assert_eq!(world.intake.of(&teller()).count(), 2);
    world.told(Told::Some(vec![over]), hour(24 * 366));
    assert_eq!(
        world.intake.of(&teller()).map(|f| &*f.key).collect::<Vec<_>>(),
        ["open"],
        "what is open is remembered"
    );
}

proptest! {
    /// However a feed behaves, no incident is open twice, and each key of it that is open has one outage.
    #[test]
    fn nothing_is_ever_open_twice(
        looks in prop::collection::vec(
            prop::collection::vec((0_u8..4, 0_u8..3, any::<bool>(), prop::option::of(-30_i64..3)), 0..6),
            1..30,
        ),
        by_hand in prop::collection::vec(any::<bool>(), 30),
    ) {
        let mut world = World::new();
        world.policy.most = 3;
        for (n, (look, by_hand)) in looks.into_iter().zip(by_hand).enumerate() {
            let now = hour(1000) + TimeDelta::minutes(20 * i64::try_from(n).unwrap());
            let reports = look.into_iter().map(|(key, word, over, at)| Report {
                text: format!("Word {word}").into(),
                state: if over { State::Resolved } else { State::Investigating },
                at: at.map(|at| now + TimeDelta::hours(at)),
                ..report(&key.to_string(), now)
            });
            let reports: Vec<Report> = reports.collect();
            world.says(reports.clone(), now);
            let of = teller();
            let mut followed: Vec<OutageId> = world.intake.of(&of)
                .filter(|f| f.over.is_none()).filter_map(|f| f.outage)
                .filter(|id| world.open.contains(id)).collect();
            followed.sort_unstable();
            let mut open = world.open.clone();
            open.sort_unstable();
            prop_assert_eq!(&followed, &open);
            prop_assert!(open.len() <= 3);
            // Said again at once, nothing is done, but that one look more without it may end it.
            let done = world.says(reports, now);
            prop_assert!(done.iter().all(|done| done.ends_with("doesn't list it any more.")), "{:?}", done);
            if by_hand {
                world.open.pop();
            }
        }
    }

    /// Nothing that comes from outside makes a parser panic, and what it makes of it is short and clean.
    #[test]
    fn what_is_read_is_short_and_clean(text in "\\PC{0,200}", raw in prop::collection::vec(any::<u8>(), 0..300)) {
        let mapping = mapping();
        let json = serde_json::json!({
            "incidents": [{ "id": text, "name": text, "status": text, "impact": text, "updated_at": text, "shortlink": text,
                "incident_updates": [{ "body": text }], "components": [{ "name": text }] }],
            "items": [{ "id": text, "name": text, "say": text, "level": text, "when": text, "parts": [text] }],
        }).to_string();
        let xml = text.replace('&', "&amp;").replace('<', "&lt;");
        let rss = format!("<rss version=\"2.0\"><channel><item><guid>{xml}</guid><title>{xml}</title><description>{xml}</description></item></channel></rss>");
        let read = [
            statuspage::parse(json.as_bytes()), mapped::parse(json.as_bytes(), &mapping), syndication::parse(rss.as_bytes()),
            statuspage::parse(&raw), mapped::parse(&raw, &mapping), syndication::parse(&raw),
        ];
        for report in read.into_iter().flatten().flat_map(|listed| listed.reports) {
            prop_assert!(report.title.chars().count() <= 200 && !report.title.trim().is_empty());
            prop_assert!(report.text.chars().count() <= SAID_MAX && report.key.chars().count() <= 120);
            prop_assert!(!report.title.chars().any(char::is_control) && !report.key.contains('\0'));
        }
        prop_assert!(alertmanager::parse(&raw, None, hour(0)).is_err() || !raw.is_empty());
    }
}

pub(super) fn mapping() -> Mapping {
    Mapping {
        entries: "/items".into(),
        id: "/id".into(),
        title: "/name".into(),
        text: Some("/say".into()),
        state: Some("/stand".into()),
        severity: Some("/level".into()),
        at: Some("/when".into()),
        components: Some("/parts".into()),
        link: Some("/more/url".into()),
        over: vec!["Behoben".into()],
        severities: vec![("schlimm".into(), Severity::Critical)],
    }
}

mod formats;
