//! Which notice goes by which channels, and to whom there.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, TimeDelta, Utc};

use super::ids::ChannelName;
use super::mailbox::Address;
use super::notice::{Facts, NewNotice, NoticeKind, Recipient, once_each};
use super::outage::Severity;
use super::phone;

/// Whom a channel reaches.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Reach {
    /// Each recipient, by mail address.
    Mail,
    /// Each recipient who has a phone number that a text message can be sent to.
    Phone,
    /// Each recipient, by whatever is known of them.
    Person,
    /// A place: one message for a notice, whoever reads it there.
    Place,
}

/// Some notices, and the channels they go by.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Route {
    /// Only these kinds; empty: all.
    pub kinds: BTreeSet<NoticeKind>,
    /// At least so bad.
    pub severity: Severity,
    /// Only to these people, for whom it takes the place of the routes for all; empty: it is one for all.
    pub contacts: Vec<Address>,
    /// By these.
    pub channels: Vec<ChannelName>,
}

impl Route {
    fn is_for(&self, person: &Recipient) -> bool {
        let mail = person.mail.as_ref().map(Address::key);
        mail.is_some_and(|mail| self.contacts.iter().any(|contact| contact.key() == mail))
    }

    fn fits(&self, facts: &Facts) -> bool {
        let kind = facts.kind();
        (self.kinds.is_empty() || self.kinds.contains(&kind)) && facts.severity() >= self.severity
    }
}

/// The routes and the channels that there are. The default sends everything by mail.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Routing {
    /// In the order of their names.
    pub routes: Vec<Route>,
    /// Every channel but `mail`, and whom it reaches.
    pub channels: BTreeMap<ChannelName, Reach>,
    /// How long notices of a kind are tried, where that is otherwise than usual.
    pub expires: BTreeMap<NoticeKind, TimeDelta>,
}

impl Routing {
    /// The channels of what there is to say: those of every route that fits, or mail when none does. What is personal goes to no place.
    pub fn channels(&self, facts: &Facts, personal: bool) -> Vec<ChannelName> {
        let personal = personal || facts.kind().is_personal();
        let mut channels: Vec<ChannelName> = Vec::new();
        let fitting = self.routes.iter().filter(|r| r.contacts.is_empty() && r.fits(facts));
        for channel in fitting.flat_map(|r| &r.channels) {
            let wanted = !(personal && self.reach(channel) == Some(Reach::Place));
            if wanted && self.reach(channel).is_some() && !channels.contains(channel) {
                channels.push(channel.clone());
            }
        }
        if channels.is_empty() {
            channels.push(ChannelName::mail());
        }
        channels
    }

    /// Whom a channel reaches; None: there is no such channel.
    pub fn reach(&self, channel: &ChannelName) -> Option<Reach> {
        if channel.is_mail() { Some(Reach::Mail) } else { self.channels.get(channel).copied() }
    }

    /// The notice with a recipient for each person and channel. Whoever says how channels and tests are chooses the channel, and it stays.
    pub fn spread(&self, notice: NewNotice, at: DateTime<Utc>) -> NewNotice {
        let lives = self.expires.get(&notice.facts.kind()).and_then(|lives| at.checked_add_signed(*lives));
        let recipients = match notice.facts.kind() {
            NoticeKind::Test | NoticeKind::Delivery => notice.recipients,
            _ => self.of_all(&notice),
        };
        let expires = lives.unwrap_or(notice.expires);
        let expires = notice.true_until.map_or(expires, |until| expires.min(until));
        NewNotice { recipients, expires, ..notice }
    }

    /// A recipient for each person and channel: by the routes for all, and for those who have routes of their own by these.
    fn of_all(&self, notice: &NewNotice) -> Vec<Recipient> {
        let fitting: Vec<&Route> =
            self.routes.iter().filter(|r| !r.contacts.is_empty() && r.fits(&notice.facts)).collect();
        let own = |person: &Recipient| -> Vec<ChannelName> {
            let routes = fitting.iter().filter(|route| route.is_for(person));
            routes.flat_map(|route| &route.channels).cloned().collect()
        };
        let (apart, rest): (Vec<Recipient>, Vec<Recipient>) =
            notice.recipients.iter().cloned().partition(|person| !own(person).is_empty());
        let mut all = self.recipients(&rest, &self.channels(&notice.facts, notice.personal));
        all.extend(
            apart.iter().flat_map(|person| self.recipients(std::slice::from_ref(person), &own(person))),
        );
        once_each(all)
    }

