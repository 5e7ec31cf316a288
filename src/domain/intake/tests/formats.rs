//! Each format as it is found in the field, and as somebody malicious would write it.

use chrono::{DateTime, Utc};

use super::super::*;
use super::mapping;

fn time(text: &str) -> Option<DateTime<Utc>> {
    Some(text.parse().unwrap())
}

fn names(reports: &[Report]) -> Vec<&str> {
    reports.iter().map(|report| &*report.title).collect()
}

/// As `/api/v2/summary.json` is documented.
const SUMMARY: &str = r#"{
  "page": { "id": "y2j98763l56x", "name": "Your Page Name Here", "url": "http://statuspage.example", "updated_at": "2026-07-06T08:00:00Z" },
  "status": { "description": "Partial System Outage", "indicator": "major" },
  "components": [{ "id": "b13yz5g2cw10", "name": "API", "status": "partial_outage" }],
  "incidents": [{
    "created_at": "2026-07-06T07:00:00.000Z", "id": "cp306tmzcl0y", "impact": "critical", "name": "Unplanned <b>Database</b> Outage",
    "monitoring_at": null, "page_id": "y2j98763l56x", "resolved_at": null, "shortlink": "https://stspg.example/cp306tmzcl0y",
    "status": "identified", "updated_at": "2026-07-06T07:30:00.000Z",
    "components": [{ "id": "b13yz5g2cw10", "name": "API", "status": "partial_outage" }],
    "incident_updates": [
      { "body": "Our master database has ham sandwiches flying out of the rack.", "created_at": "2026-07-06T07:30:00.000Z", "id": "jdy3tw5mt5r5", "status": "identified",
        "affected_components": [{ "code": "x", "name": "Database", "old_status": "operational", "new_status": "major_outage" }] },
      { "body": "We are looking.", "created_at": "2026-07-06T07:00:00.000Z", "id": "k", "status": "investigating", "affected_components": null }
    ]
  }, { "id": "z", "name": "Old", "status": "postmortem", "impact": "none" }, { "name": "no id" }, 7],
  "scheduled_maintenances": [{ "id": "w1", "name": "Database Maintenance", "status": "scheduled" }]
}"#;

#[test]
fn a_statuspage_is_read() {
    let listed = statuspage::parse(SUMMARY.as_bytes()).unwrap();
    assert_eq!((listed.lost, listed.unread.len()), (2, 0));
    let reports = listed.reports;
    assert_eq!(names(&reports), ["Unplanned Database Outage", "Old"]);
    assert_eq!(
        reports[0],
        Report {
            key: "cp306tmzcl0y".into(),
            title: "Unplanned Database Outage".into(),
            text: "Our master database has ham sandwiches flying out of the rack.".into(),
            severity: Some(Severity::Critical),
            state: State::Identified,
            planned: false,
            components: vec!["API".into(), "Database".into()],
            at: time("2026-07-06T07:30:00Z"),
            link: Some("https://stspg.example/cp306tmzcl0y".into()),
            began: None,
            about: None,
        }
    );
    assert_eq!(reports[1].state, State::Resolved);
}

