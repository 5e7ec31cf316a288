use std::sync::Arc;

use chrono::{DateTime, NaiveDate, TimeDelta, TimeZone, Utc, Weekday};
use chrono_tz::Tz;
use proptest::prelude::*;

use super::holidays::{DATA, rules};
use super::*;

fn date(text: &str) -> NaiveDate {
    text.parse().unwrap()
}

fn of(countries: &[Country]) -> Calendar {
    Calendar { countries: countries.into(), ..Calendar::default() }
}

fn names(country: Country, year: i32, part: Part) -> Vec<String> {
    let all =
        days(NaiveDate::from_ymd_opt(year, 1, 1).unwrap(), NaiveDate::from_ymd_opt(year, 12, 31).unwrap());
    let off = all.filter_map(|date| Some((date, country.day_off(date).filter(|day| day.part == part)?)));
    off.map(|(date, _)| date.format("%m-%d").to_string()).collect()
}

#[test]
fn every_rule_that_ships_is_understood() {
    let rules = rules(DATA);
    assert_eq!(rules.len(), DATA.matches("[[").count());
    assert!(rules.iter().all(Option::is_some));
    assert!(rules.iter().flatten().all(|(_, rule)| (1990..2023).any(|year| rule.day(year).is_some())));
}

/// As the four states' own almanacs have them.
#[test]
fn the_holidays_of_2026_are_those_of_the_almanacs() {
    use Country::{Denmark, Finland, Norway, Sweden};
    for (country, whole) in [
        (
            Sweden,
            "01-01 01-06 04-03 04-05 04-06 05-01 05-14 05-24 06-06 06-19 06-20 10-31 12-24 12-25 12-26 12-31",
        ),
        (Norway, "01-01 04-02 04-03 04-05 04-06 05-01 05-14 05-17 05-24 05-25 12-25 12-26"),
        (Denmark, "01-01 04-02 04-03 04-05 04-06 05-14 05-24 05-25 12-24 12-25 12-26"),
        (
            Finland,
            "01-01 01-06 04-03 04-05 04-06 05-01 05-14 05-24 06-19 06-20 10-31 12-06 12-24 12-25 12-26",
        ),
    ] {
        assert_eq!(names(country, 2026, Part::Whole).join(" "), whole, "{country:?}");
    }
    assert_eq!(names(Sweden, 2026, Part::Half).join(" "), "01-05 04-02 04-30 10-30");
}

/// As the package `holidays` 0.109 of PyPI has them, which others keep; with the eves that nobody works on in Sweden and Denmark.
#[test]
fn the_holidays_of_other_years_are_those_that_others_know() {
    use Country::{Denmark, Finland, Norway, Sweden};
    for (country, year, law, eves) in [
        (
            Sweden,
            2024,
            "01-01 01-06 03-29 03-31 04-01 05-01 05-09 05-19 06-06 06-22 11-02 12-25 12-26",
            "06-21 12-24 12-31",
        ),
        (
            Sweden,
            2027,
            "01-01 01-06 03-26 03-28 03-29 05-01 05-06 05-16 06-06 06-26 11-06 12-25 12-26",
            "06-25 12-24 12-31",
        ),
        (Norway, 2024, "01-01 03-28 03-29 03-31 04-01 05-01 05-09 05-17 05-19 05-20 12-25 12-26", ""),
        (Norway, 2027, "01-01 03-25 03-26 03-28 03-29 05-01 05-06 05-16 05-17 12-25 12-26", ""),
        (Denmark, 2024, "01-01 03-28 03-29 03-31 04-01 05-09 05-19 05-20 12-25 12-26", "12-24"),
        (Denmark, 2027, "01-01 03-25 03-26 03-28 03-29 05-06 05-16 05-17 12-25 12-26", "12-24"),
        (
            Finland,
            2024,
            "01-01 01-06 03-29 03-31 04-01 05-01 05-09 05-19 06-21 06-22 11-02 12-06 12-24 12-25 12-26",
            "",
        ),
        (
            Finland,
            2027,
            "01-01 01-06 03-26 03-28 03-29 05-01 05-06 05-16 06-25 06-26 11-06 12-06 12-24 12-25 12-26",
            "",
        ),
    ] {
        let mut days: Vec<&str> = law.split(' ').chain(eves.split_whitespace()).collect();
        days.sort_unstable();
        assert_eq!(names(country, year, Part::Whole), days, "{country:?} {year}");
    }
}

