//! Notices as teams read them. Whatever is in a notice stays text: nothing in it becomes markup, a link or a call to everybody.

use serde_json::{Value, json};

use super::super::post::clip;
use super::Post;
use crate::domain::outage::Severity;

/// The limit of a message is 28 KB (<https://learn.microsoft.com/microsoftteams/limits-specifications-teams>); what is larger is refused.
const LARGEST: usize = 25_000;

/// An adaptive card (<https://adaptivecards.io/explorer/>), as the workflow "Post to a channel when a webhook request is received" takes it.
/// A `TextBlock` reads Markdown; a `TextRun` doesn't.
pub(super) fn teams(post: &Post) -> Value {
    let mut most = 8_000;
    loop {
        let card = card(post, most);
        // The text is all that may be long; without it the card is small.
        if most == 0 || card.to_string().len() <= LARGEST {
            return card;
        }
        most = most * 3 / 4;
    }
}

/// With at most so many characters of the text.
fn card(post: &Post, most: usize) -> Value {
    let run = |text: &str, more: Value| {
        let mut run = json!({ "type": "TextRun", "text": text });
        if let (Some(run), Some(more)) = (run.as_object_mut(), more.as_object()) {
            run.extend(more.clone());
        }
        json!({ "type": "RichTextBlock", "inlines": [run] })
    };
    let colour = match (post.colour, post.severity) {
        ("#1a7f37", _) => "Good",
        (_, Severity::Critical) => "Attention",
        (_, Severity::Major) => "Warning",
        (_, Severity::Minor) => "Accent",
    };
    let mut body = vec![
        run(&post.label, json!({ "weight": "Bolder", "color": colour, "size": "Small" })),
        run(&clip(&post.heading, 500), json!({ "weight": "Bolder", "size": "Large" })),
    ];
    // Each paragraph is a block of its own, else the lines run together.
    let text = clip(post.body(), most);
    body.extend(text.split('\n').filter(|line| !line.trim().is_empty()).map(|line| run(line, json!({}))));
    json!({
        "type": "message",
        "attachments": [{
            "contentType": "application/vnd.microsoft.card.adaptive",
            "contentUrl": null,
            "content": {
                "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
                "type": "AdaptiveCard",
                "version": "1.4",
                "msteams": { "width": "Full" },
                "fallbackText": clip(&post.subject, 500),
                "body": body,
            },
        }],
    })
}

/// Blocks of plain text (<https://api.slack.com/reference/block-kit>): 150 characters in a header, 3,000 in a section.
pub(super) fn slack(post: &Post) -> Value {
    let plain = |text: &str, most| json!({ "type": "plain_text", "text": clip(text, most), "emoji": false });
    // What stands in a notification is read for markup, where these three are special.
    let fallback = clip(&post.subject, 500).replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
    json!({
        "text": fallback,
        "blocks": [
            { "type": "header", "text": plain(&post.heading, 150) },
            { "type": "context", "elements": [plain(&format!("{} · {}", post.label, post.how_bad), 150)] },
            { "type": "section", "text": plain(post.body(), 3_000) },
        ],
    })
}

/// An attachment (<https://developers.mattermost.com/integrate/reference/message-attachments/>). Its text is Markdown, so all that is special
/// there is escaped.
pub(super) fn mattermost(post: &Post) -> Value {
    json!({
        "attachments": [{
            "fallback": quiet(&clip(&post.subject, 500)),
            "color": post.colour,
            "author_name": &post.label,
            "title": markdown(&clip(&post.heading, 500)),
            "text": markdown(&clip(post.body(), 7_000)),
        }],
    })
}

/// A text that Markdown shows as it is.
fn markdown(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in quiet(text).chars() {
        if "\\`*_{}[]()#+-.!|<>~:$".contains(c) {
            out.push('\\');
        }
        out.push(c);
    }
    out
}

/// A text that calls nobody: a zero-width space stands behind each `@`.
fn quiet(text: &str) -> String {
    text.replace('@', "@\u{200b}")
}

#[cfg(test)]
mod tests {
    use super::super::tests::post;
    use super::*;

    #[test]
    fn teams_gets_a_card_of_plain_runs() {
        let card = &teams(&post())["attachments"][0]["content"];
        assert_eq!(card["type"], "AdaptiveCard");
        let body = card["body"].as_array().unwrap();
        assert!(body.iter().all(|block| block["type"] == "RichTextBlock"), "{card}");
        let texts: Vec<&str> = body.iter().filter_map(|b| b["inlines"][0]["text"].as_str()).collect();
        assert_eq!(texts[..2], ["Outage", "Mail <b>is</b> *down* @all"]);
        assert_eq!(body[0]["inlines"][0]["color"], "Attention");
        assert!(texts.contains(&"Nobody can sign in."), "{texts:?}");
    }

    #[test]
    fn no_card_is_larger_than_teams_takes() {
        for (text, kept) in [
            ("host\n".repeat(1_600), 200),
            ("\u{1F525}".repeat(8_000), 4_000),
            ("\u{1}".repeat(9_000), 3_000),
        ] {
            let long = Post { text, ..post() };
            let message = teams(&long);
            assert!(message.to_string().len() <= 25_000, "{}", message.to_string().len());
            let body = message["attachments"][0]["content"]["body"].as_array().unwrap();
            let texts = body.iter().map(|block| block["inlines"][0]["text"].as_str().unwrap());
            let all = texts.collect::<String>().chars().count();
            assert!(all > kept, "as much as goes in: {all}");
        }
    }

    #[test]
    fn slack_gets_plain_text() {
        let message = slack(&post());
        assert_eq!(message["text"], "Outage 12: Mail &lt;b&gt;is&lt;/b&gt; *down* @all");
        for (block, at) in [(0, "/text"), (1, "/elements/0"), (2, "/text")] {
            let text = message["blocks"][block].pointer(at).unwrap();
            assert_eq!(text["type"], "plain_text");
        }
        let mut long = post();
        long.text = "å".repeat(10_000);
        let text = slack(&long)["blocks"][2]["text"]["text"].as_str().unwrap().chars().count();
        assert_eq!(text, 3_000);
    }

    #[test]
    fn mattermost_calls_nobody_and_shows_what_was_written() {
        let attachment = &mattermost(&post())["attachments"][0];
        assert_eq!(attachment["title"], "Mail \\<b\\>is\\</b\\> \\*down\\* @\u{200b}all");
        assert!(!attachment.to_string().contains("@all"), "{attachment}");
        assert_eq!(attachment["color"], "#b3261e");
    }
}
