//! What others write, made into a few plain lines; and the words that they use for how bad something is and where it stands.

use crate::domain::outage::{Severity, State};

/// One line of at most `most` characters, without what could break a line, hide or turn around what stands there.
pub fn one_line(text: &str, most: usize) -> String {
    let clean: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    let clean: String = clean.chars().filter(|c| !is_invisible(*c)).collect();
    shortened(&clean.split_whitespace().collect::<Vec<_>>().join(" "), most)
}

/// A few lines of at most `most` characters, with at most one empty line between them.
pub fn lines(text: &str, most: usize) -> String {
    let mut lines: Vec<String> = Vec::new();
    for line in text.replace("\r\n", "\n").replace('\r', "\n").lines() {
        let line = one_line(line, most);
        if !line.is_empty() || lines.last().is_some_and(|last| !last.is_empty()) {
            lines.push(line);
        }
    }
    shortened(lines.join("\n").trim(), most)
}

/// Marks that turn the direction of writing around, and such as nobody sees: those of the category Cf, fillers, and tags.
pub(super) fn is_invisible(c: char) -> bool {
    matches!(c, '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}' | '\u{180b}'..='\u{180f}'
        | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{3164}' | '\u{feff}' | '\u{ffa0}'
        | '\u{fff9}'..='\u{fffb}' | '\u{1d173}'..='\u{1d17a}' | '\u{e0000}'..='\u{e0fff}')
}

fn shortened(text: &str, most: usize) -> String {
    if text.chars().count() <= most {
        return text.to_owned();
    }
    let mut short: String = text.chars().take(most.saturating_sub(1)).collect();
    short.truncate(short.trim_end().len());
    short.push('…');
    short
}

/// HTML as text: elements are left out, those that begin a line begin one, and what is no text for people (scripts, styles) is left out whole.
/// It needn't be right HTML; it is read once from the front.
pub fn from_html(html: &str) -> String {
    let mut text = String::new();
    let mut rest = html;
    while let Some(at) = rest.find('<') {
        let (before, tag) = rest.split_at(at);
        text.push_str(before);
        let Some(end) = tag.find('>') else {
            // Nothing closes it: it is a sign, not an element.
            text.push_str(tag);
            rest = "";
            break;
        };
        let (tag, after) = tag.split_at(end + 1);
        rest = after;
        let name: String = tag
            .trim_start_matches(['<', '/'])
            .chars()
            .take_while(char::is_ascii_alphanumeric)
            .collect::<String>()
            .to_lowercase();
        match name.as_str() {
            "script" | "style" if !tag.starts_with("</") => {
                let closes = |at: &usize| {
                    let named = rest.get(at + 2..at + 2 + name.len());
                    named.is_some_and(|named| named.eq_ignore_ascii_case(&name))
                };
                let end = rest.match_indices("</").map(|(at, _)| at).find(closes);
                rest = end.and_then(|at| rest.get(at..)).unwrap_or_default();
            }
            "p" | "div" | "ul" | "ol" | "table" | "h1" | "h2" | "h3" | "h4" => text.push_str("\n\n"),
            "br" | "li" | "tr" => text.push('\n'),
            _ => {}
        }
    }
    text.push_str(rest);
    unescaped(&text)
}

/// The entities that stand in feeds, as characters. What isn't one stays as it is.
fn unescaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('&') {
        let (before, entity) = rest.split_at(at);
        out.push_str(before);
        let end = entity.char_indices().take(10).find(|(_, c)| *c == ';').map(|(end, _)| end);
        let meant = end.and_then(|end| Some((end, character(entity.get(1..end)?)?)));
        match meant {
            Some((end, c)) => {
                out.push(c);
                rest = entity.get(end + 1..).unwrap_or_default();
            }
            None => {
                out.push('&');
                rest = entity.get(1..).unwrap_or_default();
            }
        }
    }
    out.push_str(rest);
    out
}

fn character(entity: &str) -> Option<char> {
    if let Some(number) = entity.strip_prefix('#') {
        let code = match number.strip_prefix(['x', 'X']) {
            Some(hex) => u32::from_str_radix(hex, 16).ok()?,
            None => number.parse().ok()?,
        };
        return char::from_u32(code);
    }
    Some(match entity {
        "amp" => '&',
        "lt" => '<',
        "gt" => '>',
        "quot" => '"',
        "apos" | "rsquo" | "lsquo" => '\'',
        "nbsp" => ' ',
        "ndash" => '–',
        "mdash" => '—',
        "hellip" => '…',
        _ => return None,
    })
}

