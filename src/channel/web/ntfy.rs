//! ntfy, a topic that phones subscribe to (<https://docs.ntfy.sh/publish/#publish-as-json>).

use serde_json::{Value, json};

use super::super::post::clip;
use super::Post;
use crate::domain::notice::Priority;

/// The message, with ntfy's priorities: 5 rings through, 2 makes no sound. It may have 4,096 bytes, or it becomes a file.
pub(super) fn message(post: &Post, topic: &str) -> Value {
    let priority = match post.priority {
        Priority::Urgent => 5,
        Priority::High => 4,
        Priority::Normal => 3,
        Priority::Low => 2,
    };
    let mut text = clip(post.body(), 3_500);
    while text.len() > 4_000 {
        text = clip(&text, text.chars().count() / 2);
    }
    json!({
        "topic": topic,
        "title": clip(&post.subject, 200),
        "message": text,
        "priority": priority,
        "tags": [post.tag],
    })
}

#[cfg(test)]
mod tests {
    use super::super::tests::post;
    use super::*;

    #[test]
    fn the_urgent_rings_through_and_nothing_becomes_a_file() {
        let mut post = post();
        let said = message(&post, "drift");
        assert_eq!((&said["topic"], &said["priority"]), (&json!("drift"), &json!(5)));
        assert_eq!(said["title"], "Outage 12: Mail <b>is</b> *down* @all");
        post.text = "å".repeat(5_000);
        assert!(message(&post, "drift")["message"].as_str().unwrap().len() <= 4_000);
    }
}
