//! Distinguished names that carry the identity of what they name ([MS-ADTS] 3.1.1.3.4.1.5): `<GUID=…>;<SID=…>;CN=…`.

use crate::domain::ids::Guid;

/// Parts such a name into the identity, if it carries one, and the plain name. Any other text is taken for a plain name.
pub fn split(text: &str) -> (Option<Guid>, &str) {
    let (mut id, mut rest) = (None, text);
    while let Some(inside) = rest.strip_prefix('<') {
        let Some((part, after)) = inside.split_once('>') else {
            return (None, text);
        };
        match part.split_once('=') {
            Some((key, value)) if key.eq_ignore_ascii_case("GUID") => match parse(value) {
                Some(guid) => id = Some(guid),
                None => return (None, text),
            },
            Some((key, _)) if key.eq_ignore_ascii_case("SID") => {}
            _ => return (None, text),
        }
        rest = after.strip_prefix(';').unwrap_or(after);
    }
    (id.filter(|id| *id != Guid::default()), rest)
}

/// As Microsoft writes it, or its 16 bytes in hexadecimal: which of both is a flag of the control.
fn parse(text: &str) -> Option<Guid> {
    if text.len() != 32 {
        return text.parse().ok();
    }
    let digits = text.bytes().all(|byte| byte.is_ascii_hexdigit());
    let number = u128::from_str_radix(text, 16).ok().filter(|_| digits)?;
    Some(Guid(number.to_be_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_forms_give_the_identity() {
        let guid: Guid = "f0e7ce06-ed9f-4cb1-922c-a41f3fb7819a".parse().unwrap();
        for text in [
            "<GUID=f0e7ce06-ed9f-4cb1-922c-a41f3fb7819a>;<SID=S-1-5-21-1>;CN=a>;b,DC=x",
            "<GUID=06cee7f09fedb14c922ca41f3fb7819a>;CN=a>;b,DC=x",
        ] {
            assert_eq!(split(text), (Some(guid), "CN=a>;b,DC=x"));
        }
        assert_eq!(split("<GUID=06cee7f09fedb14c922ca41f3fb7819a>"), (Some(guid), ""));
    }

    #[test]
    fn any_other_text_is_a_plain_name() {
        for text in [
            "CN=a,DC=x",
            "",
            "<",
            "<GUID=>;CN=a",
            "<GUID=+6cee7f09fedb14c922ca41f3fb7819a>;CN=a",
            "<OTHER=1>;CN=a",
            "<GUID=06cee7f09fedb14c922ca41f3fb7819",
            "<GUID=ååååååååååååååååå>;CN=a",
        ] {
            assert_eq!(split(text), (None, text));
        }
        assert_eq!(split("<GUID=00000000000000000000000000000000>;CN=a"), (None, "CN=a"));
    }
}
