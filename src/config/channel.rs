//! `[[channel]]`: by what else than mail notices leave. Everything here can be reloaded; what waits for a channel is kept by its name.

use std::path::PathBuf;
use std::time::Duration;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use url::Url;

use super::directory::name;
use super::durations::{DAY, HOUR, MINUTE, SECOND, delta};
use super::graph::{self, Graph};
use super::reader::{Mark, Problem, Section};
use super::secret::{self, Secret};
use super::web::{self, Form, Web, address, url_text};
use super::words::quoted;
use crate::domain::backoff::Backoff;
use crate::domain::ids::ChannelName;
use crate::domain::route::Reach;

/// A channel beside mail.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Channel {
    /// What it is called.
    pub name: ChannelName,
    /// How it may be used.
    pub terms: ChannelTerms,
    /// Whom it reaches.
    pub reach: Reach,
    /// What it is.
    pub kind: ChannelKind,
}

/// How a channel may be used.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct ChannelTerms {
    /// The most messages on their way at a time.
    pub connections: u32,
    /// The most messages within a minute; None: as many as go.
    pub per_minute: Option<u32>,
    /// The pauses between the tries.
    pub retry: Backoff,
}

/// What a channel is.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum ChannelKind {
    /// JSON to a web server.
    Webhook {
        /// Where.
        web: Web,
        /// By which it is signed.
        secret: Option<Secret>,
    },
    /// A workflow of Microsoft Teams.
    Teams(Web),
    /// An incoming webhook of Slack.
    Slack(Web),
    /// An incoming webhook of Mattermost.
    Mattermost(Web),
    /// A topic of ntfy.
    Ntfy {
        /// The server.
        web: Web,
        /// The topic.
        topic: String,
    },
    /// Text messages over a gateway.
    Sms {
        /// The gateway; its `url` is that of a sample.
        web: Web,
        /// What it is asked.
        template: SmsTemplate,
    },
    /// Mails by Microsoft Graph.
    Graph(Graph),
    /// A program on this machine.
    Command {
        /// Its path.
        program: PathBuf,
        /// Its arguments.
        arguments: Vec<String>,
        /// How long it may take.
        timeout: Duration,
    },
}

/// Where access tokens are from (RFC 6749 §4.4).
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct TokenSource {
    /// The token endpoint.
    pub url: Url,
    /// Who we are there.
    pub client_id: String,
    /// The proof of it.
    pub client_secret: Secret,
    /// What the token is to be good for.
    pub scope: String,
}

/// What a gateway for text messages is asked, with places to fill in.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct SmsTemplate {
    /// `GET`, `POST` or `PUT`.
    pub method: String,
    /// The address.
    pub url: String,
    /// What it is sent.
    pub body: String,
    /// What that is.
    pub content_type: String,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Kind {
    Webhook,
    Teams,
    Slack,
    Mattermost,
    Ntfy,
    Sms,
    Graph,
    Command,
}

const KINDS: [(&str, Kind); 8] = [
    ("webhook", Kind::Webhook),
    ("teams", Kind::Teams),
    ("slack", Kind::Slack),
    ("mattermost", Kind::Mattermost),
    ("ntfy", Kind::Ntfy),
    ("sms", Kind::Sms),
    ("graph", Kind::Graph),
    ("command", Kind::Command),
];

const COMMON_KEYS: [&str; 9] = [
    "name",
    "kind",
    "each",
    "timeout",
    "limits",
    "connections",
    "per_minute",
    "retry_first",
    "retry_longest",
];
const WEBHOOK_KEYS: [&str; 3] = ["secret_file", "secret_env", "secret_credential"];
const NTFY_KEYS: [&str; 1] = ["topic"];
const SMS_KEYS: [&str; 3] = ["method", "body", "content_type"];
/// The keys of [`TokenSource`], but for `token_url`'s companions in [`web::KEYS`].
pub(super) const TOKEN_KEYS: [&str; 7] = [
    "tenant",
    "token_url",
    "client_id",
    "client_secret_file",
    "client_secret_env",
    "client_secret_credential",
    "scope",
];
const COMMAND_KEYS: [&str; 1] = ["command"];

/// Reads all of them.
pub(super) fn read_all(root: &Section) -> Vec<Channel> {
    let section = root.section("channel");
    // Also without one, the keys are known.
    let all = [
        &COMMON_KEYS[..],
        &web::KEYS,
        &web::SIGN_IN_KEYS,
        &WEBHOOK_KEYS,
        &NTFY_KEYS,
        &SMS_KEYS,
        &graph::KEYS,
        &TOKEN_KEYS,
        &COMMAND_KEYS,
    ];
    all.into_iter().for_each(|keys| section.one("*").know(keys));
    section.named().iter().filter_map(read).collect()
}

