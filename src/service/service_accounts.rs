//! Service accounts: members that are programs, without an address and without a password.

use std::sync::Arc;

use serde_json::json;

use super::{
    authority::{Authority, Caller},
    change::{Change, Write},
    core::Core,
    error::{ManageError, invalid},
    idempotency::Attempt,
    members::{Checked, Member, apply, checked_groups, end},
    names::checked_name,
    paging::{Paged, Part},
};
use crate::{
    domain::{
        ids::{OrganizationId, UserId},
        membership::{Groups, Membership, Role, User, UserKind},
        nullable::Nullable,
    },
    store::{
        DbConnection, StoreError,
        memberships::{self, MemberFilter},
        numbers::{self, Numbered},
        users,
    },
};

/// Manages service accounts.
pub struct ServiceAccounts {
    pub(crate) core: Arc<Core>,
}

/// What shall be different about a service account. What is left out stays as it is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ServiceAccountEdit {
    /// What people call it.
    pub name: Option<String>,
    /// Its groups; null = none.
    pub groups: Nullable<Vec<String>>,
}

/// The service account of this organization with this id, ended or not.
fn of(connection: &mut DbConnection, organization: OrganizationId, id: UserId) -> Result<Member, ManageError> {
    let found = memberships::of(connection, organization, id)?;
    let found = found.filter(|(_, user)| user.kind == UserKind::ServiceAccount);
    found.map(|(membership, user)| Member { membership, user }).ok_or(ManageError::NotFound)
}

/// A new service account in an organization.
fn make(
    change: &mut Change<'_>,
    core: &Core,
    organization_id: OrganizationId,
    (name, groups): (String, Option<Groups>),
) -> Result<Member, StoreError> {
    let now = change.now;
    let user = User {
        id: UserId::generate(now, &*core.random),
        number: numbers::next(change.connection, Numbered::User)?,
        email: None,
        name,
        kind: UserKind::ServiceAccount,
        operator_since: None,
        disabled_at: None,
        revoked_seq: 0,
        created_at: now,
    };
    let membership = Membership {
        organization_id,
        user_id: user.id,
        role: Role::Member,
        groups,
        created_at: now,
        ended_at: None,
        revoked_seq: 0,
    };
    users::insert(change.connection, user.clone(), None)?;
    memberships::insert(change.connection, membership.clone())?;
    Ok(Member { membership, user })
}

/// A service account that has not ended, with its new name if it gets one.
fn renamed<L>(
    change: &mut Change<'_, L>,
    authority: &Authority,
    organization: OrganizationId,
    (id, name): (UserId, Option<String>),
) -> Result<Member, ManageError> {
    users::hold_to_change(change.connection, id)?;
    let mut account = of(change.connection, organization, id)?;
    if account.membership.ended_at.is_some() {
        return Err(ManageError::NotFound);
    }
    if let Some(name) = name.filter(|name| *name != account.user.name) {
        users::rename(change.connection, id, &name)?;
        let detail = json!({ "old": account.user.name, "new": name });
        let (place, subject) = (Some(organization), Some(id.to_string()));
        change.record(authority.actor(), "service_account.rename", place, subject, Some(&detail))?;
        account.user.name = name;
    }
    Ok(account)
}

impl ServiceAccounts {
    /// The service accounts that are or were in an organization, newest first; for admins.
    ///
    /// # Errors
    /// [`ManageError`].
    pub async fn list(&self, caller: &Caller, organization: &str, part: Part) -> Result<Paged<Member>, ManageError> {
        let id = self.core.authenticate(caller).await?.admin_of(organization)?.1.id;
        let filter = MemberFilter { kind: Some(UserKind::ServiceAccount), ..MemberFilter::default() };
        let place = (part.before, part.and_one());
        let rows = self.core.db.read(move |connection| memberships::page(connection, id, filter, place)).await?;
        let items = rows.into_iter().map(|(membership, user)| Member { membership, user }).collect();
        Ok(Paged::new(items, part, |member: &Member| member.user.number))
    }

