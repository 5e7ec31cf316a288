//! Four weeks of an organisation in two time zones whose clocks go back on different days: everything that is sent, to the minute.

mod world;

use std::fs;

use self::world::{BROKEN, ldif};
use super::*;
use crate::domain::authority::Caller;
use crate::domain::ids::NoticeId;
use crate::domain::link::Purpose;
use crate::flow::assign::{NewAbsence, add_absence};

#[tokio::test]
async fn a_month_with_everything_at_its_minute() {
    let folder = tempfile::tempdir().unwrap();
    let town = Box::pin(Town::of_the_month(folder.path())).await;
    Box::pin(first_week(&town)).await;
    let town = Box::pin(second_week(town)).await;
    Box::pin(third_week(&town)).await;
    Box::pin(fourth_week(&town)).await;

    let told = town.told().await;
    let expected = TOLD.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'));
    assert_eq!(told.join("\n"), expected.collect::<Vec<_>>().join("\n"));
    // What is noted as sent lies there, and was written in the same minute.
    let lies = |(name, to, _): (String, String, String)| {
        let (month, day, hour, minute) = (&name[4..6], &name[6..8], &name[9..11], &name[11..13]);
        format!("{month}-{day}T{hour}:{minute} {}", to.split('@').next().unwrap())
    };
    let said = |line: &String| {
        let mut words = line.split(' ');
        format!("{} {}", words.next().unwrap(), words.next().unwrap().split('@').next().unwrap())
    };
    let mut lying: Vec<String> = town.mails().into_iter().map(lies).collect();
    let mut sent: Vec<String> = told.iter().filter(|line| !line.contains(" by team ")).map(said).collect();
    lying.sort();
    sent.sort();
    assert_eq!(lying, sent);
    let view = town.core.view();
    assert!(view.climbs.is_empty() && view.outages.is_empty() && view.subscribers.is_empty());
}

/// Maintenance is announced, a subscriber asked, a notice climbs, and another is taken on by its link in the night.
async fn first_week(town: &Town) {
    let absence = NewAbsence {
        user: town.user("bo"),
        from: at("10-11T22:00"),
        until: at("10-16T22:00"),
        deputy: Some(town.user("dan")),
        note: None,
    };
    add_absence(&town.core, absence, &Caller::system(), None).await.unwrap();

    town.on("10-05T07:00").await;
    // From midnight to four by the clocks of the night in which they go back in Stockholm: five hours.
    let window = Window { from: at("10-24T22:00"), until: at("10-25T03:00") };
    let plan = opening("New disks", &["net"], Severity::Minor);
    town.order(None, Order::Plan { opening: plan, window, by_hand: None }).await;

    town.on("10-06T08:00").await;
    town.asks("partner@out.example").await;
    town.asks("silent@out.example").await;
    town.on("10-06T08:30").await;
    town.click("partner", Purpose::Confirm, "confirm").await;

    town.on("10-07T14:30").await;
    town.open("Mail is slow", &["mail"], Severity::Major).await;
    town.on("10-08T09:30").await;
    town.update(2, State::Resolved).await;

    town.on("10-10T00:00").await;
    fs::write(town.folder.join("team.exit"), "75").unwrap();
    town.open("All is down", &[], Severity::Critical).await;
    town.on("10-10T00:01").await;
    fs::write(town.folder.join("team.exit"), "0").unwrap();
    town.on("10-10T01:30").await;
    town.click("dan", Purpose::Acknowledge, "take-on").await;
    town.on("10-10T03:00").await;
    town.update(3, State::Resolved).await;
}

