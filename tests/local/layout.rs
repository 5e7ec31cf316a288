//! The layout of the source: who may import whom, how long a file may be, that each says what it is for.
//!
//! `docs/architecture.md` explains the order; [`MAY_IMPORT`] is the order. The check reads the text of
//! `src/**/*.rs` and looks at every path that begins with `crate`, `super`, `self` or `budkavle`,
//! wherever it stands: in a `use`, in an expression, or in a macro.

mod rust;
mod tests;

use std::fs;
use std::path::{Path, PathBuf};

use rust::{imports, tokens};

/// For each part of the crate, the parts that it may import. A part may always import itself.
///
/// A part is a folder or file directly under `src`, or one of the leaves below `runtime` that anybody who
/// waits or plans needs: the clock and the schedule. They import nothing of ours themselves.
const MAY_IMPORT: &[(&str, &[&str])] = &[
    ("domain", &[]),
    ("tls", &[]),
    ("kerberos", &[]),
    ("runtime::clock", &[]),
    ("runtime::schedule", &[]),
    ("config", &["domain", "tls", "kerberos", "runtime::schedule"]),
    ("source", &["domain", "tls", "kerberos", "runtime::clock"]),
    ("store", &["domain", "runtime::clock"]),
    ("channel", &["domain", "tls", "runtime::clock"]),
    ("flow", &["domain", "source", "store", "channel", "runtime::clock"]),
    ("http", &["domain", "store", "flow", "runtime::clock"]),
    (
        "runtime",
        &[
            "domain",
            "tls",
            "config",
            "source",
            "store",
            "channel",
            "flow",
            "http",
            "runtime::clock",
            "runtime::schedule",
        ],
    ),
    (
        "cli",
        &["domain", "kerberos", "config", "flow", "http", "runtime", "runtime::clock", "runtime::schedule"],
    ),
    ("main", &["cli"]),
];

/// What makes code impure or asynchronous: `domain` must not say these words outside its comments and texts.
const NOT_IN_DOMAIN: &[&str] = &[
    "tokio",
    "ldap3",
    "sled",
    "lettre",
    "reqwest",
    "rand",
    "axum",
    "rustls",
    "figment",
    "async",
    "await",
    "Utc::now",
    "Local::now",
    "Instant",
    "SystemTime",
    "std::fs",
    "std::env",
    "std::thread",
    "std::process",
];

/// Lines of a file above which it is pointed out, and above which it is refused.
const LONG: usize = 400;
const TOO_LONG: usize = 600;

#[test]
fn the_source_keeps_to_the_layout() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = Vec::new();
    rust_files(&root, &mut files);
    assert!(files.len() > 2, "no source found under {}", root.display());
    let mut mistakes = Vec::new();
    for file in &files {
        let text = fs::read_to_string(file).unwrap();
        let name = file.strip_prefix(&root).unwrap().to_str().unwrap();
        if text.lines().count() > LONG {
            println!("warning: src/{name} has {} lines; think of splitting it", text.lines().count());
        }
        mistakes.extend(check(name, &text));
    }
    assert!(mistakes.is_empty(), "\n{}\n", mistakes.join("\n"));
}

/// Everything that is wrong with one file; `name` is its path below `src`.
fn check(name: &str, text: &str) -> Vec<String> {
    let mut mistakes = Vec::new();
    let lines = text.lines().count();
    if lines > TOO_LONG {
        mistakes
            .push(format!("src/{name} has {lines} lines; {TOO_LONG} are the most a file may have: split it"));
    }
    // What a `tests.rs` is for is plain from the file it stands beside.
    if !text.starts_with("//!") && !name.ends_with("/tests.rs") {
        mistakes.push(format!("src/{name} does not begin with a `//!` that says what it is for"));
    }
    let module = module_of(name);
    let tokens = tokens(text);
    for path in imports(&module, &tokens) {
        if let Some(mistake) = forbidden(&module, &path) {
            mistakes.push(format!("src/{name}: {mistake}"));
        }
    }
    if module.first().is_some_and(|part| part == "domain") {
        for word in NOT_IN_DOMAIN {
            let parts: Vec<&str> = word.split("::").collect();
            let mut wanted = parts.join(" :: ");
            wanted = format!(" {wanted} ");
            if format!(" {} ", tokens.join(" ")).contains(&wanted) {
                mistakes.push(format!("src/{name} mentions `{word}`; domain is pure and synchronous"));
            }
        }
    }
    mistakes
}

fn rust_files(folder: &Path, files: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            rust_files(&path, files);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
}

/// `runtime/schedule/mod.rs` is the module `[runtime, schedule]`, `lib.rs` the root.
fn module_of(name: &str) -> Vec<String> {
    let name = name.trim_end_matches(".rs").trim_end_matches("/mod");
    if name == "lib" { Vec::new() } else { name.split('/').map(str::to_owned).collect() }
}

/// The part of the crate that a module path belongs to: the entry of the table that fits it best.
fn part_of(path: &[String]) -> Option<&'static str> {
    let fits = |part: &str| {
        let words: Vec<&str> = part.split("::").collect();
        path.len() >= words.len() && path.iter().zip(&words).all(|(a, b)| a == b)
    };
    MAY_IMPORT.iter().map(|(part, _)| *part).filter(|part| fits(part)).max_by_key(|part| part.len())
}

fn forbidden(module: &[String], import: &[String]) -> Option<String> {
    let import_text = format!("crate::{}", import.join("::"));
    if module.is_empty() {
        return None; // lib.rs only declares the parts
    }
    let Some(from) = part_of(module) else {
        return Some(format!("the part `{}` is not in the table of tests/local/layout.rs", module[0]));
    };
    let Some(to) = part_of(import) else {
        return Some(format!("imports `{import_text}`, which names no part of the crate"));
    };
    let allowed = MAY_IMPORT.iter().find(|(part, _)| *part == from)?.1;
    (from != to && !allowed.contains(&to)).then(|| {
        let list = if allowed.is_empty() { "nothing of ours".to_owned() } else { allowed.join(", ") };
        format!("imports `{import_text}`; `{from}` may import {list}")
    })
}
