//! Who stands in for somebody, also when they aren't away now.

use chrono::{DateTime, TimeDelta, Utc};

use super::{Asker, stand_in};
use crate::domain::absence::Absence;
use crate::domain::directory::User;
use crate::domain::ids::UserId;
use crate::domain::mailbox::Address;
use crate::domain::organisation::Organisation;

/// So far away in time an absence still says who stands in.
const NEAR: TimeDelta = TimeDelta::days(365);

/// The deputy of a user who counts at `now`, with the address: of the absence that is nearest in time among those that name one who does.
pub fn deputy_of(organisation: &Organisation, user: UserId, now: DateTime<Utc>) -> Option<(&User, Address)> {
    let absences = organisation.absences.get(&user).map_or(&[][..], Vec::as_slice);
    let distance = |absence: &Absence| (absence.from - now).max(now - absence.until).max(TimeDelta::zero());
    let named = absences.iter().filter_map(|absence| Some((distance(absence), absence.deputy?)));
    let mut near: Vec<(TimeDelta, UserId)> = named.filter(|(distance, _)| *distance <= NEAR).collect();
    near.sort_unstable();
    let found = near.into_iter();
    let mut found =
        found.filter_map(|(_, deputy)| stand_in(organisation, deputy, &Asker::User(user), now).ok());
    found.next().map(|(deputy, mail)| (deputy, mail.owned()))
}
