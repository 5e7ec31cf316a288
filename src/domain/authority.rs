//! Who may change whose contacts and absences. Operators may do everything; administrators what was delegated to them: give some roles on some
//! units and what is below, and keep the absences of those who belong there. Nobody can give what they weren't given, not by a deputy either.
//!
//! A [`Caller`] is made by whoever knows who asks: the socket, by the kernel's word. Whatever changes assignments or absences asks the caller's
//! [`Authority`] over the organisation as it stands in the turn that commits, so that every way in passes the same judgement.
#[cfg(test)]
mod tests;

use std::cell::OnceCell;
use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

use super::absence::Absence;
use super::audit::Actor;
use super::ids::UserId;
use super::organisation::{Holding, LookupError, Organisation};
use super::roles::{Holder, Place, RoleName};
use super::tree;

/// Who asks for something, and how far they are trusted.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Caller {
    /// Who, for the audit log.
    pub actor: Actor,
    /// What they may do.
    pub level: Level,
}

/// How far somebody is trusted.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Level {
    /// May do nothing.
    Stranger,
    /// May look things up.
    Reader,
    /// May look things up, and change what any of these grants says.
    Administrator(Vec<Arc<Grant>>),
    /// May do everything.
    Operator,
}

/// What is delegated: a `[[administrator]]` of the configuration.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Grant {
    /// What it is called in the configuration.
    pub name: Box<str>,
    /// The roles that may be given and ended.
    pub roles: Given,
    /// Where.
    pub over: Over,
    /// Whether absences may be noted, changed and taken back, of those who belong there.
    pub absences: bool,
}

/// Which roles.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Given {
    /// All that can be held there.
    All,
    /// These.
    These(Vec<RoleName>),
}

impl Given {
    fn contains(&self, role: &RoleName) -> bool {
        match self {
            Given::All => true,
            Given::These(roles) => roles.contains(role),
        }
    }
}

/// Where.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Over {
    /// Everywhere, roles of the whole organisation, of directories and of subjects among it.
    Organisation,
    /// On these units, by whole path or identity, and what is below; what isn't there gives nothing.
    Units(Vec<Box<str>>),
}

/// Why somebody may not do what they asked for.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum Refusal {
    /// Nothing is delegated to them.
    #[error(
        "{0} may change nothing; [api] operators and [[administrator]] in the configuration name who may"
    )]
    NoAdministrator(Box<str>),
    /// The role isn't theirs to give.
    #[error("the role {role} isn't yours to give or to end; you give {given}")]
    Role {
        /// Which.
        role: RoleName,
        /// Which are.
        given: String,
    },
    /// The place isn't theirs.
    #[error("{what}: you administer {units} only")]
    Elsewhere {
        /// What was to be changed, and where: `local on Care / Home care`.
        what: String,
        /// Where they may.
        units: String,
    },
    /// Absences aren't theirs to keep.
    #[error("absences aren't yours to change; `absences` isn't set for you in [[administrator]]")]
    NoAbsences,
    /// A deputy would get a role that isn't theirs to give.
    #[error(
        "{deputy} would stand in for {absent} as {what}, too, which isn't yours to give; leave the deputy out, or ask an operator"
    )]
    Deputy {
        /// Who would stand in.
        deputy: Box<str>,
        /// For whom.
        absent: Box<str>,
        /// As what: `global for the whole organisation`.
        what: String,
    },
}

impl Caller {
    /// Budkavle itself.
    pub fn system() -> Caller {
        Caller::operator(Actor::System)
    }

    /// Somebody who may do everything.
    pub fn operator(actor: Actor) -> Caller {
        Caller { actor, level: Level::Operator }
    }

    /// What they may change in this organisation.
    pub fn over<'a>(&'a self, organisation: &'a Organisation) -> Authority<'a> {
        let grants: &[Arc<Grant>] = match &self.level {
            Level::Administrator(grants) => grants,
            Level::Stranger | Level::Reader | Level::Operator => &[],
        };
        let grants = grants.iter().map(|grant| Held { grant, units: grant.found(organisation) }).collect();
        Authority { caller: self, organisation, grants, beyond: OnceCell::new() }
    }
}

impl Grant {
    /// Its units, each with where it is, or why it isn't; none for the whole organisation.
    pub fn units<'a>(
        &'a self,
        organisation: &'a Organisation,
    ) -> impl Iterator<Item = (&'a str, Result<tree::Index, LookupError>)> {
        let units: &[Box<str>] = match &self.over {
            Over::Organisation => &[],
            Over::Units(units) => units,
        };
        units.iter().map(|unit| (&**unit, organisation.find_unit_by_path(unit)))
    }

    fn found(&self, organisation: &Organisation) -> Vec<tree::Index> {
        self.units(organisation).filter_map(|(_, place)| place.ok()).collect()
    }
}

/// What a caller may change in one organisation.
pub struct Authority<'a> {
    caller: &'a Caller,
    organisation: &'a Organisation,
    grants: Vec<Held<'a>>,
    /// What people hold that the caller may not give, by person.
    beyond: OnceCell<HashMap<UserId, Vec<(&'a RoleName, &'a Holding)>>>,
}

