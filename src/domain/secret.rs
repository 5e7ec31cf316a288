//! Which text can be a password: what stands in a file, less its last line break, on one line.

/// Why a text holds no secret.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum NotASecret {
    /// There is nothing in it.
    #[error("is empty")]
    Empty,
    /// There is more in it.
    #[error("holds more than one line, or control characters")]
    NotOneLine,
}

/// The secret in the text of a file.
///
/// # Errors
/// When it is empty or has more than one line.
pub fn in_text(text: &str) -> Result<&str, NotASecret> {
    let secret = text.strip_suffix('\n').unwrap_or(text);
    let secret = secret.strip_suffix('\r').unwrap_or(secret);
    if secret.is_empty() {
        return Err(NotASecret::Empty);
    }
    if secret.chars().any(char::is_control) {
        return Err(NotASecret::NotOneLine);
    }
    Ok(secret)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_line_break_does_not_count() {
        for text in ["geheim är ", "geheim är \n", "geheim är \r\n"] {
            assert_eq!(in_text(text), Ok("geheim är "));
        }
        for text in ["", "\n", "\r\n"] {
            assert_eq!(in_text(text), Err(NotASecret::Empty));
        }
        for text in ["a\nb", "a\n\n", "a\0"] {
            assert_eq!(in_text(text), Err(NotASecret::NotOneLine), "{text:?}");
        }
    }
}