fn read(table: &Section) -> Option<Channel> {
    let name = name(table, "channel", "drift");
    if name == "mail" {
        let problem = Problem::new("mail is the channel of [mail]");
        table.note(Mark::Key, problem.hint("give this one another name"));
    }
    table.require("kind", "kind = \"webhook\"");
    let kind = table.choice("kind", &KINDS, None);
    let terms = terms(table, 1, if kind == Some(Kind::Graph) { graph::LIMITS } else { "none" });
    let each = table.flag("each", false);
    let timeout = table.duration("timeout", SECOND..=MINUTE * 10, SECOND * 30);
    let kind = kind?;
    if each && !matches!(kind, Kind::Webhook | Kind::Command) {
        table.mistake(
            "each",
            Problem::new("makes no sense here: it goes with a webhook or a command").hint("take it out"),
        );
    }
    let by_itself = matches!(kind, Kind::Command | Kind::Graph);
    let groups = [
        (&web::KEYS[..], kind != Kind::Command, "a channel to a web server"),
        (
            &web::SIGN_IN_KEYS,
            !by_itself,
            if kind == Kind::Graph {
                "another kind: this one signs in by client_id"
            } else {
                "a channel to a web server"
            },
        ),
        (&WEBHOOK_KEYS, kind == Kind::Webhook, "kind = \"webhook\""),
        (&NTFY_KEYS, kind == Kind::Ntfy, "kind = \"ntfy\""),
        (&SMS_KEYS, kind == Kind::Sms, "kind = \"sms\""),
        (&graph::KEYS, kind == Kind::Graph, "kind = \"graph\""),
        (&TOKEN_KEYS, kind == Kind::Graph, "kind = \"graph\""),
        (&COMMAND_KEYS, kind == Kind::Command, "kind = \"command\""),
    ];
    groups.iter().filter(|(_, fits, _)| !fits).for_each(|(keys, _, with)| table.refuse(keys, with));
    let form = if kind == Kind::Sms { Form::Template } else { Form::Whole };
    let web = if by_itself { None } else { web::read(table, form, timeout, true) };
    let read = match kind {
        Kind::Webhook => {
            let secret = secret::read(table, "secret");
            if let Some(secret) = &secret {
                judge_secret(table, secret.expose());
            }
            ChannelKind::Webhook { web: web?, secret }
        }
        Kind::Teams => ChannelKind::Teams(web?),
        Kind::Slack => ChannelKind::Slack(web?),
        Kind::Mattermost => ChannelKind::Mattermost(web?),
        Kind::Ntfy => {
            table.require("topic", "topic = \"drift\"");
            let topic = table.parsed("topic", topic);
            ChannelKind::Ntfy { web: web?, topic: topic? }
        }
        Kind::Sms => {
            let methods = [("GET", "GET"), ("POST", "POST"), ("PUT", "PUT")];
            let method = table.choice("method", &methods, Some("POST"));
            let body = table.any_text("body", "");
            let content_type = table.any_text("content_type", "application/x-www-form-urlencoded");
            let url = url_text(table)?;
            let template = SmsTemplate { method: method?.into(), url, body, content_type };
            ChannelKind::Sms { web: web?, template }
        }
        Kind::Graph => ChannelKind::Graph(graph::read(table, timeout)?),
        Kind::Command => {
            table.require("command", "command = [\"/usr/local/bin/page-us\", \"--urgent\"]");
            let words = table.list("command", |text| Ok(text.to_owned()))?;
            let Some((program, arguments)) = words.split_first() else {
                if table.is_set("command") {
                    let problem = Problem::new("is empty: there is no program");
                    table.mistake("command", problem.hint("command = [\"/usr/local/bin/page-us\"]"));
                }
                return None;
            };
            if !program.starts_with('/') {
                let problem = Problem::new(format!(
                    "must begin with the whole path of a program, not {}",
                    quoted(program)
                ));
                table.mistake(
                    "command",
                    problem.hint("no shell looks for it: command = [\"/usr/local/bin/page-us\"]"),
                );
            }
            ChannelKind::Command { program: program.into(), arguments: arguments.to_vec(), timeout }
        }
    };
    let reach = match kind {
        Kind::Sms => Reach::Phone,
        Kind::Graph => Reach::Mail,
        Kind::Webhook | Kind::Command if each => Reach::Person,
        _ => Reach::Place,
    };
    // A route that names `mail` means the other one.
    (name != "mail").then(|| Channel { name: ChannelName::from(name.as_str()), terms, reach, kind: read })
}

