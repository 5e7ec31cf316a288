use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::time::Duration;

use super::*;
use crate::domain::alert::Policy;
use crate::domain::authority::Caller;
use crate::domain::decode::Mapping;
use crate::domain::guard::Limits;
use crate::domain::ical;
use crate::domain::ids::DirectoryName;
use crate::domain::roles::{AttributeGrant, Grants, LOCAL, built_in, granting_attributes};
use crate::domain::run::{Trigger, WholeReads};
use crate::domain::schedule::Schedule;
use crate::flow::absences::change;
use crate::flow::assign::{AssignError, NewAbsence, add_absence, remove_absence};
use crate::flow::core::{DirectorySettings, Settings};
use crate::flow::sync::{Order, Report, sync};
use crate::source::Source;
use crate::source::fetch::Location;
use crate::source::fetch::web::Server;
use crate::source::ldif::Ldif;
use crate::store::{SledSettings, Store};

/// In front of what an LDIF file has of a person: another account, which is called the same.
const ANEW: &str = "(anew)";

/// Two people of an LDIF file, with a clock that is moved.
struct World {
    core: Core,
    folder: tempfile::TempDir,
    now: Arc<Mutex<DateTime<Utc>>>,
}

impl World {
    async fn new() -> World {
        let folder = tempfile::tempdir().unwrap();
        let now = Arc::new(Mutex::new("2026-07-01T08:00:00Z".parse().unwrap()));
        let core = load(folder.path(), &now).await;
        let world = World { core, folder, now };
        world.sync(["", ""]).await;
        world
    }

    /// The same after a restart.
    async fn started_anew(self) -> World {
        self.core.store.close().await;
        let core = load(self.folder.path(), &self.now).await;
        World { core, ..self }
    }

    fn at(&self, text: &str) {
        *self.now.lock().unwrap() = text.parse().unwrap();
    }

