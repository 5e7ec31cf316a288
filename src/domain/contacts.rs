//! "Whom do I turn to?": the nearest holder of a role who is there, and why it is that one.

mod answering;
mod deputy;
mod everybody;

use std::collections::HashSet;

use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use serde::{Deserialize, Serialize};

use super::directory::User;
use super::ids::{AbsenceId, DirectoryName, SubjectName, UnitId, UserId};
use super::mailbox::{Address, Mailable};
use super::organisation::{Holding, Organisation, Origin};
use super::phone;
use super::roles::{Holder, Pick, Place, Role, RoleName, Scope};
use super::subject::owner_of;
use super::tree;
pub use answering::{Answering, Sides, side_by_side};
pub use deputy::deputy_of;
pub use everybody::{ContactMap, recompute};

/// Who asks, or what is asked about.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Asker {
    /// A user, who is never the answer to their own question.
    User(UserId),
    /// A unit.
    Unit(UnitId),
    /// Nobody in particular: the whole organisation.
    Organisation,
    /// A directory whose sync concerns somebody.
    Directory(DirectoryName),
    /// A report, a system, or whatever else somebody answers for.
    Subject(SubjectName),
}

/// Whoever a holding at this place concerns.
impl From<&Place> for Asker {
    fn from(place: &Place) -> Asker {
        match place {
            Place::Directory(name) => Asker::Directory(name.clone()),
            Place::Subject(name) => Asker::Subject(name.clone()),
            Place::Organisation | Place::Unit(_) | Place::OwnUnit => Asker::Organisation,
        }
    }
}

/// A person to turn to.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Contact {
    /// Name to show.
    pub name: Box<str>,
    /// Where to write to.
    pub mail: Address,
    /// Where to call.
    pub phone: Option<Box<str>>,
    /// Where to call while under way.
    pub mobile: Option<Box<str>>,
    /// Title.
    pub title: Option<Box<str>>,
    /// The user, None for somebody outside.
    pub user: Option<UserId>,
    /// The role that made this person the answer.
    pub role: RoleName,
    /// How they came to hold it; of the absent holder for a deputy.
    pub origin: Origin,
    /// Whose deputy this is, for a deputy.
    pub deputy_for: Option<Box<str>>,
}

impl Contact {
    /// The number for text messages: the first that can be one, else the first there is.
    pub fn number(&self) -> Option<Box<str>> {
        let numbers = || self.mobile.iter().chain(&self.phone);
        numbers().find(|number| phone::number(number).is_some()).or_else(|| numbers().next()).cloned()
    }
}

/// Why a holder doesn't count.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(tag = "reason", rename_all = "snake_case")]
pub enum Skip {
    /// The account is disabled.
    Disabled,
    /// The account has expired.
    Expired {
        /// When.
        at: DateTime<Utc>,
    },
    /// The user is in no directory any longer.
    Gone,
    /// There is no address to write to.
    NoAddress,
    /// The person is away, and nobody stands in.
    Away {
        /// Which absence.
        absence: AbsenceId,
        /// Until when.
        until: DateTime<Utc>,
        /// The deputy and why the deputy doesn't count either.
        deputy: Option<Box<Skipped>>,
    },
    /// It is the asker.
    IsAsker,
    /// The holder's main unit is another one now.
    Moved {
        /// What that unit is called.
        to: Box<str>,
    },
    /// The assignment begins later.
    NotYet {
        /// When.
        from: DateTime<Utc>,
    },
    /// The assignment has ended.
    Ended {
        /// When.
        until: DateTime<Utc>,
    },
    /// The assignment is for another directory.
    OtherDirectory,
    /// The assignment is for another report or system.
    OtherSubject,
}

