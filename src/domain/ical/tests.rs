use proptest::prelude::*;

use super::*;

const STOCKHOLM: Tz = chrono_tz::Europe::Stockholm;

/// A published calendar as Exchange writes it: its own names of zones, folded lines, its own properties, a moved repetition.
const EXCHANGE: &str = include_str!("exchange.ics");

fn at(text: &str) -> DateTime<Utc> {
    text.parse().unwrap()
}

fn window() -> Window {
    Window { from: at("2026-01-01T00:00:00Z"), until: at("2028-01-01T00:00:00Z") }
}

fn read_all(bytes: &[u8], zone: Tz) -> Result<Vec<Event>, LineErrors> {
    read(bytes, zone, window(), |_, _| true)
}

fn calendar(events: &str) -> String {
    format!("BEGIN:VCALENDAR\r\nVERSION:2.0\r\n{events}END:VCALENDAR\r\n")
}

fn event(lines: &str) -> String {
    let lines: String = lines.lines().map(|line| format!("{line}\r\n")).collect();
    calendar(&format!("BEGIN:VEVENT\r\nUID:1\r\n{lines}END:VEVENT\r\n"))
}

fn periods(text: &str) -> Vec<String> {
    let events = read_all(text.as_bytes(), STOCKHOLM).unwrap_or_else(|e| panic!("{e}"));
    let said = |e: &Event| format!("{}–{}", e.from.format("%m-%d %H:%M"), e.until.format("%m-%d %H:%M"));
    events.iter().map(said).collect()
}

fn refused(text: &str) -> String {
    read_all(text.as_bytes(), STOCKHOLM).unwrap_err().to_string()
}

#[test]
fn what_exchange_publishes_is_read() {
    let events = read_all(EXCHANGE.as_bytes(), Tz::UTC).unwrap();
    let said: Vec<String> = events
        .iter()
        .map(|e| {
            format!(
                "{} {} {} {:?} {:?}",
                e.from.to_rfc3339(),
                e.until.to_rfc3339(),
                e.summary,
                e.busy,
                e.people
            )
        })
        .collect();
    assert_eq!(
        said,
        [
            "2026-07-05T22:00:00+00:00 2026-08-02T22:00:00+00:00 Semester, äntligen OutOfOffice [\"asa.oberg@kommun.example\"]",
            "2026-03-20T08:00:00+00:00 2026-03-20T12:00:00+00:00 Förälder OutOfOffice [\"asa.oberg@kommun.example\"]",
            "2026-03-27T08:00:00+00:00 2026-03-27T12:00:00+00:00 Förälder OutOfOffice [\"asa.oberg@kommun.example\"]",
            "2026-04-10T07:00:00+00:00 2026-04-10T11:00:00+00:00 Förälder OutOfOffice [\"asa.oberg@kommun.example\"]",
            "2026-04-16T07:00:00+00:00 2026-04-16T11:00:00+00:00 Förälder OutOfOffice [\"asa.oberg@kommun.example\"]",
            "2026-03-23T09:00:00+00:00 2026-03-23T10:00:00+00:00 Möte Busy [\"soren@kommun.example\"]",
            "2026-03-24T09:00:00+00:00 2026-03-24T10:00:00+00:00 Kanske Free []",
        ]
    );
}