#[test]
fn rss_and_atom_are_read_and_where_things_stand_is_in_the_words() {
    let item = |guid: &str, title: &str, text: &str| {
        format!(
            "<item><title>{title}</title><description>{text}</description><pubDate>Mon, 06 Jul 2026 08:00:00 +0000</pubDate><link>https://s.example/i/1</link><guid>{guid}</guid><category>Mail</category></item>"
        )
    };
    let statuspage = "&lt;p&gt;&lt;small&gt;Jul &lt;var&gt;6&lt;/var&gt;, 08:00 UTC&lt;/small&gt;&lt;br&gt;&lt;strong&gt;Monitoring&lt;/strong&gt; - A fix is in.&lt;/p&gt;&lt;p&gt;&lt;small&gt;Jul 6, 07:00 UTC&lt;/small&gt;&lt;br&gt;&lt;strong&gt;Investigating&lt;/strong&gt; - We look.&lt;/p&gt;";
    let rss = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?><rss version=\"2.0\"><channel><title>Status</title>{}{}{}{}{}</channel></rss>",
        item("g1", "Mail is slow", statuspage),
        item("g2", "[RESOLVED] Chat", "It was the network."),
        item("g3", "Service degraded", "Users may see errors."),
        item("g4", "Network - Resolved", ""),
        item("g5", "Disks", "&lt;p&gt;&lt;strong&gt;Scheduled&lt;/strong&gt; - New ones.&lt;/p&gt;"),
    );
    let reports = syndication::parse(rss.as_bytes()).unwrap().reports;
    let states: Vec<_> = reports.iter().map(|report| (report.state, report.planned)).collect();
    assert_eq!(
        states,
        [
            (State::Monitoring, false),
            (State::Resolved, false),
            (State::Investigating, false),
            (State::Resolved, false),
            (State::Investigating, true)
        ]
    );
    assert_eq!(&*reports[0].text, "Jul 6, 08:00 UTC\nMonitoring - A fix is in.", "only the newest word");
    assert_eq!((&*reports[0].key, &*reports[0].components[0]), ("g1", "Mail"));
    assert_eq!(reports[0].at, time("2026-07-06T08:00:00Z"));

    let atom = r#"<feed xmlns="http://www.w3.org/2005/Atom"><id>f</id><title>S</title><updated>2026-07-06T08:00:00Z</updated>
        <entry><id>tag:s.example,2005:Incident/1</id><published>2026-07-06T07:00:00Z</published><updated>2026-07-06T08:00:00Z</updated>
        <link rel="alternate" type="text/html" href="https://s.example/1"/><title>Login &amp; more</title>
        <content type="html">&lt;p&gt;&lt;strong&gt;Identified&lt;/strong&gt; - Found.&lt;/p&gt;</content></entry></feed>"#;
    let reports = syndication::parse(atom.as_bytes()).unwrap().reports;
    let report = &reports[0];
    assert_eq!((&*report.key, &*report.title), ("tag:s.example,2005:Incident/1", "Login & more"));
    assert_eq!((report.state, report.at), (State::Identified, time("2026-07-06T08:00:00Z")));
}

#[test]
fn an_entry_without_an_identity_has_the_same_one_at_each_reading() {
    let rss = "<rss version=\"2.0\"><channel><item><title>One</title></item><item><title>Two</title></item><item/></channel></rss>";
    let (first, second) = (
        syndication::parse(rss.as_bytes()).unwrap().reports,
        syndication::parse(rss.as_bytes()).unwrap().reports,
    );
    assert_eq!((names(&first), &first), (vec!["One", "Two"], &second));
    assert_ne!(first[0].key, first[1].key);
}

#[test]
fn other_json_is_read_by_a_mapping() {
    let json = r#"{ "items": [
        { "id": 7, "name": "Störung", "say": "Wir suchen.", "stand": "offen", "level": "schlimm", "when": 1783324800, "parts": ["Post", {"name": "Netz"}], "more": {"url": "https://s.example/7"} },
        { "id": "8", "name": "Aus", "stand": "behoben", "when": "2026-07-06T08:00:00+02:00", "parts": "Post" },
        { "id": null, "name": "Nichts" } ] }"#;
    let reports = mapped::parse(json.as_bytes(), &mapping()).unwrap().reports;
    assert_eq!(names(&reports), ["Störung", "Aus"]);
    assert_eq!((&*reports[0].key, reports[0].severity), ("7", Some(Severity::Critical)));
    assert_eq!(reports[0].components, ["Post".into(), "Netz".into()]);
    assert_eq!((reports[0].at, reports[1].at), (time("2026-07-06T08:00:00Z"), time("2026-07-06T06:00:00Z")));
    assert_eq!((reports[0].state, reports[1].state), (State::Investigating, State::Resolved));
    let error = |json: &str| mapped::parse(json.as_bytes(), &mapping()).unwrap_err().to_string();
    assert!(error("{}").contains("no list at `entries`"));
    assert!(error(r#"{"items": [{"ID": 1}]}"#).contains("none of its 1 entries"));
}

/// A group of two alerts as Alertmanager 0.25 posts it.
pub(super) const GROUP: &str = r#"{
  "receiver": "budkavle", "status": "firing",
  "alerts": [
    { "status": "firing", "labels": { "alertname": "InstanceDown", "instance": "db1", "severity": "critical" }, "annotations": { "summary": "db1 is down" },
      "startsAt": "2026-07-06T08:00:00Z", "endsAt": "0001-01-01T00:00:00Z", "generatorURL": "", "fingerprint": "aa" },
    { "status": "resolved", "labels": { "alertname": "InstanceDown", "instance": "db2", "severity": "critical" }, "annotations": {},
      "startsAt": "2026-07-06T08:00:00Z", "endsAt": "2026-07-06T08:05:00Z", "generatorURL": "", "fingerprint": "bb" } ],
  "groupLabels": { "alertname": "InstanceDown" }, "commonLabels": { "alertname": "InstanceDown", "severity": "critical", "service": "storage" },
  "commonAnnotations": {}, "externalURL": "http://am.example:9093", "version": "4", "groupKey": "{}:{alertname=\"InstanceDown\"}", "truncatedAlerts": 0
}"#;

