//! Scopes: what a restricted credential may do, and how a request narrows it.

use std::{borrow::Cow, fmt, str::FromStr};

use patmint_verifier::AuthorizationDetail;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::credential::Permission;

/// The most scopes that one credential may have.
pub const MAX_SCOPES: usize = 100;

/// The longest part of a scope, in bytes.
pub const MAX_PART: usize = 128;

/// Stands for every entity of a type.
pub const ANY: &str = "*";

/// The operations that a `read` credential may name. What a service's other words mean is not known here, so they
/// count as writing.
const SAFE_OPERATIONS: [&str; 5] = ["get", "introspect", "list", "read", "view"];

/// One right: an operation on an entity, or on every entity (`*`), of a type.
///
/// As text: `[domain/]type:id:operation`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Scope {
    /// The domain that the entity is in; absent = not bound to one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = MAX_PART), regex(pattern = PLAIN_PATTERN))]
    pub domain: Option<String>,
    /// The type of the entity.
    #[schemars(length(min = 1, max = MAX_PART), regex(pattern = PLAIN_PATTERN))]
    pub entity_type: String,
    /// The entity, or `*`: every one.
    #[schemars(length(min = 1, max = MAX_PART), regex(pattern = PATTERN))]
    pub entity_id: String,
    /// What may be done.
    #[schemars(length(min = 1, max = MAX_PART), regex(pattern = PLAIN_PATTERN))]
    pub operation: String,
}

/// What is wrong with a scope.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum ScopeError {
    /// A part is empty, too long or has a character that does not travel.
    #[error(
        "must have parts of 1 to 128 printable ASCII characters without space, quote and backslash; \
         domain, entity_type and operation also without ':' and '/'"
    )]
    Malformed,
    /// More than [`MAX_SCOPES`].
    #[error("must be 100 at the most")]
    TooMany,
    /// A `read` credential names an operation that writes.
    #[error("of a read token may only name the operations get, introspect, list, read and view")]
    NotSafe,
}

/// What a part of a scope may be made of, as a schema has it.
const PATTERN: &str = r"^[\x21\x23-\x5b\x5d-\x7e]+$";

/// The same without `/` and `:`.
const PLAIN_PATTERN: &str = r"^[\x21\x23-\x2e\x30-\x39\x3b-\x5b\x5d-\x7e]+$";

/// RFC 6749 section 3.3: `%x21 / %x23-5B / %x5D-7E`, so that a scope fits in a `scope` parameter.
fn is_part(text: &str, separators: bool) -> bool {
    let allowed = |b: u8| matches!(b, 0x21 | 0x23..=0x5b | 0x5d..=0x7e) && (separators || (b != b':' && b != b'/'));
    (1..=MAX_PART).contains(&text.len()) && text.bytes().all(allowed)
}

impl Scope {
    fn check(&self) -> Result<(), ScopeError> {
        let plain = [Some(&self.entity_type), Some(&self.operation), self.domain.as_ref()];
        let is_well_formed =
            plain.into_iter().flatten().all(|part| is_part(part, false)) && is_part(&self.entity_id, true);
        if is_well_formed { Ok(()) } else { Err(ScopeError::Malformed) }
    }

    /// Whether whoever has this scope also has `other`.
    #[must_use]
    pub fn covers(&self, other: &Self) -> bool {
        (self.domain.is_none() || self.domain == other.domain)
            && self.entity_type == other.entity_type
            && (self.entity_id == ANY || self.entity_id == other.entity_id)
            && self.operation == other.operation
    }

    fn is_safe(&self) -> bool {
        SAFE_OPERATIONS.contains(&self.operation.as_str())
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(domain) = &self.domain {
            write!(f, "{domain}/")?;
        }
        write!(f, "{}:{}:{}", self.entity_type, self.entity_id, self.operation)
    }
}

impl FromStr for Scope {
    type Err = ScopeError;