    /// A recipient for each person and channel. Whom none of the channels for single people reaches, for lack of a phone, gets a mail.
    pub fn recipients(&self, people: &[Recipient], channels: &[ChannelName]) -> Vec<Recipient> {
        let reached: Vec<(&ChannelName, Reach)> =
            channels.iter().filter_map(|c| Some((c, self.reach(c)?))).collect();
        let mut all = Vec::new();
        for person in people {
            let number = person.phone.as_deref().and_then(phone::number);
            let ways = reached.iter().filter_map(|(channel, reach)| {
                let by = Recipient { channel: (*channel).clone(), ..person.clone() };
                match reach {
                    Reach::Place => None,
                    // By its number, so that nobody who has two addresses gets two, and everybody sees which number it was.
                    Reach::Phone => Some(Recipient { mail: None, phone: Some(number.clone()?.into()), ..by }),
                    Reach::Mail => person.mail.is_some().then_some(by),
                    Reach::Person => Some(by),
                }
            });
            let before = all.len();
            all.extend(ways);
            let only_places = reached.iter().all(|(_, reach)| *reach == Reach::Place);
            if all.len() == before && !only_places {
                all.push(Recipient { channel: ChannelName::mail(), ..person.clone() });
            }
        }
        let places = reached.iter().filter(|(_, reach)| *reach == Reach::Place);
        all.extend(places.map(|(channel, _)| Recipient::place((*channel).clone())));
        once_each(all)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::notice::{ContactNews, CoverageFacts, EventKey};
    use crate::domain::testing::outage_word;

    fn now() -> DateTime<Utc> {
        "2026-07-06T08:00:00Z".parse().unwrap()
    }

    fn outage(severity: Severity) -> Facts {
        Facts::OutageWord(Box::new(outage_word(1, "Mail is down", "", severity, now())))
    }

    fn routing() -> Routing {
        let route = |kinds: &[NoticeKind], severity, channels: &[&str]| Route {
            kinds: kinds.iter().copied().collect(),
            severity,
            channels: channels.iter().map(|c| ChannelName::from(*c)).collect(),
            contacts: vec![],
        };
        let reach = [("team", Reach::Place), ("sms", Reach::Phone), ("hook", Reach::Person)];
        Routing {
            routes: vec![
                route(&[NoticeKind::Outage], Severity::Minor, &["mail", "team"]),
                route(&[NoticeKind::Outage], Severity::Critical, &["sms", "team"]),
                route(&[], Severity::Critical, &["hook"]),
                route(&[NoticeKind::Contacts], Severity::Minor, &["team"]),
                route(&[NoticeKind::Alert], Severity::Minor, &["team"]),
            ],
            channels: reach.map(|(name, reach)| (ChannelName::from(name), reach)).into(),
            expires: BTreeMap::from([(NoticeKind::Outage, TimeDelta::hours(3))]),
        }
    }

    fn spread(routing: &Routing, facts: Facts) -> (Vec<String>, TimeDelta) {
        let with_phone = Recipient {
            phone: Some("070-123 45 67".into()),
            ..Recipient::by_mail("Åsa", "asa@x.example".parse().unwrap(), "outage")
        };
        let without = Recipient::by_mail("Bo", "bo@x.example".parse().unwrap(), "outage");
        let event = EventKey("e".into());
        let notice = NewNotice::new(event, facts, vec![with_phone, without], now() + TimeDelta::days(2));
        let spread = routing.spread(notice, now());
        let who = spread.recipients.iter().map(|r| format!("{} by {}", r.name, r.channel)).collect();
        (who, spread.expires - now())
    }

    #[test]
    fn without_routes_everything_goes_by_mail() {
        let (who, lives) = spread(&Routing::default(), outage(Severity::Critical));
        assert_eq!(who, ["Åsa by mail", "Bo by mail"]);
        assert_eq!(lives, TimeDelta::days(2));
    }

    #[test]
    fn all_routes_that_fit_count_and_nobody_gets_one_twice() {
        let (who, lives) = spread(&routing(), outage(Severity::Critical));
        assert_eq!(
            who,
            ["Åsa by mail", "Åsa by sms", "Åsa by hook", "Bo by mail", "Bo by hook", "team by team"]
        );
        assert_eq!(lives, TimeDelta::hours(3));
        assert_eq!(
            spread(&routing(), outage(Severity::Minor)).0,
            ["Åsa by mail", "Bo by mail", "team by team"]
        );
    }

    #[test]
    fn what_is_not_so_any_more_is_not_tried_because_others_are() {
        let lives = |days, true_until: Option<i64>| {
            let routing =
                Routing { expires: [(NoticeKind::Outage, TimeDelta::days(days))].into(), ..routing() };
            let until = true_until.map(|days| now() + TimeDelta::days(days));
            let to = vec![Recipient::by_mail("Bo", "bo@x.example".parse().unwrap(), "outage")];
            let usual = now() + TimeDelta::days(2);
            let new = NewNotice::new(EventKey("e".into()), outage(Severity::Minor), to, usual);
            (routing.spread(NewNotice { true_until: until, ..new }, now()).expires - now()).num_days()
        };
        assert_eq!([lives(5, None), lives(5, Some(1)), lives(1, Some(3))], [5, 1, 1]);
    }

    #[test]
    fn whom_no_channel_reaches_gets_a_mail() {
        let mut routing = routing();
        routing.routes.truncate(2);
        routing.routes.remove(0);
        assert_eq!(
            spread(&routing, outage(Severity::Critical)).0,
            ["Åsa by sms", "Bo by mail", "team by team"]
        );
    }

    #[test]
    fn a_text_message_goes_to_a_number_once_and_only_to_one_that_can_take_it() {
        let person = |name: &str, phone: &str| Recipient {
            phone: Some(phone.into()),
            ..Recipient::by_mail(name, format!("{name}@x.example").parse().unwrap(), "outage")
        };
        // Two share the phone on call; one has no more than an extension.
        let people = [person("asa", "070-123 45 67"), person("bo", "0701234567"), person("cy", "ext. 4711")];
        let all = routing().recipients(&people, &[ChannelName::from("sms")]);
        let to = all.iter().map(|r| format!("{r} by {}", r.channel)).collect::<Vec<_>>();
        assert_eq!(to, ["0701234567 by sms", "cy@x.example by mail"]);
    }

    #[test]
    fn how_long_word_of_a_channel_is_tried_is_said_as_for_others_and_it_stays_where_it_was_sent() {
        let mut routing = routing();
        routing.expires.insert(NoticeKind::Delivery, TimeDelta::hours(5));
        let broken = Facts::ChannelBroken { channel: "sms".into(), since: now(), reason: "401".into() };
        let (who, lives) = spread(&routing, broken);
        assert_eq!(
            (&*who, lives),
            (&["Åsa by mail".to_owned(), "Bo by mail".to_owned()][..], TimeDelta::hours(5))
        );
    }

    #[test]
    fn what_is_personal_goes_to_no_place_and_what_is_routed_to_places_only_to_nobody_else() {
        let news = Facts::ContactNews(ContactNews { since: now(), news: vec![], more: 0 });
        assert_eq!(spread(&routing(), news).0, ["Åsa by mail", "Bo by mail"]);
        let recovered = Facts::SyncRecovered {
            directory: "main".into(),
            trouble: crate::domain::alert::Trouble::Failing,
            since: now(),
            at: now(),
        };
        assert_eq!(spread(&routing(), recovered).0, ["team by team"]);
    }

    #[test]
    fn the_part_for_one_goes_to_no_place_though_the_whole_does() {
        let mut routing = routing();
        routing.routes[0].kinds.insert(NoticeKind::Coverage);
        let (period, day) = ("summer".into(), now().date_naive());
        let facts = CoverageFacts { period, first: day, last: day, gaps: vec![], more: 0 };
        let channels = |personal| {
            let channels = routing.channels(&Facts::Coverage(facts.clone()), personal);
            channels.iter().map(ToString::to_string).collect::<Vec<_>>()
        };
        assert_eq!(channels(false), ["mail", "team"]);
        assert_eq!(channels(true), ["mail"]);
    }

    #[test]
    fn a_test_stays_where_it_was_sent() {
        let test = Facts::Test { by: "asa".into(), at: now() };
        assert_eq!(spread(&routing(), test).0, ["Åsa by mail", "Bo by mail"]);
    }

    #[test]
    fn who_has_routes_of_their_own_is_told_by_those_alone() {
        let mut routing = routing();
        let own = |severity, channel: &str| Route {
            kinds: BTreeSet::new(),
            severity,
            contacts: vec!["BO@x.example".parse().unwrap()],
            channels: vec![channel.into()],
        };
        routing.routes.push(own(Severity::Critical, "hook"));
        let usual = spread(&routing, outage(Severity::Minor)).0;
        assert_eq!(usual, ["Åsa by mail", "Bo by mail", "team by team"], "none of them fits");
        let critical = spread(&routing, outage(Severity::Critical)).0;
        let (asa, bo): (Vec<_>, Vec<_>) = critical.iter().partition(|line| !line.starts_with("Bo"));
        assert_eq!(bo, ["Bo by hook"]);
        assert_eq!(asa.len(), 4, "{asa:?}");
        // With a route of their own for the rest, too, places still get theirs once.
        routing.routes.push(own(Severity::Minor, "hook"));
        assert_eq!(
            spread(&routing, outage(Severity::Minor)).0,
            ["Åsa by mail", "team by team", "Bo by hook"]
        );
    }
}
