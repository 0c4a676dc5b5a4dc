//! The members of a policy, each with what it must be. The bounds stand here and nowhere else: changes are checked against
//! them, what is said of a wrong value is made of them, and the published schema has them.

use std::fmt;

use ipnet::IpNet;
use schemars::Schema;
use serde_json::{Map, Value, json};

use super::{AUDIENCE_PATTERN, LONGEST_ACCESS_TOKEN_TTL, MAX_AUDIENCE, is_audience};
use crate::domain::{
    credential::{CredentialKind, NEVER_SECONDS},
    network,
};

const DAY: i64 = 86_400;
const MAX_LIST: usize = 100;

/// What a network looks like, near enough for a schema.
const NETWORK_PATTERN: &str = "^[0-9a-fA-F:.]+/[0-9]{1,3}$";

/// What a member must be.
#[derive(Clone, Copy, Debug)]
pub(super) enum Rule {
    /// True or false.
    Flag,
    /// A time, in seconds.
    Seconds { least: i64, most: i64 },
    /// A time, in seconds, or null.
    SecondsOrNull { least: i64, most: i64 },
    /// A number of things.
    Count { most: u64 },
    /// Kinds of credentials, each once.
    Kinds,
    /// An audience, or null.
    AudienceOrNull,
    /// Some audiences.
    Audiences,
    /// Some networks.
    Networks,
}

/// All members.
pub(super) const FIELDS: [(&str, Rule); 12] = [
    ("access_token_ttl", Rule::Seconds { least: 60, most: LONGEST_ACCESS_TOKEN_TTL }),
    ("token_max_ttl", Rule::SecondsOrNull { least: 60, most: NEVER_SECONDS }),
    ("token_default_ttl", Rule::SecondsOrNull { least: 60, most: NEVER_SECONDS }),
    ("require_expiry", Rule::Flag),
    ("require_scopes", Rule::Flag),
    ("token_management", Rule::Flag),
    ("allowed_kinds", Rule::Kinds),
    ("max_tokens_per_user", Rule::Count { most: 100_000 }),
    ("stale_after", Rule::Seconds { least: DAY, most: NEVER_SECONDS }),
    ("default_audience", Rule::AudienceOrNull),
    ("allowed_audiences", Rule::Audiences),
    ("allowed_networks", Rule::Networks),
];

fn is_time(value: &Value, least: i64, most: i64) -> bool {
    value.as_i64().is_some_and(|seconds| (least..=most).contains(&seconds))
}

fn is_list(value: &Value, is_good: impl Fn(&str) -> bool) -> bool {
    let good = |item: &Value| item.as_str().is_some_and(&is_good);
    value.as_array().is_some_and(|items| items.len() <= MAX_LIST && items.iter().all(good))
}

/// Different kinds that are known here. Those of a newer patmint are for that one to set.
fn is_kinds(value: &Value) -> bool {
    let Some(items) = value.as_array() else { return false };
    let is_kind = |item: &Value| item.as_str().is_some_and(|word| word.parse::<CredentialKind>().is_ok());
    let is_new = |(place, item): (usize, &Value)| !items.iter().take(place).any(|earlier| earlier == item);
    items.iter().all(is_kind) && items.iter().enumerate().all(is_new)
}

fn is_network(text: &str) -> bool {
    text.parse::<IpNet>().is_ok_and(|network| network::canonical(network).is_some())
}

impl Rule {
    /// Whether a member may have this value.
    pub(super) fn admits(self, value: &Value) -> bool {
        match self {
            Self::Flag => value.is_boolean(),
            Self::Seconds { least, most } => is_time(value, least, most),
            Self::SecondsOrNull { least, most } => value.is_null() || is_time(value, least, most),
            Self::Count { most } => value.as_u64().is_some_and(|count| count <= most),
            Self::Kinds => is_kinds(value),
            Self::AudienceOrNull => value.is_null() || value.as_str().is_some_and(is_audience),
            Self::Audiences => is_list(value, is_audience),
            Self::Networks => is_list(value, is_network),
        }
    }

    /// The bounds as members of a JSON Schema, for the value itself and for the items of a list.
    fn bounds(self) -> (Value, Value) {
        let audience = json!({ "minLength": 1, "maxLength": MAX_AUDIENCE, "pattern": AUDIENCE_PATTERN });
        match self {
            Self::Flag => (Value::Null, Value::Null),
            Self::Seconds { least, most } | Self::SecondsOrNull { least, most } => {
                (json!({ "minimum": least, "maximum": most }), Value::Null)
            }
            Self::Count { most } => (json!({ "maximum": most }), Value::Null),
            Self::Kinds => (json!({ "uniqueItems": true }), Value::Null),
            Self::AudienceOrNull => (audience, Value::Null),
            Self::Audiences => (json!({ "maxItems": MAX_LIST }), audience),
            Self::Networks => (json!({ "maxItems": MAX_LIST }), json!({ "pattern": NETWORK_PATTERN })),
        }
    }
}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Flag => f.write_str("must be true or false"),
            Self::Seconds { least, most } => write!(f, "must be {least} to {most} seconds"),
            Self::SecondsOrNull { least, most } => write!(f, "must be null or {least} to {most} seconds"),
            Self::Count { most } => write!(f, "must be 0 to {most}"),
            Self::Kinds => {
                let [first @ .., last] = CredentialKind::ALL.map(CredentialKind::as_str);
                write!(f, "must be a list of {} and {last}, each at most once", first.join(", "))
            }
            Self::AudienceOrNull => {
                write!(f, "must be null or 1 to {MAX_AUDIENCE} printable ASCII characters without space")
            }
            Self::Audiences => write!(
                f,
                "must be at most {MAX_LIST} audiences of 1 to {MAX_AUDIENCE} printable ASCII characters without space"
            ),
            Self::Networks => {
                let mapped = "one in ::ffff:0:0/96 has a prefix of 96 to 128";
                write!(f, "must be at most {MAX_LIST} networks such as 10.0.0.0/8 or 2001:db8::/32; {mapped}")
            }
        }
    }
}

/// Writes the bounds into the schema of a policy.
pub(super) fn describe(schema: &mut Schema) {
    let Some(members) = schema.get_mut("properties").and_then(Value::as_object_mut) else { return };
    let add = |to: Option<&mut Map<String, Value>>, bounds: Value| {
        if let (Some(to), Value::Object(bounds)) = (to, bounds) {
            to.extend(bounds);
        }
    };
    for (name, rule) in FIELDS {
        let Some(member) = members.get_mut(name).and_then(Value::as_object_mut) else { continue };
        let (own, of_items) = rule.bounds();
        add(member.get_mut("items").and_then(Value::as_object_mut), of_items);
        add(Some(member), own);
    }
}