#[test]
fn every_way_to_say_a_period_is_read() {
    for (lines, said) in [
        ("DTSTART;VALUE=DATE:20260706\nDTEND;VALUE=DATE:20260708", "07-05 22:00–07-07 22:00"),
        ("DTSTART;VALUE=DATE:20260706", "07-05 22:00–07-06 22:00"),
        ("DTSTART:20260706T060000Z\nDURATION:PT8H30M", "07-06 06:00–07-06 14:30"),
        ("DTSTART:20260706T080000\nDTEND:20260706T160000", "07-06 06:00–07-06 14:00"),
        (
            "DTSTART;TZID=America/New_York:20260706T080000\nDTEND;TZID=America/New_York:20260706T090000",
            "07-06 12:00–07-06 13:00",
        ),
        ("DTSTART;TZID=\"W. Europe Standard Time\":20260706T080000\nDURATION:P1D", "07-06 06:00–07-07 06:00"),
        (
            "DTSTART;TZID=/freeassociation.sourceforge.net/Europe/Oslo:20260706T080000\nDURATION:P1W",
            "07-06 06:00–07-13 06:00",
        ),
        (
            "DTSTART;VALUE=DATE:20260706\nRDATE;VALUE=DATE:20260710",
            "07-05 22:00–07-06 22:00 07-09 22:00–07-10 22:00",
        ),
        // On the day that the clocks go back: eight hours are eight hours, a day is as long as it is.
        ("DTSTART:20261025T000000\nDURATION:PT8H", "10-24 22:00–10-25 06:00"),
        ("DTSTART:20261025T000000\nDURATION:P1DT1H", "10-24 22:00–10-26 00:00"),
        (
            "DTSTART:20260706T080000\nDTEND:20260706T160000\nRDATE:20260710T060000Z",
            "07-06 06:00–07-06 14:00 07-10 06:00–07-10 14:00",
        ),
        (
            "DTSTART:20260706T080000\nDTEND:20260706T160000\nRDATE;VALUE=PERIOD:20260710T060000Z/20260710T070000Z,20260711T080000/PT2H",
            "07-06 06:00–07-06 14:00 07-10 06:00–07-10 07:00 07-11 06:00–07-11 08:00",
        ),
        ("DTSTART;VALUE=DATE:20260706\nSTATUS:CANCELLED", ""),
        ("DTSTART:20260706T080000Z", ""),
        ("SUMMARY:no start", ""),
    ] {
        assert_eq!(periods(&event(lines)).join(" "), said, "{lines}");
    }
}

#[test]
fn eight_o_clock_stays_eight_o_clock_when_the_clocks_change() {
    let lines = "DTSTART;TZID=Europe/Stockholm:20261023T080000\nDTEND;TZID=Europe/Stockholm:20261023T160000\nRRULE:FREQ=DAILY;COUNT=4";
    assert_eq!(
        periods(&event(lines)),
        [
            "10-23 06:00–10-23 14:00",
            "10-24 06:00–10-24 14:00",
            "10-25 07:00–10-25 15:00",
            "10-26 07:00–10-26 15:00"
        ]
    );
    // 02:30 isn't there on the day that the clocks go forward.
    let lines = "DTSTART;TZID=Europe/Stockholm:20260328T023000\nDURATION:PT1H\nRRULE:FREQ=DAILY;UNTIL=20260330T220000Z";
    assert_eq!(periods(&event(lines)).len(), 3);
}

/// Stockholm's clocks under a name of Exchange's own, as it writes them.
const CUSTOM: &str = "BEGIN:VTIMEZONE
TZID:Customized Time Zone
BEGIN:STANDARD
DTSTART:16010101T030000
TZOFFSETFROM:+0200
TZOFFSETTO:+0100
RRULE:FREQ=YEARLY;INTERVAL=1;BYDAY=-1SU;BYMONTH=10
END:STANDARD
BEGIN:DAYLIGHT
DTSTART:16010101T020000
TZOFFSETFROM:+0100
TZOFFSETTO:+0200
RRULE:FREQ=YEARLY;INTERVAL=1;BYDAY=-1SU;BYMONTH=3
END:DAYLIGHT
END:VTIMEZONE
";

