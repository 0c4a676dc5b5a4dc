//! What a repeated request is answered: the credential that the first one made, with a fresh secret.

use secrecy::SecretString;
use serde_json::json;

use super::checks::{ensure_understood, within, within_rights};
use crate::{
    domain::{
        credential::Credential,
        ids::CredentialId,
        list::Target,
        standing::{Record, Standing},
        verdict::{self, State},
    },
    service::{authority::Authority, change::Change, core::Core, error::ManageError},
    store::{credentials, standings},
};

/// Gives the credential `id` a fresh secret, and so ends the one that nobody saw, with the access tokens made from it: never
/// are there two that live. `is_callers` says whether it still is the caller's to have, and `bound` is the token that asks.
pub(super) fn renew_secret(
    change: &mut Change<'_>,
    core: &Core,
    authority: &Authority,
    id: CredentialId,
    is_callers: impl FnOnce(&Standing) -> bool,
) -> Result<(Record, SecretString), ManageError> {
    let found = standings::record_by_id(change.connection, id)?;
    let mut record = found.filter(|found| is_callers(&found.standing)).ok_or(ManageError::NotFound)?;
    let standing = &record.standing;
    if record.description.rotated_to.is_some() {
        return Err(ManageError::Rotated);
    }
    if verdict::state(standing, &core.settings.issuer, change.now) == State::Revoked {
        return Err(ManageError::Revoked);
    }
    ensure_understood(&standing.credential)?;
    let Credential { number, kind, owner_id, created_at, expires_at, .. } = standing.credential;
    if let Some(bound) = authority.credential() {
        // The one that this one replaced ends before it, by that very rotation.
        if record.description.rotated_from == Some(bound.credential.id) {
            within_rights(&standing.credential, bound, core)?;
        } else {
            within(&standing.credential, bound, core)?;
        }
    }
    let issued = core.format.issue(kind, id, owner_id, (created_at, expires_at), &*core.random);
    credentials::set_secret(change.connection, id, issued.hash)?;
    change.append(Target::Credential(id), true)?;
    let (organization, detail) = (Some(standing.organization_id()), json!({ "number": number }));
    change.record(authority.actor(), "credential.renew_secret", organization, Some(id.to_string()), Some(&detail))?;
    record.standing.credential.secret_hash = issued.hash;
    Ok((record, issued.text))
}