#[test]
fn a_group_of_alerts_is_one_report_that_says_what_fires() {
    let now = "2026-07-06T08:06:00Z".parse().unwrap();
    let report = alertmanager::parse(GROUP.as_bytes(), None, now).unwrap();
    assert_eq!((&*report.title, &*report.text), ("InstanceDown", "InstanceDown (db1): db1 is down"));
    assert_eq!((report.severity, report.state), (Some(Severity::Critical), State::Investigating));
    assert_eq!(report.components, ["storage".into()]);
    let over = GROUP.replace("\"status\": \"firing\"", "\"status\": \"resolved\"");
    let over = alertmanager::parse(over.as_bytes(), None, now).unwrap();
    assert_eq!((over.state, &over.key), (State::Resolved, &report.key));
    // Another value is nothing new; another alert is.
    let read = |text: &str| alertmanager::parse(text.as_bytes(), None, now).unwrap().digest();
    assert_eq!(read(&GROUP.replace("db1 is down", "db1 is down for 7 min")), report.digest());
    assert_ne!(read(&GROUP.replace("\"fingerprint\": \"aa\"", "\"fingerprint\": \"cc\"")), report.digest());
    assert!(alertmanager::parse(b"{}", None, now).is_err());
    assert!(alertmanager::parse(b"[1]", None, now).is_err());
}

#[test]
fn groups_of_several_alertmanagers_with_names_are_several() {
    let key = |cluster| alertmanager::parse(GROUP.as_bytes(), cluster, DateTime::UNIX_EPOCH).unwrap().key;
    assert_eq!(key(Some("prod")), key(Some("prod")));
    assert_ne!(key(Some("prod")), key(Some("test")));
    assert_ne!(key(Some("prod")), key(None));
}

#[test]
fn an_entry_without_an_identity_keeps_the_same_from_its_first_word_to_its_last() {
    let key = |title: &str, link: &str, date: &str| {
        let link = if link.is_empty() { String::new() } else { format!("<link>{link}</link>") };
        let rss = format!(
            "<rss version=\"2.0\"><channel><title>S</title><link>https://s.example/status/</link>\
             <item><title>{title}</title>{link}<pubDate>{date}</pubDate></item></channel></rss>"
        );
        syndication::parse(rss.as_bytes()).unwrap().reports[0].key.clone()
    };
    let (first, last) = ("Mon, 06 Jul 2026 08:00:00 GMT", "Mon, 06 Jul 2026 09:00:00 GMT");
    let own = "https://s.example/status/incidents/1";
    assert_eq!(key("[Investigating] Mail", own, first), key("[Resolved] It was a disk", own, last));
    assert_ne!(key("Mail", own, first), key("Mail", "https://s.example/status/incidents/2", first));
    // What leads to the whole page says nothing of which incident it is.
    for page in ["https://s.example/status", "https://s.example/", ""] {
        let mail = key("[Investigating] Mail", page, first);
        for later in ["[Identified] Mail", "Resolved: Mail", "Mail (resolved)", "Mail – Monitoring", "Mail"]
        {
            assert_eq!(key(later, page, last), mail, "{page} {later}");
        }
        assert_ne!(key("[Investigating] Chat", page, first), mail);
    }
    assert_eq!(text::bare("Resolved"), "Resolved");
    assert_eq!(text::bare("Mail: slow in Kiruna-North"), "Mail: slow in Kiruna-North");
}

#[test]
fn what_is_something_else_is_refused_with_the_reason() {
    let html = b"\n<!DOCTYPE html><html><head><title>Status</title></head><body><p>All systems operational</p></body></html>";
    let told = |error: Unreadable| error.to_string();
    for error in [
        statuspage::parse(html).unwrap_err(),
        syndication::parse(html).unwrap_err(),
        mapped::parse(html, &mapping()).unwrap_err(),
    ] {
        assert!(told(error).contains("a page for people"));
    }
    assert!(statuspage::parse(b"").is_err() && syndication::parse(b"").is_err());
    assert!(statuspage::parse(b"{\"incidents\": 7}").is_err() && statuspage::parse(b"{}").is_err());
    assert!(syndication::parse(SUMMARY.as_bytes()).is_err());
    // Cut in the middle: nothing of it is believed.
    assert!(statuspage::parse(&SUMMARY.as_bytes()[..SUMMARY.len() / 2]).is_err());
    let cut =
        b"<rss version=\"2.0\"><channel><item><guid>1</guid><title>One</title></item><item><guid>2</guid>";
    assert!(syndication::parse(cut).is_err());
}

