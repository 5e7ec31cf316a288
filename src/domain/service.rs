//! The services of the configuration: what depends on what, who owns each and which units it serves.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use serde::{Deserialize, Serialize};

use super::ids::SubjectName;
use super::organisation::Organisation;
use super::tree;

/// What people use, and what may be out.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Service {
    /// Its short name.
    pub name: SubjectName,
    /// What it is, for people.
    pub title: Box<str>,
    /// The services that it doesn't work without.
    pub depends_on: Vec<SubjectName>,
    /// The unit that it belongs to, by its whole path or its identity.
    pub owner: Option<Box<str>>,
    /// The units that use it, in the same way; none: all of them.
    pub units: Vec<Box<str>>,
}

/// All services, by name.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Services {
    by_name: BTreeMap<SubjectName, Service>,
    /// The names of those that depend on each directly.
    above: BTreeMap<SubjectName, Vec<SubjectName>>,
}

/// A service that an outage concerns.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Affected<'a> {
    /// Which one.
    pub service: &'a Service,
    /// The one that is out, on which it depends; None: it is out itself.
    pub on: Option<&'a Service>,
}

/// There is no service of that name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("there is no service \"{text}\"; {}", meant(.near, .all))]
pub struct NoService {
    /// What was typed, at most 80 characters of it.
    pub text: Box<str>,
    /// What may have been meant, at most three.
    pub near: Vec<SubjectName>,
    /// What there is, at most ten.
    pub all: Vec<SubjectName>,
}

fn meant(near: &[SubjectName], all: &[SubjectName]) -> String {
    let names = |of: &[SubjectName], between| of.iter().map(|n| &*n.0).collect::<Vec<_>>().join(between);
    match (near, all) {
        ([], []) => "the configuration names none ([service.NAME])".to_owned(),
        ([], all) => format!("there are: {}; `budkavle service list` shows them", names(all, ", ")),
        (near, _) => format!("did you mean {}?", names(near, ", or ")),
    }
}

impl FromIterator<Service> for Services {
    fn from_iter<I: IntoIterator<Item = Service>>(services: I) -> Services {
        let by_name: BTreeMap<_, _> =
            services.into_iter().map(|service| (service.name.clone(), service)).collect();
        let mut above: BTreeMap<SubjectName, Vec<SubjectName>> = BTreeMap::new();
        for service in by_name.values() {
            for below in &service.depends_on {
                above.entry(below.clone()).or_default().push(service.name.clone());
            }
        }
        Services { by_name, above }
    }
}

