//! The controller's numbers cut into pieces: each object has the number under which it came to this controller (`uSNCreated`), and keeps it.

use std::fmt::Write as _;

/// Objects with a number from `from` on up to `to`, both included; an end that is missing is open.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Range {
    pub from: Option<u64>,
    pub to: Option<u64>,
}

impl Range {
    /// All numbers.
    pub(super) const ALL: Range = Range { from: None, to: None };

    /// This range cut into `pieces` of about the same width, given that most numbers are not above `highest`. Together they are this range, and
    /// no number is in two of them.
    pub(super) fn cut(self, pieces: u64, highest: u64) -> Vec<Range> {
        let (first, last) = (self.from.unwrap_or(0), self.to.unwrap_or(highest));
        let width = (last.saturating_sub(first) / pieces.max(1)).max(1);
        let mut from = self.from;
        let mut cut = Vec::new();
        for piece in 1..pieces {
            let Some(next) = width.checked_mul(piece).and_then(|above| first.checked_add(above)) else {
                break;
            };
            if next > last {
                break;
            }
            cut.push(Range { from, to: Some(next.saturating_sub(1)) });
            from = Some(next);
        }
        cut.push(Range { from, to: self.to });
        cut
    }

    /// How many numbers it has that are not above `highest`.
    pub(super) fn width(self, highest: u64) -> u64 {
        let (first, last) = (self.from.unwrap_or(0), self.to.unwrap_or(highest));
        last.checked_sub(first).map_or(0, |width| width.saturating_add(1))
    }

    /// `filter`, of the objects in this range.
    pub(super) fn filter(self, filter: &str) -> String {
        let mut text = format!("(&{filter}");
        if let Some(from) = self.from {
            let _ = write!(text, "(uSNCreated>={from})");
        }
        if let Some(to) = self.to {
            let _ = write!(text, "(uSNCreated<={to})");
        }
        text.push(')');
        text
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn holds(range: Range, number: u64) -> bool {
        range.from.is_none_or(|from| from <= number) && range.to.is_none_or(|to| number <= to)
    }

    #[test]
    fn the_last_piece_of_all_numbers_is_open_above() {
        let cut = Range::ALL.cut(4, 4000);
        let ends: Vec<_> = cut.iter().map(|range| (range.from, range.to)).collect();
        assert_eq!(
            ends,
            [(None, Some(999)), (Some(1000), Some(1999)), (Some(2000), Some(2999)), (Some(3000), None)]
        );
        assert_eq!(cut[0].filter("(a=b)"), "(&(a=b)(uSNCreated<=999))");
        assert_eq!(cut[1].filter("(a=b)"), "(&(a=b)(uSNCreated>=1000)(uSNCreated<=1999))");
        assert_eq!((cut[1].width(4000), cut[3].width(4000), cut[3].width(10)), (1000, 1001, 0));
    }

    proptest! {
        #[test]
        fn every_number_is_in_exactly_one_piece(
            from in prop::option::of(0..u64::MAX),
            to in prop::option::of(0..u64::MAX),
            pieces in 0..40_u64,
            highest: u64,
            number: u64,
        ) {
            let whole = Range { from, to };
            let pieces = whole.cut(pieces, highest);
            let ends = pieces.iter().flat_map(|piece| [piece.from, piece.to]).flatten();
            for number in ends.flat_map(|n| [n.saturating_sub(1), n, n.saturating_add(1)]).chain([number]) {
                let within = pieces.iter().filter(|piece| holds(**piece, number)).count();
                prop_assert_eq!(within, usize::from(holds(whole, number)), "{} {:?}", number, pieces);
            }
        }
    }
}