impl Skip {
    /// The reason in words, with the days as they are in a time zone.
    pub fn in_zone(&self, zone: Tz) -> String {
        let day = |at: &DateTime<Utc>| at.with_timezone(&zone).format("%-d %b %Y").to_string();
        match self {
            Skip::Disabled => "disabled".to_owned(),
            Skip::Expired { at } => format!("account expired {}", day(at)),
            Skip::Gone => "no longer in the directory".to_owned(),
            Skip::NoAddress => "no mail address".to_owned(),
            Skip::Away { until, deputy: None, .. } => format!("away until {}", day(until)),
            Skip::Away { until, deputy: Some(deputy), .. } => {
                format!("away until {}; deputy {}: {}", day(until), deputy.name, deputy.reason.in_zone(zone))
            }
            Skip::IsAsker => "is you".to_owned(),
            Skip::Moved { to } => format!("moved to {to}"),
            Skip::NotYet { from } => format!("from {}", day(from)),
            Skip::Ended { until } => format!("ended {}", day(until)),
            Skip::OtherDirectory => "for another directory".to_owned(),
            Skip::OtherSubject => "for another report or system".to_owned(),
        }
    }
}

/// In words, with the days as they are in UTC.
impl std::fmt::Display for Skip {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.in_zone(Tz::UTC))
    }
}

/// Somebody's name, and whose deputy they are.
pub fn named(name: &str, deputy_for: Option<&str>) -> Box<str> {
    match deputy_for {
        Some(absent) => format!("{name} (deputy for {absent})").into(),
        None => name.into(),
    }
}

/// A holder who doesn't count, and why.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Skipped {
    /// Who.
    pub name: Box<str>,
    /// The user, None for somebody outside.
    pub user: Option<UserId>,
    /// Why.
    #[serde(flatten)]
    pub reason: Skip,
}

/// One place that was looked at on the way to the answer.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Step {
    /// The role that was asked for there.
    pub role: RoleName,
    /// The unit, the organisation's root for what applies everywhere.
    pub unit: UnitId,
    /// What it is called.
    pub unit_name: Box<str>,
    /// The subject whose holders were asked, for a role of subjects.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subject: Option<SubjectName>,
    /// Who holds the role there but doesn't count.
    pub skipped: Vec<Skipped>,
    /// How many count.
    pub found: u32,
}

/// The answer: who, and the way to them. Without contacts, the trail says where it was looked in vain.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Answer {
    /// Those to turn to, in order.
    pub contacts: Vec<Contact>,
    /// Every place that was looked at.
    pub trail: Vec<Step>,
}

/// Finds who answers for `asker` in `role` at `now`: the one rule of all roles.
///
/// Start at the main unit; the holders there who count are the answer. Nobody: the unit above. At the root: the role's
/// fallback. Roles of the organisation have one place, the root. A subject's own holders are asked there, too; a fallback of units begins
/// at the unit that the subject belongs to.
///
/// An asker who is in no directory, and a subject that isn't known, gets no contact and an empty trail: a failed look-up is never a step to a farther contact.
pub fn resolve(organisation: &Organisation, role: &Role, asker: &Asker, now: DateTime<Utc>) -> Answer {
    let mut trail = Vec::new();
    let Some(start) = start(organisation, asker) else {
        return Answer { contacts: Vec::new(), trail };
    };
    let mut asked: Vec<&RoleName> = Vec::new();
    let mut next = Some(role);
    while let Some(role) = next {
        asked.push(&role.name);
        let nearest = role.pick == Pick::Nearest && role.scope != Scope::Subject;
        let from = if nearest { start } else { tree::ROOT };
        let subject = match asker {
            Asker::Subject(name) if role.scope == Scope::Subject => Some(name),
            _ => None,
        };
        for place in organisation.tree.upwards(from) {
            let (contacts, skipped) = present(organisation, role, place, asker, now);
            trail.push(Step {
                role: role.name.clone(),
                unit: organisation.tree.id(place),
                unit_name: organisation.tree.name(place).into(),
                subject: subject.cloned(),
                skipped,
                found: u32::try_from(contacts.len()).unwrap_or(u32::MAX),
            });
            if !contacts.is_empty() {
                return Answer { contacts, trail };
            }
        }
        let fallback = role.fallback.as_ref().filter(|name| !asked.contains(name));
        next = fallback.and_then(|name| organisation.role(&name.0));
    }
    Answer { contacts: Vec::new(), trail }
}

/// Where the search begins; None for an asker that isn't known.
fn start(organisation: &Organisation, asker: &Asker) -> Option<tree::Index> {
    match asker {
        Asker::User(id) => organisation.user(*id).map(|u| organisation.place_of(u)),
        Asker::Unit(id) => organisation.tree.index(*id),
        Asker::Organisation | Asker::Directory(_) => Some(tree::ROOT),
        Asker::Subject(name) => {
            let owner = |subject| owner_of(organisation, subject).unwrap_or(tree::ROOT);
            organisation.subjects.get(name).map(owner)
        }
    }
}

