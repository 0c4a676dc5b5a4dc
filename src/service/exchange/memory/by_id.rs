//! How a set finds a credential by the id that it has itself: a key beside it would take sixteen bytes more.

use std::{
    hash::{Hash, Hasher},
    sync::Arc,
};

use indexmap::Equivalent;

use super::Known;
use crate::domain::ids::CredentialId;

/// A credential, found by its id.
#[derive(Debug)]
pub(super) struct ById(pub(super) Arc<Known>);

impl Hash for ById {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.0.id().hash(state);
    }
}

impl PartialEq for ById {
    fn eq(&self, other: &Self) -> bool {
        self.0.id() == other.0.id()
    }
}

impl Eq for ById {}

impl ById {
    /// Whether it was looked up since this was last asked.
    pub(super) fn is_in_use(&self) -> bool {
        self.0.was_looked_up()
    }
}

impl Equivalent<ById> for CredentialId {
    fn equivalent(&self, known: &ById) -> bool {
        *self == known.0.id()
    }
}
