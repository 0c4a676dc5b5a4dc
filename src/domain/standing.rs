//! Everything that a verdict on a credential goes by.

use std::sync::Arc;

use super::{
    credential::Credential,
    membership::{Membership, User},
    organization::Organization,
};

/// A credential with its owner, the owner's membership and the organization, read together.
#[derive(Clone, Debug)]
pub struct Standing {
    /// The credential.
    pub credential: Credential,
    /// Whom it belongs to.
    pub owner: User,
    /// The owner's membership in the credential's organization, ended or not.
    pub membership: Option<Membership>,
    /// The organization.
    pub organization: Arc<Organization>,
}