/// Who counts at one place, and who doesn't.
fn present(
    organisation: &Organisation,
    role: &Role,
    place: tree::Index,
    asker: &Asker,
    now: DateTime<Utc>,
) -> (Vec<Contact>, Vec<Skipped>) {
    let mut contacts: Vec<Contact> = Vec::new();
    let mut skipped: Vec<Skipped> = Vec::new();
    let (mut people, mut mailboxes) = (HashSet::new(), HashSet::new());
    // Who is answered for here, in person or by a deputy, through one holding is not skipped through another.
    let mut settled = HashSet::new();
    let holders = organisation.holders(&role.name);
    let of_subject = match asker {
        Asker::Subject(name) if place == tree::ROOT && role.scope == Scope::Subject => {
            holders.of_subject(name)
        }
        _ => &[],
    };
    for holding in of_subject.iter().chain(holders.at(place)) {
        let holder = holding.holder.user();
        match standing(organisation, holding, asker, now) {
            Ok(standing) => {
                settled.extend(holder);
                let contact = standing.contact(role, holding);
                // One person and one mailbox are one contact, as the deputy of two holders is, or a mailbox that two share.
                let mailbox = contact.mail.key();
                if !contact.user.is_some_and(|id| people.contains(&id)) && !mailboxes.contains(&mailbox) {
                    people.extend(contact.user);
                    mailboxes.insert(mailbox);
                    contacts.push(contact);
                }
            }
            Err(reason) => {
                let name = organisation.holder_name(&holding.holder);
                skipped.push(Skipped { name, user: holder, reason });
            }
        }
    }
    skipped.retain(|s| s.user.is_none_or(|id| settled.insert(id)));
    (contacts, skipped)
}

/// Who counts at one place alone, whatever is above it, and who of the holders there doesn't: one step of [`resolve`], for nobody in
/// particular.
pub fn at_place(
    organisation: &Organisation,
    role: &Role,
    place: tree::Index,
    now: DateTime<Utc>,
) -> (Vec<Contact>, Vec<Skipped>) {
    present(organisation, role, place, &Asker::Organisation, now)
}

/// Who of a role of directories counts for one of them, and who doesn't: one step of [`resolve`].
pub fn for_directory(
    organisation: &Organisation,
    role: &Role,
    directory: &DirectoryName,
    now: DateTime<Utc>,
) -> (Vec<Contact>, Vec<Skipped>) {
    present(organisation, role, tree::ROOT, &Asker::Directory(directory.clone()), now)
}

/// Whether a holder counts for `asker` at `now`, or a deputy in their place; else why not.
pub fn judge(
    organisation: &Organisation,
    role: &Role,
    holding: &Holding,
    asker: &Asker,
    now: DateTime<Utc>,
) -> Result<Contact, Skip> {
    standing(organisation, holding, asker, now).map(|standing| standing.contact(role, holding))
}

/// Somebody who counts: a holder, or the deputy of one.
struct Standing<'a> {
    name: &'a str,
    mail: Mailable<'a>,
    /// Goes before the user's own number.
    phone: Option<&'a str>,
    /// None for somebody outside.
    user: Option<&'a User>,
    deputy_for: Option<&'a User>,
}

impl Standing<'_> {
    /// As a contact, through `holding`.
    fn contact(self, role: &Role, holding: &Holding) -> Contact {
        let user = self.user;
        Contact {
            name: self.name.into(),
            mail: self.mail.owned(),
            phone: self.phone.or(user.and_then(|u| u.phone())).map(Box::from),
            // A number in place of the user's own takes the place of all of them.
            mobile: user.filter(|_| self.phone.is_none()).and_then(|u| u.mobile()).map(Box::from),
            title: user.map_or_else(|| holding.title.clone(), |u| u.title().map(Box::from)),
            user: user.map(|u| u.id),
            role: role.name.clone(),
            origin: holding.origin.clone(),
            deputy_for: self.deputy_for.map(|absent| absent.name().into()),
        }
    }
}