#[test]
fn a_list_of_thousands_is_refused_as_a_whole() {
    let items: String =
        (0..MOST_ENTRIES + 1).map(|n| format!("<item><guid>{n}</guid><title>x</title></item>")).collect();
    let rss = format!("<rss version=\"2.0\"><channel>{items}</channel></rss>");
    assert_eq!(syndication::parse(rss.as_bytes()), Err(Unreadable::TooMany(MOST_ENTRIES + 1)));
    let all: Vec<_> = (0..5000).map(|n| serde_json::json!({ "id": n.to_string(), "name": "x" })).collect();
    let json = serde_json::json!({ "incidents": all, "items": all }).to_string();
    assert_eq!(statuspage::parse(json.as_bytes()), Err(Unreadable::TooMany(5000)));
    assert_eq!(mapped::parse(json.as_bytes(), &mapping()), Err(Unreadable::TooMany(5000)));
}

#[test]
fn entities_are_not_expanded_and_no_file_is_read() {
    let lol: String =
        (1..30).map(|n| format!("<!ENTITY l{n} \"{}\">", format!("&l{};", n - 1).repeat(10))).collect();
    for entity in ["&l29;", "&file;"] {
        let xml = format!(
            "<?xml version=\"1.0\"?><!DOCTYPE rss [<!ENTITY l0 \"lol\">{lol}<!ENTITY file SYSTEM \"file:///etc/passwd\">]>\
             <rss version=\"2.0\"><channel><item><guid>1</guid><title>A {entity} B</title><description>{entity}</description></item></channel></rss>"
        );
        // Refused, or taken as it stands; never what it stands for.
        for report in syndication::parse(xml.as_bytes()).unwrap_or_default().reports {
            assert!(!report.title.contains("lollol") && !report.title.contains("root:"), "{report:?}");
            assert!(!report.text.contains("lollol") && !report.text.contains("root:"), "{report:?}");
        }
    }
}

#[test]
fn what_is_deep_wide_or_long_is_read_in_time_or_refused() {
    // Each is as large as what is read at all.
    let fill = |open: &str, close: &str| {
        let times = LARGEST / (open.len() + close.len()).max(1);
        format!("{}{}", open.repeat(times), close.repeat(times))
    };
    let rss = |body: &str| {
        format!(
            "<rss version=\"2.0\"><channel><item><guid>1</guid><title>T</title>{body}</item></channel></rss>"
        )
    };
    let inputs = [
        rss(&fill("<a>", "</a>")),
        rss(&format!("<content:encoded>{}</content:encoded>", fill("<b>", "</b>"))),
        rss(&format!("<description><![CDATA[{}]]></description>", fill("<script>", ""))),
        rss(&format!("<description><![CDATA[{}]]></description>", fill("<script></script>", ""))),
        rss(&format!("<description><![CDATA[{}]]></description>", fill("<", ""))),
        rss(&format!("<description><![CDATA[{}]]></description>", fill("&", ""))),
        rss(&format!("<media:group>{}</media:group>", fill("<media:group>", "</media:group>"))),
        rss(&fill("<category>x</category>", "")),
        format!(
            "<rss version=\"2.0\" {}><channel/></rss>",
            (0..50_000).map(|n| format!("a{n}=\"x\" ")).collect::<String>()
        ),
        fill("<feed>", ""),
        fill("<", ""),
        format!(
            "<feed xmlns=\"http://www.w3.org/2005/Atom\"><entry><content type=\"xhtml\">{}</content></entry></feed>",
            fill("<div>", "</div>")
        ),
    ];
    for input in &inputs {
        for report in syndication::parse(input.as_bytes()).unwrap_or_default().reports {
            assert!(report.text.chars().count() <= SAID_MAX && report.components.len() <= 100);
        }
    }
    let deep = fill("[", "]");
    assert!(
        statuspage::parse(deep.as_bytes()).is_err() && mapped::parse(deep.as_bytes(), &mapping()).is_err()
    );
    assert!(alertmanager::parse(fill("{\"a\":", "").as_bytes(), None, DateTime::UNIX_EPOCH).is_err());
}

