//! What an access token may be used for, and how a request cuts it down.

use std::borrow::Cow;

use super::{Permission, Scope, Scopes};

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
