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
        Folder::sample("outage", custom, language)
    }

    /// A sample as it is written with what can be used.
    fn sample_of(&self, name: &str, language: Language) -> (String, String, String) {
        Folder::sample(name, check(self.0.path()).custom, language)
    }

    fn sample(name: &str, custom: Option<Custom>, language: Language) -> (String, String, String) {
        let from = From { name: None, address: "b@ekfors.example".parse().unwrap(), reply_to: None };
        let composer = Composer::new(from, "Ekfors", "[IT]", custom.map(Arc::new)).unwrap();
        let sample = samples::named(name).unwrap();
        let locale = Locale::new(language, chrono_tz::Europe::Stockholm);
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
    let files = export(&Kind::ALL, &Language::ALL, true);
    let texts: Vec<(&str, &str)> = files.iter().map(|f| (f.name.as_str(), f.source.as_str())).collect();
    let folder = Folder::with(&texts);
    assert_eq!(folder.mistakes(), Vec::<String>::new());
    let custom = Arc::new(check(folder.0.path()).custom.unwrap());
    assert_eq!(custom.count(), Kind::ALL.len() * Language::ALL.len() * 2 + 2);
    let from = || From { name: None, address: "b@ekfors.example".parse().unwrap(), reply_to: None };
    let exported = Composer::new(from(), "Ekfors", "", Some(custom)).unwrap();
    let built_in = Composer::new(from(), "Ekfors", "", None).unwrap();
    for sample in samples::all() {
        for language in Language::ALL {
            let locale = Locale::new(language, chrono_tz::Europe::Stockholm);
            let write = |composer: &Composer| {
                let text = composer.writer().write(&sample.notice(), sample.why, locale).unwrap();
                (text.subject, text.text.trim_start().to_owned(), text.html)
            };
            assert_eq!(write(&exported), write(&built_in), "{} in {language}", sample.name);
        }
    }
    let one = export(&[Kind::Test], &[Language::Danish], false);
    let names: Vec<&str> = one.iter().map(|file| file.name.as_str()).collect();
    assert_eq!(
        names,
        ["test.da.html", "test.da.txt"],
        "what all notices share is only exported when asked for"
    );
    let swedish = files.iter().find(|f| f.name == "sync-trouble.sv.txt").unwrap();
    assert!(swedish.source.contains("Gör så här:") && !swedish.source.contains("what-to-do"));
}

#[test]
fn a_template_is_for_no_other_kind_whatever_its_name_and_layout() {
    let layout = BUILT_IN.iter().find(|(name, _)| *name == "layout.html").unwrap().1;
    let ours = "{% extends \"layout.html\" %}{% block content %}We have an outage{% endblock %}";
    let folder = Folder::with(&[("layout.html", layout), ("outage.html", ours)]);
    assert_eq!(folder.mistakes(), Vec::<String>::new());
    assert!(folder.outage(Language::English).2.contains("We have an outage"));
    for other in ["maintenance", "outage-silent"] {
        let built_in = Folder::sample(other, None, Language::English);
        assert_eq!(folder.sample_of(other, Language::English), built_in, "{other}");
    }
    // One that only fails when it is used fails for its kind alone, and the layout is not blamed.
    let folder = Folder::with(&[
        ("layout.html", "<p>ours</p>{% block content %}{% endblock %}"),
        ("outage.html", "{{ later }}"),
    ]);
    let (custom, _) = Custom::read(folder.0.path());
    let (_, _, html) = Folder::sample("maintenance", Some(custom), Language::English);
    assert!(html.starts_with("<p>ours</p>"), "{html}");
    assert_eq!(folder.mistakes(), ["outage.html:1: `later` is undefined"]);
    assert!(folder.outage(Language::English).2.starts_with("<p>ours</p>"));
}

#[test]
fn a_mistake_in_a_part_is_told_where_it_is_and_what_needs_the_part_is_not_used() {
    let part = "hello\n\n{{ nme }}";
    for (by, text) in [
        ("outage.html", "{% include \"signature.html\" %}"),
        ("outage.html", "{% extends \"signature.html\" %}"),
        ("outage.html", "x{% from \"signature.html\" import x %}"),
        ("outage.sv.txt", "{% include \"signature.html\" %}"),
    ] {
        let folder = Folder::with(&[("signature.html", part), (by, text)]);
        assert_eq!(folder.mistakes(), [format!("signature.html:3: `nme` is undefined (which {by} needs)")]);
        let Checked { custom, .. } = check(folder.0.path());
        assert_eq!(custom.as_ref().unwrap().own(), [], "{by}");
        assert_eq!(folder.write(custom, Language::Swedish), folder.write(None, Language::Swedish));
    }
    let without_end = "{% for a in range(9999) %}{% for b in range(9999) %}{% endfor %}{% endfor %}";
    let folder =
        Folder::with(&[("layout.html", "<p>x</p>{% include \"part.html\" %}"), ("part.html", without_end)]);
    let mistakes = folder.mistakes();
    assert_eq!(mistakes.len(), 1, "{mistakes:?}");
    assert!(mistakes[0].starts_with("part.html:1: it takes too long"), "{mistakes:?}");
    assert!(mistakes[0].ends_with("(which layout.html needs)"), "{mistakes:?}");
    assert_eq!(folder.outage(Language::Swedish), folder.write(None, Language::Swedish));
    // A layout of one's own that is wrong doesn't take those that extend it along.
    let folder = Folder::with(&[
        ("layout.html", "{{ nme }}"),
        ("outage.html", "{% extends \"layout.html\" %}{% block content %}ours{% endblock %}"),
    ]);
    assert_eq!(folder.mistakes(), ["layout.html:1: `nme` is undefined"]);
    let html = folder.outage(Language::Swedish).2;
    assert!(html.contains("ours") && html.contains("<h1"), "{html}");
}

