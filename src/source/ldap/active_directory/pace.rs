//! On how many connections a controller is read at once: as many as are set, or as many as it answers without getting slower.

use std::time::Duration;

/// Never more, unless more are set: the controller has others to serve.
pub(super) const MOST: usize = 4;
/// With so many a read in ranges begins.
const FIRST: usize = 2;
/// So many ranges are looked at for each connection before the next step.
const ANSWERS: usize = 2;
/// Answers are as fast as at the start as long as they don't take longer than so many times that.
const AS_FAST: f64 = 1.3;
/// From then on they are slow.
const SLOW: f64 = 2.0;

/// How many connections there should be, and why.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Why {
    /// The configuration says so.
    Set,
    /// It is too early to know.
    Early,
    /// The answers come as fast as from one alone.
    Fast,
    /// The answers come slower than from one alone, and more would make them slower still.
    Slower,
    /// The answers come so slow that fewer bring as much.
    Slow,
    /// There are as many as there may be.
    Most,
    /// The server said that it is busy.
    Busy,
    /// The server, or something before it, didn't let one more in.
    NotLetIn,
}

/// Keeps the pace of a read.
#[derive(Debug)]
pub(super) struct Pace {
    set: bool,
    most: usize,
    wanted: usize,
    why: Why,
    /// Seconds for an entry with one connection.
    alone: Option<f64>,
    /// The same by now.
    now: Vec<f64>,
}

impl Pace {
    /// `set` connections, or as many as go well.
    pub(super) fn new(set: Option<usize>) -> Pace {
        let (wanted, why) = set.map_or((1, Why::Early), |set| (set.max(1), Why::Set));
        let most = set.map_or(MOST, |set| set.max(1));
        Pace { set: set.is_some(), most, wanted, why, alone: None, now: Vec::new() }
    }

    /// How many connections there should be, and why.
    pub(super) fn wanted(&self) -> (usize, Why) {
        (self.wanted, self.why)
    }

    /// Takes note of how long a range with so many entries took while there was one connection.
    fn answered_alone(&mut self, entries: usize, took: Duration) {
        self.alone = per_entry(entries, took).or(self.alone);
        if self.alone.is_some() && self.wanted == 1 && self.why == Why::Early {
            self.wanted = FIRST.min(self.most);
        }
    }

    /// Takes note of how long a range with so many entries took while there were `open` connections: all of it, as a server may take more time
    /// for finding what is in it than for giving it. Gives the number of connections that there should be from now on, and why, when that is
    /// another one.
    pub(super) fn answered(&mut self, entries: usize, took: Duration, open: usize) -> Option<(usize, Why)> {
        if !self.set && self.alone.is_none() && open == 1 {
            self.answered_alone(entries, took);
            return (self.wanted > 1).then_some((self.wanted, self.why));
        }
        if self.set || open != self.wanted {
            self.now.clear();
            return None;
        }
        self.now.extend(per_entry(entries, took));
        if self.now.len() < ANSWERS * open {
            return None;
        }
        self.now.sort_by(f64::total_cmp);
        let now = self.now.get(self.now.len() / 2).copied().unwrap_or_default();
        self.now.clear();
        let (wanted, why) = decide(open, self.most, now / self.alone?);
        self.why = why;
        if wanted < self.wanted {
            self.most = wanted;
        }
        let another = wanted != self.wanted;
        self.wanted = wanted;
        another.then_some((wanted, why))
    }

    /// The server is busy: `open` connections are too many for it.
    pub(super) fn busy(&mut self, open: usize) {
        self.no_more_than(open.saturating_sub(1), Why::Busy);
    }

    /// There won't be more than the `open` connections that there are.
    pub(super) fn not_let_in(&mut self, open: usize) {
        self.no_more_than(open, Why::NotLetIn);
    }

    fn no_more_than(&mut self, connections: usize, why: Why) {
        self.most = self.most.min(connections).max(1);
        if self.wanted > self.most {
            (self.wanted, self.why) = (self.most, why);
        }
        self.now.clear();
    }
}

