//! The page for trouble signing in: a file that a web server shows to everybody, since who can't sign in can't ask here. It is whole at any time:
//! written beside, then renamed.

use std::fs::Permissions;
use std::io::{self, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use minijinja::value::Serde;
use minijinja::{Environment, UndefinedBehavior, Value, context};
use serde::Serialize;

/// A language that the page can be written in.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
pub enum Language {
    /// English.
    #[serde(rename = "en")]
    English,
    /// Swedish.
    #[serde(rename = "sv")]
    Swedish,
}

/// What the page says, but for when it was written.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Page {
    /// In which language.
    pub language: Language,
    /// Whose page it is.
    pub organisation: String,
    /// Whom to turn to.
    pub people: Vec<Person>,
    /// Weekday (0 is Monday), date and hours of the coming days; no hours when closed.
    pub hours: Vec<(u32, String, String)>,
    /// The vendor's support.
    pub support_phone: Option<Box<str>>,
}

/// Somebody to turn to.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Person {
    /// Name.
    pub name: Box<str>,
    /// Title.
    pub title: Option<Box<str>>,
    /// Where to write to.
    pub mail: String,
    /// Where to call.
    pub phones: Vec<Box<str>>,
}

/// Why there is no page.
#[derive(Debug, thiserror::Error)]
pub enum PageError {
    /// The template.
    #[error("the page can't be written: {0}")]
    Text(#[from] minijinja::Error),
    /// The file.
    #[error("{} can't be written: {cause}; {}", path.display(), mend(path, cause.kind()))]
    File {
        /// Where.
        path: PathBuf,
        /// What the system said.
        cause: io::Error,
    },
}

impl PageError {
    /// Whether it is only that whoever tried may not.
    pub fn is_denied(&self) -> bool {
        matches!(self, PageError::File { cause, .. } if cause.kind() == io::ErrorKind::PermissionDenied)
    }
}

/// What to do about a file that can't be written.
fn mend(path: &Path, kind: io::ErrorKind) -> String {
    let folder = folder_of(path).display();
    let another = "or name another file in [login_page]";
    match kind {
        io::ErrorKind::ReadOnlyFilesystem => format!(
            "the service may write into /var/lib/budkavle-public; let it into another folder with ReadWritePaths={folder} by `systemctl edit budkavle`, {another}"
        ),
        io::ErrorKind::PermissionDenied => {
            format!("let the user that the daemon runs as write into {folder}, {another}")
        }
        io::ErrorKind::NotADirectory | io::ErrorKind::AlreadyExists | io::ErrorKind::IsADirectory => {
            format!("take away what is in the way, {another}")
        }
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => "free space on that disk".to_owned(),
        _ => format!("make {folder} writable, {another}"),
    }
}

fn folder_of(path: &Path) -> &Path {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// The words of the page in one language.
#[derive(Serialize)]
struct Words {
    title: &'static str,
    nobody: &'static str,
    people: &'static str,
    mail: &'static str,
    phone: &'static str,
    hours: &'static str,
    closed: &'static str,
    support: &'static str,
    updated: &'static str,
    days: [&'static str; 7],
}

const ENGLISH: Words = Words {
    title: "Trouble signing in?",
    nobody: "Nobody is there at the moment.",
    people: "Turn to",
    mail: "Mail",
    phone: "Phone",
    hours: "Opening hours",
    closed: "closed",
    support: "The supplier's support",
    updated: "Last updated",
    days: ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"],
};

const SWEDISH: Words = Words {
    title: "Problem att logga in?",
    nobody: "Ingen är på plats just nu.",
    people: "Vänd dig till",
    mail: "E-post",
    phone: "Telefon",
    hours: "Öppettider",
    closed: "stängt",
    support: "Leverantörens support",
    updated: "Senast uppdaterad",
    days: ["Måndag", "Tisdag", "Onsdag", "Torsdag", "Fredag", "Lördag", "Söndag"],
};

/// The page in HTML and as text, as of `now` on the clocks of `zone`.
///
/// # Errors
/// A template that is no good.
pub fn render(page: &Page, now: DateTime<Utc>, zone: Tz) -> Result<(String, String), PageError> {
    let mut environment = Environment::new();
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    environment.add_template("login.html", include_str!("templates/login.html"))?;
    environment.add_template("login.txt", include_str!("templates/login.txt"))?;
    let words = match page.language {
        Language::English => &ENGLISH,
        Language::Swedish => &SWEDISH,
    };
    // What a phone dials has nothing in it but digits and a plus.
    environment.add_filter("dialled", |phone: String| {
        phone.chars().filter(|c| c.is_ascii_digit() || *c == '+').collect::<String>()
    });
    let updated = now.with_timezone(&zone).format("%Y-%m-%d %H:%M %Z").to_string();
    let (page, words) = (Value::from(Serde(page)), Value::from(Serde(words)));
    let context = context! { page, words, updated };
    let html = environment.get_template("login.html")?.render(&context)?;
    let text = environment.get_template("login.txt")?.render(&context)?;
    Ok((html, text))
}

/// Writes the page to `file`, and as text beside it. The folder is made if need be; everybody may read the files.
///
/// # Errors
/// The template, or the disk.
pub fn write(file: &Path, page: &Page, now: DateTime<Utc>, zone: Tz) -> Result<(), PageError> {
    let (html, text) = render(page, now, zone)?;
    for (path, content) in files(file).into_iter().zip([html, text]) {
        replace(&path, content.as_bytes()).map_err(|cause| PageError::File { path, cause })?;
    }
    Ok(())
}

/// The files of a page: in HTML, and as text beside it.
pub fn files(file: &Path) -> [PathBuf; 2] {
    [file.to_owned(), file.with_extension("txt")]
}

/// Whether the page could be written by who asks, as far as that can be seen without leaving anything behind.
///
/// # Errors
/// Something is in the way, or the nearest folder that is there takes no file.
pub fn try_to_write(file: &Path) -> Result<(), PageError> {
    let failed = |cause| PageError::File { path: file.to_owned(), cause };
    if file.is_dir() {
        return Err(failed(io::ErrorKind::IsADirectory.into()));
    }
    // A folder that isn't there yet is made in the nearest that is.
    let there = folder_of(file).ancestors().find(|folder| folder.exists()).unwrap_or(Path::new("."));
    tempfile::tempfile_in(there).map(drop).map_err(failed)
}

fn replace(path: &Path, content: &[u8]) -> io::Result<()> {
    let folder = folder_of(path);
    std::fs::create_dir_all(folder)?;
    let mut file = tempfile::NamedTempFile::new_in(folder)?;
    file.write_all(content)?;
    file.as_file().set_permissions(Permissions::from_mode(0o644))?;
    file.as_file().sync_all()?;
    file.persist(path)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page(language: Language) -> Page {
        Page {
            language,
            organisation: "Kommunen & <Co>".into(),
            people: vec![Person {
                name: "Åsa <script>alert(1)</script>".into(),
                title: Some("IT \"stöd\"".into()),
                mail: "asa@kommun.example".into(),
                phones: vec!["+46 8 12 34".into()],
            }],
            hours: vec![
                (0, "2026-11-30".into(), "08:00–16:00".into()),
                (6, "2026-12-06".into(), String::new()),
            ],
            support_phone: Some("0771-1".into()),
        }
    }

    fn rendered(page: &Page) -> (String, String) {
        render(page, "2026-11-30T07:00:00Z".parse().unwrap(), chrono_tz::Europe::Stockholm).unwrap()
    }

    #[test]
    fn the_page_names_whom_to_turn_to_and_carries_nothing_foreign() {
        let (html, text) = rendered(&page(Language::Swedish));
        for words in [
            "<html lang=\"sv\">",
            "<h1>Problem att logga in?</h1>",
            "Åsa &lt;script&gt;",
            "href=\"mailto:asa@kommun.example\"",
            "href=\"tel:+4681234\"",
            "Måndag",
            "stängt",
            "2026-11-30 08:00 CET",
        ] {
            assert!(html.contains(words), "{words}: {html}");
        }
        assert!(!html.contains("<script") && !html.contains("http") && !html.contains("src="));
        insta::assert_snapshot!(text, @r#"
        Problem att logga in?
        Kommunen & <Co>

        Vänd dig till:
          Åsa <script>alert(1)</script>, IT "stöd"
            Telefon: +46 8 12 34
            E-post: asa@kommun.example

        Öppettider:
          Måndag 2026-11-30: 08:00–16:00
          Söndag 2026-12-06: stängt

        Leverantörens support: 0771-1

        Senast uppdaterad: 2026-11-30 08:00 CET
        "#);
        let (html, _) = rendered(&Page { people: Vec::new(), ..page(Language::English) });
        assert!(html.contains("<html lang=\"en\">") && html.contains("Nobody is there"));
    }

    #[test]
    fn a_page_takes_the_place_of_another_whole_and_everybody_may_read_it() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("public/sign-in.html");
        for language in [Language::English, Language::Swedish] {
            write(&file, &page(language), "2026-11-30T07:00:00Z".parse().unwrap(), Tz::UTC).unwrap();
        }
        assert!(std::fs::read_to_string(&file).unwrap().contains("lang=\"sv\""));
        let names = std::fs::read_dir(folder.path().join("public")).unwrap().count();
        assert_eq!(names, 2, "nothing is left beside it");
        assert_eq!(std::fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o644);
        assert!(try_to_write(&file).is_ok());
        assert!(try_to_write(&folder.path().join("not/there/yet.html")).is_ok());
        for wrong in [file.join("x/y.html"), folder.path().join("public")] {
            let page = page(Language::English);
            let written = write(&wrong, &page, DateTime::UNIX_EPOCH, Tz::UTC).unwrap_err().to_string();
            let seen = try_to_write(&wrong).unwrap_err().to_string();
            for error in [written, seen] {
                assert!(error.contains(&wrong.display().to_string()), "{error}");
                assert!(
                    error.ends_with("take away what is in the way, or name another file in [login_page]"),
                    "{error}"
                );
            }
        }
        let names = std::fs::read_dir(folder.path()).unwrap().count();
        assert_eq!(names, 1, "nothing is left of a try");
    }
}
