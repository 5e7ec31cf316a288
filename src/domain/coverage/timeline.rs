//! Who counts at a unit, from one change to the next.

use std::sync::Arc;

use chrono::{DateTime, Utc};

use super::{Person, There, Window};
use crate::domain::contacts::{self, Contact};
use crate::domain::ids::UserId;
use crate::domain::organisation::{Holding, Organisation};
use crate::domain::roles::Role;
use crate::domain::tree::Index;

/// Who is there from a moment on, until the next piece begins.
#[derive(Clone, Debug)]
pub(super) struct Piece {
    pub(super) from: DateTime<Utc>,
    pub(super) there: Arc<There>,
}

/// Who counts at a unit itself, from `from` to `until`. The first piece begins at `from`.
pub(super) fn own(
    organisation: &Organisation,
    role: &Role,
    place: Index,
    from: DateTime<Utc>,
    until: DateTime<Utc>,
) -> Vec<Piece> {
    let moments = moments(organisation, organisation.holders(&role.name).at(place).iter(), (from, until));
    let piece = |moment| {
        let (contacts, skipped) = contacts::at_place(organisation, role, place, moment);
        let people: Vec<Person> = contacts.into_iter().map(person).collect();
        let missing = if people.is_empty() { skipped } else { Vec::new() };
        Piece {
            from: moment,
            there: Arc::new(There { at: Some(place).filter(|_| !people.is_empty()), people, missing }),
        }
    };
    moments.into_iter().map(piece).collect()
}

/// The first moment of a span, and every other in it at which it may change who of these counts.
pub(super) fn moments<'a>(
    organisation: &Organisation,
    holdings: impl Iterator<Item = &'a Holding>,
    (from, until): Window,
) -> Vec<DateTime<Utc>> {
    let mut moments = vec![from];
    for holding in holdings {
        changes(organisation, holding, |moment| {
            if from < moment && moment < until {
                moments.push(moment);
            }
        });
    }
    moments.sort_unstable();
    moments.dedup();
    moments
}

pub(super) fn person(contact: Contact) -> Person {
    Person { name: contact.name, user: contact.user, deputy_for: contact.deputy_for }
}

/// Every moment at which it may change whether a holding counts, and for whom: what [`contacts::resolve`] looks at the clock for.
fn changes(organisation: &Organisation, holding: &Holding, mut note: impl FnMut(DateTime<Utc>)) {
    holding.from.into_iter().chain(holding.until).for_each(&mut note);
    let Some(holder) = holding.holder.user() else { return };
    let mut of = |id: UserId| {
        organisation.user(id).and_then(|user| user.expires).into_iter().for_each(&mut note);
        let absences = organisation.absences.get(&id).map_or(&[][..], Vec::as_slice);
        absences.iter().flat_map(|absence| [absence.from, absence.until]).for_each(&mut note);
        absences
    };
    let deputies = of(holder).iter().filter_map(|absence| absence.deputy);
    for deputy in deputies {
        of(deputy);
    }
}

/// A unit's own line with that of the unit above showing through where nobody counts.
pub(super) fn over(own: &[Piece], above: &[Piece]) -> Vec<Piece> {
    let mut line: Vec<Piece> = Vec::with_capacity(own.len());
    for (n, piece) in own.iter().enumerate() {
        if !piece.there.people.is_empty() {
            line.push(piece.clone());
            continue;
        }
        let until = own.get(n + 1).map_or(DateTime::<Utc>::MAX_UTC, |next| next.from);
        // The last piece above that has begun, and all that begin before this one ends.
        let begun = above.partition_point(|above| above.from <= piece.from).saturating_sub(1);
        let through = above.iter().skip(begun).take_while(|above| above.from < until);
        line.extend(through.map(|above| {
            let known_here = above.there.people.is_empty() && !piece.there.missing.is_empty();
            let there = if known_here { &piece.there } else { &above.there };
            Piece { from: above.from.max(piece.from), there: Arc::clone(there) }
        }));
    }
    line
}
