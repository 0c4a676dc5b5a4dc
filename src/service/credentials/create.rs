use secrecy::SecretString;
use serde_json::json;

use super::{
    Credentials, Seen,
    checks::{check_limit, checked_audiences, checked_expiry, checked_name, within},
};
use crate::{
    domain::{
        clock::Timestamp,
        credential::{Credential, CredentialKind, Description, Permission},
        ids::{CredentialId, OrganizationId},
        scope::{Scope, Scopes},
        standing::{Owner, Record, Standing},
    },
    service::{
        authority::{Authority, Caller},
        change::Change,
        core::Core,
        error::{ManageError, invalid},
    },
    store::{
        credentials,
        numbers::{self, Numbered},
    },
};

/// When a credential ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Expiry {
    /// As the policy has it.
    ByPolicy,
    /// Never, if the policy lets it.
    Never,
    /// At this moment.
    At(Timestamp),
    /// So many seconds from now.
    In(i64),
}

/// What a new credential shall be.
#[derive(Clone, Debug)]
pub struct NewToken {
    /// What its owner calls it.
    pub name: String,
    /// How it is written.
    pub kind: CredentialKind,
    /// What it may do.
    pub permission: Permission,
    /// `None` = not restricted by scopes.
    pub scopes: Option<Vec<Scope>>,
    /// `None` = the policy's default.
    pub audiences: Option<Vec<String>>,
    /// When it ends.
    pub expiry: Expiry,
    /// Where; may be left out by who is in one organization.
    pub organization_id: Option<OrganizationId>,
}

impl Credentials {
    /// Makes a credential for the caller. The text is shown here and never again.
    ///
    /// # Errors
    /// [`ManageError`].
    pub async fn create(&self, caller: &Caller, new: NewToken) -> Result<(Seen, SecretString), ManageError> {
        // Before the lock that all changes share: a stranger must not come that far.
        self.core.authenticate(caller).await?;
        let (core, caller) = (self.core.clone(), caller.clone());
        let create = move |change: &mut Change<'_>| {
            let authority = core.authority(change.connection, &caller, change.now)?;
            create(change, &core, &authority, new)
        };
        let (record, text) = self.core.changes.run(create).await?;
        let now = record.standing.credential.created_at;
        Ok((self.seen(record, now), text))
    }
}

fn create(
    change: &mut Change<'_>,
    core: &Core,
    authority: &Authority,
    new: NewToken,
) -> Result<(Record, SecretString), ManageError> {
    let (membership, organization) = authority.organization(new.organization_id)?.clone();
    let bound = authority.may_manage_tokens(&organization)?;
    let policy = &organization.policy;
    let (owner_id, now) = (authority.user.id, change.now);
    let name = checked_name(&new.name)?;
    let expires_at = checked_expiry(new.expiry, policy, (now, now))?;
    let scopes = new.scopes.map(|scopes| Scopes::new(scopes, new.permission)).transpose();
    let scopes = scopes.map_err(|error| invalid("scopes", error.to_string()))?;
    if policy.require_scopes && scopes.is_none() {
        return Err(invalid("scopes", "are required by the organization's policy"));
    }
    if !policy.allowed_kinds.contains(&new.kind) {
        return Err(invalid("kind", "is not allowed by the organization's policy"));
    }
    let audiences = new.audiences.map(|audiences| checked_audiences(audiences, policy, core)).transpose()?;
    let id = CredentialId::generate(now, &*core.random);
    let issued = core.format.issue(new.kind, id, owner_id, (now, expires_at), &*core.random);
    let credential = Credential {
        id,
        number: numbers::next(change.connection, Numbered::Credential)?,
        owner_id,
        kind: new.kind,
        permission: new.permission,
        scopes,
        audiences,
        secret_hash: issued.hash,
        created_at: now,
        created_seq: change.seq,
        expires_at,
        is_revoked: false,
        last_used_at: None,
    };
    if let Some(bound) = bound {
        within(&credential, bound, core)?;
    }
    let (owner, organization_id) = (authority.user.clone(), organization.id);
    let standing = Standing { credential, owner: Owner::new(&owner, Some(&membership)), organization };
    check_limit(change, core, &standing)?;
    let description = Description::new(name);
    let new = (standing.credential.clone(), description.clone());
    credentials::insert(change.connection, new, organization_id, Some(owner_id))?;
    let detail = json!({ "number": standing.credential.number, "name": description.name });
    let subject = Some(id.to_string());
    change.record(authority.actor(), "credential.create", Some(organization_id), subject, Some(&detail))?;
    Ok((Record { standing, description, owner, membership: Some(membership) }, issued.text))
}
