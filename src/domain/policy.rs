//! What an organization's admins decide about its credentials.

use ipnet::IpNet;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use thiserror::Error;

use super::{
    credential::{CredentialKind, NEVER_SECONDS},
    network,
};

const DAY: i64 = 86_400;
const MAX_LIST: usize = 100;
const MAX_TOKENS: u32 = 100_000;

/// The longest audience.
pub const MAX_AUDIENCE: usize = 255;

/// What an audience may be made of, as a schema has it.
pub const AUDIENCE_PATTERN: &str = r"^[\x21-\x7e]+$";

/// What a network looks like, near enough for a schema.
const NETWORK_PATTERN: &str = "^[0-9a-fA-F:.]+/[0-9]{1,3}$";

/// The most that `access_token_ttl` may be.
pub const LONGEST_ACCESS_TOKEN_TTL: i64 = 3600;

/// The policy of one organization. Times in seconds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
// A stored policy may have members that only a newer patmint knows; `patched` refuses those of a request.
#[serde(default)]
pub struct Policy {
    /// How long an access token lives; 60–3600, 300 unless said otherwise.
    #[schemars(range(min = 60, max = LONGEST_ACCESS_TOKEN_TTL))]
    pub access_token_ttl: i64,
    /// The longest life of a credential, counted from its creation; binds existing ones at once.
    #[schemars(range(min = 60, max = NEVER_SECONDS))]
    pub token_max_ttl: Option<i64>,
    /// The life of a credential that is created without an expiry.
    #[schemars(range(min = 60, max = NEVER_SECONDS))]
    pub token_default_ttl: Option<i64>,
    /// Whether a new credential must expire.
    pub require_expiry: bool,
    /// Whether a new credential must have scopes.
    pub require_scopes: bool,
    /// Whether an unrestricted `read_write` credential may manage its owner's credentials.
    pub token_management: bool,
    /// The kinds that may be made and exchanged.
    #[schemars(extend("uniqueItems" = true))]
    pub allowed_kinds: Vec<CredentialKind>,
    /// The most active credentials that a user may have; binds creation only.
    #[schemars(range(max = MAX_TOKENS))]
    pub max_tokens_per_user: u32,
    /// A credential unused for so long is refused; at least a day.
    #[schemars(range(min = DAY, max = NEVER_SECONDS))]
    pub stale_after: i64,
    /// The audience of access tokens where nothing else is said; `null` = the issuer.
    #[schemars(length(min = 1, max = MAX_AUDIENCE), regex(pattern = AUDIENCE_PATTERN))]
    pub default_audience: Option<String>,
    /// The audiences that a credential may ask for besides the default.
    #[schemars(length(max = MAX_LIST), inner(length(min = 1, max = MAX_AUDIENCE), regex(pattern = AUDIENCE_PATTERN)))]
    pub allowed_audiences: Vec<String>,
    /// The networks from which credentials may be exchanged; none = all.
    #[serde(deserialize_with = "network::deserialize_all")]
    #[schemars(with = "Vec<String>", length(max = MAX_LIST), inner(regex(pattern = NETWORK_PATTERN)))]
    pub allowed_networks: Vec<IpNet>,
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            access_token_ttl: 300,
            token_max_ttl: None,
            token_default_ttl: None,
            require_expiry: false,
            require_scopes: false,
            token_management: false,
            allowed_kinds: vec![CredentialKind::Opaque, CredentialKind::Jwt],
            max_tokens_per_user: 50,
            stale_after: 365 * DAY,
            default_audience: None,
            allowed_audiences: Vec::new(),
            allowed_networks: Vec::new(),
        }
    }
}

/// What is wrong with a policy or a change to one. Never quotes a value.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
#[error("{field}: {problem}")]
pub struct PolicyError {
    /// The field; `policy` if none in particular.
    pub field: &'static str,
    /// What it must be.
    pub problem: &'static str,
}

fn rule(holds: bool, field: &'static str, problem: &'static str) -> Result<(), PolicyError> {
    if holds { Ok(()) } else { Err(PolicyError { field, problem }) }
}

