//! The languages that notices are written in.

use std::fmt;

use serde::{Deserialize, Serialize};

/// A language that notices are written in.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default, Serialize, Deserialize)]
pub enum Language {
    /// English.
    #[default]
    #[serde(rename = "en")]
    English,
    /// Swedish.
    #[serde(rename = "sv")]
    Swedish,
    /// Norwegian bokmål.
    #[serde(rename = "nb")]
    Bokmal,
    /// Norwegian nynorsk.
    #[serde(rename = "nn")]
    Nynorsk,
    /// Danish.
    #[serde(rename = "da")]
    Danish,
    /// Finnish.
    #[serde(rename = "fi")]
    Finnish,
}

impl Language {
    /// All of them.
    pub const ALL: [Language; 6] = [
        Language::English,
        Language::Swedish,
        Language::Bokmal,
        Language::Nynorsk,
        Language::Danish,
        Language::Finnish,
    ];

    /// Its tag (RFC 5646).
    pub fn tag(self) -> &'static str {
        match self {
            Language::English => "en",
            Language::Swedish => "sv",
            Language::Bokmal => "nb",
            Language::Nynorsk => "nn",
            Language::Danish => "da",
            Language::Finnish => "fi",
        }
    }

    /// The one with exactly this tag.
    pub fn of_tag(tag: &str) -> Option<Language> {
        Language::ALL.into_iter().find(|language| language.tag() == tag)
    }

    /// The language that a person prefers, of those that there are, as a directory says it: a tag (`sv-SE`, also `sv_SE`), or several with weights as
    /// in HTTP's `Accept-Language`, which RFC 2798 §2.7 asks for (`nn, nb;q=0.8`). `no`, which doesn't say which Norwegian, is bokmål.
    pub fn preferred(text: &str) -> Option<Language> {
        let mut best: Option<(Language, f32)> = None;
        // Nobody prefers more languages than this; what else is there is no preference.
        for range in text.split(',').take(32) {
            let mut parts = range.split(';').map(str::trim);
            let Some(language) = parts.next().and_then(Language::of_range) else { continue };
            let weight = parts.find_map(|part| part.strip_prefix("q=").or(part.strip_prefix("Q=")));
            let weight: f32 = weight.map_or(1.0, |weight| weight.trim().parse().unwrap_or(0.0));
            let wanted = weight > 0.0 && weight <= 1.0;
            // Of two that are liked as well, the first.
            if wanted && best.is_none_or(|(_, so_far)| weight > so_far) {
                best = Some((language, weight));
            }
        }
        best.map(|(language, _)| language)
    }

    fn of_range(range: &str) -> Option<Language> {
        let mut levels = range.split(['-', '_']).map(str::to_ascii_lowercase);
        let primary = levels.next()?;
        match primary.as_str() {
            "no" | "nor" => match levels.next().as_deref() {
                // Withdrawn, and still met: `no-nyn` (RFC 5646's registry) and Windows' `no-NO-NY`.
                Some("nyn" | "ny") => Some(Language::Nynorsk),
                Some(_) if levels.next().as_deref() == Some("ny") => Some(Language::Nynorsk),
                _ => Some(Language::Bokmal),
            },
            "eng" => Some(Language::English),
            "swe" => Some(Language::Swedish),
            "nob" => Some(Language::Bokmal),
            "nno" => Some(Language::Nynorsk),
            "dan" => Some(Language::Danish),
            "fin" => Some(Language::Finnish),
            tag => Language::of_tag(tag),
        }
    }
}

impl fmt::Display for Language {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.tag())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_directories_say_is_understood() {
        for (text, language) in [
            ("sv", Some(Language::Swedish)),
            ("sv-SE", Some(Language::Swedish)),
            ("sv_FI", Some(Language::Swedish)),
            ("SV-se;q=0.9", Some(Language::Swedish)),
            ("nb-NO", Some(Language::Bokmal)),
            ("no", Some(Language::Bokmal)),
            ("no-NO", Some(Language::Bokmal)),
            ("no-NO-NY", Some(Language::Nynorsk)),
            ("nn-NO", Some(Language::Nynorsk)),
            ("nn, nb;q=0.8", Some(Language::Nynorsk)),
            ("de, fr;q=0.9, da;q=0.5, fi;q=0.4", Some(Language::Danish)),
            ("fi;q=0.2, en;q=0.7", Some(Language::English)),
            ("sv;q=0, fi;q=0.1", Some(Language::Finnish)),
            ("sv;q=2", None),
            ("sv;q=NaN", None),
            ("svenska", None),
            ("de", None),
            ("", None),
            (";;;,,,", None),
        ] {
            assert_eq!(Language::preferred(text), language, "{text}");
        }
    }

    #[test]
    fn a_tag_names_its_language() {
        for language in Language::ALL {
            assert_eq!(Language::of_tag(language.tag()), Some(language));
            let json = serde_json::to_string(&language).unwrap();
            assert_eq!(json, format!("\"{language}\""));
        }
    }
}
