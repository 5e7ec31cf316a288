//! Values that change for many people at once: an accident, too, though nobody is lost by it.

use xxhash_rust::xxh3::xxh3_128;

use super::super::delta::Delta;
use super::super::directory::User;
use super::super::ids::{Guid, UnitId};
use super::{Circumstances, Kind, Limit, Loss};

/// The changes of every kind, each with its limit.
///
/// So few that they can't be held aren't even listed: an approval that named every phone that changed on that day would be another
/// one after each run.
pub(super) fn of(delta: &Delta, given: &Circumstances<'_>) -> [(Kind, Loss, Limit); 4] {
    let limits = given.limits;
    [
        (Kind::Mails, limits.mails),
        (Kind::Phones, limits.phones),
        (Kind::Moves, limits.moves),
        (Kind::Absences, limits.absences),
    ]
    .map(|(kind, limit)| (kind, many(kind, delta, given, limit), limit))
}

fn many(kind: Kind, delta: &Delta, given: &Circumstances<'_>, limit: Limit) -> Loss {
    let lost: Vec<Guid> = delta.users.changed.iter().filter_map(|(b, a)| changed(kind, b, a)).collect();
    if lost.len() <= limit.floor as usize {
        return Loss::default();
    }
    // Going through everybody takes its time; it is only done when so many have changed.
    let ours = given.directory;
    let here = given.users.values().filter(|u| u.directory == *ours && has(kind, u)).count();
    let over = delta.users.changed.iter().filter(|(b, _)| b.directory != *ours && has(kind, b)).count();
    Loss { lost, of: here + over, ..Loss::default() }
}

/// Whether the user has what could change.
fn has(kind: Kind, user: &User) -> bool {
    match kind {
        Kind::Mails => user.mail().is_some(),
        Kind::Phones => user.phone().is_some() || user.mobile().is_some(),
        Kind::Moves => user.unit != UnitId::ROOT,
        Kind::Absences => user.away().is_some(),
        Kind::Users | Kind::Units | Kind::Memberships | Kind::Holders => false,
    }
}

/// A digest of who changes, and to what, if it does.
///
/// A mail address that goes is a loss of the user, and counted there; a phone or an absence that goes is counted nowhere else. What comes
/// where there was nothing is no change, and neither is another absence.
fn changed(kind: Kind, before: &User, after: &User) -> Option<Guid> {
    let becomes = match kind {
        Kind::Mails => {
            let (before, after) = (before.mail()?, after.mail()?);
            // Case makes no difference to where a mail arrives.
            (!before.eq_ignore_ascii_case(after)).then(|| after.to_ascii_lowercase().into_bytes())
        }
        Kind::Phones => {
            let other = |before: Option<&str>, after: Option<&str>| before.is_some() && before != after;
            let differs = other(before.phone(), after.phone()) || other(before.mobile(), after.mobile());
            let number = |number: Option<&str>| number.unwrap_or_default().to_owned();
            differs.then(|| format!("{}\0{}", number(after.phone()), number(after.mobile())).into_bytes())
        }
        Kind::Moves => (has(kind, before) && before.unit != after.unit).then(|| after.unit.0.0.to_vec()),
        Kind::Absences => (has(kind, before) && !has(kind, after)).then(Vec::new),
        Kind::Users | Kind::Units | Kind::Memberships | Kind::Holders => None,
    }?;
    let what = format!("{kind:?}\0");
    let bytes = [what.as_bytes(), &before.id.0.0, &becomes].concat();
    Some(Guid(xxh3_128(&bytes).to_le_bytes()))
}
