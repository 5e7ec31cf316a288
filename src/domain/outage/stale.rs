//! An incident, or maintenance past its end, that nothing has been said of for too long: whoever answers for it is asked.

use chrono::{DateTime, TimeDelta, Utc};

use super::Outage;
use super::policy::Nag;

/// No two nags are farther apart.
const LONGEST: TimeDelta = TimeDelta::days(7);

impl Outage {
    /// Which nag is due at `now`, counted from 1: the first when nothing has been said for as long as the severity allows, each
    /// following one after twice the time. Of several that were missed only the last is due.
    pub fn nag_due(&self, nag: &Nag, now: DateTime<Utc>) -> Option<u32> {
        let number = self.nags.saturating_add(1);
        let mut due = None;
        for number in number..number.saturating_add(64) {
            if self.nag_at(nag, number)? > now {
                break;
            }
            due = Some(number);
        }
        due
    }

    /// When the next nag is due.
    pub fn next_nag(&self, nag: &Nag) -> Option<DateTime<Utc>> {
        self.nag_at(nag, self.nags.saturating_add(1))
    }

    /// How it is once a nag was sent.
    #[must_use]
    pub fn nagged(&self, number: u32) -> Outage {
        Outage { nags: number, silent: self.silent.saturating_add(1), ..self.clone() }
    }

    /// After 1, 3, 7, 15 … times the span; from a week on, one a week. None: never.
    fn nag_at(&self, nag: &Nag, number: u32) -> Option<DateTime<Utc>> {
        let after = nag.after(self.severity)?;
        // Maintenance goes by the clock, until that has told everybody that it takes longer.
        let by_clock = self.plan.as_ref().is_some_and(|plan| !plan.overdue);
        if by_clock || self.state().is_end() {
            return None;
        }
        let mut at = self.updates.last()?.at;
        let mut pause = after;
        for _ in 0..number {
            at = at.checked_add_signed(pause)?;
            pause = (pause + pause).min(LONGEST.max(after));
        }
        Some(at)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::audit::Actor;
    use crate::domain::outage::State;
    use crate::domain::outage::tests::{now, open};

    #[test]
    fn it_nags_at_growing_intervals_until_the_next_word() {
        let nag = Nag { major: Some(TimeDelta::hours(4)), ..Nag::default() };
        let outage = open("Mail is down").unwrap();
        let at = |hours: i64| now() + TimeDelta::hours(hours);
        assert_eq!((outage.nag_due(&nag, at(3)), outage.nag_due(&nag, at(4))), (None, Some(1)));
        let once = outage.nagged(1);
        assert_eq!((once.nag_due(&nag, at(11)), once.nag_due(&nag, at(12))), (None, Some(2)));
        assert_eq!(once.next_nag(&nag), Some(at(12)));
        // After a weekend of downtime it is said once.
        assert_eq!(outage.nag_due(&nag, at(61)), Some(4));
        let word = once.update("We are at it.", None, Actor::System, at(5)).unwrap();
        assert_eq!((word.nags, word.nag_due(&nag, at(8)), word.nag_due(&nag, at(9))), (0, None, Some(1)));
        let over = once.update("", Some(State::Resolved), Actor::System, at(5)).unwrap();
        assert_eq!((over.nag_due(&nag, at(999)), over.next_nag(&nag)), (None, None));
        assert_eq!(outage.nag_due(&Nag { major: None, ..nag }, at(999)), None);
    }

    #[test]
    fn maintenance_that_nobody_completes_is_pointed_out_once_it_is_overdue() {
        use crate::domain::ids::OutageId;
        use crate::domain::outage::maintenance::{Step, Window};
        use crate::domain::outage::tests::opening;
        let nag = Nag { major: Some(TimeDelta::hours(4)), ..Nag::default() };
        let at = |hours: i64| now() + TimeDelta::hours(hours);
        let window = Window { from: at(1), until: at(2) };
        let planned =
            Outage::plan(OutageId(1), opening("Disks"), window, true, &[], Actor::System, now()).unwrap();
        assert_eq!(planned.nag_due(&nag, at(99)), None);
        let overdue = planned.by_clock(planned.due(&[], at(2)).unwrap(), at(2));
        assert_eq!((overdue.nag_due(&nag, at(5)), overdue.nag_due(&nag, at(6))), (None, Some(1)));
        let done = overdue.step(Step::Complete, "", Actor::System, at(6)).unwrap();
        assert_eq!(done.nag_due(&nag, at(99)), None);
    }

    #[test]
    fn it_is_never_silent_for_more_than_a_week() {
        let nag = Nag { major: Some(TimeDelta::hours(4)), ..Nag::default() };
        let mut outage = open("Mail is down").unwrap();
        let mut last = now();
        for number in 1..40 {
            let next = outage.next_nag(&nag).unwrap();
            assert!(next > last && next - last <= LONGEST, "{number}");
            assert_eq!(outage.nag_due(&nag, next), Some(number));
            (outage, last) = (outage.nagged(number), next);
        }
    }
}