    /// What comes of these further lines of the two people.
    async fn report(&self, more: [&'static str; 2], dry_run: bool) -> Report {
        let person = |(n, more): (u8, &str)| {
            let (kind, more) = match more.strip_prefix(ANEW) {
                Some(more) => ("B", more),
                None => ("A", more),
            };
            let guid = format!("{kind}AAAAAAAAAAAAAAAAAAA{n}A==");
            format!(
                "dn: CN=u{n},OU=a,DC=org\nobjectClass: user\nobjectGUID:: {guid}\nsAMAccountName: u{n}\nmail: u{n}@org.example\nuserAccountControl: 512\n{more}\n"
            )
        };
        let unit =
            "dn: OU=a,DC=org\nobjectClass: organizationalUnit\nobjectGUID:: BAAAAAAAAAAAAAAAAAAAAA==\n\n";
        let text: String = (1..).zip(more).map(person).collect();
        let file = self.folder.path().join("people.ldif");
        std::fs::write(&file, format!("{unit}{text}")).unwrap();
        let mapping = Mapping {
            absence: "extensionAttribute5".into(),
            marks: granting_attributes(&self.core.settings().roles),
            ..Mapping::default()
        };
        let source = Source::Ldif(Ldif { file, mapping, run_timeout: Duration::from_secs(600) });
        let order = Order { trigger: Trigger::Schedule, full: true, dry_run };
        sync(&self.core, &source, &directory(), order, |_| {}).await.unwrap()
    }

    async fn sync(&self, more: [&'static str; 2]) -> Report {
        let report = self.report(more, false).await;
        assert!(
            !matches!(report.run.outcome, crate::domain::run::Outcome::Failed { .. }),
            "{:?}",
            report.run
        );
        report
    }

    fn user(&self, account: &str) -> UserId {
        self.core.view().organisation.find_user(account).unwrap().id
    }

    /// Who is away when, by what.
    fn away(&self) -> Vec<String> {
        let view = self.core.view();
        let mut all: Vec<&Absence> = view.organisation.absences.values().flatten().collect();
        all.sort_by_key(|a| (a.user, a.from, a.id));
        let name = |id| view.organisation.user(id).map(|user| user.account().to_owned()).unwrap_or_default();
        let said = |a: &&Absence| {
            let (from, until) = (a.from.format("%m-%dT%H"), a.until.format("%m-%dT%H"));
            let deputy = a.deputy.map(|d| format!(" ({})", name(d))).unwrap_or_default();
            format!("{} {from}–{until}{deputy} {}", name(a.user), a.origin)
        };
        all.iter().map(said).collect()
    }

    async fn by_hand(&self, from: &str, until: &str) -> AbsenceId {
        let (user, deputy, note) = (self.user("u1"), None, None);
        let (from, until) = (from.parse().unwrap(), until.parse().unwrap());
        let new = NewAbsence { user, from, until, deputy, note };
        add_absence(&self.core, new, &Caller::system(), None).await.unwrap().id
    }

    async fn fetch(&self, calendars: &Calendars) -> Fetched {
        calendars.fetch(&self.core, &"cal".into(), &Actor::System).await.unwrap()
    }
}

fn directory() -> DirectoryName {
    "main".into()
}

async fn load(folder: &Path, now: &Arc<Mutex<DateTime<Utc>>>) -> Core {
    let store = SledSettings::small(folder);
    let mut roles = built_in();
    let attribute = AttributeGrant {
        attribute: "extensionAttribute1".into(),
        values: vec!["Budkavle-Local".into(), "x".into()],
    };
    for role in roles.iter_mut().filter(|role| &*role.name.0 == LOCAL) {
        role.grants = Grants { attribute: Some(attribute.clone()), ..role.grants.clone() };
    }
    let schedule = Schedule::parse("0 3 * * *", chrono_tz::UTC).unwrap();
    let whole_reads = WholeReads { blind: schedule.clone(), seeing: schedule };
    let policy = Policy::default();
    let settings = DirectorySettings { limits: Limits::default(), policy, whole_reads };
    let settings = Settings { roles, directories: [(directory(), settings)].into(), ..Settings::default() };
    let clock = Arc::clone(now);
    let (store, _) = Store::open_sled(store, DateTime::UNIX_EPOCH).await.unwrap();
    Core::load(store, settings, Arc::new(move || *clock.lock().unwrap())).await.unwrap()
}

fn settings(source: CalendarSource) -> CalendarSettings {
    CalendarSettings { user: Some("u1".into()), deputy: None, busy: false, titles: Vec::new(), source }
}

fn calendars(settings: CalendarSettings) -> Calendars {
    Calendars::new([("cal".into(), settings)].into())
}

fn file(folder: &Path, text: &str) -> PathBuf {
    let path = folder.join("cal.ics");
    std::fs::write(&path, text).unwrap();
    path
}

fn event(from: &str, until: &str, more: &str) -> String {
    let status = "X-MICROSOFT-CDO-BUSYSTATUS:OOF";
    format!("BEGIN:VEVENT\nUID:{from}\nDTSTART:{from}\nDTEND:{until}\n{status}\n{more}END:VEVENT\n")
}

fn ics(events: &[String]) -> String {
    format!("BEGIN:VCALENDAR\nVERSION:2.0\n{}END:VCALENDAR\n", events.concat())
}

#[tokio::test]
async fn what_a_calendar_says_is_replaced_by_what_it_says_next_and_what_is_by_hand_stays() {
    let world = World::new().await;
    let server = Server::start().await;
    let hand = world.by_hand("2026-07-10T00:00:00Z", "2026-07-12T00:00:00Z").await;
    let at = match server.at("/secret/cal.ics") {
        Location::Url(url) => Location::Hidden(url),
        other => other,
    };
    let calendars = calendars(settings(server.calendar(at)));
    let (first, second) = ("20260706T060000Z", "20260801T060000Z");
    let both = ics(&[event(first, "20260711T060000Z", ""), event(second, "20260802T060000Z", "")]);
    server.says("/secret/cal.ics", 200, &[("etag", "\"1\"")], both.as_bytes());
    let fetched = world.fetch(&calendars).await;
    assert_eq!((fetched.put, fetched.removed, fetched.absences, fetched.trouble), (2, 0, 2, None));
    let said = [
        "u1 07-06T06–07-11T06 the calendar cal",
        "u1 07-10T00–07-12T00 by hand",
        "u1 08-01T06–08-02T06 the calendar cal",
    ];
    assert_eq!(world.away(), said);
    // Nothing new: the server is asked whether anything changed, and no more is noted.
    let generation = world.core.view().generation;
    assert_eq!(world.fetch(&calendars).await.put, 0);
    assert_eq!(server.asked().last().unwrap().get("if-none-match").unwrap(), "\"1\"");
    // Made anew for whoever asks.
    server.says("/secret/cal.ics", 200, &[("etag", "\"1\"")], both.replace("2.0", "2.0\nX-A:1").as_bytes());
    assert_eq!(world.fetch(&calendars).await.put, 0);
    assert_eq!(world.core.view().generation, generation);

    // It can't be read any more: what it said last stays, and the path, which is a secret, isn't told.
    for (status, body) in
        [(404, b"".to_vec()), (200, b"<html>".to_vec()), (200, vec![b'x'; ical::LARGEST + 1])]
    {
        server.says("/secret/cal.ics", status, &[], &body);
        let trouble = world.fetch(&calendars).await.trouble.unwrap();
        assert!(trouble.starts_with("https://localhost/…") && !trouble.contains("secret"), "{trouble}");
        assert_eq!(world.away(), said);
    }
    let state = calendars.state(&"cal".into());
    assert!(state.good.is_some() && state.trouble.is_some());
    assert!(calendars.last(&"cal".into()).1);

    // Gone there, gone here; the other one keeps its number.
    let number = |from: &str| {
        let view = world.core.view();
        view.organisation
            .absences
            .values()
            .flatten()
            .find(|a| a.from == from.parse::<DateTime<Utc>>().unwrap())
            .unwrap()
            .id
    };
    let kept = number("2026-08-01T06:00:00Z");
    server.says(
        "/secret/cal.ics",
        200,
        &[],
        ics(&[event(second, "20260802T060000Z", "SUMMARY:Semester\n")]).as_bytes(),
    );
    let fetched = world.fetch(&calendars).await;
    assert_eq!((fetched.put, fetched.removed), (1, 1));
    assert_eq!(world.away(), [said[1], said[2]]);
    assert_eq!(number("2026-08-01T06:00:00Z"), kept);

    // Not by hand.
    let refused = remove_absence(&world.core, kept, &Caller::system(), None).await.unwrap_err();
    assert!(
        matches!(&refused, AssignError::NotHere { .. }) && refused.to_string().contains("the calendar cal"),
        "{refused}"
    );
    let same = |before: &Absence| NewAbsence {
        user: before.user,
        from: before.from,
        until: before.until,
        deputy: None,
        note: None,
    };
    assert!(matches!(
        change(&world.core, kept, &Caller::system(), None, same).await,
        Err(AssignError::NotHere { .. })
    ));
    assert!(change(&world.core, hand, &Caller::system(), None, same).await.is_ok());
    let actions: Vec<String> =
        world.core.store.audit(None, 100).await.unwrap().iter().map(|e| e.action.to_string()).collect();
    assert_eq!(actions.iter().filter(|a| *a == "absence noted").count(), 3);
    assert_eq!(actions.iter().filter(|a| *a == "absence removed").count(), 1);

    // What is over stays when it is published no longer; over a restart, too.
    world.at("2026-09-01T00:00:00Z");
    server.says("/secret/cal.ics", 200, &[], ics(&[]).as_bytes());
    let world = world.started_anew().await;
    let fetched = world.fetch(&calendars).await;
    assert_eq!((fetched.removed, fetched.absences, fetched.trouble), (0, 0, None));
    assert_eq!(world.away(), [said[1], said[2]]);
}

#[tokio::test]
async fn a_calendar_that_is_no_longer_configured_says_nothing() {
    let world = World::new().await;
    let text = ics(&[event("20260706T060000Z", "20260711T060000Z", "")]);
    let path = file(world.folder.path(), &text);
    let calendars = calendars(settings(CalendarSource::file(path)));
    world.fetch(&calendars).await;
    calendars.tidy(&world.core).await.unwrap();
    assert_eq!(world.away().len(), 1);
    let world = world.started_anew().await;
    calendars.replace(BTreeMap::new());
    calendars.tidy(&world.core).await.unwrap();
    assert_eq!(world.away(), [""; 0]);
    assert!(world.core.view().calendars.is_empty());
    let error = calendars.fetch(&world.core, &"cal".into(), &Actor::System).await.unwrap_err();
    assert!(error.to_string().contains("none is configured"), "{error}");
}

#[tokio::test]
async fn a_shared_calendar_is_of_those_who_take_part_and_guests_are_left_out() {
    let world = World::new().await;
    let both = "ATTENDEE:mailto:u1@org.example\nATTENDEE:mailto:u2@org.example\nATTENDEE:mailto:guest@else.example\n";
    let text = ics(&[
        event("20260706T060000Z", "20260707T060000Z", both),
        event("20260708T060000Z", "20260709T060000Z", "ATTENDEE:mailto:guest@else.example\n"),
        event("20260710T060000Z", "20260711T060000Z", ""),
        event("20260712T060000Z", "20260713T060000Z", "ATTENDEE:mailto:u2@org.example\nSUMMARY:SEMESTER x\n")
            .replace("OOF", "FREE"),
        event("20260714T060000Z", "20260715T060000Z", "ATTENDEE:mailto:u2@org.example\n")
            .replace("OOF", "BUSY"),
    ]);
    let path = file(world.folder.path(), &text);
    let shared = CalendarSettings {
        user: None,
        deputy: Some("u2".into()),
        titles: vec!["semester".into()],
        ..settings(CalendarSource::file(path))
    };
    let calendars = calendars(shared.clone());
    let fetched = world.fetch(&calendars).await;
    assert_eq!((fetched.unknown, fetched.trouble), (1, None), "one guest, in two events");
    assert_eq!(
        world.away(),
        [
            "u1 07-06T06–07-07T06 (u2) the calendar cal",
            "u2 07-06T06–07-07T06 the calendar cal",
            "u2 07-12T06–07-13T06 the calendar cal"
        ]
    );
    // Whoever is named in the configuration has to be there.
    for (user, deputy, said) in [(Some("nobody"), None, "`user`"), (Some("u1"), Some("nobody"), "`deputy`")] {
        let wrong =
            CalendarSettings { user: user.map(Box::from), deputy: deputy.map(Box::from), ..shared.clone() };
        calendars.replace([("cal".into(), wrong)].into());
        let trouble = world.fetch(&calendars).await.trouble.unwrap();
        assert!(trouble.contains(said) && trouble.contains("nobody"), "{trouble}");
        assert_eq!(world.away().len(), 3);
    }
    calendars.replace([("cal".into(), CalendarSettings { busy: true, ..shared })].into());
    world.fetch(&calendars).await;
    assert_eq!(world.away().len(), 4);
}

#[tokio::test]
async fn not_modified_is_not_enough_when_the_people_are_others_now() {
    let world = World::new().await;
    let server = Server::start().await;
    let both = "ATTENDEE:mailto:u1@org.example\nATTENDEE:mailto:u2@org.example\n";
    let text = ics(&[event("20260706T060000Z", "20260707T060000Z", both)]);
    let tags = [("etag", "\"1\"")];
    server.says("/cal.ics", 200, &tags, text.as_bytes());
    let source = server.calendar(server.at("/cal.ics"));
    let of_one = CalendarSettings { deputy: Some("u2".into()), ..settings(source.clone()) };
    let own = calendars(of_one.clone());
    world.fetch(&own).await;
    assert_eq!(world.away(), ["u1 07-06T06–07-07T06 (u2) the calendar cal"]);
    let conditional = || server.asked().last().unwrap().contains_key("if-none-match");
    world.fetch(&own).await;
    assert!(conditional());
    // The accounts are made anew: the same names, other people.
    world.sync([ANEW, ""]).await;
    world.fetch(&own).await;
    assert!(!conditional());
    assert_eq!(world.away(), ["u1 07-06T06–07-07T06 (u2) the calendar cal"]);
    world.sync([ANEW, ANEW]).await;
    world.fetch(&own).await;
    assert!(!conditional());
    assert_eq!(world.away(), ["u1 07-06T06–07-07T06 (u2) the calendar cal"]);
    // Those who take part, too.
    let shared = calendars(CalendarSettings { user: None, deputy: None, ..of_one });
    world.fetch(&shared).await;
    world.fetch(&shared).await;
    assert!(conditional());
    world.sync([ANEW, ""]).await;
    world.fetch(&shared).await;
    assert!(!conditional());
    let mut away = world.away();
    away.sort();
    assert_eq!(away, ["u1 07-06T06–07-07T06 the calendar cal", "u2 07-06T06–07-07T06 the calendar cal"]);
}

#[tokio::test]
async fn a_small_calendar_of_many_who_repeat_is_refused() {
    let world = World::new().await;
    let guests: String = (0..20_000).map(|n| format!("ATTENDEE:mailto:g{n}@else.example\n")).collect();
    let daily = "RRULE:FREQ=DAILY\nATTENDEE:mailto:u1@org.example\n";
    let many = event("20260706T060000Z", "20260706T070000Z", &format!("{daily}{guests}"));
    let path = file(world.folder.path(), &ics(&[many]));
    let shared = CalendarSettings { user: None, ..settings(CalendarSource::file(path)) };
    let fetched = world.fetch(&calendars(shared)).await;
    assert_eq!((fetched.unknown, fetched.trouble), (20_000, None));
    assert!((700..800).contains(&fetched.absences));
    let one = ical::Event {
        line: 7,
        from: world.core.now(),
        until: world.core.now() + TimeDelta::hours(1),
        days: None,
        summary: "".into(),
        busy: ical::Busy::OutOfOffice,
        people: ["u1@org.example".into(), "u2@org.example".into()].into(),
    };
    let events = vec![one; ical::MOST_EVENTS / 2 + 1];
    let refused = of_events(&world.core.view().organisation, &events, Whose::Known).unwrap_err().to_string();
    assert!(refused.contains("one event too many of so many people"), "{refused}");
}

#[tokio::test]
async fn a_calendar_that_says_nothing_any_more_waits_for_a_word() {
    let world = World::new().await;
    let days = |n: u32| -> Vec<String> {
        (0..n)
            .map(|n| {
                event(&format!("202608{:02}T060000Z", n + 1), &format!("202608{:02}T080000Z", n + 1), "")
            })
            .collect()
    };
    let path = file(world.folder.path(), &ics(&days(11)));
    let says = |n| std::fs::write(&path, ics(&days(n))).unwrap();
    let calendars = calendars(settings(CalendarSource::file(path.clone())));
    let name: SourceName = "cal".into();
    world.fetch(&calendars).await;
    let refused = calendars.accept(&world.core, &name, &Actor::System, None).await.unwrap_err();
    assert!(matches!(refused, SourcesError::NotWaiting(_)), "{refused}");
    says(0);
    let trouble = world.fetch(&calendars).await.trouble.unwrap();
    assert!(trouble.contains("11 that run or are to come") && trouble.contains("--accept cal"), "{trouble}");
    assert!(calendars.state(&name).waiting && calendars.last(&name).1);
    assert_eq!(world.away().len(), 11);
    // It was a mistake that is mended; then nothing waits.
    says(1);
    assert_eq!((world.fetch(&calendars).await.trouble, world.away().len()), (None, 1));
    assert!(!calendars.state(&name).waiting);
    // Few may go.
    says(0);
    assert_eq!((world.fetch(&calendars).await.trouble, world.away().len()), (None, 0));
    says(11);
    world.fetch(&calendars).await;
    says(0);
    world.fetch(&calendars).await;
    let why = Some("she is back");
    let accepted = calendars.accept(&world.core, &name, &Actor::System, why).await.unwrap();
    assert_eq!(world.core.store.audit(None, 1).await.unwrap()[0].why.as_deref(), why);
    assert_eq!((accepted.removed, accepted.absences, world.away().len()), (11, 0, 0));
    let state = calendars.state(&name);
    assert!(!state.waiting && state.trouble.is_none() && state.good.is_some());
    assert!(calendars.accept(&world.core, &name, &Actor::System, None).await.is_err());
    // What is over counts for nothing.
    says(11);
    world.fetch(&calendars).await;
    world.at("2026-08-05T12:00:00Z");
    says(0);
    assert_eq!((world.fetch(&calendars).await.trouble, world.away().len()), (None, 5));
}

#[tokio::test]
async fn an_endless_calendar_does_no_harm() {
    let world = World::new().await;
    let daily = event("20260706T060000Z", "20260706T070000Z", "RRULE:FREQ=DAILY\n");
    let path = file(world.folder.path(), &ics(&[daily]));
    let calendars = calendars(settings(CalendarSource::file(path.clone())));
    assert_eq!(world.fetch(&calendars).await.trouble, None);
    assert!((700..800).contains(&world.away().len()));
    for (rule, said) in [("FREQ=SECONDLY", "more often"), ("FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=31", "never")] {
        let bad: Vec<String> = (0..300)
            .map(|_| event("20260706T060000Z", "20260706T070000Z", &format!("RRULE:{rule}\n")))
            .collect();
        std::fs::write(&path, ics(&bad)).unwrap();
        let trouble = world.fetch(&calendars).await.trouble.unwrap();
        assert!(trouble.contains(said) && trouble.len() < 2_000, "{trouble}");
    }
    assert!((700..800).contains(&world.away().len()));
}

#[tokio::test]
async fn absences_of_an_attribute_come_and_go_with_it() {
    let world = World::new().await;
    let summer = "extensionAttribute5: 2026-07-06..2026-07-31 deputy=u2, soon\n";
    let dry = world.report([summer, ""], true).await;
    assert!(dry.changes.iter().any(|c| c.fields.iter().any(|f| &*f.field == "away")), "{:?}", dry.changes);
    assert_eq!(world.away(), [""; 0]);
    let report = world.sync([summer, ""]).await;
    assert!(report.quarantined[0].reason.contains("\"soon\""), "{:?}", report.quarantined);
    assert_eq!(world.away(), ["u1 07-06T00–08-01T00 (u2) the directory main"]);
    let id = world.core.view().organisation.absences.values().flatten().next().unwrap().id;
    let refused = remove_absence(&world.core, id, &Caller::system(), None).await.unwrap_err();
    assert!(refused.to_string().contains("the directory main"), "{refused}");
    // It overlaps what is entered by hand, and each stays what it is.
    world.by_hand("2026-07-10T00:00:00Z", "2026-07-12T00:00:00Z").await;
    let world = world.started_anew().await;
    let report = world.sync(["extensionAttribute5: 2026-07-06..2026-07-19 deputy=nobody\n", ""]).await;
    assert!(report.quarantined.iter().any(|q| q.reason.contains("deputy")), "{:?}", report.quarantined);
    assert_eq!(world.away(), ["u1 07-06T00–07-20T00 the directory main", "u1 07-10T00–07-12T00 by hand"]);
    world.sync(["", ""]).await;
    assert_eq!(world.away(), ["u1 07-10T00–07-12T00 by hand"]);
    // Once that directory isn't read any more nobody else would take it back.
    world.sync(["", summer]).await;
    let by_attribute = || {
        let view = world.core.view();
        view.organisation.absences.get(&world.user("u2")).unwrap()[0].id
    };
    assert!(remove_absence(&world.core, by_attribute(), &Caller::system(), None).await.is_err());
    let settings = Settings { directories: BTreeMap::new(), ..Settings::clone(&world.core.settings()) };
    world.core.reload(settings).await;
    remove_absence(&world.core, by_attribute(), &Caller::system(), None).await.unwrap();
    assert_eq!(world.away(), ["u1 07-10T00–07-12T00 by hand"]);
}

#[tokio::test]
async fn a_role_comes_and_goes_with_the_value_of_an_attribute() {
    let world = World::new().await;
    let holders = || {
        let view = world.core.view();
        let all = view.organisation.holders(&LOCAL.into()).all();
        let said = |h: &crate::domain::organisation::Holding| {
            let unit = view.organisation.tree.name(h.at).to_owned();
            format!("{} at {unit} by {:?}", view.organisation.holder_name(&h.holder), h.origin)
        };
        all.map(said).collect::<Vec<_>>()
    };
    assert_eq!(holders(), [""; 0]);
    world
        .sync([
            "extensionAttribute1: other\nextensionAttribute1: BUDKAVLE-local\n",
            "extensionAttribute1: none\n",
        ])
        .await;
    assert_eq!(holders(), ["u1 at a by Attribute(\"extensionAttribute1=budkavle-local\")"]);
    // Those without keep nothing of it.
    assert_eq!(world.core.view().organisation.user(world.user("u2")).unwrap().marks_text(), None);
    world.sync(["", "extensionAttribute1: X\n"]).await;
    assert_eq!(holders(), ["u2 at a by Attribute(\"extensionAttribute1=x\")"]);
    world.sync(["", ""]).await;
    assert_eq!(holders(), [""; 0]);
}