impl Services {
    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.by_name.is_empty()
    }

    /// All of them, by name.
    pub fn iter(&self) -> impl Iterator<Item = &Service> {
        self.by_name.values()
    }

    /// One by its exact name.
    pub fn get(&self, name: &SubjectName) -> Option<&Service> {
        self.by_name.get(name)
    }

    /// The service that `text` names: by its name, else by its title, both without regard to case.
    ///
    /// # Errors
    /// [`NoService`], with what may have been meant.
    pub fn find(&self, text: &str) -> Result<&Service, NoService> {
        let wanted = text.trim().to_lowercase();
        let by = |name: fn(&Service) -> &str| self.iter().find(|s| name(s).to_lowercase() == wanted);
        by(|s| &s.name.0).or_else(|| by(|s| &s.title)).ok_or_else(|| self.none(text, &wanted))
    }

    fn none(&self, text: &str, wanted: &str) -> NoService {
        let far = 1 + wanted.chars().count() / 4;
        let distance = |s: &Service| {
            let names = [s.name.0.to_lowercase(), s.title.to_lowercase()];
            let part = names.iter().any(|n| !wanted.is_empty() && n.contains(wanted));
            let least = names.iter().map(|n| strsim::osa_distance(n, wanted)).min();
            if part { Some(0) } else { least.filter(|distance| *distance <= far) }
        };
        let mut near: Vec<_> = self.iter().filter_map(|s| Some((distance(s)?, &s.name))).collect();
        near.sort();
        NoService {
            text: super::table::shown(text),
            near: near.into_iter().take(3).map(|(_, name)| name.clone()).collect(),
            all: self.by_name.keys().take(10).cloned().collect(),
        }
    }

    /// These services, and all that depend on any of them, however indirectly: each once, nearer ones first. One that is named
    /// itself is never counted as one that depends.
    pub fn affected(&self, named: &[SubjectName]) -> Vec<Affected<'_>> {
        let mut found: Vec<Affected<'_>> = Vec::new();
        let mut met: BTreeSet<&SubjectName> = BTreeSet::new();
        let mut open: VecDeque<Affected<'_>> = VecDeque::new();
        for service in named.iter().filter_map(|name| self.get(name)) {
            if met.insert(&service.name) {
                open.push_back(Affected { service, on: None });
            }
        }
        while let Some(next) = open.pop_front() {
            let on = Some(next.on.unwrap_or(next.service));
            let above = self.above.get(&next.service.name).into_iter().flatten();
            for above in above.filter_map(|name| self.get(name)) {
                if met.insert(&above.name) {
                    open.push_back(Affected { service: above, on });
                }
            }
            found.push(next);
        }
        found
    }

    /// Services that depend on each other in a circle, the first of them once more at the end.
    pub fn circle(&self) -> Option<Vec<&SubjectName>> {
        let mut safe: BTreeSet<&SubjectName> = BTreeSet::new();
        for start in self.by_name.keys() {
            // Depth first without recursion: how deep it goes is the configuration's to choose.
            let mut way: Vec<(&SubjectName, std::slice::Iter<'_, SubjectName>)> = Vec::new();
            let below = |name| self.get(name).map_or(&[][..], |s| s.depends_on.as_slice()).iter();
            way.push((start, below(start)));
            while let Some((name, rest)) = way.last_mut() {
                let name = *name;
                match rest.next() {
                    Some(next) if safe.contains(next) => {}
                    Some(next) => {
                        if let Some(at) = way.iter().position(|(passed, _)| *passed == next) {
                            let circle = way.iter().skip(at).map(|(name, _)| *name);
                            return Some(circle.chain([next]).collect());
                        }
                        way.push((next, below(next)));
                    }
                    None => {
                        safe.insert(name);
                        way.pop();
                    }
                }
            }
        }
        None
    }
}

impl Service {
    /// The place of the unit that it belongs to. None: it belongs to none, or to one that isn't there.
    pub fn owner_in(&self, organisation: &Organisation) -> Option<tree::Index> {
        organisation.find_unit_by_path(self.owner.as_deref()?).ok()
    }

    /// The places of the units that use it. None: all use it, or one of those that it names isn't there; then who is in that one isn't
    /// known, and better all are told than nobody.
    pub fn units_in(&self, organisation: &Organisation) -> Option<Vec<tree::Index>> {
        let found = self.units.iter().map(|unit| organisation.find_unit_by_path(unit));
        found.collect::<Result<Vec<_>, _>>().ok().filter(|units| !units.is_empty())
    }

    /// What of the units that it names isn't there, a sentence for each.
    pub fn unknown_units(&self, organisation: &Organisation) -> Vec<String> {
        let owner = self.owner.iter().map(|unit| ("owner", &**unit));
        let named = owner.chain(self.units.iter().map(|unit| ("units", &**unit)));
        let unknown = |(key, unit): (&str, &str)| {
            let error = organisation.find_unit_by_path(unit).err()?;
            Some(format!("[service.{}] {key}: {error}", self.name))
        };
        named.filter_map(unknown).collect()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn services(of: &[(&str, &[&str])]) -> Services {
        let one = |(name, on): &(&str, &[&str])| Service {
            name: (*name).into(),
            title: format!("The {name}").into(),
            depends_on: on.iter().map(|name| SubjectName::from(*name)).collect(),
            owner: None,
            units: vec![],
        };
        of.iter().map(one).collect()
    }

    fn affected(services: &Services, named: &[&str]) -> Vec<String> {
        let named: Vec<SubjectName> = named.iter().map(|name| (*name).into()).collect();
        let line = |a: Affected<'_>| {
            format!("{}{}", a.service.name, a.on.map(|on| format!(" by {}", on.name)).unwrap_or_default())
        };
        services.affected(&named).into_iter().map(line).collect()
    }

