//! Who stands in for somebody, also when they aren't away now.

use chrono::{DateTime, TimeDelta, Utc};

use super::{Asker, stand_in};
use crate::domain::absence::Absence;
use crate::domain::directory::User;
use crate::domain::ids::UserId;
use crate::domain::mailbox::Address;
use crate::domain::organisation::Organisation;

/// An absence that is to come says who stands in when it begins within this.
const SOON: TimeDelta = TimeDelta::weeks(4);

/// The deputy of a user who counts at `now`, with the address: of the absence that they are in, else of the next one of the coming weeks that names one who does. Whoever
/// stood in once knows nothing of it any more.
pub fn deputy_of(organisation: &Organisation, user: UserId, now: DateTime<Utc>) -> Option<(&User, Address)> {
    let absences = organisation.absences.get(&user).map_or(&[][..], Vec::as_slice);
    let there = absences.iter().filter(|absence: &&Absence| absence.until > now);
    let named =
        there.filter_map(|absence| Some(((absence.from - now).max(TimeDelta::zero()), absence.deputy?)));
    let mut near: Vec<(TimeDelta, UserId)> = named.filter(|(begins_in, _)| *begins_in <= SOON).collect();
    near.sort_unstable();
    let found = near.into_iter();
    let mut found =
        found.filter_map(|(_, deputy)| stand_in(organisation, deputy, &Asker::User(user), now).ok());
    found.next().map(|(deputy, mail)| (deputy, mail.owned()))
}
