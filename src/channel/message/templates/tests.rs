//! Templates of operators: used, refused with file and line, and harmless whatever is in them.

use std::fs;
use std::sync::Arc;

use super::*;
use crate::channel::message::{Composer, From, samples};
use crate::domain::locale::Locale;

struct Folder(tempfile::TempDir);

impl Folder {
    fn with(files: &[(&str, &str)]) -> Folder {
        let folder = Folder(tempfile::tempdir().unwrap());
        for (name, text) in files {
            fs::write(folder.0.path().join(name), text).unwrap();
        }
        folder
    }

    /// The mistakes, without the name of the folder.
    fn mistakes(&self) -> Vec<String> {
        let prefix = format!("{}/", self.0.path().display());
        check(self.0.path()).broken.iter().map(|b| b.to_string().replace(&prefix, "")).collect()
    }

    /// The outage sample: subject, text and HTML.
    fn outage(&self, language: Language) -> (String, String, String) {
        self.write(check(self.0.path()).custom, language)
    }

    fn write(&self, custom: Option<Custom>, language: Language) -> (String, String, String) {
        let from = From { name: None, address: "b@ekfors.example".parse().unwrap(), reply_to: None };
        let composer = Composer::new(from, "Ekfors", "[IT]", custom.map(Arc::new)).unwrap();
        let sample = samples::named("outage").unwrap();
        let locale = Locale { language, zone: chrono_tz::Europe::Stockholm };
        let text = composer.writer().write(&sample.notice(), sample.why, locale).unwrap();
        (text.subject, text.text, text.html)
    }
}

#[test]
fn an_operators_words_take_the_place_of_the_built_in_ones() {
    let folder = Folder::with(&[
        (
            "outage.sv.txt",
            "Subject: Driftstörning: {{ outage.title }}\n\nHej! {{ heading }}.\n{% include \"signature.txt\" %}",
        ),
        (
            "outage.html",
            "{% extends \"layout.html\" %}{% block content %}<i>{{ heading }}</i> {{ facts.title }} {{ t(\"what-to-do\") }}{% endblock %}",
        ),
        ("signature.txt", "Hälsningar, {{ organisation }}"),
        ("footer.txt", "\nfot: {{ why }}"),
        (".hidden", "{{"),
        ("outage.txt~", "{{"),
    ]);
    assert_eq!(folder.mistakes(), Vec::<String>::new());
    let (subject, text, html) = folder.outage(Language::Swedish);
    assert_eq!(subject, "[IT] Driftstörning: No mail <from outside> arrives");
    assert_eq!(text, "Hej! No mail <from outside> arrives.\nHälsningar, Ekfors\n\nfot: avbrottskontakt\n");
    assert!(html.contains("<i>No mail &lt;from outside&gt; arrives</i> No mail &lt;from"), "{html}");
    assert!(html.contains("Gör så här:") && html.contains("lang=\"sv\""), "{html}");
    // In another language only what is for all.
    let (subject, text, html) = folder.outage(Language::Finnish);
    assert!(subject.starts_with("[IT] Häiriö 12:") && text.contains("Palvelut:"), "{subject}: {text}");
    assert!(html.contains("<i>No mail") && html.contains("Toimi näin:"));
}

