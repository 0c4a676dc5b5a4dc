//! The members of an organization: see them, change what they are, end their membership.

mod edit;
mod end;

use std::sync::Arc;

pub use self::edit::MemberEdit;
pub(super) use self::{
    edit::{Checked, apply, checked_groups},
    end::end,
};
use super::{
    authority::Caller,
    change::Change,
    core::Core,
    error::{ManageError, conflict},
    paging::{Paged, Part},
};
use crate::{
    domain::{
        ids::{OrganizationId, UserId},
        membership::{Membership, Role, User},
    },
    store::memberships::{self, MemberFilter},
};

/// Manages members.
pub struct Members {
    pub(crate) core: Arc<Core>,
}

/// A member as an admin sees them.
#[derive(Clone, Debug)]
pub struct Member {
    /// What they are here.
    pub membership: Membership,
    /// Who they are.
    pub user: User,
}

impl Members {
    /// Who is or was a member, newest users first; for admins.
    ///
    /// # Errors
    /// [`ManageError`].
    pub async fn list(
        &self,
        caller: &Caller,
        organization: &str,
        filter: MemberFilter,
        part: Part,
    ) -> Result<Paged<Member>, ManageError> {
        let id = self.core.authenticate(caller).await?.admin_of(organization)?.1.id;
        let place = (part.before, part.and_one());
        let rows = self.core.db.read(move |connection| memberships::page(connection, id, filter, place)).await?;
        let items = rows.into_iter().map(|(membership, user)| Member { membership, user }).collect();
        Ok(Paged::new(items, part, |member: &Member| member.user.number))
    }
}

/// Only an owner touches an owner, and makes one.
pub(super) fn reaches(actor: Role, role: Role) -> Result<(), ManageError> {
    match (actor, role) {
        (Role::Owner, _) | (Role::Admin | Role::Member, Role::Admin | Role::Member) => Ok(()),
        (Role::Admin | Role::Member, Role::Owner | Role::Unknown(_)) | (Role::Unknown(_), _) => {
            Err(ManageError::Forbidden("only an owner may change an owner, or make one"))
        }
    }
}

/// Somebody must be left who may do everything. Looked at under the lock of all changes: two owners who leave at once
/// are not both the last but one.
fn is_not_last_owner(change: &mut Change<'_>, id: OrganizationId, user: UserId) -> Result<(), ManageError> {
    if memberships::other_owners(change.connection, id, user)? > 0 {
        return Ok(());
    }
    Err(conflict("last_owner", "the organization would have no owner left; make somebody else one first"))
}