#[test]
fn a_zone_that_only_the_calendar_knows_is_read_from_it() {
    let lines = "DTSTART;TZID=Customized Time Zone:20261023T080000\nDTEND;TZID=Customized Time Zone:20261023T160000\nRRULE:FREQ=DAILY;UNTIL=20261026T070000Z";
    let text = event(lines).replace("BEGIN:VEVENT", &format!("{CUSTOM}BEGIN:VEVENT"));
    assert_eq!(
        periods(&text),
        [
            "10-23 06:00–10-23 14:00",
            "10-24 06:00–10-24 14:00",
            "10-25 07:00–10-25 15:00",
            "10-26 07:00–10-26 15:00"
        ]
    );
    // One without changes, one that says where they are, one that is known by name whatever is said of it, and broken ones.
    let zone = |name: &str, standard: &str| {
        let lines = format!("DTSTART;TZID={name}:20260706T080000\nDURATION:PT1H");
        let zone = format!(
            "BEGIN:VTIMEZONE\nTZID:{name}\nBEGIN:STANDARD\n{standard}END:STANDARD\nEND:VTIMEZONE\nBEGIN:VEVENT"
        );
        event(&lines).replace("BEGIN:VEVENT", &zone)
    };
    let fixed = "DTSTART:19700101T000000\nTZOFFSETFROM:-0330\nTZOFFSETTO:-0330\n";
    assert_eq!(periods(&zone("Mine", fixed)), ["07-06 11:30–07-06 12:30"]);
    let dated = "DTSTART:19700101T000000\nRDATE:20260701T000000\nTZOFFSETFROM:+0000\nTZOFFSETTO:+0500\n";
    assert_eq!(periods(&zone("Mine", dated)), ["07-06 03:00–07-06 04:00"]);
    assert_eq!(periods(&zone("Europe/Stockholm", fixed)), ["07-06 06:00–07-06 07:00"]);
    // One whose clocks change all the time.
    let dates = |n: usize| (0..n).map(|n| format!("{}0101T{:06}", 2100 + n / 60, n % 60)).collect::<Vec<_>>();
    let often = |n| {
        format!(
            "DTSTART:19700101T000000\nRDATE:{}\nTZOFFSETFROM:+0000\nTZOFFSETTO:+0500\n",
            dates(n).join(",")
        )
    };
    assert_eq!(periods(&zone("Mine", &often(1_999))), ["07-06 03:00–07-06 04:00"]);
    for broken in [
        "",
        &often(2_000),
        "DTSTART:19700101T000000\nTZOFFSETFROM:+9\nTZOFFSETTO:+0100\n",
        "DTSTART:x\nTZOFFSETFROM:+0000\nTZOFFSETTO:+0100\n",
    ] {
        let error = refused(&zone("Mine", broken));
        assert!(error.contains("\"Mine\", which isn't known"), "{error}");
    }
}

#[test]
fn holidays_are_the_days_of_events_of_whole_days() {
    let text = calendar(
        "BEGIN:VEVENT\nUID:1\nDTSTART;VALUE=DATE:20100606\nRRULE:FREQ=YEARLY\nSUMMARY:Nationaldagen\nTRANSP:TRANSPARENT\nEND:VEVENT\n\
         BEGIN:VEVENT\nUID:2\nDTSTART;VALUE=DATE:20261223\nDTEND;VALUE=DATE:20261226\nSUMMARY:Stängt\nEND:VEVENT\n\
         BEGIN:VEVENT\nUID:3\nDTSTART:20261201T080000Z\nDURATION:P1D\nEND:VEVENT\n\
         BEGIN:VEVENT\nUID:4\nDTSTART;VALUE=DATE:20261231\nSTATUS:CANCELLED\nEND:VEVENT\n",
    );
    let days = closed_days(text.as_bytes(), 2026, 2028).unwrap();
    let said: Vec<String> = days.iter().map(|(day, name)| format!("{day} {name}")).collect();
    assert_eq!(
        said,
        [
            "2026-06-06 Nationaldagen",
            "2026-12-23 Stängt",
            "2026-12-24 Stängt",
            "2026-12-25 Stängt",
            "2027-06-06 Nationaldagen"
        ]
    );
    for (lines, said) in [
        ("DTSTART;VALUE=DATE:20200101\nRRULE:FREQ=DAILY", "more than 1400 times"),
        ("DTSTART;VALUE=DATE:20200101\nDTEND;VALUE=DATE:20300101", "more than two years"),
    ] {
        let error = closed_days(event(lines).as_bytes(), 2020, 2046).unwrap_err().to_string();
        assert!(error.contains(said), "{error}");
    }
}

