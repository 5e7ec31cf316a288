//! The generic webhook: the post as JSON, signed as the Standard Webhooks specification says, for whose receivers there are libraries in
//! every language (<https://github.com/standard-webhooks/standard-webhooks>).

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use chrono::{DateTime, Utc};
use reqwest::header::{HeaderName, HeaderValue};
use ring::hmac;
use secrecy::{ExposeSecret, SecretString};

use super::{Post, Request, json_bytes};

/// What a secret begins with that is written in base64.
const PREFIX: &str = "whsec_";

/// The request. The signature covers the id, the time of this try, and the body.
pub(super) fn request(
    post: &Post,
    secret: Option<&SecretString>,
    now: DateTime<Utc>,
) -> Result<Request, String> {
    let body = post.json();
    let time = now.timestamp().to_string();
    let mut headers = vec![("webhook-id", post.id.clone()), ("webhook-timestamp", time.clone())];
    if let Some(secret) = secret {
        let mut signed = format!("{}.{time}.", post.id).into_bytes();
        signed.extend_from_slice(&body);
        headers.push(("webhook-signature", format!("v1,{}", signature(secret, &signed)?)));
    }
    let mut request = json_bytes(body);
    for (name, value) in headers {
        let value = HeaderValue::from_str(&value).map_err(|e| e.to_string())?;
        request.headers.insert(HeaderName::from_static(name), value);
    }
    Ok(request)
}

/// HMAC-SHA256 (RFC 2104) in base64. A secret without its prefix is taken as text.
fn signature(secret: &SecretString, signed: &[u8]) -> Result<String, String> {
    let text = secret.expose_secret();
    let decoded = text.strip_prefix(PREFIX).map(|rest| BASE64_STANDARD.decode(rest)).transpose();
    let decoded = decoded.map_err(|_| format!("what follows {PREFIX} in the secret isn't base64"))?;
    let key = hmac::Key::new(hmac::HMAC_SHA256, decoded.as_deref().unwrap_or(text.as_bytes()));
    Ok(BASE64_STANDARD.encode(hmac::sign(&key, signed)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_signed_as_the_specification_signs() {
        // The example of the specification's own libraries.
        let secret = SecretString::from("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw");
        let signed = b"msg_p5jXN8AQM9LWM0D4loKWxJek.1614265330.{\"test\": 2432232314}";
        assert_eq!(signature(&secret, signed).unwrap(), "g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
        let broken = SecretString::from("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaS");
        assert!(signature(&broken, signed).unwrap_err().contains("isn't base64"));
    }
}
