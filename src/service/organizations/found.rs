use std::sync::Arc;

use secrecy::SecretString;
use serde_json::json;

use super::{Organizations, SeenOrganization};
use crate::{
    domain::{
        email::Email,
        ids::{OrganizationId, UserId},
        membership::{Membership, Role, User, UserKind},
        organization::{self, Organization},
        policy::Policy,
    },
    service::{
        authority::{Authority, Caller},
        change::{Actor, Change},
        core::Core,
        error::{ManageError, conflict, invalid},
        idempotency::Attempt,
        names::checked_name,
        passwords,
    },
    store::{
        StoreError, memberships,
        numbers::{self, Numbered},
        organizations as store, users,
    },
};

/// What a new organization shall be called.
#[derive(Clone, Debug)]
pub struct NewOrganization {
    /// By people.
    pub name: String,
    /// In addresses; `None` = made of the name.
    pub slug: Option<String>,
}

/// An organization that was founded on the command line.
#[derive(Debug)]
pub struct Founded {
    /// It.
    pub organization: Organization,
    /// Its owner.
    pub owner: User,
    /// The owner's password, if the owner was made here. Shown once.
    pub password: Option<SecretString>,
}

impl Organizations {
    /// Founds an organization that the caller, an operator, owns.
    ///
    /// # Errors
    /// [`ManageError`].
    pub async fn create(&self, caller: &Caller, new: NewOrganization) -> Result<SeenOrganization, ManageError> {
        let authority = self.core.authenticate(caller).await?;
        authority.operator()?;
        let (names, core) = (checked(new)?, self.core.clone());
        let create = move |change: &mut Change<'_>, authority: &Authority, attempt: Attempt| {
            authority.operator()?;
            if let Some(id) = attempt.created(change)? {
                return seen_again(change, authority, id);
            }
            let organization = found_free(change, &core, names.clone(), authority.user.id, authority.actor())?;
            attempt.note(change, organization.id)?;
            Ok(SeenOrganization { organization: Arc::new(organization), role: Some(Role::Owner) })
        };
        self.core.create_once(caller, &authority, create).await
    }

    /// Founds an organization for the user with this address, who is made with a password if there is none; for the
    /// command line.
    ///
    /// # Errors
    /// [`ManageError`].
    pub async fn create_for(&self, new: NewOrganization, email: &str) -> Result<Founded, ManageError> {
        let names = checked(new)?;
        let email: Email = email.parse().map_err(|_| invalid("--owner", "is no e-mail address"))?;
        let (core, known) = (self.core.clone(), email.clone());
        let is_known = core.db.read(move |connection| users::by_email(connection, &known)).await?.is_some();
        let mut made = None;
        if !is_known {
            let password = passwords::generate(&*core.random);
            made = Some((self.passwords.hash(password.clone()).await?, password));
        }
        let create = move |change: &mut Change<'_>| {
            let (owner, password) = match (users::by_email(change.connection, &email)?, made) {
                (Some((owner, _)), _) => (owner, None),
                // Users do not go away.
                (None, None) => return Err(ManageError::NotFound),
                (None, Some((hash, password))) => {
                    let owner = person(change, &core, email)?;
                    users::insert(change.connection, owner.clone(), Some(&hash))?;
                    let subject = Some(owner.id.to_string());
                    change.record(Actor::COMMAND, "user.create", None, subject, None)?;
                    (owner, Some(password))
                }
            };
            let organization = found_free(change, &core, names, owner.id, Actor::COMMAND)?;
            Ok(Founded { organization, owner, password })
        };
        self.core.changes.run(create).await
    }
}

/// What an earlier request of the caller's founded, as it is now.
fn seen_again(
    change: &mut Change<'_>,
    authority: &Authority,
    id: OrganizationId,
) -> Result<SeenOrganization, ManageError> {
    let organization = store::by_name(change.connection, &id.to_string())?.ok_or(ManageError::NotFound)?;
    let own = authority.memberships.iter().find(|(own, _)| own.organization_id == id);
    Ok(SeenOrganization { organization: Arc::new(organization), role: own.map(|(own, _)| own.role) })
}

/// Name and slug, if they can be such.
fn checked(new: NewOrganization) -> Result<(String, String), ManageError> {
    let name = checked_name(&new.name)?;
    let (field, slug) = match new.slug {
        Some(slug) => ("slug", slug),
        None => ("name", organization::slug(&name)),
    };
    if organization::is_slug(&slug) {
        return Ok((name, slug));
    }
    let problem = match field {
        "slug" => "must have 1 to 63 lower-case letters and digits of ASCII, with single hyphens between them",
        _ => "has nothing for an address in it; choose a slug",
    };
    Err(invalid(field, problem))
}

/// Founds an organization under a slug that must be free, and writes it down.
fn found_free(
    change: &mut Change<'_>,
    core: &Core,
    names: (String, String),
    owner: UserId,
    actor: Actor,
) -> Result<Organization, ManageError> {
    // Under the lock of all changes: nobody takes it in between.
    if store::by_name(change.connection, &names.1)?.is_some() {
        return Err(conflict("slug_taken", "an organization has or had this slug; choose another one"));
    }
    let organization = found(change, core, names, owner)?;
    let detail = json!({ "slug": organization.slug, "name": organization.name, "owner": owner });
    let (id, subject) = (Some(organization.id), Some(organization.id.to_string()));
    change.record(actor, "organization.create", id, subject, Some(&detail))?;
    Ok(organization)
}

/// A new organization with its owner. No entry on the list: nobody remembers what was not there.
pub(in crate::service) fn found(
    change: &mut Change<'_>,
    core: &Core,
    (name, slug): (String, String),
    owner: UserId,
) -> Result<Organization, StoreError> {
    let now = change.now;
    let organization = Organization {
        id: OrganizationId::generate(now, &*core.random),
        number: numbers::next(change.connection, Numbered::Organization)?,
        slug,
        name,
        policy: Policy::default(),
        policy_seq: change.seq,
        revoked_seq: 0,
        created_at: now,
        ended_at: None,
    };
    store::insert(change.connection, organization.clone())?;
    let membership = Membership {
        organization_id: organization.id,
        user_id: owner,
        role: Role::Owner,
        groups: None,
        created_at: now,
        ended_at: None,
        revoked_seq: 0,
    };
    memberships::insert(change.connection, membership)?;
    Ok(organization)
}

/// A new person, not in the database yet.
pub(in crate::service) fn person(change: &mut Change<'_>, core: &Core, email: Email) -> Result<User, StoreError> {
    Ok(User {
        id: UserId::generate(change.now, &*core.random),
        number: numbers::next(change.connection, Numbered::User)?,
        email: Some(email),
        name: String::new(),
        kind: UserKind::Person,
        operator_since: None,
        disabled_at: None,
        revoked_seq: 0,
        created_at: change.now,
    })
}