#[test]
fn repetitions_have_bounds() {
    let endless = periods(&event("DTSTART;VALUE=DATE:19700105\nRRULE:FREQ=WEEKLY;INTERVAL=2"));
    assert_eq!(endless.len(), 52, "two years, from a Monday in 1970 on");
    assert_eq!(endless[0], "01-04 23:00–01-05 23:00");
    let daily = periods(&event("DTSTART;VALUE=DATE:20260101\nRRULE:FREQ=DAILY"));
    assert_eq!(
        daily.len(),
        731,
        "the last begins at midnight in Stockholm, an hour before the year ends in UTC"
    );
    let never = refused(&event("DTSTART;VALUE=DATE:20260101\nRRULE:FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=31"));
    assert!(never.contains("never comes true"), "{never}");
    // Whatever has nothing in these years is no mistake.
    for rule in [
        "DTSTART;VALUE=DATE:20200229\nRRULE:FREQ=YEARLY;INTERVAL=4;BYMONTH=2;BYMONTHDAY=29;COUNT=2",
        "DTSTART;VALUE=DATE:20240229\nRRULE:FREQ=YEARLY",
        "DTSTART;VALUE=DATE:20240701\nRRULE:FREQ=YEARLY;INTERVAL=5",
        "DTSTART;VALUE=DATE:20100104\nRRULE:FREQ=WEEKLY;UNTIL=20101231",
        "DTSTART;VALUE=DATE:20240701\nRRULE:FREQ=YEARLY;UNTIL=20241231",
    ] {
        assert_eq!(periods(&event(rule)), [""; 0], "{rule}");
    }
}

#[test]
fn what_is_wrong_has_its_line() {
    for (text, said) in [
        ("", "empty"),
        ("<html>", "line 1: this is no iCalendar file"),
        ("BEGIN:VCALENDAR\nBEGIN:VEVENT\n", "line 2: the file ends within VEVENT; it was cut short"),
        ("BEGIN:VCALENDAR\nEND:VEVENT\n", "line 2, column END: \"VEVENT\" ends what didn't begin last"),
        (&event("DTSTART:tomorrow"), "line 5, column DTSTART: \"tomorrow\" is no time"),
        (
            &event("DTSTART;TZID=Nowhere:20260706T080000"),
            "line 5, column DTSTART: \"20260706T080000\" is in the time zone \"Nowhere\"",
        ),
        (&event("DTSTART:20260706T080000Z\nDURATION:8h"), "line 6, column DURATION: \"8h\" is no duration"),
        (
            &event("DTSTART:20260706T080000Z\nDURATION:PT1H\nRRULE:FREQ=SECONDLY"),
            "line 7: \"FREQ=SECONDLY\" repeats more often",
        ),
        (&event("DTSTART:20260706T080000Z\nDURATION:PT1H\nRRULE:daily"), "line 7: \"daily\" is no rule"),
        (
            &"BEGIN:VCALENDAR\n".repeat(100_000),
            "line 17, column BEGIN: \"VCALENDAR\" is nested more than 16 deep",
        ),
    ] {
        let error = refused(text);
        assert!(error.contains(said), "{error}\nshould say: {said}");
    }
    let large = vec![b'x'; LARGEST + 1];
    assert!(read_all(&large, Tz::UTC).unwrap_err().to_string().contains("10 MiB"));
}

#[test]
fn what_repeats_within_a_day_is_refused_before_it_is_followed() {
    let list = |n: u8| (0..n).map(|n| n.to_string()).collect::<Vec<_>>().join(",");
    let lists = format!("BYHOUR={};BYMINUTE={};BYSECOND={}", list(24), list(60), list(60));
    let rule = format!("DTSTART:20260101T080000\nDURATION:PT1H\nRRULE:FREQ=YEARLY;BYDAY=MO;{lists}");
    assert!(refused(&event(&rule)).contains("more often than daily"));
    let once = "DTSTART:20270601T080000\nDURATION:PT1H\nRRULE:FREQ=YEARLY;BYHOUR=8;BYMINUTE=0";
    assert_eq!(periods(&event(once)), ["06-01 06:00–06-01 07:00"], "a list of one multiplies nothing");
}