    #[test]
    fn what_depends_on_it_is_affected_once_however_far_away() {
        let all = services(&[
            ("storage", &[]),
            ("mail", &["storage", "network"]),
            ("journal", &["mail", "storage"]),
            ("network", &[]),
            ("phone", &["network"]),
        ]);
        assert_eq!(affected(&all, &["storage"]), ["storage", "journal by storage", "mail by storage"]);
        assert_eq!(affected(&all, &["mail", "storage"]), ["mail", "storage", "journal by mail"]);
        assert_eq!(affected(&all, &["phone"]), ["phone"]);
        assert_eq!(affected(&all, &["nothing"]), Vec::<String>::new());
        assert_eq!(all.circle(), None);
    }

    #[test]
    fn a_circle_is_named() {
        let all = services(&[("a", &["b"]), ("b", &["c"]), ("c", &["d", "b"]), ("d", &[])]);
        let circle: Vec<&str> = all.circle().unwrap().into_iter().map(|name| &*name.0).collect();
        assert_eq!(circle, ["b", "c", "b"]);
        assert!(services(&[("a", &["a"])]).circle().is_some());
    }

    #[test]
    fn a_service_is_found_by_name_and_title_and_else_those_like_it_are_named() {
        let all = services(&[("mail", &[]), ("journal", &[])]);
        assert_eq!(&*all.find(" MAIL ").unwrap().name.0, "mail");
        assert_eq!(&*all.find("the journal").unwrap().name.0, "journal");
        assert_eq!(
            all.find("mial").unwrap_err().to_string(),
            "there is no service \"mial\"; did you mean mail?"
        );
        let none = all.find("telephone exchange").unwrap_err().to_string();
        assert!(none.contains("there are: journal, mail"), "{none}");
        assert!(Services::default().find("x").unwrap_err().to_string().contains("names none"));
    }

    proptest! {
        /// A circle is found exactly when the services can't be put into an order, and nothing loops on it.
        #[test]
        fn circles_are_what_has_no_order(edges in prop::collection::vec((0u8..8, 0u8..8), 0..16)) {
            let names: Vec<String> = (0..8).map(|n| format!("s{n}")).collect();
            let on = |n: u8| edges.iter().filter(move |(from, _)| *from == n).map(|(_, to)| names[usize::from(*to)].as_str().into());
            let all: Services = (0..8u8).map(|n| Service {
                name: names[usize::from(n)].as_str().into(),
                title: "".into(),
                depends_on: on(n).collect(),
                owner: None,
                units: vec![],
            }).collect();
            let mut left: BTreeSet<u8> = (0..8).collect();
            while let Some(free) = left.iter().copied().find(|n| !edges.iter().any(|(from, to)| from == n && left.contains(to))) {
                left.remove(&free);
            }
            prop_assert_eq!(all.circle().is_none(), left.is_empty());
            if let Some(circle) = all.circle() {
                prop_assert!(circle.len() > 1 && circle.first() == circle.last());
                for pair in circle.windows(2) {
                    prop_assert!(all.get(pair[0]).unwrap().depends_on.contains(pair[1]));
                }
            }
            for name in &names {
                let found = all.affected(&[name.as_str().into()]);
                let distinct: BTreeSet<&SubjectName> = found.iter().map(|a| &a.service.name).collect();
                prop_assert_eq!(found.len(), distinct.len());
            }
        }
    }
}
