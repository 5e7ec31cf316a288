//! An organisation in two time zones, with a directory that is read, places that are reached, and people who click.

use std::fs;
use std::time::Duration;

use chrono::Timelike;
use chrono_tz::America::New_York;
use mail_parser::MessageParser;

use super::super::*;
use crate::channel::{Channel, CommandChannel};
use crate::domain::alert;
use crate::domain::authority::Caller;
use crate::domain::decode::Mapping;
use crate::domain::guard::Limits;
use crate::domain::ids::UserId;
use crate::domain::link::Purpose;
use crate::domain::locale::Rule;
use crate::domain::roles::{AD_SYNC, Holder, LOCAL};
use crate::domain::route::{Reach, Route, Routing};
use crate::domain::run::{Trigger, WholeReads};
use crate::flow::assign::{NewAssignment, assign};
use crate::flow::core::DirectorySettings;
use crate::flow::deliver::Sender;
use crate::flow::links::Public;
use crate::flow::subscribers::Wanted;
use crate::flow::testing::composer;
use crate::flow::{bounces, pages, sync};
use crate::source::Source;
use crate::source::ldif::Ldif;

const UNITS: [(&str, &str); 4] =
    [("1", "OU=IT"), ("2", "OU=Care"), ("3", "OU=Home care,OU=Care"), ("4", "OU=Boston")];
const PEOPLE: [(&str, &str); 7] = [
    ("asa", "OU=IT"),
    ("sven", "OU=IT"),
    ("carl", "OU=Care"),
    ("bo", "OU=Home care,OU=Care"),
    ("dan", "OU=Home care,OU=Care"),
    ("li", "OU=Home care,OU=Care"),
    ("ben", "OU=Boston"),
];
/// An identity that is none: the object is set aside.
pub(super) const BROKEN: &str =
    "dn: CN=odd,OU=IT,DC=org\nobjectClass: user\nobjectGUID:: AAAA\nsAMAccountName: odd\n\n";

fn guid(kind: &str, n: usize) -> String {
    format!("{kind}AAAAAAAAAAAAAAAAAAA{n}A==")
}

/// The directory as a file.
pub(super) fn ldif() -> String {
    let unit = |(n, path): &(&str, &str)| {
        let guid = guid("B", n.parse().unwrap());
        format!("dn: {path},DC=org\nobjectClass: organizationalUnit\nobjectGUID:: {guid}\n\n")
    };
    let person = |(n, (name, path)): (usize, &(&str, &str))| {
        let guid = guid("C", n);
        format!(
            "dn: CN={name},{path},DC=org\nobjectClass: user\nobjectGUID:: {guid}\nsAMAccountName: {name}\nmail: {name}@org.example\nuserAccountControl: 512\n\n"
        )
    };
    UNITS.iter().map(unit).chain(PEOPLE.iter().enumerate().map(person)).collect()
}

fn terms() -> Settings {
    let usual = settings();
    let climbing = climb::Policy {
        kinds: [NoticeKind::Outage, NoticeKind::Alert].into(),
        ..climb::Policy::clone(&usual.climbing)
    };
    let boston =
        Rule { name: "us".into(), units: vec!["Boston".into()], language: None, zone: Some(New_York) };
    let loud = Route {
        kinds: [NoticeKind::Outage].into(),
        severity: Severity::Critical,
        contacts: vec![],
        channels: vec![ChannelName::mail(), "team".into()],
    };
    let policy = alert::Policy {
        after_failures: 2,
        remind_after: vec![TimeDelta::hours(1), TimeDelta::days(1)],
        ..alert::Policy::default()
    };
    let schedule = Schedule::parse("0 3 * * *", Stockholm).unwrap();
    let whole_reads = WholeReads { blind: schedule.clone(), seeing: schedule };
    let directory = DirectorySettings { limits: Limits::default(), policy, whole_reads };
    Settings {
        climbing: Arc::new(climbing),
        locales: Locales { rules: vec![boston], ..usual.locales.clone() },
        routing: Routing {
            routes: vec![loud],
            channels: [("team".into(), Reach::Place)].into(),
            ..Routing::default()
        },
        directories: [("main".into(), directory)].into(),
        public: Some(Public { url: "https://b.example".into(), lives: TimeDelta::days(7), subscribe: false }),
        ..usual
    }
}

/// A place where many read, which is away while a file says so.
fn team(folder: &Path) -> Sender {
    fs::write(folder.join("team.exit"), "0").unwrap();
    let lines = format!("cat > /dev/null; exit $(cat {})", folder.join("team.exit").display());
    let run = CommandChannel::new("/bin/sh".into(), vec!["-c".into(), lines], Duration::from_secs(60));
    Sender::new("team".into(), Channel::Command(run), composer(), Terms::default())
}