/// A grant, and where its units are.
struct Held<'a> {
    grant: &'a Grant,
    units: Vec<tree::Index>,
}

/// What a holding reaches.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Reach {
    /// A unit and what is below.
    Unit(tree::Index),
    /// More than a unit.
    Everywhere,
    /// The unit, or the person whose unit it is, isn't there.
    Gone,
}

impl<'a> Authority<'a> {
    /// Whether the caller may give `holder` the role at `place`, or end that.
    ///
    /// # Errors
    /// Why not.
    pub fn may_give(&self, role: &RoleName, holder: &Holder, place: &Place) -> Result<(), Refusal> {
        if self.caller.level == Level::Operator {
            return Ok(());
        }
        self.some_grant()?;
        let giving = self.grants_that(|grant| grant.roles.contains(role));
        if giving.is_empty() {
            return Err(Refusal::Role { role: role.clone(), given: self.given() });
        }
        let reach = self.reach(holder, place);
        if giving.iter().any(|held| self.covers(held, reach)) {
            return Ok(());
        }
        Err(Refusal::Elsewhere { what: self.what(role, place, reach), units: self.units(&giving) })
    }

    /// Whether the caller may make `after` of the absence `before`; without `before` it is a new one, without `after` it is taken back.
    /// Whose absences are the caller's goes by where people belong now.
    ///
    /// # Errors
    /// Why not.
    pub fn may_change(&self, before: Option<&Absence>, after: Option<&Absence>) -> Result<(), Refusal> {
        if self.caller.level == Level::Operator {
            return Ok(());
        }
        self.some_grant()?;
        let keeping = self.grants_that(|grant| grant.absences);
        if keeping.is_empty() {
            return Err(Refusal::NoAbsences);
        }
        for absence in before.into_iter().chain(after) {
            let reach = self.unit_of(absence.user);
            if !keeping.iter().any(|held| self.covers(held, reach)) {
                let what = format!("the absence of {} {}", self.name(absence.user), self.belonging(reach));
                return Err(Refusal::Elsewhere { what, units: self.units(&keeping) });
            }
        }
        match after {
            Some(after) if stands_in_more(before, after) => self.may_stand_in(after),
            _ => Ok(()),
        }
    }

