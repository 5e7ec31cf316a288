//! Chromium, without a window: what a page looks like, and what is wrong with it for people who read it otherwise.

use std::fs;
use std::path::Path;
use std::process::Command;

use serde_json::Value;

/// What the reader's programs are set to.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Scheme {
    Light,
    Dark,
}

/// What axe-core finds wrong with a page, which is in `file`.
pub fn violations(file: &Path, page: &str, scheme: Scheme) -> Value {
    let axe = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/e2e/axe/axe-4.10.3.min.js");
    let axe = fs::read_to_string(axe).unwrap();
    let run = "axe.run().then(r => { const pre = document.createElement('pre'); pre.id = 'found'; \
               pre.textContent = 'BEGIN' + JSON.stringify({ passed: r.passes.length, violations: r.violations.map(v => \
               [v.id, v.help, v.nodes.length, v.nodes[0].html.slice(0, 300), v.nodes[0].failureSummary]) }) + 'END'; document.body.append(pre); })";
    let checked = file.with_extension("checked.html");
    fs::write(
        &checked,
        page.replace("</body>", &format!("<script>{axe}</script><script>{run}</script></body>")),
    )
    .unwrap();
    let dumped = browse(&checked, scheme, &["--virtual-time-budget=60000", "--dump-dom"]);
    let found = dumped.rsplit_once("BEGIN").and_then(|(_, rest)| rest.split_once("END"));
    let (found, _) = found
        .unwrap_or_else(|| panic!("axe-core didn't end: {}", &dumped[dumped.len().saturating_sub(500)..]));
    let found = found.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&");
    let found: Value = serde_json::from_str(&found).unwrap();
    assert!(found["passed"].as_u64().unwrap() > 15, "it looked at little: {found}");
    found["violations"].clone()
}

/// Takes a picture of the page, so many pixels wide and high; `$BUDKAVLE_PICTURES` names a folder where it is kept.
pub fn picture(file: &Path, (width, height): (u32, u32), scheme: Scheme) {
    let picture = file.with_extension(format!("{scheme:?}.png").to_lowercase());
    let to = format!("--screenshot={}", picture.display());
    browse(file, scheme, &[&to, &format!("--window-size={width},{height}")]);
    assert!(fs::metadata(&picture).unwrap().len() > 20_000, "the picture is empty");
    if let Some(folder) = std::env::var_os("BUDKAVLE_PICTURES") {
        fs::copy(&picture, Path::new(&folder).join(picture.file_name().unwrap())).unwrap();
    }
}

fn browse(file: &Path, scheme: Scheme, words: &[&str]) -> String {
    let profile = file.with_extension("profile");
    let fixed = [
        "--headless",
        "--no-sandbox",
        "--disable-gpu",
        "--disable-dev-shm-usage",
        "--hide-scrollbars",
        "--no-first-run",
    ];
    let mut command = Command::new("chromium");
    // Blink counts them so: 0 is dark.
    let scheme = if scheme == Scheme::Dark { 0 } else { 1 };
    command.args(fixed).arg(format!("--blink-settings=preferredColorScheme={scheme}"));
    command.arg(format!("--user-data-dir={}", profile.display())).args(words);
    let done = command
        .arg(format!("file://{}", file.display()))
        .output()
        .expect("chromium is installed by tests/run");
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    String::from_utf8_lossy(&done.stdout).into_owned()
}