#[test]
fn a_mistake_is_told_with_file_and_line_and_the_built_in_text_is_used() {
    for (name, text, told) in [
        ("outage.txt", "Subject: x\n\n{{ nobody.knows }}\n", "outage.txt:3: `nobody` is undefined"),
        ("outage.txt", "Subject: {{ tilte }}\nx", "outage.txt:1: `tilte` is undefined"),
        ("outage.html", "<p>\n{% for x in updates %}\n", "outage.html:2: syntax error: "),
        ("outage.html", "{% include \"/etc/passwd\" %}", "outage.html:1: template not found: "),
        ("outage.html", "{% include \"../secret.html\" %}", "outage.html:1: template not found: "),
        ("outage.html", "\n{% include \"outage.html\" %}", "outage.html:"),
        (
            "outage.sv.html",
            "{% for a in range(9999) %}{% for b in range(9999) %}{% endfor %}{% endfor %}",
            "outage.sv.html:1: it takes too long",
        ),
        (
            "outage.html",
            "{{ t(\"no-such-message\") }}",
            "outage.html:1: invalid operation: there is no message \"no-such-message\"",
        ),
        (
            "outage.html",
            "{{ t(\"sync-more\") }}",
            "outage.html:1: invalid operation: the message \"sync-more\"",
        ),
        ("outage.html", "{{ 1 / 0 }}", "outage.html:1: "),
        ("outtage.sv.html", "x", "outtage.sv.html: is for no kind of notice: there is no \"outtage\""),
        ("outage.de.html", "x", "outage.de.html: is in no language"),
        ("outage.htm", "x", "outage.htm: is no template"),
        ("plain.html", "x", "plain.html: has the name of a built-in template"),
    ] {
        let folder = Folder::with(&[(name, text)]);
        let mistakes = folder.mistakes();
        assert_eq!(mistakes.len(), 1, "{name}: {mistakes:?}");
        assert!(mistakes[0].starts_with(told), "{told}: {mistakes:?}");
        let built_in = folder.write(None, Language::Swedish);
        assert_eq!(folder.outage(Language::Swedish), built_in, "{name}");
    }
}

#[test]
fn a_template_that_fails_only_when_it_is_used_stops_no_notice() {
    let folder =
        Folder::with(&[("outage.txt", "Subject: {{ later }}\n{{ later }}"), ("outage.html", "{{ later }}")]);
    // As if the check hadn't found it.
    let (custom, broken) = Custom::read(folder.0.path());
    assert_eq!(broken, []);
    assert_eq!(custom.own().len(), 2);
    assert_eq!(folder.write(Some(custom), Language::Danish), folder.write(None, Language::Danish));
}

#[test]
fn nothing_outside_the_folder_is_read() {
    let outside = Folder::with(&[("secret.html", "secret")]);
    let folder = Folder::with(&[("outage.html", "{% include \"part.html\" %}")]);
    std::os::unix::fs::symlink(outside.0.path().join("secret.html"), folder.0.path().join("part.html"))
        .unwrap();
    let mistakes = folder.mistakes();
    assert!(
        mistakes.iter().any(|m| m == "part.html: is a link that leads out of the folder"),
        "{mistakes:?}"
    );
    assert!(!folder.outage(Language::English).2.contains("secret"));
    // Within the folder links are welcome: so configuration management lays files down.
    let folder = Folder::with(&[("outage.html", "{% include \"part.html\" %}"), ("real.html", "within")]);
    std::os::unix::fs::symlink("real.html", folder.0.path().join("part.html")).unwrap();
    assert_eq!(folder.mistakes(), Vec::<String>::new());
    assert_eq!(folder.outage(Language::English).2, "within");
    let gone = check(Path::new("/nowhere/at/all"));
    assert!(gone.broken[0].what.starts_with("the folder can't be read"), "{:?}", gone.broken);
    let long = "x".repeat(300 * 1024);
    assert_eq!(Folder::with(&[("outage.txt", &long)]).mistakes(), ["outage.txt: is longer than 256 KiB"]);
    fs::write(folder.0.path().join("outage.txt"), [0xff, 0xfe]).unwrap();
    assert!(folder.mistakes()[0].starts_with("outage.txt: can't be read"));
}

#[test]
fn what_is_exported_is_right_and_says_the_same() {
    let files = export(&Kind::ALL, &Language::ALL);
    let texts: Vec<(&str, &str)> = files.iter().map(|f| (f.name.as_str(), f.source.as_str())).collect();
    let folder = Folder::with(&texts);
    assert_eq!(folder.mistakes(), Vec::<String>::new());
    for language in Language::ALL {
        let (subject, text, html) = folder.outage(language);
        let (built_subject, built_text, built_html) = folder.write(None, language);
        assert_eq!((subject, html), (built_subject, built_html), "{language}");
        assert_eq!(text.trim_start(), built_text.trim_start(), "{language}");
    }
    let swedish = files.iter().find(|f| f.name == "sync-trouble.sv.txt").unwrap();
    assert!(swedish.source.contains("Gör så här:") && !swedish.source.contains("what-to-do"));
}