/// How many connections there should be when answers take so many times as long as on one alone.
fn decide(open: usize, most: usize, times: f64) -> (usize, Why) {
    // What one answer took alone is too little to go back to one by; a server that can't serve two says that it is busy.
    if times >= SLOW && open > FIRST {
        (open - 1, Why::Slow)
    } else if times > AS_FAST {
        (open, Why::Slower)
    } else if open >= most {
        (open, Why::Most)
    } else {
        (open + 1, Why::Fast)
    }
}

fn per_entry(entries: usize, took: Duration) -> Option<f64> {
    let entries = u32::try_from(entries).ok().filter(|entries| *entries > 0)?;
    Some(took.as_secs_f64() / f64::from(entries)).filter(|seconds| *seconds > 0.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A read whose answers take so long with 1, 2, 3, … connections; what was decided one after the other.
    fn read(milliseconds: &[u64], pages: usize) -> (Vec<(usize, Why)>, Pace) {
        let mut pace = Pace::new(None);
        pace.answered_alone(1000, Duration::from_millis(milliseconds[0]));
        let mut decided = Vec::new();
        for _ in 0..pages {
            let open = pace.wanted().0;
            decided.extend(pace.answered(1000, Duration::from_millis(milliseconds[open - 1]), open));
        }
        (decided, pace)
    }

    #[test]
    fn connections_are_added_while_answers_stay_as_fast_and_never_more_than_four() {
        let (decided, pace) = read(&[100, 100, 110, 120], 100);
        assert_eq!(decided, [(3, Why::Fast), (4, Why::Fast)]);
        assert_eq!(pace.wanted(), (4, Why::Most));
    }

    #[test]
    fn nothing_is_added_when_answers_get_slower() {
        let (decided, pace) = read(&[100, 105, 150], 100);
        assert_eq!(decided, [(3, Why::Fast)]);
        assert_eq!(pace.wanted(), (3, Why::Slower));
    }

    #[test]
    fn a_slow_server_gets_fewer_and_none_is_added_again() {
        let (decided, pace) = read(&[100, 120, 250], 100);
        assert_eq!(decided, [(3, Why::Fast), (2, Why::Slow)]);
        assert_eq!(pace.wanted(), (2, Why::Most));
        // It serves one at a time, and two are no fewer.
        let (decided, pace) = read(&[100, 200], 100);
        assert_eq!((decided, pace.wanted()), (vec![], (2, Why::Slower)));
    }

    #[test]
    fn it_is_too_early_before_each_connection_has_answered() {
        let (decided, pace) = read(&[100, 100], 3);
        assert_eq!((decided, pace.wanted()), (vec![], (2, Why::Early)));
    }

    #[test]
    fn one_connection_begins_until_it_is_known_how_fast_one_is() {
        let mut pace = Pace::new(None);
        assert_eq!(pace.wanted(), (1, Why::Early));
        assert_eq!(pace.answered(0, Duration::from_millis(100), 1), None);
        assert_eq!(pace.answered(1000, Duration::from_millis(100), 1), Some((2, Why::Early)));
        assert_eq!(pace.wanted(), (2, Why::Early));
    }

    #[test]
    fn a_number_that_is_set_is_kept_as_long_as_the_server_takes_it() {
        let mut pace = Pace::new(Some(8));
        for _ in 0..100 {
            assert_eq!(pace.answered(1000, Duration::from_secs(100), 8), None);
        }
        assert_eq!(pace.wanted(), (8, Why::Set));
        pace.busy(8);
        assert_eq!(pace.wanted(), (7, Why::Busy));
        pace.not_let_in(3);
        assert_eq!(pace.wanted(), (3, Why::NotLetIn));
        for _ in 0..9 {
            pace.busy(3);
            pace.busy(1);
        }
        assert_eq!(pace.wanted(), (1, Why::Busy));
        assert_eq!(Pace::new(Some(0)).wanted().0, 1);
    }

    #[test]
    fn answers_without_entries_or_from_before_a_change_say_nothing() {
        let mut pace = Pace::new(None);
        pace.answered_alone(1000, Duration::from_millis(100));
        for _ in 0..100 {
            assert_eq!(pace.answered(0, Duration::from_millis(1), 2), None);
            assert_eq!(pace.answered(1000, Duration::from_millis(1), 1), None);
        }
        assert_eq!(pace.wanted(), (2, Why::Early));
    }
}
