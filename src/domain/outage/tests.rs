//! Incidents: how they are opened, told of and ended.

use chrono::TimeZone;

use super::*;

pub(crate) fn now() -> DateTime<Utc> {
    Utc.with_ymd_and_hms(2026, 7, 6, 8, 0, 0).unwrap()
}

pub(crate) fn opening(title: &str) -> Opening {
    Opening {
        title: title.into(),
        text: "".into(),
        severity: Severity::Major,
        services: vec![],
        units: vec![],
        also: vec![],
        ack: false,
    }
}

pub(crate) fn open(title: &str) -> Result<Outage, Refused> {
    Outage::open(OutageId(1), opening(title), Actor::System, now())
}

#[test]
fn it_goes_from_investigating_to_resolved_and_no_further() {
    let opened = open("Mail is down").unwrap();
    assert_eq!((opened.state(), opened.version(), opened.ended_at()), (State::Investigating, 0, None));
    let known = opened.update("A disk.", Some(State::Identified), Actor::System, now()).unwrap();
    let over = known.update("", Some(State::Resolved), Actor::System, now()).unwrap();
    assert_eq!((over.state(), over.version(), over.ended_at()), (State::Resolved, 2, Some(now())));
    assert_eq!(
        over.update("More", None, Actor::System, now()),
        Err(Refused::Over(OutageId(1), State::Resolved, now()))
    );
}

#[test]
fn what_says_nothing_is_refused() {
    assert_eq!(open("  \n "), Err(Refused::Title(0)));
    assert_eq!(open(&"x".repeat(201)), Err(Refused::Title(201)));
    let opened = open("Mail is down").unwrap();
    assert_eq!(opened.update(" ", None, Actor::System, now()), Err(Refused::Nothing));
    assert_eq!(opened.update(" ", Some(State::Investigating), Actor::System, now()), Err(Refused::Nothing));
    assert_eq!(opened.update(&"x".repeat(10_001), None, Actor::System, now()), Err(Refused::Text(10_001)));
}

#[test]
fn a_title_is_one_line() {
    assert_eq!(
        &*open("Mail\r\nBcc: all@x.example\tis down").unwrap().title,
        "Mail Bcc: all@x.example is down"
    );
}

#[test]
fn an_incident_is_no_maintenance() {
    let opened = open("Mail is down").unwrap();
    for state in [State::Planned, State::Reminded, State::Started, State::Completed, State::Cancelled] {
        let refused = opened.update("x", Some(state), Actor::System, now());
        assert_eq!(refused, Err(Refused::OtherKind { id: OutageId(1), state }));
    }
    let step = opened.step(maintenance::Step::Start, "", Actor::System, now());
    assert_eq!(step, Err(Refused::NotPlanned(OutageId(1))));
}
