use std::sync::Arc;

use secrecy::SecretString;

use crate::{
    domain::{
        clock::Timestamp,
        credential::{Audiences, Credential, CredentialKind, Description, Permission},
        ids::CredentialId,
        membership::{Membership, User},
        organization::Organization,
        policy::Policy,
        scope::Scopes,
        standing::{Owner, Record, Standing},
    },
    service::{
        change::Change,
        core::Core,
        error::{ManageError, invalid},
    },
    store::{
        StoreError,
        numbers::{self, Numbered},
    },
};

/// Whom a new credential is for.
pub(super) struct Holder {
    pub(super) user: User,
    pub(super) membership: Membership,
    pub(super) organization: Arc<Organization>,
}

/// What a new credential says and may.
pub(super) struct Draft {
    pub(super) description: Description,
    pub(super) kind: CredentialKind,
    pub(super) permission: Permission,
    pub(super) scopes: Option<Scopes>,
    pub(super) audiences: Option<Audiences>,
    pub(super) expires_at: Option<Timestamp>,
}

/// Whether the policy lets such a credential be made, as far as its members do not say so each on its own.
pub(super) fn check(draft: &Draft, policy: &Policy) -> Result<(), ManageError> {
    if policy.require_scopes && draft.scopes.is_none() {
        return Err(invalid("scopes", "are required by the organization's policy"));
    }
    if !policy.allowed_kinds.contains(&draft.kind) {
        return Err(invalid("kind", "is not allowed by the organization's policy"));
    }
    Ok(())
}

/// Gives a draft its number and its secret; it is not stored yet. The text is shown once.
pub(super) fn issue(
    change: &mut Change<'_>,
    core: &Core,
    holder: Holder,
    draft: Draft,
) -> Result<(Record, SecretString), StoreError> {
    let Holder { user: owner, membership, organization } = holder;
    let Draft { description, kind, permission, scopes, audiences, expires_at } = draft;
    let now = change.now;
    let id = CredentialId::generate(now, &*core.random);
    let issued = core.format.issue(kind, id, owner.id, (now, expires_at), &*core.random);
    let credential = Credential {
        id,
        number: numbers::next(change.connection, Numbered::Credential)?,
        owner_id: owner.id,
        kind,
        permission,
        scopes,
        audiences,
        secret_hash: issued.hash,
        created_at: now,
        created_seq: change.seq,
        expires_at,
        is_revoked: false,
        last_used_at: None,
    };
    let standing = Standing { credential, owner: Owner::new(&owner, Some(&membership)), organization };
    Ok((Record { standing, description, owner, membership: Some(membership) }, issued.text))
}