/// The fields, each with what it must be.
const FIELDS: [(&str, &str); 12] = [
    ("access_token_ttl", "must be 60 to 3600 seconds"),
    ("token_max_ttl", "must be null or 60 to 6307200000 seconds"),
    ("token_default_ttl", "must be null or 60 to 6307200000 seconds, and no longer than token_max_ttl"),
    ("require_expiry", "must be true or false"),
    ("require_scopes", "must be true or false"),
    ("token_management", "must be true or false"),
    ("allowed_kinds", "must be a list of opaque, jwt and legacy, each at most once"),
    ("max_tokens_per_user", "must be 0 to 100000"),
    ("stale_after", "must be 86400 to 6307200000 seconds"),
    ("default_audience", "must be null or 1 to 255 printable ASCII characters without space"),
    ("allowed_audiences", "must be at most 100 audiences of 1 to 255 printable ASCII characters without space"),
    (
        "allowed_networks",
        "must be at most 100 networks such as 10.0.0.0/8 or 2001:db8::/32; one in ::ffff:0:0/96 has a prefix of 96 to 128",
    ),
];

fn problem_of(field: &str) -> PolicyError {
    FIELDS.into_iter().find(|(name, _)| *name == field).map_or(
        PolicyError { field: "policy", problem: "has an unknown member" },
        |(field, problem)| PolicyError { field, problem },
    )
}

/// Whether `audience` can be one: it travels in `aud`, in forms and in headers.
#[must_use]
pub fn is_audience(audience: &str) -> bool {
    (1..=MAX_AUDIENCE).contains(&audience.len()) && audience.bytes().all(|b| b.is_ascii_graphic())
}

impl Policy {
    /// This policy with the members of `patch` in place of its own (RFC 7396: `null` takes a value away), checked.
    ///
    /// # Errors
    /// [`PolicyError`] for an unknown member, a wrong type or a value out of bounds.
    pub fn patched(&self, patch: Map<String, Value>) -> Result<Self, PolicyError> {
        let not_json = PolicyError { field: "policy", problem: "must be an object" };
        let Ok(Value::Object(mut merged)) = serde_json::to_value(self) else { return Err(not_json) };
        if let Some(unknown) = patch.keys().find(|key| !merged.contains_key(*key)) {
            return Err(problem_of(unknown));
        }
        for (key, value) in patch {
            // One at a time, to name the field that is at fault.
            let single = Map::from_iter([(key.clone(), value.clone())]);
            serde_json::from_value::<Self>(Value::Object(single)).map_err(|_| problem_of(&key))?;
            merged.insert(key, value);
        }
        let policy: Self = serde_json::from_value(Value::Object(merged)).map_err(|_| not_json)?;
        policy.check().map(|()| policy)
    }

    fn check(&self) -> Result<(), PolicyError> {
        let lifetime = |ttl: Option<i64>| ttl.is_none_or(|ttl| (60..=NEVER_SECONDS).contains(&ttl));
        let default_fits = match (self.token_default_ttl, self.token_max_ttl) {
            (Some(default), Some(max)) => default <= max,
            (Some(_), None) | (None, _) => true,
        };
        let mut kinds = self.allowed_kinds.clone();
        kinds.sort();
        kinds.dedup();
        let checks = [
            ("access_token_ttl", (60..=LONGEST_ACCESS_TOKEN_TTL).contains(&self.access_token_ttl)),
            ("token_max_ttl", lifetime(self.token_max_ttl)),
            ("token_default_ttl", lifetime(self.token_default_ttl) && default_fits),
            ("allowed_kinds", kinds.len() == self.allowed_kinds.len()),
            ("max_tokens_per_user", self.max_tokens_per_user <= MAX_TOKENS),
            ("stale_after", (DAY..=NEVER_SECONDS).contains(&self.stale_after)),
            ("default_audience", self.default_audience.as_deref().is_none_or(is_audience)),
            (
                "allowed_audiences",
                self.allowed_audiences.len() <= MAX_LIST && self.allowed_audiences.iter().all(|a| is_audience(a)),
            ),
            (
                "allowed_networks",
                self.allowed_networks.len() <= MAX_LIST
                    && self.allowed_networks.iter().all(|own| network::canonical(*own).is_some()),
            ),
        ];
        checks.into_iter().try_for_each(|(field, holds)| {
            let PolicyError { field, problem } = problem_of(field);
            rule(holds, field, problem)
        })
    }

