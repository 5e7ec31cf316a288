//! What Budkavle itself says in an outage ([`Said`]), and what it said of feeds and signs of life when that was stored in English only.

use std::time::Duration;

use super::{Words, say};
use crate::domain::outage::said::Said;

const GIVES: &str = " should give a sign of life every ";
const LAST: &str = ". The last one came ";
const NONE: &str = ". None has come since ";
const HEARD: &str = "A sign of life has come from ";

impl Words {
    /// The title of an outage: of a missing sign of life in these words, else as it stands.
    pub fn outage_title(&self, title: &str) -> String {
        match title.strip_prefix("No sign of life from ") {
            Some(job) => say!(self, "heartbeat-missing", title = job),
            None => title.to_owned(),
        }
    }

    /// What Budkavle itself says.
    pub(super) fn said(&self, said: &Said) -> String {
        match said {
            Said::Now(state) => say!(self, "update-now", state = self.state(*state)),
            Said::Moved { from, until } => {
                say!(self, "update-moved-from", from = self.time(*from), until = self.time(*until))
            }
            Said::Reminder => say!(self, "update-reminder"),
            Said::Begun => say!(self, "update-begun"),
            Said::Done => say!(self, "update-done"),
            Said::DoneAsPlanned => say!(self, "update-done-planned"),
            Said::Cancelled => say!(self, "update-cancelled"),
            Said::Late => say!(self, "update-late"),
            Said::NoSign { job, every, last, since } => {
                let every = humantime::format_duration(Duration::from_secs(*every)).to_string();
                let id = if last.is_some() { "heartbeat-last" } else { "heartbeat-none" };
                let time = self.time(last.unwrap_or(*since));
                say!(self, id, title = &**job, every = self.every(&every), time = time)
            }
            Said::Sign { job, before: Some(before) } => {
                say!(self, "heartbeat-back", title = &**job, time = self.time(*before))
            }
            Said::Sign { job, before: None } => say!(self, "heartbeat-first", title = &**job),
            Said::Unlisted { feed } => say!(self, "feed-gone", name = &**feed),
        }
    }

    /// What is said in an update; None: somebody else said it.
    pub(super) fn told(&self, text: &str) -> Option<String> {
        if let Some(name) =
            text.strip_prefix("The feed ").and_then(|t| t.strip_suffix(" doesn't list it any more."))
        {
            return Some(say!(self, "feed-gone", name = name));
        }
        if let Some(rest) = text.strip_prefix(HEARD) {
            if let Some(job) = rest.strip_suffix(". There had been none before.") {
                return Some(say!(self, "heartbeat-first", title = job));
            }
            let (job, time) = rest.strip_suffix('.')?.rsplit_once(". The one before came ")?;
            return Some(say!(self, "heartbeat-back", title = job, time = self.english_time(time)?));
        }
        let (job, rest) = text.split_once(GIVES)?;
        let (id, every, time) = match rest.split_once(LAST) {
            Some((every, time)) => ("heartbeat-last", every, time.strip_suffix('.')?),
            None => {
                let (every, time) = rest.split_once(NONE)?;
                ("heartbeat-none", every, time.strip_suffix(", when it was first waited for.")?)
            }
        };
        Some(say!(self, id, title = job, every = self.every(every), time = self.english_time(time)?))
    }

    /// How often, where that is a round number of minutes, hours or days; else as it is configured.
    fn every(&self, text: &str) -> String {
        let minutes =
            humantime::parse_duration(text).ok().and_then(|every| u32::try_from(every.as_secs() / 60).ok());
        let is_round = |n: &u32| match *n {
            0 => false,
            1..=119 => true,
            120..=2_879 => n.is_multiple_of(60),
            _ => n.is_multiple_of(1_440),
        };
        minutes.filter(is_round).map_or_else(|| text.to_owned(), |minutes| self.minutes(minutes))
    }
}

#[cfg(test)]
mod tests {
    use chrono::{DateTime, Utc};

    use super::*;
    use crate::domain::language::Language;
    use crate::domain::locale::Locale;
    use crate::domain::outage::State;

    fn words(language: Language) -> Words {
        Words::new(Locale::new(language, chrono_tz::Europe::Stockholm))
    }

    #[test]
    fn the_system_speaks_each_language_by_the_readers_clocks() {
        let at = |text: &str| text.parse::<DateTime<Utc>>().unwrap();
        // The hour that comes twice in Stockholm, the first time.
        let (from, until) = (at("2026-10-25T00:30:00Z"), at("2026-10-25T01:30:00Z"));
        let job = || Box::from("the backup");
        let dated = [
            Said::Moved { from, until },
            Said::NoSign { job: job(), every: 300, last: Some(from), since: until },
            Said::NoSign { job: job(), every: 300, last: None, since: from },
            Said::Sign { job: job(), before: Some(from) },
        ];
        let others = [
            Said::Now(State::Resolved),
            Said::Reminder,
            Said::Begun,
            Said::Done,
            Said::DoneAsPlanned,
            Said::Cancelled,
            Said::Late,
            Said::Sign { job: job(), before: None },
            Said::Unlisted { feed: "cloud".into() },
        ];
        let zone = chrono_tz::Europe::Stockholm;
        for language in Language::ALL {
            for said in dated.iter().chain(&others) {
                let (english, words) = (said.text(zone), words(language));
                let spoken = words.said(said);
                // "5m", and "5 minutes".
                let is_english = language == Language::English && !matches!(said, Said::NoSign { .. });
                assert_eq!(spoken == english, is_english, "{language}: {spoken}");
                assert_eq!(words.update(&english), spoken, "as it was understood before");
            }
            for said in &dated {
                let afar = Words::new(Locale::new(language, chrono_tz::Asia::Kolkata)).said(said);
                assert!(afar.contains("00 IST") && !afar.contains("CE"), "{language}: {afar}");
            }
        }
    }

    #[test]
    fn what_others_tell_is_said_in_each_language() {
        let said = [
            "The feed cloud doesn't list it any more.",
            "the backup should give a sign of life every 1day. The last one came 6 Jul 2026 08:00 CEST.",
            "the backup should give a sign of life every 1day. None has come since 6 Jul 2026 08:00 CEST, when it was first waited for.",
            "A sign of life has come from the backup. The one before came 6 Jul 2026 08:00 CEST.",
            "A sign of life has come from the backup. There had been none before.",
        ];
        for language in Language::ALL {
            let words = words(language);
            for text in said {
                let update = words.update(text);
                assert_eq!(
                    update == text,
                    language == Language::English && !text.contains("1day"),
                    "{language}: {update}"
                );
                assert!(update.contains("the backup") || update.contains("cloud"), "{update}");
                assert_eq!(update.contains("2026"), text.contains("2026"), "{update}");
            }
            assert!(words.outage_title("No sign of life from the backup").contains("the backup"));
            for other in ["A sign of life has come from Mars.", "The feed", "Mail is down"] {
                assert_eq!(
                    (words.update(other), words.outage_title(other)),
                    (other.to_owned(), other.to_owned())
                );
            }
        }
        let swedish = words(Language::Swedish);
        assert_eq!(
            swedish.update(said[1]),
            "the backup ska ge minst ett livstecken på 24 timmar. Det senaste kom 6 juli 2026 kl. 08:00 CEST."
        );
        assert_eq!(swedish.outage_title("No sign of life from lönen"), "Inget livstecken från lönen");
        assert_eq!(swedish.every("1h 30m"), "90 minuter");
        assert_eq!(swedish.every("3days 7h"), "3days 7h");
    }
}
