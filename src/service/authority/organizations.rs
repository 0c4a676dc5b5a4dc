//! What somebody is to an organization, and to the whole installation. For what is not one's own, only a session counts.

use std::sync::Arc;

use super::{Authority, Via};
use crate::{
    domain::{
        membership::{Membership, Role},
        organization::Organization,
    },
    service::error::ManageError,
};

/// A member and where.
type Place = (Membership, Arc<Organization>);

impl Authority {
    /// Only for somebody who signed in.
    ///
    /// # Errors
    /// [`ManageError::Forbidden`] for a token.
    pub(crate) fn signed_in(&self) -> Result<(), ManageError> {
        match &self.via {
            Via::Session(_) => Ok(()),
            Via::Credential(..) => Err(ManageError::Forbidden("sign in: a token may not do this")),
        }
    }

    /// Whether the caller signed in and runs this installation.
    pub(crate) fn is_operator(&self) -> bool {
        self.signed_in().is_ok() && self.user.operator_since.is_some()
    }

    /// Only for somebody who signed in and runs this installation.
    ///
    /// # Errors
    /// [`ManageError::Forbidden`].
    pub(crate) fn operator(&self) -> Result<(), ManageError> {
        self.signed_in()?;
        if self.is_operator() { Ok(()) } else { Err(ManageError::Forbidden("only an operator may do this")) }
    }

    /// The organization with this id or slug, for a member who signed in.
    ///
    /// # Errors
    /// [`ManageError::NotFound`] if the caller is not in it; [`ManageError::Forbidden`] for a token.
    pub(crate) fn member_of(&self, name: &str) -> Result<&Place, ManageError> {
        let is_meant = |own: &Organization| own.slug == name || name.parse() == Ok(own.id);
        let found = self.memberships.iter().find(|(_, own)| is_meant(own)).ok_or(ManageError::NotFound)?;
        self.signed_in().map(|()| found)
    }

    /// The same for an admin or owner.
    ///
    /// # Errors
    /// As [`member_of`](Self::member_of); [`ManageError::Forbidden`] for a plain member.
    pub(crate) fn admin_of(&self, name: &str) -> Result<&Place, ManageError> {
        let found = self.member_of(name)?;
        match found.0.role {
            Role::Owner | Role::Admin => Ok(found),
            Role::Member | Role::Unknown(_) => {
                Err(ManageError::Forbidden("only an admin of the organization may do this"))
            }
        }
    }

    /// The same for an owner.
    ///
    /// # Errors
    /// As [`member_of`](Self::member_of); [`ManageError::Forbidden`] for whoever is no owner.
    pub(crate) fn owner_of(&self, name: &str) -> Result<&Place, ManageError> {
        let found = self.member_of(name)?;
        match found.0.role {
            Role::Owner => Ok(found),
            Role::Admin | Role::Member | Role::Unknown(_) => {
                Err(ManageError::Forbidden("only an owner of the organization may do this"))
            }
        }
    }
}