/// Whether a holder, or the deputy in their place, counts.
fn standing<'a>(
    organisation: &'a Organisation,
    holding: &'a Holding,
    asker: &Asker,
    now: DateTime<Utc>,
) -> Result<Standing<'a>, Skip> {
    if let Some(from) = holding.from.filter(|from| now < *from) {
        return Err(Skip::NotYet { from });
    }
    if let Some(until) = holding.until.filter(|until| *until <= now) {
        return Err(Skip::Ended { until });
    }
    if let Place::Directory(held) = &holding.place
        && directory_of(organisation, asker).is_some_and(|asked| asked != held)
    {
        return Err(Skip::OtherDirectory);
    }
    if let (Place::Subject(held), Asker::Subject(asked)) = (&holding.place, asker)
        && asked != held
    {
        return Err(Skip::OtherSubject);
    }
    let phone = holding.phone.as_deref();
    let id = match &holding.holder {
        Holder::User(id) => *id,
        Holder::Outside { name, mail } => {
            let mail = holding.mail.as_ref().unwrap_or(mail).into();
            return Ok(Standing { name, mail, phone, user: None, deputy_for: None });
        }
    };
    let user = organisation.user(id).ok_or(Skip::Gone)?;
    if holding.is_suspended_for(user) {
        let place = organisation.place_of(user);
        return Err(Skip::Moved { to: organisation.tree.name(place).into() });
    }
    let in_person = usable(user, holding.mail.as_ref(), asker, now);
    let Some(absence) = organisation.absence_of(id, now) else {
        return in_person.map(|mail| Standing {
            name: user.name(),
            mail,
            phone,
            user: Some(user),
            deputy_for: None,
        });
    };
    // The deputy stands in for whoever is away, also when the account is closed meanwhile, or when it is the absent who asks.
    let away = |deputy| match &in_person {
        Ok(_) => Skip::Away { absence: absence.id, until: absence.until, deputy },
        Err(reason) => reason.clone(),
    };
    let Some(deputy_id) = absence.deputy else { return Err(away(None)) };
    match stand_in(organisation, deputy_id, asker, now) {
        Ok((deputy, mail)) => Ok(Standing {
            name: deputy.name(),
            mail,
            phone: None,
            user: Some(deputy),
            deputy_for: Some(user),
        }),
        Err(reason) => {
            let name = organisation.holder_name(&Holder::User(deputy_id));
            Err(away(Some(Box::new(Skipped { name, user: Some(deputy_id), reason }))))
        }
    }
}

/// Whether a deputy counts. A deputy's deputy is not asked: a circle of deputies must end.
fn stand_in<'a>(
    organisation: &'a Organisation,
    deputy: UserId,
    asker: &Asker,
    now: DateTime<Utc>,
) -> Result<(&'a User, Mailable<'a>), Skip> {
    let user = organisation.user(deputy).ok_or(Skip::Gone)?;
    let mail = usable(user, None, asker, now)?;
    match organisation.absence_of(deputy, now) {
        Some(absence) => Err(Skip::Away { absence: absence.id, until: absence.until, deputy: None }),
        None => Ok((user, mail)),
    }
}

/// The directory that a question is about, None for the whole organisation.
fn directory_of<'a>(organisation: &'a Organisation, asker: &'a Asker) -> Option<&'a DirectoryName> {
    match asker {
        Asker::User(id) => organisation.user(*id).map(|u| &u.directory),
        Asker::Unit(id) => organisation.unit(*id).map(|u| &u.directory),
        Asker::Directory(name) => Some(name),
        Asker::Organisation | Asker::Subject(_) => None,
    }
}

/// Whether a user can be turned to, absences aside, and where to write to.
fn usable<'a>(
    user: &'a User,
    instead: Option<&'a Address>,
    asker: &Asker,
    now: DateTime<Utc>,
) -> Result<Mailable<'a>, Skip> {
    if !user.enabled {
        return Err(Skip::Disabled);
    }
    if let Some(at) = user.expires.filter(|at| *at <= now) {
        return Err(Skip::Expired { at });
    }
    if *asker == Asker::User(user.id) {
        return Err(Skip::IsAsker);
    }
    instead.map(Mailable::from).or_else(|| user.mailable()).ok_or(Skip::NoAddress)
}

#[cfg(test)]
mod tests;