/// Somebody is away, a night is quiet, something is taken on by command, something else silent, and the daemon is started anew twice.
async fn second_week(mut town: Town) -> Town {
    town.on("10-12T23:00").await;
    town.open("A printer", &[], Severity::Minor).await;
    town.on("10-12T23:20").await;
    town.update(4, State::Identified).await;
    town.on("10-12T23:50").await;
    town.update(4, State::Resolved).await;

    town.on("10-13T09:00").await;
    let units = vec![town.unit("Home care")];
    let phones = Opening { units, ..opening("No phones", &[], Severity::Major) };
    let notice = town.order(None, Order::Open(phones)).await.committed.unwrap().notices[0];
    town.on("10-13T11:20").await;
    let by = Actor::Local { uid: 1000, name: "carl".into() };
    climbs::acknowledge(&town.core, NoticeId(notice.0), "carl", &by, None).await.unwrap();
    town.on("10-13T14:00").await;
    town.update(5, State::Resolved).await;

    town.on("10-14T06:00").await;
    let matcher = Matcher { services: ["mail".into()].into(), ..Matcher::default() };
    let silence = NewSilence { matcher, from: None, until: at("10-14T08:00"), why: "known".into() };
    silences::add(&town.core, silence, &Actor::System).await.unwrap();
    town.on("10-14T06:30").await;
    town.open("Mail is moved", &["mail"], Severity::Critical).await;
    town.on("10-14T08:30").await;
    town.update(6, State::Resolved).await;

    town.on("10-14T20:30").await;
    town.open("A door", &[], Severity::Minor).await;
    town.on("10-14T23:00").await;
    town = town.started_anew().await;
    town.on("10-15T06:00").await;
    town.update(7, State::Resolved).await;

    town.on("10-15T07:00").await;
    town.open("Payroll", &[], Severity::Major).await;
    town.on("10-15T08:30").await;
    town = town.started_anew().await;
    town.on("10-15T12:00").await;
    town.update(8, State::Resolved).await;
    town
}

/// One incident speaks for another, a directory can't be read and is again, one of its objects is set aside; and the clocks go back in Stockholm.
async fn third_week(town: &Town) {
    town.on("10-19T07:00").await;
    town.open("The net is down", &["net"], Severity::Major).await;
    town.on("10-19T07:05").await;
    let also = vec!["desk@org.example".parse().unwrap()];
    let mail = Opening { also, ..opening("Mail is down", &["mail"], Severity::Major) };
    town.order(None, Order::Open(mail)).await;
    town.on("10-19T07:50").await;
    town.update(9, State::Resolved).await;
    town.on("10-19T08:20").await;
    town.update(10, State::Resolved).await;

    town.on("10-21T09:00").await;
    let (here, away) = (town.folder.join("people.ldif"), town.folder.join("away.ldif"));
    fs::rename(&here, &away).unwrap();
    town.on("10-22T07:00").await;
    fs::rename(&away, &here).unwrap();

    town.on("10-23T07:00").await;
    fs::write(&here, format!("{}{BROKEN}", ldif())).unwrap();
    town.on("10-26T08:00").await;
    fs::write(&here, ldif()).unwrap();
}

/// The subscriber has had enough; and the clocks go back in Boston.
async fn fourth_week(town: &Town) {
    town.on("10-28T21:30").await;
    town.open("A lift", &[], Severity::Minor).await;
    town.on("10-29T08:00").await;
    town.update(11, State::Resolved).await;
    town.on("10-29T12:00").await;
    town.click("partner", Purpose::Unsubscribe, "unsubscribe").await;
    town.on("10-30T08:00").await;
    town.open("Mail is slow again", &["mail"], Severity::Minor).await;
    town.on("10-30T15:00").await;
    town.update(12, State::Resolved).await;

    town.on("11-02T08:00").await;
    town.open("A window", &[], Severity::Minor).await;
    town.on("11-02T12:00").await;
    town.update(13, State::Resolved).await;
    town.on("11-03T00:00").await;
}

