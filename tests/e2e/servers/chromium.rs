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

/// What stands in a file.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Page {
    /// A mail: it stands within the page of a program, which has the landmarks.
    Mail,
    /// A page of ours.
    Whole,
    /// One of few words.
    Short,
}

impl Page {
    /// More checks of axe-core than these apply to it, and its picture has more bytes: else there is nothing to see.
    fn least(self) -> (u64, u64) {
        match self {
            Page::Mail | Page::Whole => (15, 20_000),
            Page::Short => (11, 5_000),
        }
    }
}

/// Sees that everybody can read a page, which is written to `file`, in light and, on a phone, in dark: nothing is wrong with it for axe-core, too little
/// contrast included, and nothing is wider than the window. Takes a picture of each.
pub fn reads_well(file: &Path, page: &str, what: Page) {
    fs::write(file, page).unwrap();
    for (size, scheme) in [((700, 900), Scheme::Light), ((390, 800), Scheme::Dark)] {
        let mut violations = violations((file, what), page, size, scheme);
        let of_pages = |one: &Value| one[0] == "landmark-one-main" || one[0] == "region";
        violations.as_array_mut().unwrap().retain(|one| what != Page::Mail || !of_pages(one));
        assert_eq!(violations, serde_json::json!([]), "{} {scheme:?}: {violations:#}", file.display());
        picture((file, what), size, scheme);
    }
}

/// What axe-core finds wrong with a page, which is in `file`; it is no wider than the window.
pub fn violations((file, what): (&Path, Page), page: &str, size: (u32, u32), scheme: Scheme) -> Value {
    let axe = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/e2e/axe/axe-4.10.3.min.js");
    let axe = fs::read_to_string(axe).unwrap();
    let run = "axe.run().then(r => { const pre = document.createElement('pre'); pre.id = 'found'; \
               pre.textContent = 'BEGIN' + JSON.stringify({ wide: [document.documentElement.scrollWidth, innerWidth], passed: r.passes.length, violations: r.violations.map(v => \
               [v.id, v.help, v.nodes.length, v.nodes[0].html.slice(0, 300), v.nodes[0].failureSummary]) }) + 'END'; parent.document.body.append(pre); })";
    let checked = file.with_extension("checked.html");
    let with_axe = page.replace("</body>", &format!("<script>{axe}</script><script>{run}</script></body>"));
    fs::write(&checked, framed(&with_axe, size, scheme)).unwrap();
    let dumped = browse(&checked, scheme, &["--virtual-time-budget=60000", "--dump-dom"]);
    let found = dumped.rsplit_once("BEGIN").and_then(|(_, rest)| rest.split_once("END"));
    let (found, _) = found
        .unwrap_or_else(|| panic!("axe-core didn't end: {}", &dumped[dumped.len().saturating_sub(500)..]));
    let found = found.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&");
    let found: Value = serde_json::from_str(&found).unwrap();
    assert!(found["passed"].as_u64().unwrap() > what.least().0, "it looked at little: {found}");
    let pixels = |n: usize| found["wide"][n].as_u64().unwrap();
    assert_eq!(pixels(1), u64::from(size.0), "the window");
    assert!(pixels(0) <= pixels(1), "{} is wider than the window: {found}", file.display());
    found["violations"].clone()
}

/// Takes a picture of the page, so many pixels wide and high; `$BUDKAVLE_PICTURES` names a folder where it is kept.
pub fn picture((file, what): (&Path, Page), (width, height): (u32, u32), scheme: Scheme) {
    let page = fs::read_to_string(file).unwrap();
    let in_frame = file.with_extension("framed.html");
    fs::write(&in_frame, framed(&page, (width, height), scheme)).unwrap();
    let picture = file.with_extension(format!("{scheme:?}.png").to_lowercase());
    let to = format!("--screenshot={}", picture.display());
    browse(&in_frame, scheme, &[&to, &format!("--window-size={},{height}", width.max(NARROWEST))]);
    let bytes = fs::metadata(&picture).unwrap().len();
    assert!(bytes > what.least().1, "the picture is empty: {bytes} bytes");
    if let Some(folder) = std::env::var_os("BUDKAVLE_PICTURES") {
        fs::copy(&picture, Path::new(&folder).join(picture.file_name().unwrap())).unwrap();
    }
}

/// No window of Chromium is narrower.
const NARROWEST: u32 = 500;

/// A page in a frame of this size, which a phone's window may have.
fn framed(page: &str, (width, height): (u32, u32), scheme: Scheme) -> String {
    let page = page.replace('&', "&amp;").replace('"', "&quot;");
    let scheme = format!("{scheme:?}").to_lowercase();
    format!(
        "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><body style=\"margin:0\"><iframe title=\"page\" style=\"width:{width}px;height:{height}px;\
         border:0;color-scheme:{scheme}\" srcdoc=\"{page}\"></iframe></body></html>"
    )
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
