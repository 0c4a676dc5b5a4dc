use secrecy::{ExposeSecret as _, SecretString};
use serde_json::json;

use super::Invitations;
use crate::{
    domain::{
        clock::Timestamp,
        digest::SecretHash,
        invitation::{Invitation, InvitationState},
        list::Target,
        means::Means,
        membership::{Membership, Role, User},
        organization::Organization,
        password,
        source::Source,
        tagged_secret::{self, Purpose},
    },
    service::{
        authority::Caller,
        change::{Actor, Change},
        core::Core,
        error::{ManageError, conflict, invalid},
        names::checked_name,
        organizations::person,
    },
    store::{DbConnection, invitations as store, memberships, users},
};

/// What whoever was invited sends.
#[derive(Debug)]
pub struct Acceptance {
    /// The secret of the invitation.
    pub secret: SecretString,
    /// The name of whoever is new here.
    pub name: Option<String>,
    /// The password of whoever is new here.
    pub password: Option<SecretString>,
}

/// A new member.
#[derive(Clone, Debug)]
pub struct Accepted {
    /// Where.
    pub organization: Organization,
    /// Who.
    pub user: User,
    /// As what.
    pub membership: Membership,
}

/// Name and password hash of an account that is to be made.
#[derive(Clone)]
struct Account {
    name: String,
    hash: SecretString,
}

/// The invitation with this secret, if it may be accepted now: in the change that is under its lock, so that an inviter who
/// has lost the right to give this role by then gives nothing.
fn open(
    connection: &mut DbConnection,
    secret: &SecretHash,
    now: Timestamp,
) -> Result<(Invitation, Organization), ManageError> {
    let found = store::by_secret(connection, secret)?;
    let is_open = |(invitation, organization, inviter): &(Invitation, Organization, Option<Role>)| {
        invitation.state(*inviter, now) == InvitationState::Open && organization.ended_at.is_none()
    };
    let (invitation, organization, _) = found.filter(is_open).ok_or(ManageError::NotFound)?;
    Ok((invitation, organization))
}

/// The address has an account: whoever accepts must be known to be its owner. Told only to those who have the secret.
fn sign_in_first() -> ManageError {
    conflict("sign_in_required", "whoever has the invited address has an account here; sign in with it and accept then")
}

impl Invitations {
    /// Accepts an invitation: for whoever has no account yet by making one, for whoever has one if they are signed in.
    /// Secrets that are wrong, used, withdrawn, void or too old are all alike.
    ///
    /// # Errors
    /// [`ManageError::NotFound`] for the secret; [`ManageError::Invalid`]; [`ManageError::Conflict`];
    /// [`ManageError::Busy`] if too many passwords are hashed at once.
    pub async fn accept(
        &self,
        caller: Option<&Caller>,
        acceptance: Acceptance,
        source: Source,
    ) -> Result<Accepted, ManageError> {
        let core = &self.core;
        let Acceptance { secret, name, password } = acceptance;
        let secret = tagged_secret::parse(Purpose::Invitation, secret.expose_secret().trim(), core.keys.tag());
        let (secret, now) = (secret.ok_or(ManageError::NotFound)?, core.clock.now());
        let look = move |connection: &mut DbConnection| {
            let (invitation, _) = open(connection, &secret, now)?;
            Ok::<_, ManageError>(users::by_email(connection, &invitation.email)?.is_some())
        };
        let has_account = core.db.read(look).await?;
        let account = if has_account { None } else { Some(self.account(name, password).await?) };
        let (inner, caller) = (core.clone(), caller.cloned());
        let accept = move |change: &mut Change<'_>| {
            let (invitation, organization) = open(change.connection, &secret, change.now)?;
            let user = match users::by_email(change.connection, &invitation.email)? {
                Some((user, _)) => {
                    let caller = caller.ok_or_else(sign_in_first)?;
                    is_signed_in(change, &inner, &caller, &user)?;
                    user
                }
                None => make(change, &inner, &invitation, account, source)?,
            };
            let membership = join(change, &invitation, &user)?;
            store::accept(change.connection, invitation.id, user.id, change.now)?;
            let detail = json!({ "invitation": invitation.id, "role": membership.role, "groups": membership.groups });
            let actor = Actor { user: Some(user.id), credential: None, means: Means::Invitation, source };
            let (place, subject) = (Some(organization.id), Some(user.id.to_string()));
            change.record(actor, "invitation.accept", place, subject, Some(&detail))?;
            Ok(Accepted { organization, user, membership })
        };
        core.changes.run(accept).await
    }

    async fn account(&self, name: Option<String>, password: Option<SecretString>) -> Result<Account, ManageError> {
        let name = name.map_or(Ok(String::new()), |name| checked_name(&name))?;
        let password = password.ok_or_else(|| invalid("password", "is required for a new account"))?;
        password::check(password.expose_secret()).map_err(|error| invalid("password", error.to_string()))?;
        Ok(Account { name, hash: self.passwords.hash(password).await? })
    }
}

fn is_signed_in(change: &mut Change<'_>, core: &Core, caller: &Caller, user: &User) -> Result<(), ManageError> {
    match core.authority(change.connection, caller, change.now) {
        Ok(authority) if authority.signed_in().is_ok() && authority.user.id == user.id => Ok(()),
        Ok(_) | Err(ManageError::Unauthenticated) => Err(sign_in_first()),
        Err(error) => Err(error),
    }
}

/// Makes the account of whoever was invited: that they have the secret shows that the address is theirs.
fn make(
    change: &mut Change<'_>,
    core: &Core,
    invitation: &Invitation,
    account: Option<Account>,
    source: Source,
) -> Result<User, ManageError> {
    // Users do not go away.
    let Account { name, hash } = account.ok_or(ManageError::NotFound)?;
    let user = User { name, ..person(change, core, invitation.email.clone())? };
    users::insert(change.connection, user.clone(), Some(&hash))?;
    let actor = Actor { user: Some(user.id), credential: None, means: Means::Invitation, source };
    change.record(actor, "user.create", None, Some(user.id.to_string()), None)?;
    Ok(user)
}

fn join(change: &mut Change<'_>, invitation: &Invitation, user: &User) -> Result<Membership, ManageError> {
    if !invitation.role.is_known() {
        return Err(conflict(
            "not_understood",
            "only a newer patmint knows the invited role; accept on a server of that version",
        ));
    }
    let known = memberships::of(change.connection, invitation.organization_id, user.id)?;
    let membership = Membership {
        organization_id: invitation.organization_id,
        user_id: user.id,
        role: invitation.role,
        groups: invitation.groups.clone(),
        created_at: known.as_ref().map_or(change.now, |(own, _)| own.created_at),
        ended_at: None,
        revoked_seq: known.as_ref().map_or(0, |(own, _)| own.revoked_seq),
    };
    match known {
        Some((own, _)) if own.ended_at.is_none() => {
            return Err(conflict("already_member", "you are a member already"));
        }
        Some(_) => {
            memberships::edit(change.connection, &membership)?;
            // Memory may have credentials of theirs, as of no member.
            change.append(Target::Member(membership.organization_id, user.id), false)?;
        }
        None => memberships::insert(change.connection, membership.clone())?,
    }
    Ok(membership)
}
