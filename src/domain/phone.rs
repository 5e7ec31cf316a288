//! Phone numbers as people write them.

/// So many digits a number has that a text message can be sent to from elsewhere: not the three to six of a short number or an extension, and no more
/// than E.164 allows.
const DIGITS: std::ops::RangeInclusive<usize> = 7..=15;

/// A number without what makes it readable; None for what is none that a text message can be sent to.
pub fn number(text: &str) -> Option<String> {
    // "+46 (0)70-…": the zero in brackets is for those who call from within the country.
    let text = if text.trim_start().starts_with('+') { text.replace("(0)", "") } else { text.to_owned() };
    let mut number = String::new();
    for c in text.trim().chars() {
        match c {
            '0'..='9' => number.push(c),
            '+' if number.is_empty() => number.push(c),
            ' ' | '-' | '(' | ')' | '/' | '.' | '\u{a0}' | '\u{2011}' | '\u{2013}' => {}
            _ => return None,
        }
    }
    let digits = number.trim_start_matches('+').len();
    DIGITS.contains(&digits).then_some(number)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_read_as_people_write_them() {
        for (text, read) in [
            ("+46 (0)70-123 45 67", Some("+46701234567")),
            ("070 123 45 67", Some("0701234567")),
            ("0171/234-5678", Some("01712345678")),
            ("ext. 4711", None),
            ("4711", None),
            ("0470-1234 ext. 5", None),
            ("", None),
            ("112233445566778899", None),
        ] {
            assert_eq!(number(text).as_deref(), read, "{text}");
        }
    }
}