    /// What the caller may do, a phrase for each.
    pub fn in_words(&self) -> Vec<String> {
        match &self.caller.level {
            Level::Stranger => vec!["nothing".to_owned()],
            Level::Reader => vec!["look things up".to_owned()],
            Level::Operator => vec!["look things up".to_owned(), "change everything".to_owned()],
            Level::Administrator(_) => {
                let of_grant = |held: &Held<'_>| {
                    let units = self.units(&[held]);
                    let there = match held.grant.over {
                        Over::Organisation => "everywhere".to_owned(),
                        Over::Units(_) => format!("on {units} and below"),
                    };
                    let roles = held.grant.roles.to_string();
                    let give = (!roles.is_empty()).then(|| format!("give and end {roles} {there}"));
                    let whose = match held.grant.over {
                        Over::Organisation => "everybody".to_owned(),
                        Over::Units(_) => format!("everybody who belongs to {units} or below"),
                    };
                    let keep = held.grant.absences.then(|| format!("change the absences of {whose}"));
                    give.into_iter().chain(keep)
                };
                let granted = self.grants.iter().flat_map(of_grant);
                ["look things up".to_owned()].into_iter().chain(granted).collect()
            }
        }
    }

    fn some_grant(&self) -> Result<(), Refusal> {
        let none = || Refusal::NoAdministrator(self.caller.actor.to_string().into());
        if self.grants.is_empty() { Err(none()) } else { Ok(()) }
    }

    fn grants_that(&self, which: impl Fn(&Grant) -> bool) -> Vec<&Held<'a>> {
        self.grants.iter().filter(|held| which(held.grant)).collect()
    }

    fn covers(&self, held: &Held<'_>, reach: Reach) -> bool {
        match (&held.grant.over, reach) {
            (Over::Organisation, _) => true,
            (Over::Units(_), Reach::Unit(place)) => {
                held.units.iter().any(|unit| self.organisation.tree.subtree(*unit).contains(&place))
            }
            (Over::Units(_), Reach::Everywhere | Reach::Gone) => false,
        }
    }

    fn reach(&self, holder: &Holder, place: &Place) -> Reach {
        match (place, holder) {
            (Place::Organisation | Place::Directory(_) | Place::Subject(_), _) => Reach::Everywhere,
            (Place::Unit(unit), _) => self.organisation.tree.index(*unit).map_or(Reach::Gone, Reach::Unit),
            (Place::OwnUnit, Holder::User(id)) => self.unit_of(*id),
            (Place::OwnUnit, Holder::Outside { .. }) => Reach::Gone,
        }
    }

    /// Where somebody belongs now.
    fn unit_of(&self, user: UserId) -> Reach {
        let user = self.organisation.user(user);
        user.map_or(Reach::Gone, |user| Reach::Unit(self.organisation.place_of(user)))
    }

    /// Whether the deputy would get nothing that the caller may not give.
    fn may_stand_in(&self, absence: &Absence) -> Result<(), Refusal> {
        let Some(deputy) = absence.deputy else { return Ok(()) };
        let held = self.beyond().get(&absence.user).into_iter().flatten();
        let within = |h: &Holding| {
            h.from.is_none_or(|from| from < absence.until) && h.until.is_none_or(|until| absence.from < until)
        };
        let mut more = held.filter(|(role, h)| within(h) && !self.holds_too(deputy, role, h, absence));
        more.next().map_or(Ok(()), |(role, h)| {
            Err(Refusal::Deputy {
                deputy: self.name(deputy),
                absent: self.name(absence.user),
                what: self.what(role, &h.place, self.reach(&h.holder, &h.place)),
            })
        })
    }

    fn beyond(&self) -> &HashMap<UserId, Vec<(&'a RoleName, &'a Holding)>> {
        self.beyond.get_or_init(|| {
            let mut beyond: HashMap<UserId, Vec<(&RoleName, &Holding)>> = HashMap::new();
            for role in &self.organisation.roles {
                for holding in self.organisation.holders(&role.name).all() {
                    // Who has moved here holds in vain what they were given elsewhere.
                    if let Holder::User(id) = holding.holder
                        && !self.organisation.is_suspended(holding)
                        && self.may_give(&role.name, &holding.holder, &holding.place).is_err()
                    {
                        beyond.entry(id).or_default().push((&role.name, holding));
                    }
                }
            }
            beyond
        })
    }

    /// Whether the deputy holds the same there anyway, as long as the absence lasts.
    fn holds_too(&self, deputy: UserId, role: &RoleName, held: &Holding, absence: &Absence) -> bool {
        let of_unit = |place: &Place| matches!(place, Place::Unit(_) | Place::OwnUnit);
        let same_place = |place: &Place| {
            *place == held.place || *place == Place::Organisation || (of_unit(place) && of_unit(&held.place))
        };
        let lasts = |h: &Holding| {
            h.from.is_none_or(|from| from <= absence.from)
                && h.until.is_none_or(|until| absence.until <= until)
        };
        self.organisation.holders(role).at(held.at).iter().any(|h| {
            h.holder == Holder::User(deputy)
                && same_place(&h.place)
                && lasts(h)
                && !self.organisation.is_suspended(h)
        })
    }

    fn name(&self, user: UserId) -> Box<str> {
        self.organisation.holder_name(&Holder::User(user))
    }

    fn what(&self, role: &RoleName, place: &Place, reach: Reach) -> String {
        match (place, reach) {
            (_, Reach::Unit(at)) => format!("{role} on {}", self.organisation.tree.path(at)),
            (Place::Directory(name), _) => format!("{role} for the directory {name}"),
            (Place::Subject(name), _) => format!("{role} for {name}"),
            (Place::Organisation, _) => format!("{role} for the whole organisation"),
            (Place::Unit(_), _) => format!("{role} on a unit that is gone"),
            (Place::OwnUnit, _) => format!("{role} on the unit of somebody who is gone"),
        }
    }

    fn belonging(&self, reach: Reach) -> String {
        match reach {
            Reach::Unit(at) => format!("of {}", self.organisation.tree.path(at)),
            Reach::Everywhere | Reach::Gone => "who is gone".to_owned(),
        }
    }

    /// Which roles the caller may give, in words.
    fn given(&self) -> String {
        let mut named: Vec<&str> = Vec::new();
        for held in &self.grants {
            // Who gives all roles is never told that one isn't among them.
            let Given::These(roles) = &held.grant.roles else { continue };
            for role in roles {
                if !named.contains(&&*role.0) {
                    named.push(&role.0);
                }
            }
        }
        if named.is_empty() { "none".to_owned() } else { named.join(", ") }
    }

    /// Where these grants hold, in words.
    fn units(&self, held: &[&Held<'_>]) -> String {
        let units = held.iter().flat_map(|held| held.grant.units(self.organisation));
        let mut words: Vec<String> = units
            .map(|(given, found)| match found {
                Ok(place) => self.organisation.tree.path(place),
                Err(_) => format!("\"{given}\" (which isn't there)"),
            })
            .collect();
        words.dedup();
        words.join(", ")
    }
}

/// Whether a deputy stands in for somebody, or longer, or for somebody else than before.
fn stands_in_more(before: Option<&Absence>, after: &Absence) -> bool {
    let no_more = |before: &Absence| {
        (before.user, before.deputy) == (after.user, after.deputy)
            && before.from <= after.from
            && after.until <= before.until
    };
    after.deputy.is_some() && !before.is_some_and(no_more)
}

/// In words; empty for none.
impl fmt::Display for Given {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Given::All => f.write_str("all roles"),
            Given::These(roles) => {
                let names: Vec<&str> = roles.iter().map(|role| &*role.0).collect();
                f.write_str(&names.join(", "))
            }
        }
    }
}
