//! The text of a configuration as it may be shown: without what looks like a secret.
//!
//! Secrets don't belong into the configuration; whoever writes one there all the same must not find it in the log.

/// Words in the name of a key that holds a secret.
const SECRET: [&str; 4] = ["password", "passwd", "secret", "token"];

/// Endings of a key that only names where the secret is.
const ELSEWHERE: [&str; 3] = ["_file", "_env", "_credential"];

/// Whether a key of this name would hold a secret itself.
pub(super) fn is_secret(key: &str) -> bool {
    let key = key.to_lowercase();
    SECRET.iter().any(|word| key.contains(word)) && !ELSEWHERE.iter().any(|end| key.ends_with(end))
}

/// The text with the values of such keys, passwords in URLs and control characters blotted out. Every byte keeps its place.
pub(super) fn mask(text: &str) -> String {
    let mut masked = String::with_capacity(text.len());
    for line in text.split_inclusive('\n') {
        let (from, to) = secret_in(line).unwrap_or((line.len(), line.len()));
        for (at, c) in line.char_indices() {
            if (from..to).contains(&at) && !c.is_whitespace() {
                masked.extend(std::iter::repeat_n('*', c.len_utf8()));
            } else if c.is_control() && !matches!(c, '\n' | '\r' | '\t') {
                masked.extend(std::iter::repeat_n('?', c.len_utf8()));
            } else {
                masked.push(c);
            }
        }
    }
    masked
}

/// The bytes of a line that must not be shown.
fn secret_in(line: &str) -> Option<(usize, usize)> {
    let assigned = line.match_indices('=').find(|(at, _)| {
        let before = line.get(..*at).unwrap_or_default().trim_end().trim_end_matches(['"', '\'']);
        let start =
            before.rfind(|c: char| !(c.is_alphanumeric() || c == '_' || c == '-')).map_or(0, |n| n + 1);
        is_secret(before.get(start..).unwrap_or_default())
    });
    if let Some((at, _)) = assigned {
        return Some((at + 1, line.len()));
    }
    let user = line.find("://")? + 3;
    let rest = line.get(user..)?;
    let authority = rest.split(['/', '"', '\'', ' ']).next().unwrap_or_default();
    authority.rfind('@').map(|end| (user, user + end))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_blotted_out_and_nothing_moves() {
        for (text, shown) in [
            ("password = \"geheim\"", "password = ********"),
            ("a = { bind_password = \"ä\", b = 1 }", "a = { bind_password = ***** * * * *"),
            ("\"API-Token\"='x y'\nport = 25", "\"API-Token\"=** **\nport = 25"),
            ("bind_password_file = \"/etc/x\"", "bind_password_file = \"/etc/x\""),
            ("urls = [\"ldaps://cn=a:pw@dc1/\"]", "urls = [\"ldaps://*******@dc1/\"]"),
            ("name = \"a\u{1b}[31m\u{85}\"", "name = \"a?[31m??\""),
        ] {
            let masked = mask(text);
            assert_eq!(masked, shown);
            assert_eq!(masked.len(), text.len());
        }
    }
}
