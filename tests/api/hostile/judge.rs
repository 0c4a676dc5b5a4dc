//! What every answer must be, whatever was asked.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::{
    generate::Sent,
    wire::{Ended, Reply},
};

/// What came of many requests: how often, by route, method and status (0: closed without an answer).
#[derive(Default)]
pub struct Tally(BTreeMap<(&'static str, String, u16), usize>);

impl Tally {
    pub fn add(&mut self, sent: &Sent, status: u16) {
        *self.0.entry((sent.route, sent.method.clone(), status)).or_default() += 1;
    }

    pub fn absorb(&mut self, other: Self) {
        for (key, count) in other.0 {
            *self.0.entry(key).or_default() += count;
        }
    }

    /// How many answers are like this.
    pub fn count(&self, is_meant: impl Fn(&str, &str, u16) -> bool) -> usize {
        self.0.iter().filter(|((route, method, status), _)| is_meant(route, method, *status)).map(|(_, n)| n).sum()
    }

    pub fn statuses(&self) -> BTreeMap<u16, usize> {
        let mut statuses = BTreeMap::new();
        for ((_, _, status), count) in &self.0 {
            *statuses.entry(*status).or_default() += count;
        }
        statuses
    }
}

/// Whether what came back for `sent` is as it must be; says what is not.
pub fn judge(sent: &Sent, replies: &[Reply], ended: Option<&Ended>) -> Result<(), String> {
    if let Some(Ended::Malformed(what)) = ended {
        return Err(format!("no HTTP: {what}"));
    }
    // A handler that panics shows as a connection that closes.
    if replies.is_empty() && sent.is_clear {
        return Err(format!("a request that is well framed has no answer: {ended:?}"));
    }
    replies.iter().try_for_each(|reply| judge_one(sent, reply))
}

fn judge_one(sent: &Sent, reply: &Reply) -> Result<(), String> {
    if !(200..500).contains(&reply.status) {
        return Err(format!("status {}", reply.status));
    }
    let media_type = reply.header("content-type").unwrap_or_default();
    let is_json = media_type == "application/json" || media_type == "application/problem+json";
    let body = if reply.body.is_empty() { None } else { Some(&reply.body) };
    let json: Option<Value> = match body {
        Some(body) if is_json => Some(serde_json::from_slice(body).map_err(|error| format!("no JSON: {error}"))?),
        _ => None,
    };
    // What is not ours, such as actix's own text/plain, is not of these.
    let expected = [
        "text/html; charset=utf-8",
        "text/javascript; charset=utf-8",
        "application/statuslist+jwt",
        // Metrics, in Prometheus' format.
        "text/plain; version=0.0.4; charset=utf-8",
    ];
    if body.is_some() && !is_json && (!expected.contains(&media_type) || reply.status != 200) {
        return Err(format!("a body of an unexpected type {media_type:?}"));
    }
    if body.is_some() && reply.header("x-content-type-options") != Some("nosniff") {
        return Err("a body of which a browser may make something else".to_owned());
    }
    echo(sent, reply, json.as_ref())?;
    if let Some(json) = &json {
        shape(reply, media_type, json)?;
    }
    if reply.status == 405 && reply.header("allow").is_none_or(str::is_empty) {
        return Err("405 without Allow".to_owned());
    }
    if reply.status == 401 && reply.header("www-authenticate").is_none() {
        return Err("401 without WWW-Authenticate".to_owned());
    }
    Ok(())
}

/// A caller who may make a thing is shown that thing.
fn may_show(sent: &Sent, reply: &Reply) -> bool {
    let made = (sent.method.as_str(), reply.status, sent.route);
    [
        ("POST", 201, "/api/v1/tokens"),
        ("PATCH", 200, "/api/v1/orgs/{org}"),
        ("POST", 201, "/api/v1/orgs/{org}/invitations"),
        ("POST", 201, "/api/v1/orgs/{org}/service-accounts"),
        ("PATCH", 200, "/api/v1/orgs/{org}/policy"),
    ]
    .contains(&made)
}

fn echo(sent: &Sent, reply: &Reply, json: Option<&Value>) -> Result<(), String> {
    if may_show(sent, reply) {
        return Ok(());
    }
    let mut places = vec![reply.raw.clone(), percent_decoded(&reply.raw)];
    if let Some(json) = json {
        let mut texts = String::new();
        gather(json, &mut texts);
        places.push(texts.into_bytes());
    }
    let found: Vec<_> = places.iter().flat_map(|place| sent.secrets.found_in(place)).collect();
    if found.is_empty() { Ok(()) } else { Err(format!("what was sent comes back: {found:?}")) }
}

/// All texts in `value`, unescaped.
fn gather(value: &Value, texts: &mut String) {
    match value {
        Value::String(text) => texts.extend([text.as_str(), "\n"]),
        Value::Array(values) => values.iter().for_each(|value| gather(value, texts)),
        Value::Object(members) => members.iter().for_each(|(name, value)| {
            texts.extend([name.as_str(), "\n"]);
            gather(value, texts);
        }),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

fn percent_decoded(bytes: &[u8]) -> Vec<u8> {
    let mut decoded = Vec::with_capacity(bytes.len());
    let mut rest = bytes;
    while let Some((byte, after)) = rest.split_first() {
        let digits = (*byte == b'%').then(|| after.get(..2).and_then(|two| std::str::from_utf8(two).ok())).flatten();
        let value = digits.and_then(|digits| u8::from_str_radix(digits, 16).ok());
        decoded.push(value.unwrap_or(*byte));
        rest = if value.is_some() { &after[2..] } else { after };
    }
    decoded
}

fn shape(reply: &Reply, media_type: &str, json: &Value) -> Result<(), String> {
    if !json.is_object() {
        return Err("JSON that is no object".to_owned());
    }
    let has_token =
        ["access", "access_token", "refresh_token", "token", "session_token"].iter().any(|name| json[name].is_string());
    if has_token && reply.header("cache-control") != Some("no-store") {
        return Err("a token without no-store".to_owned());
    }
    if media_type == "application/problem+json" {
        let code = json["code"].as_str().unwrap_or_default();
        let is_code = !code.is_empty() && code.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_');
        if !is_code || json["status"] != reply.status {
            return Err("a problem without its code or status".to_owned());
        }
    } else if reply.status >= 400 && json.get("error").is_none() && json.as_object().is_none_or(Map::is_empty) {
        return Err("an error that says nothing".to_owned());
    }
    if reply.status >= 400 && reply.header("cache-control") != Some("no-store") {
        return Err("an error that may be cached".to_owned());
    }
    Ok(())
}
