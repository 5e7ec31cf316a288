//! When the site is down, nobody needs a mail for each service on it: who is told of what lies below isn't told of what follows from it.
//!
//! Whoever wasn't told so is told once what lies below is over, and this isn't ([`Held`]).

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use serde::{Deserialize, Serialize};

use super::Outage;
use super::audience::{Audience, NotTold, WhyNot};
use crate::domain::ids::{OutageId, SubjectName, UserId};
use crate::domain::mailbox::Address;
use crate::domain::notice::Recipient;
use crate::domain::organisation::Organisation;
use crate::domain::service::Services;
use crate::domain::tree::Index;

/// Who wasn't told of an incident, and why.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Held {
    /// The incident that speaks for it.
    pub by: OutageId,
    /// Who wasn't told, by what mailboxes are compared by.
    pub mailboxes: BTreeSet<String>,
}

/// The people of an audience, known by whatever a message may be sent to them by.
#[derive(Debug, Default)]
pub struct People<'a> {
    mailboxes: HashSet<&'a str>,
    users: HashMap<UserId, &'a str>,
    phones: HashMap<&'a str, &'a str>,
}

impl<'a> People<'a> {
    /// Of each what their mailbox is compared by, who they are, and their number, as far as these are known.
    pub fn new(all: impl IntoIterator<Item = (&'a str, Option<UserId>, Option<&'a str>)>) -> People<'a> {
        let mut people = People::default();
        for (mailbox, user, phone) in all {
            people.mailboxes.insert(mailbox);
            people.users.extend(user.map(|user| (user, mailbox)));
            people.phones.extend(phone.map(|phone| (phone, mailbox)));
        }
        people
    }

    /// Who of them is written to at an address, or else as a user or at a number: what their mailbox is compared by.
    pub fn find(&self, mail: Option<&Address>, user: Option<UserId>, phone: Option<&str>) -> Option<&'a str> {
        match mail {
            Some(mail) => self.mailboxes.get(mail.key().as_str()).copied(),
            None => user.and_then(|user| self.users.get(&user)).or_else(|| self.phones.get(phone?)).copied(),
        }
    }

    /// The same of whoever gets a message.
    pub fn recipient(&self, to: &Recipient) -> Option<&'a str> {
        self.find(to.mail.as_ref(), to.user, to.phone.as_deref())
    }
}

/// Whether `other` speaks for `outage`: it is open, at least as bad, and what `outage` concerns follows from it. Of two of which each follows from the
/// other, the earlier speaks for the later.
pub fn speaks(other: &Outage, outage: &Outage, organisation: &Organisation, services: &Services) -> bool {
    // One without a number is about to be opened.
    let earlier = outage.id == OutageId(0) || (other.id != OutageId(0) && other.id < outage.id);
    let incidents = other.id != outage.id && other.plan.is_none() && outage.plan.is_none();
    incidents
        && other.ended_at().is_none()
        && other.severity >= outage.severity
        && covers(other, outage, organisation, services)
        && (earlier || !covers(outage, other, organisation, services))
}

/// The open incidents that speak for `outage`.
pub fn speak_for<'a>(
    outage: &Outage,
    open: &'a BTreeMap<OutageId, Outage>,
    organisation: &Organisation,
    services: &Services,
) -> Vec<&'a Outage> {
    open.values().filter(|other| speaks(other, outage, organisation, services)).collect()
}

/// Whether all that `outage` concerns doesn't work anyhow, since what `other` concerns doesn't.
fn covers(other: &Outage, outage: &Outage, organisation: &Organisation, services: &Services) -> bool {
    let names = |outage: &Outage| -> Vec<SubjectName> {
        outage.services.iter().map(|name| SubjectName::from(&**name)).collect()
    };
    let (lower, upper) = (names(other), names(outage));
    let by_services = !lower.is_empty();
    let depends = by_services && !upper.is_empty() && {
        let affected = services.affected(&lower);
        let follows = |name: &SubjectName| {
            affected.iter().any(|affected| affected.on.is_some() && affected.service.name == *name)
        };
        upper.iter().all(follows)
    };
    let within = within(other, outage, organisation, services);
    match (by_services, other.units.is_empty()) {
        (true, true) => depends,
        (true, false) => depends && within,
        // A whole site.
        (false, false) => within,
        // What names nothing says nothing of anything.
        (false, true) => false,
    }
}

