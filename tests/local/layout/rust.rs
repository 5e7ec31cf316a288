//! Just enough of Rust's syntax to find the paths that a file names.

/// The absolute paths of everything that is named by `crate::`, `budkavle::`, `super::` or `self::`.
pub fn imports(module: &[String], tokens: &[String]) -> Vec<Vec<String>> {
    let mut found = Vec::new();
    // The inline modules around the current place, each with the depth of its braces.
    let mut inline: Vec<(usize, String)> = Vec::new();
    let mut depth = 0;
    for (at, token) in tokens.iter().enumerate() {
        let previous = at.checked_sub(1).map(|before| tokens[before].as_str());
        match token.as_str() {
            "{" => {
                depth += 1;
                if at >= 2 && tokens[at - 2] == "mod" {
                    inline.push((depth, tokens[at - 1].clone()));
                }
            }
            "}" => {
                inline.retain(|(inside, _)| *inside < depth);
                depth -= 1;
            }
            // In the middle of a path these words were handled at its beginning.
            "crate" | "budkavle" | "super" | "self" if previous != Some("::") => {
                let mut here = module.to_vec();
                here.extend(inline.iter().map(|(_, name)| name.clone()));
                follow(&tokens[at..], here, &mut found);
            }
            _ => {}
        }
    }
    found
}

/// Follows one path, through its groups, and adds what it names. `pub(crate)` and `&self` name nothing.
fn follow(mut tokens: &[String], mut base: Vec<String>, found: &mut Vec<Vec<String>>) {
    let mut moved = false;
    while let [word, colons, rest @ ..] = tokens {
        if colons != "::" {
            break;
        }
        match word.as_str() {
            "crate" | "budkavle" => base.clear(),
            "self" => {}
            "super" => drop(base.pop()),
            _ => base.push(word.clone()),
        }
        moved = true;
        tokens = rest;
    }
    match tokens.first().map(String::as_str) {
        Some("{") if moved => {
            let mut depth = 0;
            for (at, token) in tokens.iter().enumerate() {
                match token.as_str() {
                    "{" => depth += 1,
                    "}" => depth -= 1,
                    _ => {}
                }
                if depth == 0 {
                    break;
                }
                let begins = at > 0 && matches!(tokens[at - 1].as_str(), "{" | ",");
                if depth == 1 && begins && token != "{" {
                    follow_in_group(&tokens[at..], base.clone(), found);
                }
            }
        }
        Some(word) if moved => {
            if word != "self" {
                base.push(word.to_owned());
            }
            found.push(base);
        }
        _ => {}
    }
}

/// A path inside a group has already begun.
fn follow_in_group(tokens: &[String], base: Vec<String>, found: &mut Vec<Vec<String>>) {
    match tokens {
        [_, colons, ..] if colons == "::" => follow(tokens, base, found),
        [word, ..] if word == "self" => found.push(base),
        [word, ..] => found.push(base.into_iter().chain([word.clone()]).collect()),
        [] => {}
    }
}

/// The words and signs of Rust code, without comments, texts and characters.
pub fn tokens(text: &str) -> Vec<String> {
    let chars: Vec<char> = text.chars().collect();
    let at = |index: usize| chars.get(index).copied().unwrap_or('\0');
    let is_word = |c: char| c.is_alphanumeric() || c == '_';
    let mut tokens = Vec::new();
    let mut i = 0;
    while i < chars.len() {
        match at(i) {
            '/' if at(i + 1) == '/' => {
                while i < chars.len() && at(i) != '\n' {
                    i += 1;
                }
            }
            '/' if at(i + 1) == '*' => {
                let mut depth = 1;
                i += 2;
                while i < chars.len() && depth > 0 {
                    match (at(i), at(i + 1)) {
                        ('/', '*') => (depth, i) = (depth + 1, i + 1),
                        ('*', '/') => (depth, i) = (depth - 1, i + 1),
                        _ => {}
                    }
                    i += 1;
                }
            }
            'r' if raw_string(&chars[i + 1..]).is_some() => {
                i += 1 + raw_string(&chars[i + 1..]).unwrap();
            }
            '"' => {
                i += 1;
                while i < chars.len() && at(i) != '"' {
                    i += if at(i) == '\\' { 2 } else { 1 };
                }
                i += 1;
            }
            '\'' if at(i + 1) == '\\' => {
                i += 3;
                while i < chars.len() && at(i) != '\'' {
                    i += 1;
                }
                i += 1;
            }
            '\'' if at(i + 2) == '\'' => i += 3,
            ':' if at(i + 1) == ':' => {
                tokens.push("::".to_owned());
                i += 2;
            }
            c if is_word(c) => {
                let start = i;
                while is_word(at(i)) {
                    i += 1;
                    // A prefix of a text belongs to the text, not to a word.
                    if at(i) == '"' && matches!(&chars[start..i], ['b' | 'c' | 'r'] | ['b' | 'c', 'r']) {
                        break;
                    }
                }
                tokens.push(chars[start..i].iter().collect());
            }
            c => {
                if !c.is_whitespace() {
                    tokens.push(c.to_string());
                }
                i += 1;
            }
        }
    }
    tokens
}

/// The length of a raw text after its `r`, such as `#"…"#`; `None` when it isn't one.
fn raw_string(chars: &[char]) -> Option<usize> {
    let hashes = chars.iter().take_while(|c| **c == '#').count();
    if chars.get(hashes) != Some(&'"') {
        return None;
    }
    let end: Vec<char> = std::iter::once('"').chain(std::iter::repeat_n('#', hashes)).collect();
    let body = &chars[hashes + 1..];
    let length = body.windows(end.len()).position(|window| window == end)?;
    Some(hashes + 1 + length + end.len())
}
