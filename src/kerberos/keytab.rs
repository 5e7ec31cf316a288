//! Whose keys a keytab holds, read without the library: enough to see a wrong file or a wrong principal before anything is sent.
//!
//! The format, version 2: <https://web.mit.edu/kerberos/krb5-latest/doc/formats/keytab_file_format.html>.

/// No keytab is larger; one has some 70 bytes for each key.
pub const LARGEST: u64 = 1 << 20;

/// The principals in a keytab, each once, as `name@REALM`; None when it is none.
#[must_use]
pub fn principals(bytes: &[u8]) -> Option<Vec<String>> {
    let mut rest = bytes.strip_prefix(&[5, 2])?;
    let mut found: Vec<String> = Vec::new();
    while let Some((length, after)) = rest.split_first_chunk() {
        let length = i32::from_be_bytes(*length);
        let size = usize::try_from(length.unsigned_abs()).ok()?;
        // The library takes a length of 0 for the end, and a negative one for a hole.
        if size == 0 {
            break;
        }
        let (entry, after) = after.split_at_checked(size)?;
        if length > 0 {
            let name = principal(entry)?;
            if !found.contains(&name) {
                found.push(name);
            }
        }
        rest = after;
    }
    Some(found)
}

fn principal(mut entry: &[u8]) -> Option<String> {
    let count = number(&mut entry)?;
    let realm = text(&mut entry)?;
    let parts = (0..count).map(|_| text(&mut entry)).collect::<Option<Vec<_>>>()?;
    Some(format!("{}@{realm}", parts.join("/")))
}

fn number(bytes: &mut &[u8]) -> Option<u16> {
    let (number, rest) = bytes.split_first_chunk()?;
    *bytes = rest;
    Some(u16::from_be_bytes(*number))
}

fn text(bytes: &mut &[u8]) -> Option<String> {
    let length = number(bytes)?;
    let (text, rest) = bytes.split_at_checked(length.into())?;
    *bytes = rest;
    Some(String::from_utf8_lossy(text).chars().filter(|c| !c.is_control()).collect())
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// A keytab with a key of nothing for each principal.
    pub(crate) fn keytab(principals: &[(&[&str], &str)]) -> Vec<u8> {
        let text =
            |text: &str| [&u16::try_from(text.len()).unwrap().to_be_bytes()[..], text.as_bytes()].concat();
        let mut bytes = vec![5, 2];
        for (parts, realm) in principals {
            let mut entry = u16::try_from(parts.len()).unwrap().to_be_bytes().to_vec();
            entry.extend(text(realm));
            parts.iter().for_each(|part| entry.extend(text(part)));
            entry.extend([0, 0, 0, 1, 0, 0, 0, 0, 1, 0, 18, 0, 0]);
            bytes.extend(u32::try_from(entry.len()).unwrap().to_be_bytes());
            bytes.extend(entry);
        }
        bytes
    }

    #[test]
    fn principals_are_listed_once() {
        let host: &[&str] = &["host", "a.example.org"];
        let entries = [(&["reader"][..], "EXAMPLE.ORG"), (host, "EXAMPLE.ORG"), (&["reader"], "EXAMPLE.ORG")];
        let mut bytes = keytab(&entries);
        assert_eq!(principals(&bytes).unwrap(), ["reader@EXAMPLE.ORG", "host/a.example.org@EXAMPLE.ORG"]);
        // A hole, and then nothing more.
        bytes.extend([255, 255, 255, 254, 1, 2, 0, 0, 0, 0]);
        assert_eq!(principals(&bytes).unwrap().len(), 2);
        assert_eq!(principals(&[5, 2]), Some(vec![]));
    }

    #[test]
    fn what_is_cut_or_something_else_is_no_keytab() {
        let bytes = keytab(&[(&["reader"], "EXAMPLE.ORG")]);
        assert_eq!(principals(b"geheim"), None);
        assert_eq!(principals(b""), None);
        for cut in 7..bytes.len() {
            assert_eq!(principals(&bytes[..cut]), None, "{cut}");
        }
        let mut huge = bytes;
        huge[8] = 255;
        assert_eq!(principals(&huge), None);
    }
}