#[test]
fn rules_that_began_long_ago_are_followed_only_so_far_together() {
    let one = |begin: &str| {
        format!(
            "BEGIN:VEVENT\nUID:1\nDTSTART:{begin}\nDURATION:PT1H\nRRULE:FREQ=DAILY;COUNT=40000\nEND:VEVENT\n"
        )
    };
    let error = refused(&calendar(&one("19000101T000000Z").repeat(2_000)));
    assert!(error.contains("one rule too many"), "{error}");
    assert_eq!(periods(&calendar(&one("20200101T000000Z").repeat(3))).len(), 3 * 730);
}

#[test]
fn what_is_not_wanted_stops_nothing() {
    let other = "BEGIN:VEVENT\nUID:2\nDTSTART;TZID=Nowhere:20260706T080000\nRRULE:FREQ=HOURLY\nTRANSP:TRANSPARENT\nEND:VEVENT\n";
    let away = "BEGIN:VEVENT\nUID:1\nDTSTART;VALUE=DATE:20260706\nRRULE:FREQ=DAILY;COUNT=3\nEND:VEVENT\n";
    // One of its days is worked after all: that isn't wanted, but takes its place.
    let but = "BEGIN:VEVENT\nUID:1\nRECURRENCE-ID;VALUE=DATE:20260707\nDTSTART;VALUE=DATE:20260707\nTRANSP:TRANSPARENT\nEND:VEVENT\n";
    let text = calendar(&[other, away, but].concat());
    let found = read(text.as_bytes(), STOCKHOLM, window(), |busy, _| busy != Busy::Free).unwrap();
    let days: Vec<String> = found.iter().map(|event| event.from.format("%m-%d").to_string()).collect();
    assert_eq!(days, ["07-05", "07-07"]);
    assert!(refused(&text).contains("Nowhere"));
    let later = but.replace("VALUE=DATE:20260707\nDT", "VALUE=DATE;RANGE=THISANDFUTURE:20260707\nDT");
    assert!(refused(&calendar(&[away, &later].concat())).contains("all repetitions from there on"));
    // But one of a meeting that isn't wanted at all.
    let meeting = later.replace("UID:1", "UID:2");
    let read = |text: String| read(text.as_bytes(), STOCKHOLM, window(), |busy, _| busy != Busy::Free);
    assert_eq!(read(calendar(&[away, &meeting].concat())).unwrap().len(), 3);
}

#[test]
fn all_repetitions_share_their_people() {
    let people: String = (0..10_000).map(|n| format!("ATTENDEE:mailto:u{n}@x.example\n")).collect();
    let text = event(&format!("DTSTART;VALUE=DATE:20260101\nRRULE:FREQ=DAILY\n{people}"));
    let events = read_all(text.as_bytes(), STOCKHOLM).unwrap();
    assert_eq!((events.len(), events[0].people.len()), (731, 10_000));
    assert!(events.iter().all(|event| Arc::ptr_eq(&event.people, &events[0].people)));
}

#[test]
fn whoever_declined_is_not_away() {
    let people = |lines: &str| {
        let text = event(&format!("DTSTART;VALUE=DATE:20260706\nORGANIZER:mailto:o@x.example\n{lines}"));
        let events = read_all(text.as_bytes(), STOCKHOLM).unwrap();
        events[0].people.join(" ")
    };
    let comes = "ATTENDEE;PARTSTAT=ACCEPTED:mailto:a@x.example";
    let declines = "ATTENDEE;PARTSTAT=DECLINED:mailto:d@x.example";
    assert_eq!(people(&format!("{comes}\n{declines}")), "a@x.example");
    assert_eq!(people(declines), "o@x.example");
}