    fn from_str(text: &str) -> Result<Self, ScopeError> {
        let (front, rest) = text.split_once(':').ok_or(ScopeError::Malformed)?;
        let (entity_id, operation) = rest.rsplit_once(':').ok_or(ScopeError::Malformed)?;
        let (domain, entity_type) = match front.split_once('/') {
            Some((domain, entity_type)) => (Some(domain.to_owned()), entity_type),
            None => (None, front),
        };
        let scope = Self {
            domain,
            entity_type: entity_type.to_owned(),
            entity_id: entity_id.to_owned(),
            operation: operation.to_owned(),
        };
        scope.check().map(|()| scope)
    }
}

/// The scopes of a restricted credential; none at all = may do nothing. Checked, sorted, each once.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
#[expect(clippy::box_collection, reason = "one word for the many credentials that have none")]
pub struct Scopes(#[schemars(length(max = MAX_SCOPES))] Box<Vec<Scope>>);

impl Scopes {
    /// Checks `scopes` for a credential with `permission`.
    ///
    /// # Errors
    /// See [`ScopeError`].
    pub fn new(mut scopes: Vec<Scope>, permission: Permission) -> Result<Self, ScopeError> {
        if scopes.len() > MAX_SCOPES {
            return Err(ScopeError::TooMany);
        }
        scopes.iter().try_for_each(Scope::check)?;
        if permission == Permission::Read && !scopes.iter().all(Scope::is_safe) {
            return Err(ScopeError::NotSafe);
        }
        scopes.sort();
        scopes.dedup();
        Ok(Self(Box::new(scopes)))
    }

    /// The scopes, sorted.
    #[must_use]
    pub fn as_slice(&self) -> &[Scope] {
        &self.0
    }

    /// Whether whoever has these scopes also has `scope`.
    #[must_use]
    pub fn cover(&self, scope: &Scope) -> bool {
        self.0.iter().any(|own| own.covers(scope))
    }

    /// The rights as RFC 9396 `authorization_details`: one for each entity, its operations together.
    #[must_use]
    pub fn authorization_details(&self) -> Vec<AuthorizationDetail<'_>> {
        let same_entity = |a: &Scope, b: &Scope| {
            (&a.domain, &a.entity_type, &a.entity_id) == (&b.domain, &b.entity_type, &b.entity_id)
        };
        self.0.chunk_by(same_entity).filter_map(detail_of).collect()
    }
}

fn detail_of(group: &[Scope]) -> Option<AuthorizationDetail<'_>> {
    let first = group.first()?;
    Some(AuthorizationDetail {
        entity_type: Cow::Borrowed(&first.entity_type),
        identifier: (first.entity_id != ANY).then_some(Cow::Borrowed(first.entity_id.as_str())),
        domain: first.domain.as_deref().map(Cow::Borrowed),
        actions: group.iter().map(|scope| Cow::Borrowed(scope.operation.as_str())).collect(),
    })
}

/// What an access token allows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Rights<'a> {
    /// Not restricted by scopes.
    Unrestricted(Permission),
    /// What is listed and nothing else.
    Restricted(Cow<'a, Scopes>),
}

impl<'a> Rights<'a> {
    /// The rights of a credential.
    #[must_use]
    pub fn new(permission: Permission, scopes: Option<&'a Scopes>) -> Self {
        scopes.map_or(Self::Unrestricted(permission), |scopes| Self::Restricted(Cow::Borrowed(scopes)))
    }

    /// These rights cut down to what `requested` (a space-separated `scope` parameter) asks for. `None` if it asks
    /// for anything that is not in them, or for nothing that can be read.
    #[must_use]
    pub fn narrowed(self, requested: &str) -> Option<Self> {
        let words: Vec<&str> = requested.split(' ').filter(|word| !word.is_empty()).collect();
        if words.is_empty() {
            return None;
        }
        if words.iter().all(|word| ["read", "write"].contains(word)) {
            let wanted = if words.contains(&"write") { Permission::ReadWrite } else { Permission::Read };
            return match self {
                Self::Unrestricted(own) if wanted <= own => Some(Self::Unrestricted(wanted)),
                Self::Unrestricted(_) | Self::Restricted(_) => None,
            };
        }
        let wanted: Vec<Scope> = words.into_iter().map(str::parse).collect::<Result<_, _>>().ok()?;
        let (permission, covered) = match &self {
            Self::Unrestricted(own) => (*own, true),
            Self::Restricted(scopes) => (Permission::ReadWrite, wanted.iter().all(|scope| scopes.cover(scope))),
        };
        let scopes = Scopes::new(wanted, permission).ok().filter(|_| covered)?;
        Some(Self::Restricted(Cow::Owned(scopes)))
    }

