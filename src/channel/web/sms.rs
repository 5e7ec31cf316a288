//! Text messages over a gateway that speaks HTTP: its address and what it is sent are an operator's template.

use std::fmt::Write as _;

use minijinja::value::Value;
use minijinja::{AutoEscape, Environment, UndefinedBehavior, context};
use reqwest::Method;
use reqwest::header::{CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use url::Url;

use super::{Post, Request};
use crate::domain::phone;
use crate::tls::TlsError;

/// How a gateway is asked.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct SmsSettings {
    /// `GET`, `POST` or `PUT`.
    pub method: String,
    /// Where, with places to fill in.
    pub url: String,
    /// What it is sent, with places to fill in; empty: nothing.
    pub body: String,
    /// What that is, which says how what is filled in is written: as JSON, as a field of a form, as XML, as it is.
    pub content_type: String,
}

/// Why a template can't be used.
#[derive(Debug, thiserror::Error)]
pub enum TemplateError {
    /// Its text.
    #[error("the template of {0} can't be used: {1:#}")]
    Template(&'static str, minijinja::Error),
    /// What came of it is no address.
    #[error("the template makes {0:?}, which is no address: {1}")]
    Url(String, url::ParseError),
    /// No such method, or no such content type.
    #[error("{0:?} can't be used as {1}")]
    Header(String, &'static str),
    /// What came of it isn't JSON.
    #[error(
        "the template makes a body that isn't JSON ({0}); what is filled in brings its own quotes: {{\"to\": {{{{ phone }}}}}}"
    )]
    Json(serde_json::Error),
    /// TLS can't be set up.
    #[error(transparent)]
    Tls(#[from] TlsError),
}

/// A gateway's template, read.
#[derive(Debug)]
pub struct Sms {
    templates: Environment<'static>,
    method: Method,
    content_type: HeaderValue,
    is_json: bool,
    has_body: bool,
}

/// As a field of a form or a part of an address.
const FORM: &str = "form";
/// As a value of JSON, with its quotes.
const JSON: &str = "json";

impl Sms {
    pub(super) fn new(settings: SmsSettings) -> Result<Sms, TemplateError> {
        let SmsSettings { method, url, body, content_type } = settings;
        let kind = content_type.split(';').next().unwrap_or_default().trim().to_lowercase();
        let escape = match kind.as_str() {
            "application/x-www-form-urlencoded" => AutoEscape::Custom(FORM.into()),
            kind if kind == "application/json" || kind.ends_with("+json") => AutoEscape::Custom(JSON.into()),
            kind if kind.ends_with("/xml") || kind.ends_with("+xml") => AutoEscape::Html,
            _ => AutoEscape::None,
        };
        let is_json = escape == AutoEscape::Custom(JSON.into());
        let mut templates = Environment::new();
        templates.set_undefined_behavior(UndefinedBehavior::Strict);
        templates.set_fuel(Some(50_000));
        templates.set_auto_escape_callback(move |name| match name {
            "url" => AutoEscape::Custom(FORM.into()),
            _ => escape.clone(),
        });
        templates.set_formatter(|out, state, value| match state.auto_escape() {
            AutoEscape::Custom(kind) if kind == FORM => out.write_str(&field(value)).map_err(Into::into),
            AutoEscape::Custom(kind) if kind == JSON => {
                let json = serde_json::to_string(value).unwrap_or_default();
                out.write_str(&json).map_err(Into::into)
            }
            _ => minijinja::escape_formatter(out, state, value),
        });
        let has_body = !body.is_empty();
        for (name, source) in [("url", url), ("body", body)] {
            templates.add_template_owned(name, source).map_err(|e| TemplateError::Template(name, e))?;
        }
        let method = match method.as_str() {
            "GET" => Method::GET,
            "POST" => Method::POST,
            "PUT" => Method::PUT,
            _ => return Err(TemplateError::Header(method, "method")),
        };
        let value = HeaderValue::from_str(&content_type);
        let content_type = value.map_err(|_| TemplateError::Header(content_type, "content_type"))?;
        Ok(Sms { templates, method, content_type, is_json, has_body })
    }

    /// Fills in a sample, to see that the templates work; the address that comes of it.
    pub(super) fn sample(&self) -> Result<Url, TemplateError> {
        let sample = context! {
            phone => "+46 70 123 45 67", text => "Text \"with\" <all> & åäö\nin it", subject => "Outage 1: Mail",
            name => "Åsa Öberg", id => "budkavle.1@example.org", severity => "major", organisation => "Org",
        };
        let (url, body) = self.fill(&sample)?;
        if self.is_json && self.has_body {
            serde_json::from_slice::<serde_json::Value>(&body).map_err(TemplateError::Json)?;
        }
        Ok(url)
    }

