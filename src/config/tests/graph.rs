//! Microsoft Graph: as `[mail]`, and as a `[[channel]]`.

use super::*;
use crate::config::{ChannelKind, Transport};

const KEYS: &str = r#"
tenant = "example.org"
client_id = "00000000-0000-0000-0000-000000000000"
client_secret_env = "BIND_PASSWORD"
mailbox = "it@example.org"
timeout = "40s"
proxy = "http://proxy.example.org:3128"
"#;

fn load_with(more: &str) -> Config {
    let mail = format!("transport = \"graph\"{KEYS}{more}");
    let channel = format!("[[channel]]\nname = \"second\"\nkind = \"graph\"{KEYS}{more}");
    let text = LEAST.replace("host = \"mail.example.org\"", &mail) + &channel;
    let folder = Folder::with(&[("budkavle.toml", &text)]);
    folder.load(&[]).unwrap_or_else(|findings| panic!("{findings}")).0
}

#[test]
fn the_same_keys_mean_the_same() {
    let config = load_with("");
    let Transport::Graph(graph) = &config.mail.transport else { panic!() };
    let ChannelKind::Graph(other) = &config.channels[0].kind else { panic!() };
    assert_eq!(graph, other);
    assert_eq!(graph.web.url.as_str(), "https://graph.microsoft.com/v1.0");
    assert_eq!(graph.tokens.url.as_str(), "https://login.microsoftonline.com/example.org/oauth2/v2.0/token");
    assert_eq!(graph.tokens.scope, "https://graph.microsoft.com/.default");
    assert_eq!((graph.web.timeout.as_secs(), graph.mailbox.as_deref()), (40, Some("it@example.org")));
}

#[test]
fn what_exchange_online_takes_is_the_default() {
    for (more, mail, channel) in [
        ("", (3, Some(30)), (3, Some(30))),
        ("per_minute = 10\n", (3, Some(10)), (3, Some(10))),
        ("limits = \"none\"\n", (4, None), (1, None)),
    ] {
        let config = load_with(more);
        let terms = config.channels[0].terms;
        assert_eq!((config.mail.connections, config.mail.per_minute), mail, "{more}");
        assert_eq!((terms.connections, terms.per_minute), channel, "{more}");
    }
}