    /// One of them.
    ///
    /// # Errors
    /// [`ManageError`].
    pub async fn get(&self, caller: &Caller, organization: &str, id: UserId) -> Result<Member, ManageError> {
        let place = self.core.authenticate(caller).await?.admin_of(organization)?.1.id;
        self.core.db.read(move |connection| of(connection, place, id)).await
    }

    /// Makes one.
    ///
    /// # Errors
    /// [`ManageError`].
    pub async fn create(
        &self,
        caller: &Caller,
        organization: &str,
        name: &str,
        groups: Option<Vec<String>>,
    ) -> Result<Member, ManageError> {
        let authority = self.core.authenticate(caller).await?;
        authority.admin_of(organization)?;
        let name = checked_name(name)?;
        let groups = groups.map(Groups::new).transpose().map_err(|error| invalid("groups", error.to_string()))?;
        let (core, organization) = (self.core.clone(), organization.to_owned());
        let create = move |change: &mut Change<'_>, authority: &Authority, attempt: Attempt| {
            let place = authority.admin_of(&organization)?.0.organization_id;
            if let Some(id) = attempt.created(change)? {
                return of(change.connection, place, id);
            }
            let account = make(change, &core, place, (name.clone(), groups.clone()))?;
            attempt.note(change, account.user.id)?;
            let detail = json!({ "name": account.user.name, "groups": account.membership.groups });
            let subject = Some(account.user.id.to_string());
            change.record(authority.actor(), "service_account.create", Some(place), subject, Some(&detail))?;
            Ok(account)
        };
        self.core.create_once(caller, &authority, create).await
    }

    /// Changes its name and groups. Access tokens that name a group which it is not in any more die.
    ///
    /// # Errors
    /// [`ManageError`]; [`ManageError::NotFound`] for one that has ended.
    pub async fn edit(
        &self,
        caller: &Caller,
        organization: &str,
        id: UserId,
        edit: ServiceAccountEdit,
    ) -> Result<Member, ManageError> {
        self.core.authenticate(caller).await?.admin_of(organization)?;
        if edit == ServiceAccountEdit::default() {
            return Err(invalid("request", "must have at least one of name, groups"));
        }
        let name = edit.name.as_deref().map(checked_name).transpose()?;
        let groups = checked_groups(edit.groups)?;
        if groups == Nullable::Absent {
            let (core, caller, organization) = (self.core.clone(), caller.clone(), organization.to_owned());
            let rename = move |write: &mut Write<'_>| {
                let authority = core.authority(write.connection, &caller, write.now)?;
                renamed(write, &authority, authority.admin_of(&organization)?.0.organization_id, (id, name))
            };
            return self.core.changes.write(rename).await;
        }
        self.change(caller, organization, move |change, authority, place| {
            let account = renamed(change, authority, place.organization_id, (id, name))?;
            apply(change, authority, place.role, account, Checked { role: None, groups })
        })
        .await
    }

    /// Ends it: its credentials are refused, and access tokens made from them die. Doing it again changes nothing.
    ///
    /// # Errors
    /// [`ManageError`].
    pub async fn end(&self, caller: &Caller, organization: &str, id: UserId) -> Result<(), ManageError> {
        self.core.authenticate(caller).await?.admin_of(organization)?;
        self.change(caller, organization, move |change, authority, place| {
            let account = of(change.connection, place.organization_id, id)?;
            end(change, authority.actor(), account.membership)
        })
        .await
    }

    /// Makes a change as an admin of the organization; `f` is given the admin's membership in it.
    async fn change<T: Send + 'static>(
        &self,
        caller: &Caller,
        organization: &str,
        f: impl FnOnce(&mut Change<'_>, &Authority, &Membership) -> Result<T, ManageError> + Clone + Send + 'static,
    ) -> Result<T, ManageError> {
        let (core, caller, name) = (self.core.clone(), caller.clone(), organization.to_owned());
        let change = move |change: &mut Change<'_>| {
            let authority = core.authority(change.connection, &caller, change.now)?;
            let place = &authority.admin_of(&name)?.0;
            f(change, &authority, place)
        };
        self.core.changes.run(change).await
    }
}