    fn fill(&self, values: &Value) -> Result<(Url, Vec<u8>), TemplateError> {
        let render = |name: &'static str| {
            let done = self.templates.get_template(name).and_then(|template| template.render(values));
            done.map_err(|e| TemplateError::Template(name, e))
        };
        let (url, body) = (render("url")?, render("body")?);
        let parsed = Url::parse(&url).map_err(|e| TemplateError::Url(url, e))?;
        Ok((parsed, body.into_bytes()))
    }

    /// What the gateway is asked for a recipient with a phone.
    pub(super) fn request(&self, post: &Post) -> Result<Request, String> {
        let phone = post.recipient.phone.as_deref().and_then(phone::number);
        let phone =
            phone.ok_or_else(|| "the recipient has no phone number that can be written to".to_owned())?;
        let values = context! {
            phone => phone, text => &post.brief, subject => &post.subject, name => &*post.recipient.name, id => &post.id,
            severity => post.severity.to_string(), organisation => &post.organisation,
        };
        let (url, body) = self.fill(&values).map_err(|e| e.to_string())?;
        let id = HeaderValue::from_str(&post.id).map_err(|e| e.to_string())?;
        let mut headers = HeaderMap::new();
        headers.insert(HeaderName::from_static("idempotency-key"), id);
        if self.has_body {
            headers.insert(CONTENT_TYPE, self.content_type.clone());
        }
        Ok(Request { method: self.method.clone(), url, headers, body })
    }
}

fn field(value: &Value) -> String {
    let text = value.to_string();
    let mut out = String::new();
    for part in url::form_urlencoded::byte_serialize(text.as_bytes()) {
        // A plus is a space only in a form.
        let _ = out.write_str(if part == "+" { "%20" } else { part });
    }
    out
}

#[cfg(test)]
mod tests {
    use super::super::tests::post;
    use super::*;

    fn settings(url: &str, body: &str, content_type: &str) -> SmsSettings {
        let method = if body.is_empty() { "GET" } else { "POST" };
        SmsSettings {
            method: method.into(),
            url: url.into(),
            body: body.into(),
            content_type: content_type.into(),
        }
    }

    #[test]
    fn what_is_filled_in_stays_where_it_belongs() {
        let mut post = post();
        post.brief = "a \"b\"&to=1\n<c> å".into();
        let ask = |url: &str, body: &str, kind: &str| {
            let sms = Sms::new(settings(url, body, kind)).unwrap();
            sms.sample().unwrap();
            let asked = sms.request(&post).unwrap();
            (asked.url, String::from_utf8(asked.body).unwrap())
        };
        let (url, _) = ask("https://gw.example/{{ phone }}?t={{ text }}", "", "text/plain");
        assert_eq!(url.path(), "/%2B46701234567");
        assert_eq!(url.query_pairs().next().unwrap().1, post.brief);
        let form = "application/x-www-form-urlencoded";
        let (_, body) = ask("https://gw.example/", "to={{ phone }}&text={{ text }}", form);
        let fields: Vec<_> = url::form_urlencoded::parse(body.as_bytes()).into_owned().collect();
        let field = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        assert_eq!(fields, [field("to", "+46701234567"), field("text", &post.brief)]);
        let (_, body) =
            ask("https://gw.example/", "{\"to\": {{ phone }}, \"m\": {{ text }}}", "application/json");
        let json: serde_json::Value = serde_json::from_str(&body).unwrap();
        assert_eq!(json, serde_json::json!({ "to": "+46701234567", "m": post.brief }));
        let (_, body) = ask("https://gw.example/", "<m>{{ text }}</m>", "text/xml; charset=utf-8");
        assert!(body.contains("&lt;c&gt;") && body.contains("&amp;to"), "{body}");
    }

    #[test]
    fn mistakes_are_found_before_anything_is_sent() {
        for (url, body, kind, wrong) in [
            ("https://gw.example/{{ fone }}", "", "text/plain", "url"),
            ("https://gw.example/", "{\"to\": \"{{ phone }}\"}", "application/json", "isn't JSON"),
            ("gw.example", "", "text/plain", "no address"),
        ] {
            let sample = Sms::new(settings(url, body, kind)).unwrap().sample().unwrap_err().to_string();
            assert!(sample.contains(wrong), "{sample}");
        }
    }
}