#[test]
fn laws_come_and_go() {
    let off = |country: Country, day| country.day_off(date(day)).map(|d| d.name.to_string());
    assert_eq!(off(Country::Denmark, "2023-05-05").as_deref(), Some("Store bededag"));
    assert_eq!(off(Country::Denmark, "2024-04-26"), None);
    assert_eq!(off(Country::Sweden, "2004-05-31").as_deref(), Some("Annandag pingst"));
    assert_eq!(off(Country::Sweden, "2005-05-16"), None);
    assert_eq!(off(Country::Sweden, "2004-06-06"), None);
}

#[test]
fn working_days_leave_out_weekends_holidays_and_closed_days() {
    let mut calendar = of(&[Country::Sweden]);
    assert_eq!(calendar.working_days(date("2026-12-21"), date("2027-01-06")).count(), 8);
    calendar.days.insert(date("2026-12-23"), DayOff { name: "Closed".into(), part: Part::Whole });
    calendar.days.insert(date("2026-12-25"), DayOff { name: "Closed".into(), part: Part::Half });
    assert_eq!(calendar.working_days(date("2026-12-21"), date("2027-01-06")).count(), 7);
    assert_eq!(&*calendar.day_off(date("2026-12-25")).unwrap().name, "Juldagen");
    assert!(calendar.is_working_day(date("2026-04-30")), "half a day is worked");
    assert_eq!(calendar.working_days(date("2026-02-01"), date("2026-01-01")).count(), 0);
}

fn hours(zone: Tz, week: &[(Weekday, &str)], calendar: Calendar) -> OpeningHours {
    let usual = OpeningHours::usual(zone, Arc::new(calendar));
    week.iter().fold(usual, |hours, (day, text)| hours.with(*day, text).unwrap())
}

#[test]
fn it_opens_on_the_next_working_day() {
    let zone = chrono_tz::Europe::Stockholm;
    let support = hours(zone, &[], of(&[Country::Sweden]));
    let at =
        |day, hour| zone.from_local_datetime(&date(day).and_hms_opt(hour, 0, 0).unwrap()).unwrap().to_utc();
    assert!(support.is_open(at("2026-12-23", 8)) && !support.is_open(at("2026-12-23", 16)));
    assert_eq!(support.next_open(at("2026-12-23", 16)), Some(at("2026-12-28", 8)));
    assert_eq!(support.next_change(at("2026-12-28", 8)), Some(at("2026-12-28", 16)));
    assert_eq!(support.next_change(at("2026-04-30", 9)), Some(at("2026-04-30", 12)), "Valborg ends at noon");
    let never = [Weekday::Mon, Weekday::Tue, Weekday::Wed, Weekday::Thu, Weekday::Fri].map(|day| (day, ""));
    assert_eq!(hours(zone, &never, Calendar::default()).next_open(at("2026-12-23", 9)), None);
}

