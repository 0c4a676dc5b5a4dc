//! The first organization, its owner and the first credentials, on an empty database.

use std::sync::Arc;

use secrecy::{ExposeSecret as _, SecretString};
use thiserror::Error;

use super::{
    change::{Actor, Change},
    core::Core,
    organizations::{found, person},
    passwords::{self, Passwords, PasswordsError},
};
use crate::{
    domain::{
        credential::{Credential, CredentialKind, Description, Permission},
        email::Email,
        ids::{CredentialId, OrganizationId, UserId},
        membership::User,
        organization,
        password::{self, PasswordError},
    },
    store::{
        StoreError, credentials,
        numbers::{self, Numbered},
        users,
    },
};

/// Why nothing was made.
#[derive(Debug, Error)]
pub enum BootstrapError {
    /// There is somebody already.
    #[error("the database has users already; bootstrap is for an empty one")]
    NotEmpty,
    /// The name of the organization.
    #[error("the organization's name must have 1 to 100 characters, a letter or digit of ASCII among them")]
    Name,
    /// The e-mail address.
    #[error("the e-mail address is none")]
    Email,
    /// The password.
    #[error("the password {0}")]
    Password(PasswordError),
    /// argon2.
    #[error("cannot hash the password: {0}")]
    Hash(String),
    /// The database.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// What was made. Shown once.
#[derive(Debug)]
pub struct Bootstrapped {
    /// The organization.
    pub organization_id: OrganizationId,
    /// Its owner.
    pub user_id: UserId,
    /// The owner's address.
    pub email: Email,
    /// The password, if it was made here.
    pub password: Option<SecretString>,
    /// An opaque credential of the owner.
    pub token: SecretString,
    /// A `jwt` credential of the owner.
    pub refresh_jwt: SecretString,
}

/// Makes the first things.
pub struct Bootstrap {
    pub(crate) core: Arc<Core>,
    pub(crate) passwords: Arc<Passwords>,
}

impl Bootstrap {
    /// Whether there is nobody yet.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn is_needed(&self) -> Result<bool, StoreError> {
        self.core.db.read(users::any).await.map(|any| !any)
    }

    /// The e-mail address of the owner that this made once, if it did.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn first_owner(&self) -> Result<Option<Email>, StoreError> {
        Ok(self.core.db.read(users::first).await?.and_then(|user| user.email))
    }

    /// Makes an organization, its owner and two credentials. Makes a password too if none is given.
    ///
    /// # Errors
    /// See [`BootstrapError`].
    pub async fn run(
        &self,
        organization: &str,
        email: &str,
        given: Option<SecretString>,
    ) -> Result<Bootstrapped, BootstrapError> {
        let name = organization.trim().to_owned();
        let slug = organization::slug(&name);
        if slug.is_empty() || name.chars().count() > organization::MAX_NAME {
            return Err(BootstrapError::Name);
        }
        let email: Email = email.parse().map_err(|_| BootstrapError::Email)?;
        let generated = given.is_none().then(|| passwords::generate(&*self.core.random));
        let chosen = given.or_else(|| generated.clone()).unwrap_or_default();
        password::check(chosen.expose_secret()).map_err(BootstrapError::Password)?;
        if !self.is_needed().await? {
            return Err(BootstrapError::NotEmpty);
        }
        let hash = self.passwords.hash(chosen).await;
        let hash = hash.map_err(|error: PasswordsError| BootstrapError::Hash(error.to_string()))?;
        let core = self.core.clone();
        let make = move |change: &mut Change<'_>| {
            if users::any(change.connection)? {
                return Err(BootstrapError::NotEmpty);
            }
            let (organization, user) = first_owner(change, &core, (name, slug), email.clone(), &hash)?;
            let [token, refresh_jwt] = first_credentials(change, &core, organization, user)?;
            let subject = Some(user.to_string());
            change.record(Actor::COMMAND, "organization.bootstrap", Some(organization), subject, None)?;
            Ok(Bootstrapped {
                organization_id: organization,
                user_id: user,
                email,
                password: generated,
                token,
                refresh_jwt,
            })
        };
        self.core.changes.run(make).await
    }
}

fn first_owner(
    change: &mut Change<'_>,
    core: &Core,
    names: (String, String),
    email: Email,
    hash: &SecretString,
) -> Result<(OrganizationId, UserId), StoreError> {
    let user = User { operator_since: Some(change.now), ..person(change, core, email)? };
    users::insert(change.connection, user.clone(), Some(hash))?;
    let organization = found(change, core, names, user.id)?;
    Ok((organization.id, user.id))
}

fn first_credentials(
    change: &mut Change<'_>,
    core: &Core,
    organization_id: OrganizationId,
    owner_id: UserId,
) -> Result<[SecretString; 2], StoreError> {
    let mut make = |kind: CredentialKind, name: &str| {
        let now = change.now;
        let id = CredentialId::generate(now, &*core.random);
        let issued = core.format.issue(kind, id, owner_id, (now, None), &*core.random);
        let credential = Credential {
            id,
            number: numbers::next(change.connection, Numbered::Credential)?,
            owner_id,
            kind,
            permission: Permission::ReadWrite,
            scopes: None,
            audiences: None,
            secret_hash: issued.hash,
            created_at: now,
            created_seq: change.seq,
            expires_at: None,
            is_revoked: false,
            last_used_at: None,
        };
        let new = (credential, Description::new(name.to_owned()));
        credentials::insert(change.connection, new, organization_id, None)?;
        Ok::<_, StoreError>(issued.text)
    };
    Ok([make(CredentialKind::Opaque, "first token")?, make(CredentialKind::Jwt, "first JWT refresh token")?])
}
