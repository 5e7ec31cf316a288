//! Whom to turn to for trouble signing in, for the page that everybody may read.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use arc_swap::ArcSwap;
use chrono::{DateTime, Datelike, Utc};
use serde::{Deserialize, Serialize};

use super::core::Core;
use crate::channel::login_page::{self, Language, Page, Person};
use crate::domain::calendar::OpeningHours;
use crate::domain::contacts::{self, Asker};
use crate::domain::roles;
use crate::domain::tree;

/// Where the page is written, and how.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Settings {
    /// The file.
    pub file: PathBuf,
    /// In which language.
    pub language: Language,
    /// When those who help are there.
    pub hours: OpeningHours,
}

/// How the page is doing.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct PageState {
    /// Where it is written.
    pub file: PathBuf,
    /// When it last was, since the daemon's start.
    pub written: Option<DateTime<Utc>>,
    /// Why what it should say now isn't written, and how to mend that.
    pub trouble: Option<String>,
}

/// The page, written whenever it says something else.
pub struct LoginPage {
    settings: ArcSwap<Option<Settings>>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    written: Option<DateTime<Utc>>,
    trouble: Option<String>,
    /// What is in the files. None: that isn't known.
    said: Option<(Settings, Page)>,
}

impl LoginPage {
    /// A page that isn't written yet; None: there is to be none.
    pub fn new(settings: Option<Settings>) -> LoginPage {
        LoginPage { settings: ArcSwap::from_pointee(settings), state: Mutex::default() }
    }

    /// Takes the settings of another configuration.
    pub fn replace(&self, settings: Option<Settings>) {
        self.settings.store(Arc::new(settings));
    }

    /// How it is doing; None: there is to be none.
    pub fn state(&self) -> Option<PageState> {
        let settings = self.settings.load();
        let file = settings.as_ref().as_ref()?.file.clone();
        let state = self.lock();
        Some(PageState { file, written: state.written, trouble: state.trouble.clone() })
    }

    /// Writes the page if it says something else than its files, or these are gone. What goes wrong is tried again at the next call.
    pub async fn keep(&self, core: &Core) {
        let settings = self.settings.load_full();
        let Some(settings) = settings.as_ref() else {
            *self.lock() = State::default();
            return;
        };
        let (now, zone) = (core.now(), core.settings().zone);
        let said = (settings.clone(), page(core, settings.language, &settings.hours));
        let known = self.lock().said.as_ref() == Some(&said);
        let work = move || {
            let (settings, page) = &said;
            let there = login_page::files(&settings.file).iter().all(|file| file.exists());
            if known && there {
                return Ok(None);
            }
            login_page::write(&settings.file, page, now, zone).map(|()| Some(said))
        };
        let done = match tokio::task::spawn_blocking(work).await {
            Ok(done) => done.map_err(|error| error.to_string()),
            Err(error) => Err(format!("the page broke off: {error}")),
        };
        let mut state = self.lock();
        match done {
            Ok(None) => {}
            Ok(Some(said)) => {
                if state.trouble.is_some() {
                    tracing::info!("The page for trouble signing in is written again");
                }
                *state = State { written: Some(now), trouble: None, said: Some(said) };
            }
            Err(trouble) => {
                if state.trouble.as_ref() != Some(&trouble) {
                    tracing::error!("The page for trouble signing in isn't written: {trouble}");
                }
                *state = State { written: state.written, trouble: Some(trouble), said: None };
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What the page says now.
pub fn page(core: &Core, language: Language, hours: &OpeningHours) -> Page {
    let view = core.view();
    let now = core.now();
    let organisation = &view.organisation;
    let role = organisation.role(roles::LOGIN);
    let answer = role.map(|role| contacts::resolve(organisation, role, &Asker::Organisation, now));
    let people = answer.into_iter().flat_map(|answer| answer.contacts).map(|contact| Person {
        name: contact.name,
        title: contact.title,
        mail: contact.mail.to_string(),
        phones: [contact.phone, contact.mobile].into_iter().flatten().collect(),
    });
    // The coming seven days, with the days off of this week in them.
    let today = now.with_timezone(&hours.zone()).date_naive();
    let week = today.iter_days().take(7).map(|date| {
        let spans = hours.of_day(date).into_iter().map(|(from, until)| {
            let clock = |m: u16| format!("{:02}:{:02}", m / 60, m % 60);
            format!("{}–{}", clock(from), clock(until))
        });
        (date.weekday().num_days_from_monday(), date, spans.collect::<Vec<_>>().join(", "))
    });
    Page {
        language,
        organisation: organisation.tree.name(tree::ROOT).to_owned(),
        people: people.collect(),
        hours: week
            .map(|(weekday, date, hours)| (weekday, date.format("%Y-%m-%d").to_string(), hours))
            .collect(),
        support_phone: core.settings().support.phone.clone(),
    }
}

#[cfg(test)]
mod tests {
    use chrono_tz::Tz;

    use super::*;
    use crate::store::{SledSettings, Store};

    #[tokio::test]
    async fn a_page_that_can_not_be_written_is_told_of_until_it_is() {
        let folder = tempfile::tempdir().unwrap();
        let store = SledSettings::small(folder.path());
        let (store, _) = Store::open_sled(store, DateTime::UNIX_EPOCH).await.unwrap();
        let core = Core::load(store, Default::default(), Arc::new(|| DateTime::UNIX_EPOCH)).await.unwrap();
        let public = folder.path().join("public");
        let file = public.join("sign-in.html");
        let hours = OpeningHours::usual(Tz::UTC, Arc::default());
        let settings = Settings { file: file.clone(), language: Language::English, hours };
        let page = LoginPage::new(None);
        page.keep(&core).await;
        assert_eq!(page.state(), None);

        page.replace(Some(settings));
        std::fs::write(&public, "a file in the place of the folder").unwrap();
        page.keep(&core).await;
        let state = page.state().unwrap();
        assert_eq!((&state.file, state.written), (&file, None));
        assert!(state.trouble.unwrap().contains("take away what is in the way"));

        std::fs::remove_file(&public).unwrap();
        page.keep(&core).await;
        let state = page.state().unwrap();
        assert_eq!((state.written, state.trouble), (Some(DateTime::UNIX_EPOCH), None));
        assert!(std::fs::read_to_string(&file).unwrap().contains("<html lang=\"en\">"));

        // What somebody takes away is there again after the next look; what is there isn't written again.
        std::fs::remove_file(file.with_extension("txt")).unwrap();
        page.keep(&core).await;
        assert!(file.with_extension("txt").exists());
        std::fs::write(&file, "as it was").unwrap();
        page.keep(&core).await;
        assert_eq!(std::fs::read_to_string(&file).unwrap(), "as it was");
    }
}