    /// Whether these rights include all of `other`.
    #[must_use]
    pub fn include(&self, other: &Rights<'_>) -> bool {
        match (self, other) {
            (Self::Unrestricted(own), Rights::Unrestricted(other)) => other <= own,
            (Self::Unrestricted(own), Rights::Restricted(scopes)) => {
                *own == Permission::ReadWrite || scopes.as_slice().iter().all(Scope::is_safe)
            }
            (Self::Restricted(_), Rights::Unrestricted(_)) => false,
            (Self::Restricted(own), Rights::Restricted(scopes)) => scopes.as_slice().iter().all(|s| own.cover(s)),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn scopes(list: &[&str]) -> Scopes {
        let list = list.iter().map(|scope| scope.parse().unwrap()).collect();
        Scopes::new(list, Permission::ReadWrite).unwrap()
    }

    #[test]
    fn a_scope_is_read_as_it_is_written() {
        for text in ["dataset:12:read", "eu/dataset:*:write", "file:a/b:c.txt:get"] {
            assert_eq!(text.parse::<Scope>().unwrap().to_string(), text);
        }
        for text in ["", "a", "a:b", ":b:c", "a:b:", "a b:c:d", "a:\"b\":c", "x/y/z:1:read"] {
            assert_eq!(text.parse::<Scope>(), Err(ScopeError::Malformed), "{text}");
        }
    }

    #[test]
    fn rights_travel_grouped_by_entity() {
        let scopes = scopes(&["dataset:12:write", "dataset:12:read", "eu/model:*:get"]);
        assert_eq!(
            serde_json::to_value(scopes.authorization_details()).unwrap(),
            json!([
                {"type": "dataset", "identifier": "12", "actions": ["read", "write"]},
                {"type": "model", "domain": "eu", "actions": ["get"]},
            ])
        );
    }

    #[test]
    fn a_request_narrows_and_never_widens() {
        let all = || Rights::Unrestricted(Permission::ReadWrite);
        let read = || Rights::Unrestricted(Permission::Read);
        assert_eq!(all().narrowed("read"), Some(read()));
        assert_eq!(all().narrowed("write"), Some(all()));
        assert_eq!(read().narrowed("read write"), None);
        assert_eq!(read().narrowed("dataset:1:delete"), None);
        assert_eq!(read().narrowed(""), None);
        assert_eq!(read().narrowed("something"), None);
        let one = scopes(&["dataset:*:read"]);
        let own = || Rights::new(Permission::ReadWrite, Some(&one));
        assert_eq!(own().narrowed("dataset:1:read"), Some(Rights::Restricted(Cow::Owned(scopes(&["dataset:1:read"])))));
        assert_eq!(own().narrowed("read"), None);
        assert_eq!(own().narrowed("dataset:1:write"), None);
        let nothing = scopes(&[]);
        assert_eq!(Rights::new(Permission::ReadWrite, Some(&nothing)).narrowed("dataset:1:read"), None);
    }

    #[test]
    fn a_read_credential_names_no_operation_that_writes() {
        let delete = vec!["dataset:1:delete".parse().unwrap()];
        assert_eq!(Scopes::new(delete, Permission::Read), Err(ScopeError::NotSafe));
    }

    proptest! {
        #[test]
        fn narrowing_stays_within(
            own in prop::option::of(prop::collection::vec("(eu/)?[ab]:[1*]:(read|write)", 0..4)),
            write: bool,
            asked in prop::collection::vec("(eu/)?[ab]:[1*]:(read|write)|read|write", 0..3),
        ) {
            let permission = if write { Permission::ReadWrite } else { Permission::Read };
            let own = own.map(|list| scopes(&list.iter().map(String::as_str).collect::<Vec<_>>()));
            let rights = Rights::new(permission, own.as_ref());
            if let Some(narrowed) = rights.clone().narrowed(&asked.join(" ")) {
                prop_assert!(rights.include(&narrowed));
            }
        }
    }
}
