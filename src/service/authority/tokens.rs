//! What a caller may do with the credentials of the user.

use super::{Authority, Via};
use crate::{
    domain::{credential::Permission, membership::Membership, organization::Organization, standing::Standing},
    service::error::ManageError,
};

impl Authority {
    /// Whether the caller may make or edit credentials in `organization`, as [`may_manage_tokens`](Self::may_manage_tokens). A
    /// role that only a newer patmint knows may be one that has none.
    ///
    /// # Errors
    /// [`ManageError::Forbidden`].
    pub(crate) fn may_make_tokens(&self, organization: &Organization) -> Result<Option<&Standing>, ManageError> {
        let is_meant = |(own, _): &&(Membership, _)| own.organization_id == organization.id;
        if self.memberships.iter().find(is_meant).is_some_and(|(own, _)| !own.role.is_known()) {
            return Err(ManageError::Forbidden("only a newer patmint knows your role; use a server of that version"));
        }
        self.may_manage_tokens(organization)
    }

    /// Whether the caller may see the user's own credentials: not with a token that is restricted to something else.
    ///
    /// # Errors
    /// [`ManageError::Forbidden`].
    pub(crate) fn may_see_tokens(&self) -> Result<(), ManageError> {
        match &self.via {
            Via::Session(_) | Via::Credential(_, Some(_)) => Ok(()),
            Via::Credential(_, None) => Err(ManageError::Forbidden("this token may do only what its scopes name")),
        }
    }

    /// Whether the caller may manage the user's own credentials in `organization`. A token may only if the policy says
    /// so, and only an unrestricted one that may write; then its standing is returned, which bounds what it may make.
    ///
    /// # Errors
    /// [`ManageError::Forbidden`].
    pub(crate) fn may_manage_tokens(&self, organization: &Organization) -> Result<Option<&Standing>, ManageError> {
        match &self.via {
            Via::Session(_) => Ok(None),
            Via::Credential(standing, Some(Permission::ReadWrite)) if organization.policy.token_management => {
                Ok(Some(standing))
            }
            Via::Credential(..) => Err(ManageError::Forbidden("sign in: this token may not manage tokens")),
        }
    }
}