/// By UTC. Stockholm is two hours ahead until 25 October and one hour from then on, Boston four behind until 1 November and then five.
const TOLD: &str = "
    # Bo of Home care stands beside Åsa, who is told of everything; in Boston it is three in the night.
    10-05T07:00 asa maintenance 1 (planned): New disks
    10-05T07:00 bo maintenance 1 (planned): New disks
    10-05T10:00 ben maintenance 1 (planned): New disks
    10-06T08:00 partner@out.example whether they want to be told of outages
    10-06T08:00 silent@out.example whether they want to be told of outages
    # An hour of working time: to four, and from eight on. Then Bo's deputy, a colleague, the unit above.
    10-07T14:30 asa outage 2 (investigating): Mail is slow
    10-07T14:30 ben outage 2 (investigating): Mail is slow
    10-07T14:30 bo outage 2 (investigating): Mail is slow
    10-07T14:30 partner@out.example outage 2 (investigating): Mail is slow
    10-08T07:00 dan nobody has it: outage 2 (investigating): Mail is slow
    10-08T08:00 li nobody has it: outage 2 (investigating): Mail is slow
    10-08T09:00 carl nobody has it: outage 2 (investigating): Mail is slow
    10-08T09:30 asa outage 2 (resolved): Mail is slow
    10-08T09:30 bo outage 2 (resolved): Mail is slow
    10-08T09:30 partner@out.example outage 2 (resolved): Mail is slow
    10-08T10:00 ben outage 2 (resolved): Mail is slow
    # Two o'clock in the night, and critical: at once, by the clock, and until Dan takes it on by his link. The team's server was away for a minute.
    10-10T00:00 asa outage 3 (investigating): All is down
    10-10T00:00 ben outage 3 (investigating): All is down
    10-10T00:00 bo outage 3 (investigating): All is down
    10-10T00:00 team by team outage 3 (investigating): All is down (deferred)
    10-10T00:01 team by team outage 3 (investigating): All is down
    10-10T01:00 dan nobody has it: outage 3 (investigating): All is down
    10-10T03:00 asa outage 3 (resolved): All is down
    10-10T03:00 ben outage 3 (resolved): All is down
    10-10T03:00 bo outage 3 (resolved): All is down
    10-10T03:00 team by team outage 3 (resolved): All is down
    # One o'clock in the night in Stockholm, an evening in Boston: six in the morning, and of three words the last. Bo is away.
    10-12T23:00 ben outage 4 (investigating): A printer
    10-12T23:20 ben outage 4 (identified): A printer
    10-12T23:50 ben outage 4 (resolved): A printer
    10-13T04:00 asa outage 4 (resolved): A printer
    10-13T04:00 dan outage 4 (resolved): A printer
    # Only Home care. Carl takes it on by command.
    10-13T09:00 asa outage 5 (investigating): No phones
    10-13T09:00 dan outage 5 (investigating): No phones
    10-13T10:00 li nobody has it: outage 5 (investigating): No phones
    10-13T11:00 carl nobody has it: outage 5 (investigating): No phones
    10-13T14:00 asa outage 5 (resolved): No phones
    10-13T14:00 dan outage 5 (resolved): No phones
    # It was silent until eight.
    10-14T08:30 asa outage 6 (resolved): Mail is moved
    10-14T08:30 ben outage 6 (resolved): Mail is moved
    10-14T08:30 dan outage 6 (resolved): Mail is moved
    10-14T08:30 partner@out.example outage 6 (resolved): Mail is moved
    10-14T08:30 team by team outage 6 (resolved): Mail is moved
    # The daemon is started anew while it waits for the morning …
    10-14T20:30 ben outage 7 (investigating): A door
    10-15T04:00 asa outage 7 (investigating): A door
    10-15T04:00 dan outage 7 (investigating): A door
    10-15T06:00 asa outage 7 (resolved): A door
    10-15T06:00 dan outage 7 (resolved): A door
    # … and between two steps of this one.
    10-15T07:00 asa outage 8 (investigating): Payroll
    10-15T07:00 dan outage 8 (investigating): Payroll
    10-15T08:00 li nobody has it: outage 8 (investigating): Payroll
    10-15T09:00 carl nobody has it: outage 8 (investigating): Payroll
    10-15T10:00 ben outage 7 (resolved): A door
    10-15T10:00 ben outage 8 (investigating): Payroll
    10-15T10:00 reader nobody has it: outage 8 (investigating): Payroll
    10-15T12:00 asa outage 8 (resolved): Payroll
    10-15T12:00 ben outage 8 (resolved): Payroll
    10-15T12:00 dan outage 8 (resolved): Payroll
    # A week before.
    10-17T22:00 ben maintenance 1 (reminded): New disks
    10-18T04:00 asa maintenance 1 (reminded): New disks
    10-18T04:00 bo maintenance 1 (reminded): New disks
    10-18T04:00 partner@out.example maintenance 1 (reminded): New disks
    # Mail follows from the net: who was told of that is told of mail ten minutes after the net is back. What leaves so waits for no later word (Ben at ten).
    10-19T07:00 asa outage 9 (investigating): The net is down
    10-19T07:00 bo outage 9 (investigating): The net is down
    10-19T07:00 partner@out.example outage 9 (investigating): The net is down
    10-19T07:05 desk@org.example outage 10 (investigating): Mail is down
    10-19T07:50 asa outage 9 (resolved): The net is down
    10-19T07:50 bo outage 9 (resolved): The net is down
    10-19T07:50 partner@out.example outage 9 (resolved): The net is down
    10-19T08:00 asa outage 10 (investigating): Mail is down
    10-19T08:00 bo outage 10 (investigating): Mail is down
    10-19T08:00 partner@out.example outage 10 (investigating): Mail is down
    # Dan stood in last week, and isn't asked any more.
    10-19T08:05 li nobody has it: outage 10 (investigating): Mail is down
    10-19T08:20 asa outage 10 (resolved): Mail is down
    10-19T08:20 bo outage 10 (resolved): Mail is down
    10-19T08:20 desk@org.example outage 10 (resolved): Mail is down
    10-19T08:20 partner@out.example outage 10 (resolved): Mail is down
    10-19T10:00 ben outage 9 (resolved): The net is down
    10-19T10:00 ben outage 10 (resolved): Mail is down
    # The second run that fails; an hour of working time later it is reminded of, and goes on to the global contact.
    10-21T12:15 sven sync of main is failing
    10-21T13:15 sven sync of main is failing
    10-21T13:15 gun nobody has it: sync of main is failing
    10-22T08:15 sven sync of main is well again
    # A day before.
    10-23T22:00 ben maintenance 1 (reminded): New disks
    10-24T04:00 asa maintenance 1 (reminded): New disks
    10-24T04:00 bo maintenance 1 (reminded): New disks
    10-24T04:00 partner@out.example maintenance 1 (reminded): New disks
    # In the morning it would be over; the clocks go back in Stockholm.
    10-24T22:00 asa maintenance 1 (started): New disks
    10-24T22:00 ben maintenance 1 (started): New disks
    10-24T22:00 bo maintenance 1 (started): New disks
    10-24T22:00 partner@out.example maintenance 1 (started): New disks
    10-25T05:00 asa maintenance 1 (completed): New disks
    10-25T05:00 bo maintenance 1 (completed): New disks
    10-25T05:00 partner@out.example maintenance 1 (completed): New disks
    10-25T06:00 sven 1 small things that last
    10-25T10:00 ben maintenance 1 (completed): New disks
    10-26T06:00 sven 1 small things that last
    # Stockholm and Boston are five hours apart for a week.
    10-28T21:30 ben outage 11 (investigating): A lift
    10-29T05:00 asa outage 11 (investigating): A lift
    10-29T05:00 bo outage 11 (investigating): A lift
    10-29T08:00 asa outage 11 (resolved): A lift
    10-29T08:00 bo outage 11 (resolved): A lift
    10-29T10:00 ben outage 11 (resolved): A lift
    # The partner doesn't want it any more.
    10-30T08:00 asa outage 12 (investigating): Mail is slow again
    10-30T08:00 bo outage 12 (investigating): Mail is slow again
    10-30T10:00 ben outage 12 (investigating): Mail is slow again
    10-30T15:00 asa outage 12 (resolved): Mail is slow again
    10-30T15:00 ben outage 12 (resolved): Mail is slow again
    10-30T15:00 bo outage 12 (resolved): Mail is slow again
    # And six again.
    11-02T08:00 asa outage 13 (investigating): A window
    11-02T08:00 bo outage 13 (investigating): A window
    11-02T11:00 ben outage 13 (investigating): A window
    11-02T12:00 asa outage 13 (resolved): A window
    11-02T12:00 ben outage 13 (resolved): A window
    11-02T12:00 bo outage 13 (resolved): A window
";