#[test]
fn words_that_hide_turn_around_or_break_lines_are_mended() {
    let title =
        "Mail\u{0}\u{1b}[31m is\r\nBcc: x@y \u{202e}nwod\u{200b}".to_owned() + &"long ".repeat(100_000);
    let json = serde_json::json!({ "incidents": [{ "id": "a\u{0}b\n", "name": title, "status": "investigating", "shortlink": "javascript:alert(1)" }] });
    let report = &statuspage::parse(json.to_string().as_bytes()).unwrap().reports[0];
    assert!(report.title.starts_with("Mail [31m is Bcc: x@y nwodlong long"), "{}", report.title);
    assert_eq!((report.title.chars().count(), report.title.ends_with('…')), (200, true));
    assert!(report.key.starts_with('#') && report.link.is_none(), "{report:?}");
    assert_eq!(text::one_line("a\u{61c}b\u{180e}c\u{115f}d\u{3164}e\u{e0041}f\u{ad}g", 100), "abcdefg");
    assert!(stable_key("a\u{202e}b").starts_with('#'));
    assert_eq!(text::lines("a\r\n\r\n\r\n\u{7}b\n\n", 100), "a\n\nb");
    assert_eq!(
        text::from_html("<p>5 &lt; 6 &amp; 7 &gt; 2 &nbsp;&#228;&#x1F600; &what; &"),
        "\n\n5 < 6 & 7 > 2  ä😀 &what; &"
    );
    assert_eq!(text::from_html("a<script>alert('<p>')</SCRIPT>b<style>p{}</style>c"), "abc");
}

#[test]
fn what_is_odd_in_an_incident_does_not_lose_it_and_what_cannot_be_read_is_counted() {
    let odd = r#"{ "incidents": [
        { "id": "x1", "name": null, "status": null, "impact": 7, "components": null, "incident_updates": null },
        { "id": 2, "name": "Two", "components": [{ "name": null }, { "name": "Mail" }, 7],
          "incident_updates": [{ "body": 7 }, 8, { "body": "First of the same time." }, { "body": "Older." }] } ] }"#;
    let listed = statuspage::parse(odd.as_bytes()).unwrap();
    assert_eq!(names(&listed.reports), ["Incident without a title", "Two"]);
    assert_eq!((listed.lost, &listed.reports[1].components[..]), (0, &["Mail".into()][..]));
    let same = odd.replace("{ \"body\": 7 }, 8, ", "");
    assert_eq!(&*statuspage::parse(same.as_bytes()).unwrap().reports[1].text, "First of the same time.");
    let json = r#"{ "items": [{ "id": 7, "name": null }, { "id": 8, "name": "B", "when": -9223372036854775808 }, 9] }"#;
    let listed = mapped::parse(json.as_bytes(), &mapping()).unwrap();
    assert_eq!((listed.reports.len(), &listed.unread[..], listed.lost), (1, &["7".into()][..], 1));
    let item = |guid: &str, title: &str| format!("<item><guid>{guid}</guid><title>{title}</title></item>");
    let rss = |items: &str| format!("<rss version=\"2.0\"><channel>{items}</channel></rss>");
    let listed = syndication::parse(rss(&(item("g1", "") + &item("g2", "Two"))).as_bytes()).unwrap();
    assert_eq!((listed.reports.len(), &listed.unread[..]), (1, &["g1".into()][..]));
    assert!(syndication::parse(rss(&item("g1", "")).as_bytes()).is_err(), "none of them is readable");
    // Neither is all of it repeated in the error.
    let long = format!("{{\"incidents\": \"{}\"}}", "x".repeat(LARGEST - 100));
    assert!(statuspage::parse(long.as_bytes()).unwrap_err().to_string().chars().count() < 300);
    let alert = |n: usize| serde_json::json!({ "status": "firing", "labels": { "instance": n.to_string() } });
    let alerts: Vec<_> = (0..25).map(alert).collect();
    let group = serde_json::json!({ "groupKey": "k", "status": "firing", "alerts": alerts, "truncatedAlerts": u64::MAX });
    let report = alertmanager::parse(group.to_string().as_bytes(), None, DateTime::UNIX_EPOCH).unwrap();
    assert!(report.text.contains("and 18446744073709551615 more"), "{}", report.text);
}
