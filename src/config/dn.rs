//! Distinguished names of the configuration (RFC 4514): only whether they are any, and whether one is within another.

use super::reader::Problem;
use super::words::quoted;

/// The relative names, the innermost first, in a form that can be compared.
pub(super) fn parse(text: &str) -> Result<Vec<String>, Problem> {
    let names = split(text);
    for name in &names {
        let attribute = name.split_once('=').map_or("", |(attribute, _)| attribute.trim());
        let value = name.split_once('=').map_or("", |(_, value)| value.trim());
        let is_attribute = attribute.chars().all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '.');
        if attribute.is_empty() || value.is_empty() || !is_attribute {
            let problem = Problem::new(format!("{} is no distinguished name", quoted(text)));
            let part =
                if names.len() > 1 { format!("{} is no part of one; ", quoted(name)) } else { String::new() };
            return Err(problem.hint(format!("{part}for example: \"OU=People,DC=example,DC=org\"")));
        }
    }
    let comparable = |name: &String| {
        let (attribute, value) = name.split_once('=').unwrap_or((name, ""));
        format!("{}={}", attribute.trim().to_lowercase(), value.trim().to_lowercase())
    };
    Ok(names.iter().map(comparable).collect())
}

/// At the commas that aren't escaped.
fn split(text: &str) -> Vec<String> {
    let mut names = vec![String::new()];
    let mut escaped = false;
    for c in text.chars() {
        if c == ',' && !escaped {
            names.push(String::new());
        } else if let Some(name) = names.last_mut() {
            name.push(c);
        }
        escaped = c == '\\' && !escaped;
    }
    names
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distinguished_names_are_told_from_other_texts() {
        for good in
            ["DC=org", "OU=Åsa, DC=example ,DC=org", "CN=Smith\\, John,OU=x", "2.5.4.3=a", "OU=a+CN=b,DC=c"]
        {
            assert!(parse(good).is_ok(), "{good}");
        }
        for bad in ["", "example.org", "DC=example,org", "DC=,DC=org", "=x", "DC=a,,DC=b", "O U=x", "DC=a,"] {
            assert!(parse(bad).is_err(), "{bad}");
        }
        assert!(parse("OU=A, DC=X").unwrap().ends_with(&parse("dc=x").unwrap()));
    }
}
