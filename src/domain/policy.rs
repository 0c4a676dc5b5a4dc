//! What an organization's admins decide about its credentials.

mod field;

use ipnet::IpNet;
use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize, de::Error as _};
use serde_json::{Map, Value};
use thiserror::Error;

use self::field::{FIELDS, Rule};
use super::{credential::CredentialKind, network};

/// The longest audience.
pub const MAX_AUDIENCE: usize = 255;

/// What an audience may be made of, as a schema has it.
pub const AUDIENCE_PATTERN: &str = r"^[\x21-\x7e]+$";

/// The most that `access_token_ttl` may be.
pub const LONGEST_ACCESS_TOKEN_TTL: i64 = 3600;

/// The policy of one organization. Times in seconds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
// As it is stored, a policy may have members and kinds that only a newer patmint knows; `patched` refuses those of a request.
#[serde(default)]
#[schemars(transform = field::describe)]
pub struct Policy {
    /// How long an access token lives; 60–3600, 300 unless said otherwise.
    pub access_token_ttl: i64,
    /// The longest life of a credential, counted from its creation; binds existing ones at once.
    pub token_max_ttl: Option<i64>,
    /// The life of a credential that is created without an expiry.
    pub token_default_ttl: Option<i64>,
    /// Whether a new credential must expire.
    pub require_expiry: bool,
    /// Whether a new credential must have scopes.
    pub require_scopes: bool,
    /// Whether an unrestricted `read_write` credential may manage its owner's credentials.
    pub token_management: bool,
    /// The kinds that may be made and exchanged.
    #[serde(deserialize_with = "stored_kinds")]
    pub allowed_kinds: Vec<CredentialKind>,
    /// The most active credentials that a user may have; binds creation only.
    pub max_tokens_per_user: u32,
    /// A credential unused for so long is refused; at least a day.
    pub stale_after: i64,
    /// The audience of access tokens where nothing else is said; `null` = the issuer.
    pub default_audience: Option<String>,
    /// The audiences that a credential may ask for besides the default.
    pub allowed_audiences: Vec<String>,
    /// The networks from which credentials may be exchanged; none = all.
    #[serde(deserialize_with = "network::deserialize_all")]
    #[schemars(with = "Vec<String>")]
    pub allowed_networks: Vec<IpNet>,
    /// The members that only a newer patmint knows. They are kept when other members change, and bind nothing here.
    #[serde(flatten)]
    #[schemars(skip)]
    pub unknown: Map<String, Value>,
}

/// Kinds as they are stored.
fn stored_kinds<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<CredentialKind>, D::Error> {
    let words = Vec::<String>::deserialize(deserializer)?;
    words.iter().map(|word| CredentialKind::stored(word).map_err(D::Error::custom)).collect()
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
            stale_after: 365 * 86_400,
            default_audience: None,
            allowed_audiences: Vec::new(),
            allowed_networks: Vec::new(),
            unknown: Map::new(),
        }
    }
}

/// What is wrong with a policy or a change to one. Never quotes a value.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[error("{field}: {problem}")]
pub struct PolicyError {
    /// The field; `policy` if none in particular.
    pub field: &'static str,
    /// What it must be.
    pub problem: String,
}

fn wrong(field: &'static str, problem: impl Into<String>) -> PolicyError {
    PolicyError { field, problem: problem.into() }
}

/// The member with this name.
fn field_of(name: &str) -> Result<(&'static str, Rule), PolicyError> {
    FIELDS.into_iter().find(|(field, _)| *field == name).ok_or_else(|| wrong("policy", "has an unknown member"))
}

/// Whether `audience` can be one: it travels in `aud`, in forms and in headers.
#[must_use]
pub fn is_audience(audience: &str) -> bool {
    (1..=MAX_AUDIENCE).contains(&audience.len()) && audience.bytes().all(|b| b.is_ascii_graphic())
}

impl Policy {
    /// This policy with the members of `patch` in place of its own (RFC 7396: `null` takes a value away), checked. What the
    /// patch leaves as it is, is not checked anew: a newer patmint may have set it, within bounds of its own.
    ///
    /// # Errors
    /// [`PolicyError`] for an unknown member, a wrong type or a value out of bounds.
    pub fn patched(&self, patch: Map<String, Value>) -> Result<Self, PolicyError> {
        let not_json = || wrong("policy", "must be an object");
        let Ok(Value::Object(mut merged)) = serde_json::to_value(self) else { return Err(not_json()) };
        for (name, value) in patch {
            let (field, rule) = field_of(&name)?;
            if !rule.admits(&value) {
                return Err(wrong(field, rule.to_string()));
            }
            merged.insert(name, value);
        }
        let policy: Self = serde_json::from_value(Value::Object(merged)).map_err(|_| not_json())?;
        match (policy.token_default_ttl, policy.token_max_ttl) {
            (Some(default), Some(longest)) if default > longest => {
                Err(wrong("token_default_ttl", "must be no longer than token_max_ttl"))
            }
            _ => Ok(policy),
        }
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
    fn what_only_a_newer_patmint_knows_is_kept_and_not_taken_in() {
        let stored =
            json!({"require_mfa": {"for": ["owner"]}, "allowed_kinds": ["opaque", "macaroon"], "stale_after": 86_400});
        let policy: Policy = serde_json::from_value(stored.clone()).unwrap();
        let Value::Object(patch) = json!({"access_token_ttl": 60}) else { panic!("an object") };
        let policy = policy.patched(patch).unwrap();
        let kept: Value = serde_json::from_str(&serde_json::to_string(&policy).unwrap()).unwrap();
        for (member, value) in stored.as_object().unwrap() {
            assert_eq!(kept.get(member), Some(value), "{member}");
        }
        assert_eq!(kept["access_token_ttl"], 60);
        for (patch, field) in [
            (json!({"require_mfa": null}), "policy"),
            (json!({"allowed_kinds": ["opaque", "macaroon"]}), "allowed_kinds"),
        ] {
            let Value::Object(patch) = patch else { panic!("an object") };
            assert_eq!(policy.patched(patch).unwrap_err().field, field);
        }
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
            (json!({"stale_after": 86_399}), "stale_after"),
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