impl Town {
    /// With a directory that is read every other hour.
    pub(super) async fn of_the_month(folder: &Path) -> Town {
        let town = Town::with(folder, "10-05T06:00", terms()).await;
        town.senders.replace(vec![mailer(folder, Terms::default()), team(folder)]);
        bounces::make_key(&town.core).await.unwrap();
        fs::write(folder.join("people.ldif"), ldif()).unwrap();
        town.read().await;
        for (role, name, place) in [
            (OUTAGE, "asa", Place::Organisation),
            (OUTAGE, "bo", Place::Unit(town.unit("Home care"))),
            (OUTAGE, "ben", Place::Unit(town.unit("Boston"))),
            (LOCAL, "li", Place::Unit(town.unit("Home care"))),
            (LOCAL, "carl", Place::Unit(town.unit("Care"))),
            (AD_SYNC, "sven", Place::Directory("main".into())),
        ] {
            let new = NewAssignment::new(role, Holder::User(town.user(name)), place);
            assign(&town.core, new, &Caller::system(), None).await.unwrap();
        }
        appoint(&town.core, GLOBAL, "gun", Place::Organisation).await;
        appoint(&town.core, MESSAGE_READER, "reader", Place::Unit(UnitId::ROOT)).await;
        town
    }

    pub(super) fn user(&self, name: &str) -> UserId {
        self.core.view().organisation.find_user(name).unwrap().id
    }

    pub(super) fn unit(&self, name: &str) -> UnitId {
        let view = self.core.view();
        view.organisation.tree.id(view.organisation.find_unit(name).unwrap())
    }

    /// A run of the directory, by the real source.
    async fn read(&self) {
        let file = self.folder.join("people.ldif");
        let run_timeout = Duration::from_secs(600);
        let source = Source::Ldif(Ldif { file, mapping: Mapping::default(), run_timeout });
        let order = sync::Order { trigger: Trigger::Schedule, full: false, dry_run: false };
        sync::sync(&self.core, &source, &"main".into(), order, |_| {}).await.unwrap();
    }

    /// Goes on minute by minute; the directory is read at a quarter past every other hour.
    pub(super) async fn on(&self, time: &str) {
        while self.core.now() < at(time) {
            let now = self.core.now();
            if now.minute() == 15 && now.hour().is_multiple_of(2) {
                self.read().await;
            }
            self.minute().await;
            self.tick();
        }
    }

    /// The files that the mails became, as when, to whom and text; the oldest first.
    pub(super) fn mails(&self) -> Vec<(String, String, String)> {
        let mut files: Vec<PathBuf> =
            fs::read_dir(self.folder.join("mails")).unwrap().map(|file| file.unwrap().path()).collect();
        files.sort();
        let read = |file: PathBuf| {
            let bytes = fs::read(&file).unwrap();
            let mail = MessageParser::default().parse(&bytes).unwrap();
            let to = mail.to().unwrap().first().unwrap().address().unwrap().to_owned();
            let name = file.file_name().unwrap().to_string_lossy().into_owned();
            (name, to, mail.body_text(0).unwrap().into_owned())
        };
        files.into_iter().map(read).collect()
    }

    /// What is behind the link of this purpose in the last mail to somebody: looked at first, which does nothing, and then done.
    pub(super) async fn click(&self, to: &str, purpose: Purpose, folder: &str) {
        let mails = self.mails();
        let (_, _, text) = mails.iter().rev().find(|(_, who, _)| who.starts_with(to)).unwrap();
        let before = format!("https://b.example/{folder}/");
        let link = text.split_once(&before).unwrap_or_else(|| panic!("no {before} in {text}")).1;
        let link = link.split_whitespace().next().unwrap();
        let state = || {
            let view = self.core.view();
            (view.climbs.clone(), view.subscribers.clone())
        };
        let was = state();
        let looked = pages::open(&self.core, purpose, link, false).await.unwrap();
        assert_eq!((looked.state, state()), (pages::State::Found, was.clone()), "looking does nothing");
        pages::open(&self.core, purpose, link, true).await.unwrap();
        assert_ne!(state(), was);
    }

    pub(super) async fn asks(&self, mail: &str) {
        let wanted = Wanted {
            mail: mail.parse().unwrap(),
            services: ["mail".into()].into(),
            severity: Severity::Minor,
        };
        subscribers::ask(&self.core, wanted, &Actor::System).await.unwrap();
    }
}
