//! Everything that a verdict on a credential goes by.

use std::sync::Arc;

use super::{
    clock::Timestamp,
    credential::{Credential, Description},
    ids::OrganizationId,
    membership::{Groups, Membership, Role, User, UserKind},
    organization::Organization,
};

/// A credential with its owner and its organization as a verdict sees them, read together.
#[derive(Clone, Debug)]
pub struct Standing {
    /// The credential.
    pub credential: Credential,
    /// Whom it belongs to.
    pub owner: Owner,
    /// Where it counts.
    pub organization: Arc<Organization>,
}

impl Standing {
    /// The organization in which it counts.
    #[must_use]
    pub fn organization_id(&self) -> OrganizationId {
        self.organization.id
    }
}

/// The owner of a credential, as a member of its organization.
#[derive(Clone, Debug)]
pub struct Owner {
    /// Disabled everywhere.
    pub is_disabled: bool,
    /// Whether the membership exists and has not ended.
    pub is_member: bool,
    /// Whether the kind of the user and the role in the organization are known here, and not only to a newer patmint.
    pub is_understood: bool,
    /// The user's credentials made before this number on the list are revoked, here or everywhere; 0 = none.
    pub revoked_seq: i64,
    /// Names that travel to the services.
    pub groups: Option<Arc<Groups>>,
}

impl Owner {
    /// What counts of `user` and of its membership.
    #[must_use]
    pub fn new(user: &User, membership: Option<&Membership>) -> Self {
        let judged = membership.map(|own| (own.ended_at, own.revoked_seq, own.groups.clone(), own.role));
        Self::from_parts((user.disabled_at, user.revoked_seq, user.kind), judged)
    }

    /// The same from single columns: (`disabled_at`, `revoked_seq`, `kind`) of the user and (`ended_at`, `revoked_seq`,
    /// groups, role) of the membership.
    #[must_use]
    pub fn from_parts(
        (disabled_at, user_seq, kind): (Option<Timestamp>, i64, UserKind),
        membership: Option<(Option<Timestamp>, i64, Option<Groups>, Role)>,
    ) -> Self {
        let is_disabled = disabled_at.is_some();
        let Some((ended_at, member_seq, groups, role)) = membership else {
            let is_understood = kind.is_known();
            return Self { is_disabled, is_member: false, is_understood, revoked_seq: user_seq, groups: None };
        };
        Self {
            is_disabled,
            is_member: ended_at.is_none(),
            is_understood: kind.is_known() && role.is_known(),
            revoked_seq: member_seq.max(user_seq),
            groups: groups.map(Arc::new),
        }
    }
}

/// A credential with all that is known around it, for those who manage it.
#[derive(Clone, Debug)]
pub struct Record {
    /// What a verdict goes by.
    pub standing: Standing,
    /// What people want to know besides.
    pub description: Description,
    /// Whom it belongs to.
    pub owner: User,
    /// The owner's membership in the credential's organization, ended or not.
    pub membership: Option<Membership>,
}