/// Whether `outage` concerns only units that `other` names, or such as are below.
fn within(other: &Outage, outage: &Outage, organisation: &Organisation, services: &Services) -> bool {
    let tree = &organisation.tree;
    let sites: Option<Vec<Index>> = other.units.iter().map(|unit| tree.index(*unit)).collect();
    let concerned: Option<Vec<Index>> = if outage.units.is_empty() {
        let of = |name: &str| services.get(&SubjectName::from(name))?.units_in(organisation);
        let all: Option<Vec<Vec<Index>>> = outage.services.iter().map(|name| of(name)).collect();
        all.map(|all| all.concat())
    } else {
        outage.units.iter().map(|unit| tree.index(*unit)).collect()
    };
    let (Some(sites), Some(concerned)) = (sites, concerned) else { return false };
    let on_site = |unit: &Index| sites.iter().any(|site| tree.subtree(*site).contains(unit));
    !concerned.is_empty() && concerned.iter().all(on_site)
}

/// The audience without those who are told of `by`, and who these are.
pub fn hold(audience: Audience, by: OutageId, told: &Audience) -> (Audience, Option<Held>) {
    let told: HashSet<String> = told.told.iter().map(|told| told.mail.key()).collect();
    let mailboxes: BTreeSet<String> =
        audience.told.iter().map(|one| one.mail.key()).filter(|mailbox| told.contains(mailbox)).collect();
    let held = Held { by, mailboxes };
    (without(audience, &held), (!held.mailboxes.is_empty()).then_some(held))
}

