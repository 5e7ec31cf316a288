//! Whom to turn to for trouble signing in, for the page that everybody may read.

use chrono::Datelike;

use super::core::Core;
use crate::channel::login_page::{Language, Page, Person};
use crate::domain::calendar::OpeningHours;
use crate::domain::contacts::{self, Asker};
use crate::domain::roles;
use crate::domain::tree;

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