#[test]
fn open_time_passes_only_while_it_is_open() {
    let zone = chrono_tz::Europe::Stockholm;
    let desk = hours(zone, &[], of(&[Country::Sweden]));
    let at = |day, hour, minute| {
        zone.from_local_datetime(&date(day).and_hms_opt(hour, minute, 0).unwrap()).unwrap().to_utc()
    };
    let after = |day, hour, minutes| desk.after_open(at(day, hour, 0), TimeDelta::minutes(minutes));
    assert_eq!(after("2026-12-21", 9, 30), Some(at("2026-12-21", 9, 30)));
    // Over Christmas, a weekend and two nights.
    assert_eq!(after("2026-12-22", 15, 61 + 8 * 60), Some(at("2026-12-28", 8, 1)));
    assert_eq!(after("2026-12-21", 3, 0), Some(at("2026-12-21", 8, 0)), "no time at all, once it is open");
    assert_eq!(after("2026-12-21", 8, 8 * 60), Some(at("2026-12-21", 16, 0)), "to the last minute");
    // The hour that the clocks skip isn't there, one that comes twice is open twice.
    let night = [Weekday::Sun].map(|day| (day, "01:00-05:00"));
    let night = hours(zone, &night, Calendar::default());
    let hour = TimeDelta::hours(1);
    assert_eq!(night.after_open(at("2026-03-29", 1, 0), hour * 2), Some(at("2026-03-29", 4, 0)));
    assert_eq!(night.after_open(at("2026-10-25", 1, 0), hour * 2), Some(at("2026-10-25", 3, 0) - hour));
    let never = [Weekday::Mon, Weekday::Tue, Weekday::Wed, Weekday::Thu, Weekday::Fri].map(|day| (day, ""));
    assert_eq!(hours(zone, &never, Calendar::default()).after_open(at("2026-12-23", 9, 0), hour), None);
}

#[test]
fn hours_that_make_no_sense_are_refused() {
    let refused = |text| {
        let usual = OpeningHours::usual(Tz::UTC, Arc::default());
        usual.with(Weekday::Mon, text).map(|_| ()).unwrap_err().to_string()
    };
    assert!(refused("8 to 16").contains("are no hours"));
    assert!(refused("08:00-25:00").contains("are no hours"));
    assert!(refused("22:00-06:00").contains("two days"));
    assert!(refused("08:00-12:00, 11:00-13:00").contains("overlap"));
}

/// Looks minute by minute at the clock on the wall.
fn slowly(hours: &OpeningHours, at: DateTime<Utc>) -> Option<DateTime<Utc>> {
    let first = DateTime::from_timestamp(at.timestamp() / 60 * 60, 0).unwrap();
    (1..=5 * 24 * 60).map(|n| first + TimeDelta::minutes(n)).find(|t| hours.is_open(*t) != hours.is_open(at))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]
    /// Around the days on which the clocks change, there and back, in zones of either hemisphere and with half an hour's change.
    #[test]
    fn the_next_change_is_what_the_clock_on_the_wall_says(
        zone in prop::sample::select(vec!["Europe/Stockholm", "America/New_York", "Australia/Lord_Howe", "America/Santiago", "Asia/Beirut"]),
        start in prop::sample::select(vec!["2026-03-27", "2026-10-23", "2026-03-06", "2026-10-30", "2026-04-03", "2026-10-02", "2026-09-04"]),
        minute in 0i64..3 * 24 * 60,
        spans in prop::collection::vec((0u16..23, 0u16..60, 1u16..12), 7),
        off in 0u64..6,
    ) {
        let spans: Vec<String> = spans.iter().map(|(hour, minute, long)| {
            let end = (hour * 60 + minute + long * 60).min(24 * 60);
            format!("{hour:02}:{minute:02}-{:02}:{:02}", end / 60, end % 60)
        }).collect();
        let days = [Weekday::Mon, Weekday::Tue, Weekday::Wed, Weekday::Thu, Weekday::Fri, Weekday::Sat, Weekday::Sun];
        let week: Vec<(Weekday, &str)> = days.into_iter().zip(spans.iter().map(String::as_str)).collect();
        let mut calendar = Calendar::default();
        let part = if off % 2 == 0 { Part::Half } else { Part::Whole };
        calendar.days.insert(date(start) + chrono::Days::new(off), DayOff { name: "off".into(), part });
        let hours = hours(zone.parse().unwrap(), &week, calendar);
        let at = date(start).and_hms_opt(0, 0, 0).unwrap().and_utc() + TimeDelta::minutes(minute);
        prop_assert_eq!(hours.next_change(at), slowly(&hours, at));
        prop_assert_eq!(hours.next_open(at), if hours.is_open(at) { Some(at) } else { slowly(&hours, at) });
    }
}