/// The audience without those who are held.
pub fn without(audience: Audience, held: &Held) -> Audience {
    let Audience { told, mut not_told, left } = audience;
    let (kept, told): (Vec<_>, Vec<_>) =
        told.into_iter().partition(|one| held.mailboxes.contains(&one.mail.key()));
    not_told.extend(kept.into_iter().map(|one| NotTold { name: one.name, why: WhyNot::Inhibited(held.by) }));
    Audience { told, not_told, left }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::audit::Actor;
    use crate::domain::outage::policy::Policy;
    use crate::domain::outage::tests::{now, opening};
    use crate::domain::outage::{Opening, Severity, State};
    use crate::domain::roles::{OUTAGE, Place};
    use crate::domain::service::Service;
    use crate::domain::testing::{World, directory_of, hour, service, unit, unit_id, user};

    fn services() -> Services {
        let service = |name: &str, on: &[&str], units: &[&str]| Service {
            units: units.iter().map(|unit| Box::from(*unit)).collect(),
            ..service(name, on)
        };
        let all = [
            service("net", &[], &[]),
            service("mail", &["net"], &[]),
            service("journal", &["mail"], &[]),
            service("till", &[], &["Unit 1 / Unit 2"]),
        ];
        all.into_iter().collect()
    }

    fn world() -> World {
        let mut world =
            World::new(directory_of((1..=3).map(|n| user(n, 1)), [unit(1, 0), unit(2, 1), unit(3, 0)], []));
        world.assign(OUTAGE, 1, Place::Organisation);
        world.assign(OUTAGE, 2, Place::Subject("journal".into()));
        world
    }

    fn outage(id: u64, services: &[&str], units: &[u8], severity: Severity) -> Outage {
        let opening = Opening {
            services: services.iter().map(|name| Box::from(*name)).collect(),
            units: units.iter().map(|n| unit_id(*n)).collect(),
            severity,
            ..opening("Out")
        };
        Outage::open(OutageId(id), opening, Actor::System, now()).unwrap()
    }

    fn spoken_for(new: &Outage, open: &[Outage]) -> Option<u64> {
        let open = open.iter().map(|outage| (outage.id, outage.clone())).collect();
        speak_for(new, &open, &world().organisation(), &services()).first().map(|outage| outage.id.0)
    }

    #[test]
    fn what_depends_on_it_is_spoken_for_while_it_is_open_and_as_bad() {
        let major = Severity::Major;
        let net = || outage(1, &["net"], &[], major);
        assert_eq!(spoken_for(&outage(2, &["journal"], &[], major), &[net()]), Some(1));
        assert_eq!(spoken_for(&outage(2, &["mail", "journal"], &[], Severity::Minor), &[net()]), Some(1));
        assert_eq!(spoken_for(&outage(2, &["mail", "till"], &[], major), &[net()]), None, "not all of it");
        assert_eq!(
            spoken_for(&outage(2, &["net"], &[], major), &[net()]),
            None,
            "another thing with the same"
        );
        assert_eq!(spoken_for(&outage(2, &["mail"], &[], Severity::Critical), &[net()]), None, "worse");
        assert_eq!(spoken_for(&outage(2, &[], &[], major), &[net()]), None);
        assert_eq!(
            spoken_for(&net(), &[outage(2, &["mail"], &[], major)]),
            None,
            "never the other way round"
        );
        let later = outage(3, &["net"], &[], major);
        assert_eq!(
            spoken_for(&outage(2, &["mail"], &[], major), &[later]),
            Some(3),
            "the cause is found later"
        );
        let over = net().update("", Some(State::Resolved), Actor::System, now()).unwrap();
        assert_eq!(spoken_for(&outage(2, &["mail"], &[], major), &[over]), None);
    }

    #[test]
    fn a_site_speaks_for_what_is_on_it() {
        let major = Severity::Major;
        let site = || outage(1, &[], &[1], major);
        assert_eq!(spoken_for(&outage(2, &[], &[2], major), &[site()]), Some(1));
        assert_eq!(
            spoken_for(&outage(2, &["till"], &[], major), &[site()]),
            Some(1),
            "it serves only units there"
        );
        assert_eq!(spoken_for(&outage(2, &["mail"], &[], major), &[site()]), None, "others use it, too");
        assert_eq!(spoken_for(&outage(2, &["mail"], &[2], major), &[site()]), Some(1));
        let (first, second) = (outage(1, &[], &[1], major), outage(2, &[], &[1], major));
        assert_eq!(
            (spoken_for(&second, std::slice::from_ref(&first)), spoken_for(&first, &[second])),
            (Some(1), None)
        );
        assert_eq!(spoken_for(&outage(2, &[], &[2, 3], major), &[site()]), None);
        assert_eq!(spoken_for(&outage(2, &["mail"], &[3], major), &[outage(1, &["net"], &[1], major)]), None);
        assert_eq!(spoken_for(&outage(2, &[], &[2], major), &[outage(1, &[], &[], major)]), None);
    }

    #[test]
    fn only_who_is_told_of_the_one_is_not_told_of_the_other() {
        let organisation = world().organisation();
        let policy = Policy { services: std::sync::Arc::new(services()), ..Policy::default() };
        let (net, journal) =
            (outage(1, &["net"], &[3], Severity::Major), outage(2, &["journal"], &[], Severity::Major));
        let mut journal = journal;
        journal.also = vec!["desk@x.example".parse().unwrap()];
        let all = Audience::of(&journal, &organisation, &policy, hour(1));
        let of_net = Audience::of(&net, &organisation, &policy, hour(1));
        let (rest, held) = hold(all, net.id, &of_net);
        let names: Vec<&str> = rest.told.iter().map(|told| &*told.name).collect();
        assert_eq!(names, ["desk@x.example"]);
        let held = held.unwrap();
        assert_eq!((held.by, held.mailboxes.len()), (OutageId(1), 2));
        assert!(rest.not_told.iter().any(|not| not.why == WhyNot::Inhibited(OutageId(1))));
    }
}
