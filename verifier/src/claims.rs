use std::borrow::Cow;

use serde::{Deserialize, Serialize};

/// The `typ` header of an access token (RFC 9068 section 2.1).
pub const ACCESS_TOKEN_TYP: &str = "at+jwt";

/// The value of the `token_type` claim of an access token.
pub const TOKEN_TYPE_ACCESS: &str = "access";

/// The claims of a patmint access token (RFC 9068 section 2.2). Times are whole seconds since 1970 (RFC 7519 `NumericDate`).
///
/// Borrowed where the server writes them, owned (`AccessClaims<'static>`) where a service reads them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccessClaims<'a> {
    /// Issuer: the address of the patmint that signed the token.
    pub iss: Cow<'a, str>,
    /// Subject: the id of the user who owns the credential.
    pub sub: Cow<'a, str>,
    /// Audience: who may accept the token.
    pub aud: Audience<'a>,
    /// When the token was signed.
    pub iat: i64,
    /// The token is dead when the clock reads this or later.
    pub exp: i64,
    /// Unique for each token.
    pub jti: Cow<'a, str>,
    /// The id of the credential that was exchanged.
    pub client_id: Cow<'a, str>,
    /// `read` or `read write`; absent when [`authorization_details`](Self::authorization_details) restricts the token.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scope: Option<Cow<'a, str>>,
    /// Present if the token is restricted: then it allows what is listed and nothing else (RFC 9396). Empty = nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub authorization_details: Option<Vec<AuthorizationDetail<'a>>>,
    /// The id of the organization in which the owner acts.
    pub org: Cow<'a, str>,
    /// The groups of the owner in that organization (RFC 9068 section 2.2.3.1), if any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub groups: Option<Cow<'a, [String]>>,
    /// Always [`TOKEN_TYPE_ACCESS`].
    pub token_type: Cow<'a, str>,
    /// How much of the revocation list the signer knew: an entry with a greater number that names this token's
    /// credential, user or organization revokes it.
    pub rev: i64,
    /// Where the credential's present state can be read (Token Status List).
    pub status: Status<'a>,
}

/// `aud`: one name as a string, several as an array (RFC 7519 section 4.1.3).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Audience<'a> {
    /// One audience.
    One(Cow<'a, str>),
    /// Several audiences.
    Many(Vec<Cow<'a, str>>),
}

impl Audience<'_> {
    /// Whether `name` is among the audiences.
    #[must_use]
    pub fn contains(&self, name: &str) -> bool {
        match self {
            Self::One(one) => one == name,
            Self::Many(many) => many.iter().any(|each| each == name),
        }
    }
}

/// One right of a restricted token (RFC 9396 section 2).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuthorizationDetail<'a> {
    /// The type of the entity, such as `dataset`.
    #[serde(rename = "type")]
    pub entity_type: Cow<'a, str>,
    /// The one entity that is meant; absent = every entity of the type.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub identifier: Option<Cow<'a, str>>,
    /// The domain the entity is in; absent = not bound to one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub domain: Option<Cow<'a, str>>,
    /// What may be done.
    pub actions: Vec<Cow<'a, str>>,
}

/// The `status` claim (Token Status List, section "Referenced Token").
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Status<'a> {
    /// The list and the place in it.
    pub status_list: StatusListReference<'a>,
}

/// A place in a status list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StatusListReference<'a> {
    /// The index of the credential in the list.
    pub idx: i64,
    /// Where the list can be fetched.
    pub uri: Cow<'a, str>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_audience_is_a_string_or_an_array() {
        let one: Audience = serde_json::from_str("\"a\"").unwrap();
        let many: Audience = serde_json::from_str("[\"a\",\"b\"]").unwrap();
        assert!(one.contains("a") && !one.contains("b"));
        assert!(many.contains("b") && !many.contains("c"));
        assert_eq!(serde_json::to_string(&one).unwrap(), "\"a\"");
    }
}
