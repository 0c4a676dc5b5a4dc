//! Organizations: found one, see them, rename one, end one.

mod found;

use std::sync::Arc;

use serde_json::json;

pub use self::found::{Founded, NewOrganization};
pub(super) use self::found::{found, person};
use super::{
    authority::{Authority, Caller},
    change::{Change, Write},
    core::Core,
    error::ManageError,
    names::checked_name,
    paging::{Paged, Part},
    passwords::Passwords,
};
use crate::{
    domain::{ids::OrganizationId, list::Target, membership::Role, organization::Organization},
    store::{StoreError, memberships, organizations as store},
};

/// Manages organizations.
pub struct Organizations {
    pub(crate) core: Arc<Core>,
    pub(crate) passwords: Arc<Passwords>,
}

/// An organization as somebody sees it.
#[derive(Clone, Debug)]
pub struct SeenOrganization {
    /// It.
    pub organization: Arc<Organization>,
    /// What whoever looks is there; `None` = an operator who is no member.
    pub role: Option<Role>,
}

fn role_in(authority: &Authority, id: OrganizationId) -> Option<Role> {
    authority.memberships.iter().find(|(_, own)| own.id == id).map(|(membership, _)| membership.role)
}

impl Organizations {
    /// The caller's organizations; for an operator all there are or were.
    ///
    /// # Errors
    /// [`ManageError`].
    pub async fn list(&self, caller: &Caller, part: Part) -> Result<Paged<SeenOrganization>, ManageError> {
        let authority = self.core.authenticate(caller).await?;
        authority.signed_in()?;
        let items = if authority.is_operator() {
            let rows = self.all(part).await?;
            let seen = |organization: Organization| {
                let role = role_in(&authority, organization.id);
                SeenOrganization { organization: Arc::new(organization), role }
            };
            rows.into_iter().map(seen).collect()
        } else {
            let mut own = authority.memberships.clone();
            own.retain(|(_, organization)| organization.number < part.before);
            own.sort_by_key(|(_, organization)| -organization.number);
            own.into_iter()
                .map(|(membership, organization)| SeenOrganization { organization, role: Some(membership.role) })
                .collect()
        };
        Ok(Paged::new(items, part, |seen| seen.organization.number))
    }

    /// All organizations there are or were; for the command line.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn list_all(&self, part: Part) -> Result<Paged<Organization>, StoreError> {
        Ok(Paged::new(self.all(part).await?, part, |organization| organization.number))
    }

    async fn all(&self, part: Part) -> Result<Vec<Organization>, StoreError> {
        self.core.db.read(move |connection| store::page(connection, part.before, part.and_one())).await
    }

    /// The organization with this id or slug, for its members and for operators.
    ///
    /// # Errors
    /// [`ManageError`].
    pub async fn get(&self, caller: &Caller, name: &str) -> Result<SeenOrganization, ManageError> {
        let authority = self.core.authenticate(caller).await?;
        match authority.member_of(name) {
            Ok((membership, organization)) => {
                Ok(SeenOrganization { organization: organization.clone(), role: Some(membership.role) })
            }
            Err(ManageError::NotFound) if authority.is_operator() => {
                let name = name.to_owned();
                let found = self.core.db.read(move |connection| store::by_name(connection, &name)).await?;
                let organization = Arc::new(found.ok_or(ManageError::NotFound)?);
                Ok(SeenOrganization { organization, role: None })
            }
            Err(error) => Err(error),
        }
    }

    /// Gives the organization another name; its slug stays.
    ///
    /// # Errors
    /// [`ManageError`].
    pub async fn rename(&self, caller: &Caller, name: &str, new_name: &str) -> Result<SeenOrganization, ManageError> {
        self.core.authenticate(caller).await?.admin_of(name)?;
        let new_name = checked_name(new_name)?;
        let (core, caller, name) = (self.core.clone(), caller.clone(), name.to_owned());
        // Beside the lock of all changes: no verdict and no access token goes by a name.
        let rename = move |write: &mut Write<'_>| {
            let id = core.authority(write.connection, &caller, write.now)?.admin_of(&name)?.1.id;
            store::hold(write.connection, id)?;
            // Again, under the lock of the row: another rename may have been faster.
            let authority = core.authority(write.connection, &caller, write.now)?;
            let (membership, organization) = authority.admin_of(&name)?;
            let (role, mut organization) = (Some(membership.role), organization.clone());
            if organization.name != new_name {
                store::rename(write.connection, organization.id, &new_name)?;
                let detail = json!({ "old": organization.name, "new": new_name });
                let (id, subject) = (Some(organization.id), Some(organization.id.to_string()));
                write.record(authority.actor(), "organization.rename", id, subject, Some(&detail))?;
                Arc::make_mut(&mut organization).name = new_name;
            }
            Ok(SeenOrganization { organization, role })
        };
        self.core.changes.write(rename).await
    }

    /// Ends the organization: all memberships in it end, and its credentials are refused for good, with the access tokens
    /// that are out.
    ///
    /// # Errors
    /// [`ManageError`].
    pub async fn end(&self, caller: &Caller, name: &str) -> Result<(), ManageError> {
        self.core.authenticate(caller).await?.owner_of(name)?;
        let (core, caller, name) = (self.core.clone(), caller.clone(), name.to_owned());
        let end = move |change: &mut Change<'_>| {
            let authority = core.authority(change.connection, &caller, change.now)?;
            let id = authority.owner_of(&name)?.1.id;
            store::end(change.connection, id, change.now)?;
            // Whoever might ever become a member again would find all of it revoked.
            store::revoke_up_to(change.connection, id, change.seq)?;
            memberships::end_all(change.connection, id, change.now)?;
            change.append(Target::Organization(id), true)?;
            change.record(authority.actor(), "organization.end", Some(id), Some(id.to_string()), None)?;
            Ok(())
        };
        self.core.changes.run(end).await
    }
}
