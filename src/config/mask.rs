//! The text of a configuration as it may be shown: without what looks like a secret.
//!
//! Secrets don't belong into the configuration; whoever writes one there all the same must not find it in the log.

/// Words in the name of a key that holds a secret.
const SECRET: [&str; 4] = ["password", "passwd", "secret", "token"];

/// Endings of a key that only names where the secret is.
const ELSEWHERE: [&str; 3] = ["_file", "_env", "_credential"];

/// The table whose addresses are secrets: whoever knows the one of a calendar can read it.
const SECRET_ADDRESSES: &str = "absence_source";

/// Keys of that table whose values are none, though they have slashes.
const HARMLESS: [&str; 2] = ["schedule", "ca_file"];

/// Whether a key of this name would hold a secret itself.
pub(super) fn is_secret(key: &str) -> bool {
    let key = key.to_lowercase();
    SECRET.iter().any(|word| key.contains(word)) && !ELSEWHERE.iter().any(|end| key.ends_with(end))
}

/// The text with the values of such keys, passwords in URLs and control characters blotted out. Every byte keeps its place.
pub(super) fn mask(text: &str) -> String {
    let mut masked = String::with_capacity(text.len());
    let mut addresses = false;
    for line in text.split_inclusive('\n') {
        let start = line.trim_start();
        let header = start.starts_with('[') && !start.contains("://");
        addresses = line.contains(SECRET_ADDRESSES) || (addresses && !header);
        let address = if addresses { address_in(line) } else { None };
        let nothing = (line.len(), line.len());
        let (from, to) = address.or_else(|| secret_in(line)).unwrap_or(nothing);
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

/// The bytes of a line that say what of a server is read, and who signs in there. An absolute path of a file is no secret.
fn address_in(line: &str) -> Option<(usize, usize)> {
    let key = line.split('=').next().unwrap_or_default().trim();
    if HARMLESS.contains(&key) {
        return None;
    }
    let value = line.find("://").map(|at| at + 3).or_else(|| Some(line.find(['"', '\''])? + 1))?;
    let rest = line.get(value..)?;
    let server = rest.find(['/', '?', '#', '"', '\'']).unwrap_or(rest.len());
    let from = match rest.get(..server)?.find('@') {
        Some(_) => value,
        None if server == 0 && !rest.starts_with("//") => return None,
        None => value + server,
    };
    rest.get(server..)?.starts_with(['/', '?', '#']).then_some((from, line.len()))
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
            (
                "[[absence_source]]\naddress = \"webcal://x.example/geheim\"",
                "[[absence_source]]\naddress = \"webcal://x.example********",
            ),
            (
                "[[absence_source]]\nadress = 'x.example/geheim' # y\nschedule = \"*/5 * * * *\"",
                "[[absence_source]]\nadress = 'x.example******** * *\nschedule = \"*/5 * * * *\"",
            ),
            (
                "[[absence_source]]\naddress = \"https://a:pw@x.example/geheim\"\n[[list]]\nurl = \"https://x.example/a\"",
                "[[absence_source]]\naddress = \"https://**********************\n[[list]]\nurl = \"https://x.example/a\"",
            ),
            (
                "absence_source = [{ name = \"a\", address = \"https://x.example/geheim\" }]",
                "absence_source = [{ name = \"a\", address = \"https://x.example******** **",
            ),
            (
                "[absence_source.a]\naddress = \"/var/lib/a.ics\"\naddress = \"./a.ics\"\naddress = \"\"\"\nhttps://x.example?geheim",
                "[absence_source.a]\naddress = \"/var/lib/a.ics\"\naddress = \".*******\naddress = \"\"\"\nhttps://x.example*******",
            ),
        ] {
            let masked = mask(text);
            assert_eq!(masked, shown);
            assert_eq!(masked.len(), text.len());
        }
    }
}
