//! Somebody outside who wants to be told of outages: they asked for it, and have said so by a link that only they were sent (double opt-in).

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};
use xxhash_rust::xxh3::xxh3_64;

use super::ids::{SubjectName, SubscriberId};
use super::mailbox::Address;
use super::outage::edit::Was;
use super::outage::{Outage, Severity};
use super::service::Services;

/// How far somebody is subscribed.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Standing {
    /// They were sent the link, and haven't confirmed yet.
    Asked {
        /// When.
        at: DateTime<Utc>,
    },
    /// They have confirmed.
    Confirmed {
        /// When.
        at: DateTime<Utc>,
    },
}

/// Somebody outside.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Subscriber {
    /// Their number.
    pub id: SubscriberId,
    /// Where they are written to.
    pub mail: Address,
    /// Only outages of these services and of what they depend on; empty: of all.
    pub services: BTreeSet<SubjectName>,
    /// At least so bad.
    pub severity: Severity,
    /// How far they are subscribed.
    pub standing: Standing,
}

/// Who doesn't confirm within this is forgotten.
pub const CONFIRM_WITHIN: TimeDelta = TimeDelta::days(7);
/// Nobody is asked to confirm more often than this: else anybody could fill anybody's mailbox.
pub const ASK_AGAIN: TimeDelta = TimeDelta::hours(24);
/// So many are asked in an hour, whoever they are.
pub const ASKED_AN_HOUR: usize = 60;
/// So many there can be.
pub const MANY: usize = 20_000;
/// So many may be asked and not have answered.
pub const UNCONFIRMED: usize = 2_000;

/// All of them.
pub type Subscribers = BTreeMap<SubscriberId, Subscriber>;

/// What comes of the wish to subscribe.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Wish {
    /// They are to be asked whether they want it.
    Ask,
    /// They are one already, or were asked lately: nothing is sent.
    Known(SubscriberId),
    /// Too many at once.
    TooMany,
}

/// What a mailbox is called in a link that takes it off, whatever its number is by then.
pub fn mailbox_number(mail: &Address) -> u64 {
    xxh3_64(mail.key().as_bytes())
}

/// Whoever reads a mailbox: what stands behind a `+` doesn't make it another.
fn reader(mail: &Address) -> String {
    let key = mail.key();
    match key.rsplit_once('@') {
        Some((local, domain)) => {
            format!("{}@{domain}", local.split('+').next().filter(|name| !name.is_empty()).unwrap_or(local))
        }
        None => key,
    }
}

/// Decides on somebody's wish to subscribe at `now`. The limits are those of everybody; an operator who `vouches` for it has none but that of
/// how many there can be.
pub fn wish(all: &Subscribers, mail: &Address, vouches: bool, now: DateTime<Utc>) -> Wish {
    let asked = |within: TimeDelta| move |subscriber: &&Subscriber| matches!(subscriber.standing, Standing::Asked { at } if now - at < within);
    let confirmed = all.values().filter(|s| matches!(s.standing, Standing::Confirmed { .. })).count();
    // Before it is looked who is known: nobody learns that by asking for too much.
    let too_many = all.values().filter(asked(TimeDelta::hours(1))).count() >= ASKED_AN_HOUR
        || all.len() - confirmed >= UNCONFIRMED;
    if confirmed >= MANY || (too_many && !vouches) {
        return Wish::TooMany;
    }
    let key = mail.key();
    let known = all.values().find(|subscriber| subscriber.mail.key() == key);
    match known {
        Some(Subscriber { id, standing: Standing::Confirmed { .. }, .. }) => return Wish::Known(*id),
        Some(Subscriber { id, standing: Standing::Asked { at }, .. }) if now - *at < ASK_AGAIN => {
            return Wish::Known(*id);
        }
        _ => {}
    }
    let same = reader(mail);
    let before = all.values().filter(asked(ASK_AGAIN)).find(|subscriber| reader(&subscriber.mail) == same);
    before.filter(|_| !vouches).map_or(Wish::Ask, |subscriber| Wish::Known(subscriber.id))
}

