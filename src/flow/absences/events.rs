//! What the events of a calendar mean: whose absences they are.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use crate::domain::absence::import::Wanted;
use crate::domain::absence::{Absence, Origin};
use crate::domain::ical;
use crate::domain::ids::{AbsenceId, UserId};
use crate::domain::organisation::Organisation;
use crate::domain::table::{self, LineError, LineErrors};

/// Whose the events of a calendar are.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Whose {
    /// All of one person.
    Of(UserId),
    /// Each of those who take part in it; whoever isn't known is a mistake.
    Named,
    /// Each of those who take part in it and are known; the others are nobody's mistake.
    Known,
}

/// What events mean, and how many people who take part aren't known. Those of one person that overlap are one absence.
pub fn of_events(
    organisation: &Organisation,
    events: &[ical::Event],
    whose: Whose,
) -> Result<(Vec<Wanted>, usize), LineErrors> {
    let (mut by_user, mut errors) = (BTreeMap::<UserId, Vec<&ical::Event>>::new(), LineErrors::default());
    let mut guests = Guests { organisation, known: HashMap::new(), last: None };
    let mut count = 0;
    for event in events {
        if let Whose::Of(user) = whose {
            by_user.entry(user).or_default().push(event);
            continue;
        }
        for user in guests.of(event, whose, &mut errors) {
            by_user.entry(*user).or_default().push(event);
            count += 1;
        }
        if count > ical::MOST_EVENTS {
            let what = "is one event too many of so many people; publish a shorter period";
            errors.push(LineError::of_line(event.line, what));
        }
        if errors.errors.len() >= table::TOLD || count > ical::MOST_EVENTS {
            break;
        }
    }
    let unknown = guests.known.values().filter(|user| user.is_none()).count();
    let mut wanted: Vec<Wanted> = Vec::new();
    for (user, mut events) in by_user {
        events.sort_by_key(|e| (e.from, e.until));
        for event in events {
            let last = wanted.last_mut().filter(|w| w.absence.user == user && event.from < w.absence.until);
            if let Some(last) = last {
                last.absence.until = last.absence.until.max(event.until);
                continue;
            }
            let note = Some(event.summary.clone()).filter(|n| !n.is_empty());
            let (from, until) = (event.from, event.until);
            let absence =
                Absence { id: AbsenceId(0), user, from, until, deputy: None, note, origin: Origin::ByHand };
            wanted.push(Wanted { line: event.line, absence });
        }
    }
    errors.or((wanted, unknown))
}

/// Those who take part in the events of a calendar. Each is looked for once, and repetitions have the same people.
struct Guests<'a> {
    organisation: &'a Organisation,
    known: HashMap<&'a str, Option<UserId>>,
    last: Option<(&'a ical::People, BTreeSet<UserId>)>,
}

impl<'a> Guests<'a> {
    fn of(&mut self, event: &'a ical::Event, whose: Whose, errors: &mut LineErrors) -> &BTreeSet<UserId> {
        let last = self.last.take().filter(|(people, _)| Arc::ptr_eq(people, &event.people));
        let found = last.unwrap_or_else(|| (&event.people, self.look(event, whose, errors)));
        &self.last.insert(found).1
    }

    fn look(&mut self, event: &'a ical::Event, whose: Whose, errors: &mut LineErrors) -> BTreeSet<UserId> {
        if whose == Whose::Named && event.people.is_empty() {
            let what = "the event names nobody; say whose calendar it is with --user";
            errors.push(LineError::of_line(event.line, what));
        }
        let mut users = BTreeSet::new();
        for mail in event.people.iter() {
            let find = || self.organisation.user_called(mail).map(|user| user.id);
            let known = *self.known.entry(&**mail).or_insert_with(find);
            users.extend(known);
            // To look for whom it may mean takes a look at everybody.
            if known.is_none() && whose == Whose::Named && errors.errors.len() < table::TOLD {
                let why = self.organisation.find_user(mail).err().map(|error| error.to_string());
                errors.push(LineError::of_line(event.line, why.unwrap_or_default()));
            }
        }
        users
    }
}
