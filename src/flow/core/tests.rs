use std::path::Path;
use std::sync::Mutex as Cell;

use chrono::NaiveDate;

use super::*;
use crate::domain::authority::Caller;
use crate::domain::calendar::{Calendar, Country, DayOff, Part};
use crate::domain::changes::Cause;
use crate::domain::coverage::Day;
use crate::domain::ids::UnitId;
use crate::domain::language::Language;
use crate::domain::locale::Locales;
use crate::domain::roles::{Holder, LOCAL, Place};
use crate::flow::assign::{NewAssignment, assign};
use crate::store::SledSettings;

fn at(text: &str) -> DateTime<Utc> {
    format!("2026-07-06T{text}:00Z").parse().unwrap()
}

type Clock = Arc<Cell<DateTime<Utc>>>;

async fn start(folder: &Path, clock: &Clock) -> Core {
    let store = SledSettings::small(folder);
    let (store, _) = Store::open_sled(store, at("12:00")).await.unwrap();
    let clock = Arc::clone(clock);
    Core::load(store, Settings::default(), Arc::new(move || *clock.lock().unwrap())).await.unwrap()
}

/// A local contact of the whole from a time on.
fn local(name: &str, from: &str) -> NewAssignment {
    let mail = format!("{name}@org.example").parse().unwrap();
    NewAssignment {
        from: Some(at(from)),
        ..NewAssignment::new(LOCAL, Holder::Outside { name: name.into(), mail }, Place::Unit(UnitId::ROOT))
    }
}

#[tokio::test]
async fn what_began_shortly_before_an_edit_is_noted_once_and_as_what_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let clock = Clock::new(Cell::new(at("12:00")));
    let set = |time| *clock.lock().unwrap() = at(time);
    let core = start(folder.path(), &clock).await;
    core.recompute().await.unwrap();
    let noted = async |core: &Core| -> Vec<(DateTime<Utc>, Cause)> {
        let noted = core.store.contact_changes(None, 100).await.unwrap();
        let mut noted: Vec<_> = noted.into_iter().map(|noted| (noted.at, noted.by)).collect();
        noted.sort_by_key(|(at, _)| *at);
        noted
    };
    // It began ten minutes ago, by an edit of now.
    set("12:30");
    assign(&core, local("anna", "12:20"), &Caller::system(), None).await.unwrap();
    let edited = [(at("12:30"), Cause::Edit)];
    assert_eq!(noted(&core).await, edited);
    set("12:31");
    core.recompute().await.unwrap();
    assert_eq!(noted(&core).await, edited);
    core.store.close().await;
    drop(core);
    let core = start(folder.path(), &clock).await;
    core.recompute().await.unwrap();
    assert_eq!(noted(&core).await, edited, "nor after a restart");
    // What begins by itself before the next edit is time's.
    assign(&core, local("bo", "12:40"), &Caller::system(), None).await.unwrap();
    set("12:45");
    assign(&core, local("eva", "12:41"), &Caller::system(), None).await.unwrap();
    core.recompute().await.unwrap();
    let mut all = noted(&core).await;
    all.sort_by_key(|(at, by)| (*at, *by == Cause::Edit));
    assert_eq!(all, [edited[0], (at("12:45"), Cause::Time), (at("12:45"), Cause::Edit)]);
}

#[test]
fn a_half_day_is_worked_until_noon() {
    let day = |text: &str| text.parse::<NaiveDate>().unwrap();
    let half = DayOff { name: "half a day".into(), part: Part::Half };
    let days = [(day("2026-12-23"), half.clone()), (day("2026-12-27"), half)].into();
    let calendar = Calendar { countries: vec![Country::Sweden], days };
    let settings = Settings { calendar, ..Settings::default() };
    let of = |text| settings.day(day(text));
    // A Sunday is one, whatever else it is.
    assert_eq!(
        [of("2026-12-22"), of("2026-12-23"), of("2026-12-25"), of("2026-12-27")],
        [Day::Work, Day::Half, Day::Closed, Day::Closed]
    );
}

#[tokio::test]
async fn how_people_are_written_to_follows_the_settings() {
    let folder = tempfile::tempdir().unwrap();
    let core = start(folder.path(), &Clock::new(Cell::new(at("12:00")))).await;
    let anna = Recipient::by_mail("Anna", "anna@org.example".parse().unwrap(), "outage");
    assert_eq!(core.locale_of(&anna), Locale::default());
    let finnish = Locale::new(Language::Finnish, chrono_tz::Europe::Helsinki);
    let locales = Locales { organisation: finnish, rules: Vec::new() };
    core.reload(Settings { locales, ..Settings::default() }).await;
    assert_eq!(core.locale_of(&anna), finnish);
}