/// Those who never confirmed.
pub fn forgotten(all: &Subscribers, now: DateTime<Utc>) -> Vec<SubscriberId> {
    let late = |subscriber: &&Subscriber| matches!(subscriber.standing, Standing::Asked { at } if now - at >= CONFIRM_WITHIN);
    all.values().filter(late).map(|subscriber| subscriber.id).collect()
}

/// Those who are told of an outage, besides its contacts: of what it is, or was before it was corrected, so that whoever heard of it hears of its end. What
/// concerns only some units is nothing for those outside.
pub fn of_outage<'a>(all: &'a Subscribers, outage: &Outage, services: &Services) -> Vec<&'a Subscriber> {
    let mut versions = vec![Version::of(outage, None, services)];
    let mut was = outage.clone();
    for edit in outage.edits.iter().rev() {
        match &edit.was {
            Was::Severity(severity) => was.severity = *severity,
            Was::Services(named) => was.services.clone_from(named),
            Was::Units(units) => was.units.clone_from(units),
            Was::Text { .. } | Was::Title(_) | Was::Also(_) => continue,
        }
        versions.push(Version::of(&was, Some(edit.at), services));
    }
    all.values().filter(|subscriber| versions.iter().any(|version| version.concerns(subscriber))).collect()
}

/// Those of them who have had a word of an outage: they are told when it is corrected.
pub fn who_heard<'a>(all: &'a Subscribers, outage: &Outage, services: &Services) -> Vec<&'a Subscriber> {
    let last = outage.updates.last().map(|update| update.at);
    let told = of_outage(all, outage, services).into_iter();
    told.filter(
        |one| matches!(one.standing, Standing::Confirmed { at } if last.is_some_and(|last| at <= last)),
    )
    .collect()
}

/// An outage as it was for a while.
struct Version {
    whole: bool,
    severity: Severity,
    /// What is out, and what depends on it.
    out: BTreeSet<SubjectName>,
    /// Until when it was so; None: it is.
    until: Option<DateTime<Utc>>,
}

impl Version {
    fn of(outage: &Outage, until: Option<DateTime<Utc>>, services: &Services) -> Version {
        let mut out: BTreeSet<SubjectName> =
            outage.services.iter().map(|name| SubjectName::from(&**name)).collect();
        let named: Vec<SubjectName> = out.iter().cloned().collect();
        out.extend(services.affected(&named).into_iter().map(|affected| affected.service.name.clone()));
        Version { whole: outage.units.is_empty(), severity: outage.severity, out, until }
    }

    fn concerns(&self, subscriber: &Subscriber) -> bool {
        let Standing::Confirmed { at } = subscriber.standing else { return false };
        let wanted = subscriber.services.is_empty() || !subscriber.services.is_disjoint(&self.out);
        let heard = self.until.is_none_or(|until| at <= until);
        self.whole && self.severity >= subscriber.severity && wanted && heard
    }
}

/// What stands before their number in [`Subscriber::why`].
pub const WHY: &str = "subscriber ";