#[test]
fn what_others_wrote_is_no_markup_by_any_way() {
    let title = "{{ outage.title }}";
    for (template, told) in [
        ("{% include \"facts.txt\" %}", "outage.html:1: template not found: "),
        ("{% extends \"facts.txt\" %}", "outage.html:1: template not found: "),
        ("{% from \"facts.txt\" import x %}{{ x() }}", "outage.html:1: template not found: "),
        ("<p>{{ outage.title | safe }}</p>", "outage.html: what others wrote isn't escaped: <from outside>"),
        (
            "{% autoescape false %}{{ outage.title }}{% endautoescape %}",
            "outage.html: what others wrote isn't escaped: <from outside>",
        ),
    ] {
        let folder = Folder::with(&[("facts.txt", title), ("outage.html", template)]);
        let mistakes = folder.mistakes();
        assert_eq!(mistakes.len(), 1, "{mistakes:?}");
        assert!(mistakes[0].starts_with(told), "{told}: {mistakes:?}");
        assert_eq!(folder.outage(Language::English), folder.write(None, Language::English));
    }
    let why =
        Folder::with(&[("facts.txt", title), ("outage.html", "{% include \"facts.txt\" %}")]).mistakes();
    assert!(why[0].contains("only parts from .html files"), "{why:?}");
    // Text takes both.
    let folder = Folder::with(&[("facts.txt", title), ("outage.txt", "{% include \"facts.txt\" %}")]);
    assert_eq!(folder.mistakes(), Vec::<String>::new());
    assert!(folder.outage(Language::English).1.starts_with("No mail <from outside> arrives\n"));
}

#[test]
fn what_says_nothing_is_not_used() {
    for (name, text) in [
        ("outage.html", ""),
        (
            "outage.html",
            "<html><head><title>{{ subject }}</title></head><body><!-- x --><p>&nbsp;</p></body></html>",
        ),
        ("outage.txt", " \n"),
        ("outage.txt", "Subject: x\n{% if earlier > 99 %}said{% endif %}"),
        ("outage.sv.html", "{% if earlier > 99 %}said{% endif %}"),
        ("layout.html", ""),
    ] {
        let folder = Folder::with(&[(name, text)]);
        assert_eq!(folder.mistakes(), [format!("{name}: is blank: nothing would be said")], "{text}");
        assert_eq!(folder.outage(Language::Swedish), folder.write(None, Language::Swedish), "{name}: {text}");
        // Nor is it when that shows only later.
        let (custom, _) = Custom::read(folder.0.path());
        let (_, said, html) = folder.write(Some(custom), Language::Swedish);
        assert!(said.contains("Tjänster:") && html.contains("Tjänster:"), "{name}: {text}");
    }
    // A subject alone is enough; and a mark at the beginning is none of it.
    for text in ["Subject: Stopp: {{ outage.title }}", "\u{feff}Subject: Stopp: {{ outage.title }}\n\n"] {
        let folder = Folder::with(&[("outage.sv.txt", text)]);
        assert_eq!(folder.mistakes(), Vec::<String>::new());
        let (subject, text, html) = folder.outage(Language::Swedish);
        assert_eq!(subject, "[IT] Stopp: No mail <from outside> arrives");
        let (_, built_text, built_html) = folder.write(None, Language::Swedish);
        assert_eq!(text, built_text);
        assert!(html.contains("<title>[IT] Stopp: ") && html.len() < built_html.len() + 100);
    }
    let folder = Folder::with(&[("outage.html", "\u{feff}<p>x</p>")]);
    assert_eq!(folder.outage(Language::Swedish).2, "<p>x</p>");
}

#[test]
fn a_macro_of_another_file_speaks_the_language_of_the_mail() {
    let part = "{% macro what() %}{{ t(\"what-to-do\") }}{% endmacro %}";
    let by = "{% from \"part.html\" import what %}{{ what() }}";
    let folder = Folder::with(&[("part.html", part), ("outage.html", by)]);
    assert_eq!(folder.mistakes(), Vec::<String>::new());
    assert_eq!(folder.outage(Language::Finnish).2, "Toimi näin:");
}
