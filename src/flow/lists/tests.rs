use std::path::Path;
use std::time::Duration;

use tokio::net::TcpListener;

use super::*;
use crate::flow::core::Settings;
use crate::source::fetch::Location;
use crate::store::{SledSettings, Store};

fn list(location: Location) -> ListSettings {
    let (roles, source) = (vec!["support".into()], ListSource::unproven(location));
    ListSettings { roles, format: Format::Csv, zone: Tz::UTC, source }
}

fn named(lists: Vec<(&str, Location)>) -> BTreeMap<ListName, ListSettings> {
    lists.into_iter().map(|(name, location)| (name.into(), list(location))).collect()
}

async fn core(folder: &Path) -> Core {
    let store = SledSettings::small(folder);
    let now = "2026-07-06T12:00:00Z".parse().unwrap();
    let (store, _) = Store::open_sled(store, now).await.unwrap();
    let settings =
        Settings { lists: [("vendor".into(), vec!["support".into()])].into(), ..Settings::default() };
    Core::load(store, settings, Arc::new(move || now)).await.unwrap()
}

fn written(folder: &Path, name: &str, text: &str) -> Location {
    std::fs::write(folder.join(name), text).unwrap();
    Location::File(folder.join(name))
}

#[tokio::test]
async fn a_server_that_hangs_holds_up_no_other_list_and_a_reload_goes_before_its_answer() {
    let folder = tempfile::tempdir().unwrap();
    let core = core(folder.path()).await;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("https://{}/list", listener.local_addr().unwrap());
    let hanging = Location::Url(url.parse().unwrap());
    let file = |name| written(folder.path(), name, "name,mail\nEva,eva@vendor.example\n");
    let lists = Lists::new(named(vec![("vendor", hanging), ("other", file("other.csv"))]));
    let meanwhile = async {
        let (connection, _) = listener.accept().await.unwrap();
        assert!(lists.refresh(&core, &"other".into(), &Actor::System).await.unwrap().taken);
        lists.replace(named(vec![("vendor", file("vendor.csv"))]));
        drop((connection, listener));
    };
    let vendor = "vendor".into();
    let both = async { tokio::join!(lists.refresh(&core, &vendor, &Actor::System), meanwhile) };
    let (looked, ()) = tokio::time::timeout(Duration::from_secs(20), both).await.unwrap();
    let looked = looked.unwrap();
    assert_eq!((looked.taken, looked.people, looked.trouble), (true, 1, None));
    assert_eq!(core.view().organisation.holders(&"support".into()).all().count(), 1);
}

#[tokio::test]
async fn an_older_list_waits_until_somebody_accepts_it() {
    let folder = tempfile::tempdir().unwrap();
    let core = core(folder.path()).await;
    let issued = |day: &str| {
        let people = r#""people": [{"name": "Eva", "mail": "eva@vendor.example"}]"#;
        let issued = if day.is_empty() { String::new() } else { format!(r#""issued": "{day}", "#) };
        written(folder.path(), "list.json", &format!("{{{issued}{people}}}"))
    };
    let json = |location| ListSettings { format: Format::Json, ..list(location) };
    let lists = Lists::new([("vendor".into(), json(issued("2026-07-01")))].into());
    let vendor = "vendor".into();
    let look = || async { lists.refresh(&core, &vendor, &Actor::System).await.unwrap() };
    let in_force = || core.view().lists.get(&vendor).unwrap().listing.issued;
    assert!(look().await.taken);
    for day in ["2026-06-01", ""] {
        let before = in_force();
        issued(day);
        let looked = look().await;
        assert!(!looked.taken && looked.trouble.unwrap().contains("lists accept vendor"), "{day}");
        assert_eq!(in_force(), before);
        lists.accept(&core, &vendor, &Actor::System, None).await.unwrap();
        assert_ne!(in_force(), before);
    }
    issued("2027-01-01");
    assert!(look().await.trouble.unwrap().contains("still to come"));
    assert!(lists.accept(&core, &vendor, &Actor::System, None).await.is_err());
}