impl Subscriber {
    /// Why they are told, as it stands in a message.
    pub fn why(&self) -> String {
        format!("{WHY}{}", self.id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::audit::Actor;
    use crate::domain::ids::OutageId;
    use crate::domain::outage::Opening;
    use crate::domain::outage::edit::Correction;
    use crate::domain::outage::tests::opening;
    use crate::domain::testing::{hour, service, unit_id};

    fn subscriber(id: u64, services: &[&str], standing: Standing) -> Subscriber {
        Subscriber {
            id: SubscriberId(id),
            mail: format!("s{id}@out.example").parse().unwrap(),
            services: services.iter().map(|name| (*name).into()).collect(),
            severity: Severity::Major,
            standing,
        }
    }

    fn all(subscribers: impl IntoIterator<Item = Subscriber>) -> Subscribers {
        subscribers.into_iter().map(|subscriber| (subscriber.id, subscriber)).collect()
    }

    #[test]
    fn nobody_is_asked_twice_within_a_day_nor_are_too_many_in_an_hour() {
        let asked = |id, n| subscriber(id, &[], Standing::Asked { at: hour(n) });
        let mail: Address = "S1@out.example".parse().unwrap();
        let known = all([asked(1, 0)]);
        assert_eq!(wish(&known, &mail, false, hour(23)), Wish::Known(SubscriberId(1)));
        assert_eq!(wish(&known, &mail, false, hour(24)), Wish::Ask);
        let confirmed = all([subscriber(1, &[], Standing::Confirmed { at: hour(0) })]);
        assert_eq!(wish(&confirmed, &mail, false, hour(999)), Wish::Known(SubscriberId(1)));
        let many = all((2..2 + ASKED_AN_HOUR as u64).map(|id| asked(id, 5)));
        assert_eq!(wish(&many, &mail, false, hour(5)), Wish::TooMany);
        assert_eq!(wish(&many, &mail, true, hour(5)), Wish::Ask, "an operator's word");
        let twice: Address = "s2+x@out.example".parse().unwrap();
        assert_eq!(
            wish(&all([asked(2, 5)]), &twice, false, hour(6)),
            Wish::Known(SubscriberId(2)),
            "one mailbox"
        );
        let third: Address = "s3@out.example".parse().unwrap();
        assert_eq!(wish(&many, &third, false, hour(5)), Wish::TooMany, "who is known is no exception");
        assert_eq!(wish(&many, &mail, false, hour(6)), Wish::Ask);
        assert!(forgotten(&known, hour(24 * 7 - 1)).is_empty());
        assert_eq!(forgotten(&known, hour(24 * 7)), [SubscriberId(1)]);
        assert!(forgotten(&confirmed, hour(9999)).is_empty());
    }

    #[test]
    fn only_who_has_confirmed_is_told_of_what_they_want() {
        let yes = Standing::Confirmed { at: hour(0) };
        let subscribers = all([
            subscriber(1, &[], yes),
            subscriber(2, &["mail"], yes),
            subscriber(3, &["phone"], yes),
            subscriber(4, &[], Standing::Asked { at: hour(0) }),
        ]);
        let services: Services =
            [service("net", &[]), service("mail", &["net"]), service("phone", &[])].into_iter().collect();
        let told = |services_out: &[&str], units: &[u8], severity| {
            let opening = Opening {
                services: services_out.iter().map(|name| Box::from(*name)).collect(),
                units: units.iter().map(|n| unit_id(*n)).collect(),
                severity,
                ..opening("Out")
            };
            let outage = Outage::open(OutageId(1), opening, Actor::System, hour(0)).unwrap();
            let told = of_outage(&subscribers, &outage, &services);
            told.iter().map(|to| to.id.to_string()).collect::<String>()
        };
        assert_eq!(told(&["net"], &[], Severity::Major), "12");
        assert_eq!(told(&["phone"], &[], Severity::Critical), "13");
        assert_eq!(told(&[], &[], Severity::Major), "1");
        assert_eq!(told(&["net"], &[], Severity::Minor), "");
        assert_eq!(told(&["net"], &[1], Severity::Major), "");
        // Whoever heard of it hears of its end; whoever came later doesn't.
        let opening = Opening { severity: Severity::Critical, ..opening("Out") };
        let outage = Outage::open(OutageId(1), opening, Actor::System, hour(0)).unwrap();
        let correction = |severity| Correction { severity: Some(severity), ..Correction::default() };
        let milder = outage.edit(correction(Severity::Minor), &Actor::System, hour(1)).unwrap();
        let late = all([subscriber(1, &[], yes), subscriber(9, &[], Standing::Confirmed { at: hour(2) })]);
        let told: Vec<u64> = of_outage(&late, &milder, &services).iter().map(|s| s.id.0).collect();
        assert_eq!(told, [1]);
        let heard: Vec<u64> = who_heard(&late, &outage, &services).iter().map(|s| s.id.0).collect();
        assert_eq!(heard, [1], "whoever came after the last word has had none");
    }
}