/// Where something stands, by a word of the teller.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Stands {
    /// An incident.
    Incident(State),
    /// Something planned, whether it has begun or not.
    Planned,
}

/// The words that are known.
const STANDS: [(&str, Stands); 26] = [
    ("investigating", Stands::Incident(State::Investigating)),
    ("open", Stands::Incident(State::Investigating)),
    ("new", Stands::Incident(State::Investigating)),
    ("ongoing", Stands::Incident(State::Investigating)),
    ("firing", Stands::Incident(State::Investigating)),
    ("update", Stands::Incident(State::Investigating)),
    ("identified", Stands::Incident(State::Identified)),
    ("monitoring", Stands::Incident(State::Monitoring)),
    ("verifying", Stands::Incident(State::Monitoring)),
    ("mitigated", Stands::Incident(State::Monitoring)),
    ("resolved", Stands::Incident(State::Resolved)),
    ("closed", Stands::Incident(State::Resolved)),
    ("restored", Stands::Incident(State::Resolved)),
    ("recovered", Stands::Incident(State::Resolved)),
    ("fixed", Stands::Incident(State::Resolved)),
    ("ok", Stands::Incident(State::Resolved)),
    ("operational", Stands::Incident(State::Resolved)),
    ("normal", Stands::Incident(State::Resolved)),
    ("false positive", Stands::Incident(State::Resolved)),
    ("postmortem", Stands::Incident(State::Resolved)),
    ("completed", Stands::Incident(State::Resolved)),
    ("scheduled", Stands::Planned),
    ("maintenance", Stands::Planned),
    ("in progress", Stands::Planned),
    ("in_progress", Stands::Planned),
    ("planned", Stands::Planned),
];

/// What a word that stands alone means.
pub fn stands(word: &str) -> Option<Stands> {
    let word = word.trim().to_lowercase();
    STANDS.iter().find(|(known, _)| *known == word).map(|(_, stands)| *stands)
}

/// Where something stands by its title and its text, of which the newest words come first: `[Resolved] …`, `Resolved: …`, `… - Resolved`, or
/// a line that begins with `Resolved -`.
pub fn stands_in(title: &str, text: &str) -> Option<Stands> {
    let bracketed = title.split('[').skip(1).filter_map(|rest| rest.split_once(']')).map(|(word, _)| word);
    let led = |line: &str| -> Option<Stands> {
        let line = line.trim();
        let end = line.find(['-', ':', '–', '—']).unwrap_or(line.len());
        stands(line.get(..end)?)
    };
    let last = title.rsplit(['-', ':', '–', '—', '(']).next().unwrap_or_default().trim_end_matches(')');
    let in_title = || bracketed.clone().find_map(stands).or_else(|| led(title));
    let at_end = || stands(last).filter(|_| last.len() < title.len());
    let in_text = || text.lines().filter(|line| !line.trim().is_empty()).take(3).find_map(led);
    in_title().or_else(in_text).or_else(at_end)
}

/// A title without the words that say where it stands, so that it stays the same from the first word to the last.
pub fn bare(title: &str) -> String {
    let mut rest = title.trim();
    loop {
        let bracketed = rest.strip_prefix('[').and_then(|rest| rest.split_once(']'));
        let led = rest.split_once([':', '–', '—']).or_else(|| rest.split_once(" - "));
        rest = match bracketed.or(led) {
            Some((word, after)) if stands(word).is_some() && !after.trim().is_empty() => {
                after.trim_start_matches([' ', '-', ':', '–', '—'])
            }
            _ => break,
        };
    }
    let end = rest.rfind(['-', ':', '–', '—', '(', '[']).filter(|at| *at > 0);
    if let Some((before, last)) = end.map(|end| rest.split_at(end))
        && stands(last.trim_matches(['-', ':', '–', '—', '(', ')', '[', ']', ' '])).is_some()
    {
        rest = before;
    }
    rest.trim().to_owned()
}

/// How bad something is, by a word of the teller; None: it says something else.
pub fn severity(word: &str) -> Option<Severity> {
    Some(match word.trim().to_lowercase().as_str() {
        "critical" | "emergency" | "disaster" | "fatal" | "p1" | "sev1" | "sev0" | "major_outage" => {
            Severity::Critical
        }
        "major" | "error" | "high" | "page" | "average" | "p2" | "sev2" | "partial_outage" => Severity::Major,
        "minor"
        | "warning"
        | "warn"
        | "low"
        | "info"
        | "information"
        | "informational"
        | "none"
        | "notice"
        | "maintenance"
        | "p3"
        | "p4"
        | "sev3"
        | "degraded_performance" => Severity::Minor,
        _ => return None,
    })
}
