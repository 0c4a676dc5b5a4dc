//! Scopes: what a restricted credential may do, and how a request narrows it.

mod rights;

use std::{borrow::Cow, fmt, str::FromStr};

use patmint_verifier::AuthorizationDetail;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use thiserror::Error;

pub use self::rights::Rights;
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

/// The scopes of a restricted credential; none at all = may do nothing. Checked, sorted, each once. One word for the many
/// credentials that have none.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct Scopes(#[schemars(with = "Vec<Scope>", length(max = MAX_SCOPES))] Box<Stored>);

/// Scopes as they are stored.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
enum Stored {
    Known(Vec<Scope>),
    /// One of them has a member that only a newer patmint knows, and that may restrict it. They are kept, and grant nothing.
    Newer(Vec<Value>),
}

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
        Ok(Self(Box::new(Stored::Known(scopes))))
    }

    /// Whether this patmint knows what all of them mean.
    #[must_use]
    pub fn is_understood(&self) -> bool {
        matches!(*self.0, Stored::Known(_))
    }

    /// The scopes, sorted; none if they are not understood.
    #[must_use]
    pub fn as_slice(&self) -> &[Scope] {
        match &*self.0 {
            Stored::Known(scopes) => scopes,
            Stored::Newer(_) => &[],
        }
    }

    /// Whether whoever has these scopes also has `scope`.
    #[must_use]
    pub fn cover(&self, scope: &Scope) -> bool {
        self.as_slice().iter().any(|own| own.covers(scope))
    }

    /// The rights as RFC 9396 `authorization_details`: one for each entity, its operations together.
    #[must_use]
    pub fn authorization_details(&self) -> Vec<AuthorizationDetail<'_>> {
        let same_entity = |a: &Scope, b: &Scope| {
            (&a.domain, &a.entity_type, &a.entity_id) == (&b.domain, &b.entity_type, &b.entity_id)
        };
        self.as_slice().chunk_by(same_entity).filter_map(detail_of).collect()
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

#[cfg(test)]
mod tests;
