//! Commands in texts, and the few words that a list of mails shows.

use minijinja::{HtmlEscape, Value};

/// A text as one word of a shell's command: it may come from a directory, and be pasted.
pub(super) fn shell_word(text: &str) -> String {
    let text: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_.@".contains(c);
    if !text.is_empty() && !text.starts_with('-') && text.chars().all(plain) {
        return text;
    }
    format!("'{}'", text.replace('\'', "'\\''"))
}

/// What stands in backticks as code.
pub(super) fn commands(text: &str) -> Value {
    Value::from_safe_string(coded(text, |plain| HtmlEscape(plain).to_string()))
}

/// The same, and addresses of pages as links: of what we say, never of what others wrote.
pub(super) fn linked(text: &str) -> Value {
    Value::from_safe_string(with_links(text))
}

/// As [`linked`].
pub(super) fn with_links(text: &str) -> String {
    let word = |word: &str| match word.starts_with("https://") || word.starts_with("http://") {
        true => {
            // A slash needs no escape, and not every program that looks for links undoes it.
            let link = HtmlEscape(word).to_string().replace("&#x2f;", "/");
            format!("<a href=\"{link}\">{link}</a>")
        }
        false => HtmlEscape(word).to_string(),
    };
    coded(text, |plain| plain.split(' ').map(word).collect::<Vec<_>>().join(" "))
}

fn coded(text: &str, plain: impl Fn(&str) -> String) -> String {
    let parts = text.split('`').enumerate();
    let html = parts.map(|(n, part)| match n % 2 {
        1 => format!("<code>{}</code>", whole_words(part)),
        _ => plain(part),
    });
    html.collect()
}

/// A command alone.
pub(super) fn command(text: &str) -> Value {
    Value::from_safe_string(whole_words(text))
}

/// A command whose words aren't broken, but for those that are longer than a phone is wide: an option cut off after its dashes is another one.
fn whole_words(command: &str) -> String {
    let word = |word: &str| match word.chars().count() {
        0..=30 => format!("<span style=\"white-space:nowrap\">{}</span>", HtmlEscape(word)),
        _ => HtmlEscape(word).to_string(),
    };
    command.split(' ').map(word).collect::<Vec<_>>().join(" ")
}

/// The first line that is said below the heading.
pub(super) fn first_words(said: &str, heading: &str) -> String {
    let mut lines = said.lines().map(str::trim).filter(|line| !line.is_empty());
    lines.find(|line| *line != heading).unwrap_or(heading).replace('`', "")
}

/// As much of a text as a list of mails shows, on one line.
pub(super) fn short(text: &str) -> String {
    const MOST: usize = 140;
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    if line.chars().count() <= MOST {
        return line;
    }
    let cut: String = line.chars().take(MOST).collect();
    // Not in the midst of a word, unless it is one without end.
    let end = cut.rfind(' ').filter(|end| *end > MOST / 2).unwrap_or(cut.len());
    format!("{}…", cut.get(..end).unwrap_or(&cut))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_of_mails_shows_the_first_that_is_said() {
        assert_eq!(
            first_words("Mail is down\n\nUse `budkavle status`.\nMore.", "Mail is down"),
            "Use budkavle status."
        );
        assert_eq!(first_words("Mail is down", "Mail is down"), "Mail is down");
        assert_eq!(short("a  b\nc"), "a b c");
        assert_eq!(short(&"wörd ".repeat(100)).chars().count(), 140);
        assert_eq!(short(&"ö".repeat(500)).chars().count(), 141);
    }
}
