//! `Idempotency-Key`: a request that makes something, and may be sent again when its answer was lost.

use actix_web::{HttpRequest, web::Payload};
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::{json, problem::Problem};
use crate::{domain::idempotency::IdempotencyKey, service::Caller};

const HEADER: &str = "idempotency-key";

/// The longest key, in characters.
const MAX_KEY: usize = 255;

/// The body of a request that makes something, and its caller with the key that the request has, if it has one.
pub(super) async fn read<T: DeserializeOwned>(
    caller: Caller,
    request: &HttpRequest,
    payload: Payload,
) -> Result<(Caller, T), Problem> {
    let key = key(request)?;
    let bytes = json::bytes(request, payload).await?;
    let body = json::parse(&bytes)?;
    let idempotency_key = key.map(|key| {
        // The members in one order: a client may write them in another one when it tries again.
        let canonical = serde_json::from_slice::<Value>(&bytes).map(|value| value.to_string()).unwrap_or_default();
        IdempotencyKey::new(&key, request.method().as_str(), request.path(), &canonical)
    });
    Ok((Caller { idempotency_key, ..caller }, body))
}

/// The key, if there is one.
fn key(request: &HttpRequest) -> Result<Option<String>, Problem> {
    let mut values = request.headers().get_all(HEADER);
    let Some(value) = values.next() else { return Ok(None) };
    let key = value.to_str().ok().and_then(unquoted).filter(|_| values.next().is_none());
    key.map(Some).ok_or_else(|| Problem::Invalid {
        member: "Idempotency-Key".to_owned(),
        problem: "must be one key of 1 to 255 visible ASCII characters, bare or in quotes (a string of RFC 9651)"
            .to_owned(),
    })
}

/// The key that `value` writes: a string of RFC 9651 (structured fields), as the draft has it, or the bare key, as most
/// clients send it.
fn unquoted(value: &str) -> Option<String> {
    let value = value.trim_matches([' ', '\t']);
    let key = match value.strip_prefix('"') {
        None => value.to_owned(),
        Some(rest) => unescaped(rest.strip_suffix('"')?)?,
    };
    ((1..=MAX_KEY).contains(&key.len()) && key.bytes().all(|byte| byte.is_ascii_graphic())).then_some(key)
}

/// Without the backslash before a quote or a backslash; there is no other one, and no quote without.
fn unescaped(text: &str) -> Option<String> {
    let mut rest = text.chars();
    let mut plain = String::new();
    while let Some(found) = rest.next() {
        plain.push(match found {
            '\\' => rest.next().filter(|escaped| ['"', '\\'].contains(escaped))?,
            '"' => return None,
            other => other,
        });
    }
    Some(plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_bare_or_a_string_in_quotes() {
        let long = "k".repeat(255);
        for (value, key) in [
            ("8e03978e-40d5-43dd-bc93-6894a57f9324", "8e03978e-40d5-43dd-bc93-6894a57f9324"),
            (r#""8e03978e-40d5-43dd-bc93-6894a57f9324""#, "8e03978e-40d5-43dd-bc93-6894a57f9324"),
            (r#" "a\"b\\c" "#, r#"a"b\c"#),
            (r#"a"b\c"#, r#"a"b\c"#),
            ("!~", "!~"),
            (&long, &long),
        ] {
            assert_eq!(unquoted(value).as_deref(), Some(key), "{value}");
        }
        let longer = format!("\"{long}k\"");
        for value in
            ["", " ", r#"""#, r#""""#, r#""a"#, r#""a\""#, r#""a"b""#, r#""a\b""#, "a b", "\"a b\"", "a\u{7f}", &longer]
        {
            assert_eq!(unquoted(value), None, "{value}");
        }
        assert_eq!(unquoted("\u{e9}"), None);
    }
}