#[test]
fn ten_megabytes_come_to_an_end() {
    let one = "BEGIN:VEVENT\nUID:1\nDTSTART:19700101T000000Z\nDURATION:PT1H\nRRULE:FREQ=DAILY\nEND:VEVENT\n";
    assert!(refused(&calendar(&one.repeat(100_000))).contains("repeat"));
    assert!(refused(&calendar(&one.repeat(300))).contains("one event too many"));
    // Zones are no way round the limits.
    let zone = "BEGIN:VTIMEZONE\nTZID:Z0\nBEGIN:STANDARD\nDTSTART:19700101T000000\nTZOFFSETFROM:+0000\nTZOFFSETTO:+0100\nRRULE:FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=31\nEND:STANDARD\nEND:VTIMEZONE\n";
    assert!(read_all(calendar(&zone.repeat(50_000)).as_bytes(), Tz::UTC).unwrap().is_empty());
    // Nor are further starts.
    let start = |n: u32| {
        let (day, hour, minute, second) = (1 + n / 86_400, n / 3600 % 24, n / 60 % 60, n % 60);
        format!("202701{day:02}T{hour:02}{minute:02}{second:02}Z")
    };
    let starts: Vec<String> = (0..110_000).map(start).collect();
    let text = event(&format!("DTSTART:20260706T060000Z\nDURATION:PT1H\nRDATE:{}", starts.join(",")));
    assert!(refused(&text).contains("one event too many"));
    // What is read of an event once is kept once, and what isn't read isn't kept.
    let text = event(&format!("DTSTART:20260706T060000Z\nDURATION:PT1H\n{}", "SUMMARY:a\nA:b\n".repeat(9)));
    assert_eq!(components(&text).unwrap().events[0].lines.len(), 4);
    let folded = format!("BEGIN:VCALENDAR\n{}END:VCALENDAR\n", "X-LONG:\n a\n".repeat(900_000));
    assert!(read_all(folded.as_bytes(), Tz::UTC).unwrap().is_empty());
}

proptest! {
    #[test]
    fn whatever_comes_it_is_read_or_refused(bytes: Vec<u8>, lines in prop::collection::vec("(DTSTART|DTEND|DURATION|RRULE|EXDATE|RECURRENCE-ID|TZID)[;:][A-Z0-9=;:,+-]{0,30}", 0..6)) {
        let _ = read_all(&bytes, STOCKHOLM);
        let _ = read_all(event(&lines.join("\n")).as_bytes(), STOCKHOLM);
    }

    /// Stockholm's clocks described are Stockholm's clocks.
    #[test]
    fn a_zone_described_is_the_zone(minutes in 0i64..2 * 365 * 24 * 60, long in 0i64..500) {
        let start = NaiveDate::from_ymd_opt(2026, 1, 2).unwrap().and_hms_opt(0, 0, 0).unwrap() + chrono::TimeDelta::minutes(minutes);
        let of = |zone: &str| event(&format!("DTSTART;TZID={zone}:{}\nDURATION:PT{}M", start.format("%Y%m%dT%H%M%S"), long + 1));
        let described = of("Customized Time Zone").replace("BEGIN:VEVENT", &format!("{CUSTOM}BEGIN:VEVENT"));
        let (mine, known) = (periods(&described), periods(&of("Europe/Stockholm")));
        prop_assert_eq!(mine, known);
    }

    /// Against days counted one by one.
    #[test]
    fn every_nth_day_or_week_is_what_a_calendar_on_the_wall_shows(
        start in 0i64..900, every in 1i64..9, weekly: bool, count in prop::option::of(1usize..40),
    ) {
        let first = NaiveDate::from_ymd_opt(2024, 1, 1).unwrap() + chrono::TimeDelta::days(start);
        let (word, step) = if weekly { ("WEEKLY", every * 7) } else { ("DAILY", every) };
        let end = count.map(|n| format!(";COUNT={n}")).unwrap_or_default();
        let text = event(&format!("DTSTART;VALUE=DATE:{}\nRRULE:FREQ={word};INTERVAL={every}{end}", first.format("%Y%m%d")));
        let found: Vec<DateTime<Utc>> = read_all(text.as_bytes(), Tz::UTC).unwrap().iter().map(|e| e.from).collect();
        let all = (0..).map(|n| (first + chrono::TimeDelta::days(n * step)).and_hms_opt(0, 0, 0).unwrap().and_utc());
        let all = all.take(count.unwrap_or(usize::MAX)).take_while(|at| *at < window().until);
        let wanted: Vec<DateTime<Utc>> = all.filter(|at| *at + chrono::TimeDelta::days(1) > window().from).collect();
        prop_assert_eq!(found, wanted);
    }
}