/// A secret that others can't verify with, or could guess.
fn judge_secret(table: &Section, secret: &str) {
    let keys = ["secret_file", "secret_env", "secret_credential"];
    let key = keys.into_iter().find(|key| table.is_set(key)).unwrap_or("name");
    let hint = "make one: echo whsec_$(openssl rand -base64 32)";
    if secret.strip_prefix("whsec_").is_some_and(|rest| BASE64_STANDARD.decode(rest).is_err()) {
        let problem = Problem::new("holds a secret that isn't whole: what follows whsec_ isn't base64");
        table.mistake(key, problem.hint(hint));
    } else if secret.len() < 16 {
        table.warn(key, Problem::new("holds a secret that is short").hint(hint));
    }
}

/// `limits`, `connections`, `per_minute` and the pauses.
fn terms(table: &Section, usual: u32, preset: &str) -> ChannelTerms {
    let (connections, per_minute) = limits(table, usual, preset);
    let retry = retry(table);
    ChannelTerms { connections, per_minute, retry }
}

/// What Exchange Online takes from a mailbox: 3 connections, 30 messages a minute ("Exchange Online limits", Microsoft Learn).
const EXCHANGE_ONLINE: (u32, u32) = (3, 30);

/// The most connections and the most messages a minute; the preset that `limits` names (without the key, `preset`) stands in for what isn't set.
pub(super) fn limits(table: &Section, usual: u32, preset: &str) -> (u32, Option<u32>) {
    let presets = [("none", None), ("exchange-online", Some(EXCHANGE_ONLINE))];
    let preset = table.choice("limits", &presets, Some(preset));
    let (connections, per_minute) = preset.flatten().unwrap_or((usual, 0));
    let connections = table.number("connections", 1..=100, connections);
    let per_minute = table.number("per_minute", 0..=100_000, per_minute);
    (connections, Some(per_minute).filter(|n| *n > 0))
}

/// The pauses between the tries.
pub(super) fn retry(table: &Section) -> Backoff {
    let first = table.duration("retry_first", SECOND..=HOUR, SECOND * 30);
    let longest = table.duration("retry_longest", SECOND..=DAY, HOUR);
    if first > longest {
        let key = if table.is_set("retry_first") { "retry_first" } else { "retry_longest" };
        let problem = format!(
            "contradicts itself: the first pause ({}) is longer than the longest ({})",
            super::durations::text(first),
            super::durations::text(longest)
        );
        table.mistake(key, Problem::new(problem).hint("retry_first must not be above retry_longest"));
    }
    Backoff { first: delta(first), longest: delta(longest) }
}

/// Where tokens are from: of a tenant of Entra ID, or at `token_url`.
pub(super) fn token_source(table: &Section, scope: &str) -> Option<TokenSource> {
    let tenant = table.parsed("tenant", |text| {
        let fits = text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'.');
        let problem =
            || Problem::new(format!("{} is no tenant", quoted(text))).hint("its id, or one of its domains");
        fits.then(|| format!("https://login.microsoftonline.com/{text}/oauth2/v2.0/token"))
            .ok_or_else(problem)
    });
    let tenant = tenant.and_then(|text| Url::parse(&text).ok());
    let other = table.parsed("token_url", |text| address(text, false));
    match (table.is_set("tenant"), table.is_set("token_url")) {
        (true, true) => {
            let problem = Problem::new("contradicts tenant").hint("keep one of the two");
            table.mistake("token_url", problem);
        }
        (false, false) => table.require("tenant", "tenant = \"example.org\"; or token_url"),
        _ => {}
    }
    table.require("client_id", "client_id = \"00000000-0000-0000-0000-000000000000\"");
    let client_id = table.text("client_id");
    let client_secret = secret::require(table, "client_secret");
    let scope = table.any_text("scope", scope);
    Some(TokenSource { url: other.or(tenant)?, client_id: client_id?, client_secret: client_secret?, scope })
}

/// ntfy's own rule.
fn topic(text: &str) -> Result<String, Problem> {
    let fits = text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_');
    if fits && (1..=64).contains(&text.len()) {
        return Ok(text.to_owned());
    }
    let problem = Problem::new(format!("{} is no name of a topic", quoted(text)));
    Err(problem.hint("up to 64 letters, digits, hyphens and underscores"))
}