    /// The audience of an access token where the credential names none.
    #[must_use]
    pub fn default_audience<'a>(&'a self, issuer: &'a str) -> &'a str {
        self.default_audience.as_deref().unwrap_or(issuer)
    }

    /// Whether access tokens for `audience` may be made.
    #[must_use]
    pub fn allows_audience(&self, audience: &str, issuer: &str) -> bool {
        audience == self.default_audience(issuer) || self.allowed_audiences.iter().any(|allowed| allowed == audience)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn patched(patch: Value) -> Result<Policy, PolicyError> {
        let Value::Object(patch) = patch else { panic!("an object") };
        Policy::default().patched(patch)
    }

    #[test]
    fn a_change_leaves_the_rest_as_it_was() {
        let policy = patched(json!({"access_token_ttl": 60, "token_max_ttl": 3600})).unwrap();
        assert_eq!((policy.access_token_ttl, policy.token_max_ttl), (60, Some(3600)));
        assert_eq!(policy.allowed_kinds, Policy::default().allowed_kinds);
        let Value::Object(back) = json!({"token_max_ttl": null}) else { panic!("an object") };
        assert_eq!(policy.patched(back).unwrap().token_max_ttl, None);
    }

    #[test]
    fn networks_are_read_as_addresses_are_compared() {
        let policy = patched(json!({"allowed_networks": ["::ffff:203.0.113.0/120", "::/0"]})).unwrap();
        assert_eq!(serde_json::to_value(&policy).unwrap()["allowed_networks"], json!(["203.0.113.0/24", "::/0"]));
        let stored: Policy = serde_json::from_value(json!({"allowed_networks": ["::ffff:10.0.0.0/95"]})).unwrap();
        assert_eq!(stored.allowed_networks.len(), 1, "what an older server took is read");
    }

    #[test]
    fn each_field_has_its_bounds() {
        for (patch, field) in [
            (json!({"access_token_ttl": 59}), "access_token_ttl"),
            (json!({"access_token_ttl": 3601}), "access_token_ttl"),
            (json!({"access_token_ttl": null}), "access_token_ttl"),
            (json!({"access_token_ttl": "300"}), "access_token_ttl"),
            (json!({"token_max_ttl": 0}), "token_max_ttl"),
            (json!({"token_max_ttl": 60, "token_default_ttl": 61}), "token_default_ttl"),
            (json!({"require_expiry": 1}), "require_expiry"),
            (json!({"require_scopes": "yes"}), "require_scopes"),
            (json!({"token_management": null}), "token_management"),
            (json!({"allowed_kinds": ["opaque", "opaque"]}), "allowed_kinds"),
            (json!({"allowed_kinds": ["magic"]}), "allowed_kinds"),
            (json!({"max_tokens_per_user": -1}), "max_tokens_per_user"),
            (json!({"max_tokens_per_user": 100_001}), "max_tokens_per_user"),
            (json!({"stale_after": DAY - 1}), "stale_after"),
            (json!({"default_audience": ""}), "default_audience"),
            (json!({"allowed_audiences": ["a b"]}), "allowed_audiences"),
            (json!({"allowed_networks": ["10.0.0.0/33"]}), "allowed_networks"),
            (json!({"allowed_networks": ["::ffff:10.0.0.0/95"]}), "allowed_networks"),
            (json!({"secret-looking-name": 1}), "policy"),
        ] {
            assert_eq!(patched(patch.clone()).unwrap_err().field, field, "{patch}");
        }
        for (field, _) in FIELDS {
            assert!(serde_json::to_value(Policy::default()).unwrap().get(field).is_some(), "{field} is a field");
        }
    }
}
