use serde_json::json;

use super::{Credentials, checks::is_own};
use crate::{
    domain::{
        credential::{LookupKey, Revocation, RevocationReason},
        ids::{CredentialId, UserId},
        list::Target,
        means::Means,
        source::Source,
        standing::Standing,
    },
    service::{
        authority::{Caller, Proof},
        change::{Actor, Change},
        error::ManageError,
    },
    store::{DbConnection, StoreError, credentials, list, standings},
};

/// What somebody handed in to be revoked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HandedIn {
    /// A credential of ours; dead now, whatever it was before.
    Credential,
    /// An access token of ours. Whoever receives one could otherwise kill the credential.
    AccessToken,
    /// Nothing that is known here.
    Unknown,
}

impl Credentials {
    /// Revokes one of the caller's credentials. Doing it again changes nothing.
    ///
    /// # Errors
    /// [`ManageError::NotFound`] for another's as for none; [`ManageError::Forbidden`] for a token that may not.
    pub async fn revoke(&self, caller: &Caller, id: CredentialId) -> Result<(), ManageError> {
        self.core.authenticate(caller).await?;
        let (core, caller) = (self.core.clone(), caller.clone());
        let revoke_own = move |change: &mut Change<'_>| {
            let authority = core.authority(change.connection, &caller, change.now)?;
            let standing = standings::by_key(change.connection, LookupKey::Id(id))?;
            let standing = standing.filter(|own| is_own(&authority, own)).ok_or(ManageError::NotFound)?;
            // Whoever holds a credential may end it; an access token of it is held by every service that gets one.
            let is_held = matches!(&caller.proof, Proof::Credential(_))
                && authority.credential().is_some_and(|own| own.credential.id == id);
            if !is_held {
                authority.may_manage_tokens(&standing.organization)?;
            }
            let by = Some(authority.user.id);
            revoke(change, &standing, authority.actor(), by, RevocationReason::Requested)?;
            Ok(())
        };
        self.core.changes.run(revoke_own).await
    }

    /// Revokes whatever credential `token` is: whoever has it may end it.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn revoke_handed_in(
        &self,
        token: &str,
        reason: RevocationReason,
        source: Source,
    ) -> Result<HandedIn, StoreError> {
        let Ok(presented) = self.core.format.parse(token) else {
            let is_access_token = self.core.signed_claims(token).is_some();
            return Ok(if is_access_token { HandedIn::AccessToken } else { HandedIn::Unknown });
        };
        // Before the lock of all changes: what is unknown or dead must cost no write.
        let row_and_head = move |connection: &mut DbConnection| {
            Ok::<_, StoreError>((standings::by_key(connection, presented.key)?, list::head(connection)?))
        };
        let (found, head) = self.core.db.read(row_and_head).await?;
        let Some(standing) = found.filter(|found| found.credential.secret_hash.matches(&presented.hash)) else {
            return Ok(HandedIn::Unknown);
        };
        if standing.credential.is_revoked {
            // Perhaps only just now, and not everywhere yet.
            self.core.changes.settle(head.seq).await;
            return Ok(HandedIn::Credential);
        }
        let end = move |change: &mut Change<'_>| {
            let actor =
                Actor { user: None, credential: Some(standing.credential.id), means: Means::Possession, source };
            revoke(change, &standing, actor, None, reason)
        };
        self.core.changes.run(end).await?;
        Ok(HandedIn::Credential)
    }
}

pub(super) fn revoke(
    change: &mut Change<'_>,
    standing: &Standing,
    actor: Actor,
    by: Option<UserId>,
    reason: RevocationReason,
) -> Result<(), StoreError> {
    let id = standing.credential.id;
    if !credentials::revoke(change.connection, id, Revocation { at: change.now, by, reason })? {
        change.is_so_already();
        return Ok(());
    }
    change.append(Target::Credential(id), true)?;
    let detail = json!({ "number": standing.credential.number, "reason": reason });
    let organization = Some(standing.organization.id);
    change.record(actor, "credential.revoke", organization, Some(id.to_string()), Some(&detail))
}
