//! Who is calling, and what that lets them do. Read live from the database, and again under the lock of a change.

mod organizations;
mod proof;
mod tokens;

use std::sync::Arc;

use patmint_verifier::AccessClaims;

use self::proof::Signed;
pub use self::proof::{Caller, Proof};
use super::{core::Core, error::ManageError, sessions};
use crate::{
    domain::{
        clock::Timestamp,
        credential::{Credential, Permission},
        ids::{CredentialId, OrganizationId},
        means::Means,
        membership::{Membership, User},
        organization::Organization,
        source::Source,
        standing::{Record, Standing},
        verdict::{self, Asked},
    },
    service::change::Actor,
    store::{DbConnection, list, memberships, standings},
};

/// What stands for the user.
pub(crate) enum Via {
    Session(sessions::Session),
    /// A credential, or an access token made from it; the permission if it is unrestricted.
    Credential(Box<Standing>, Option<Permission>),
}

/// A caller as the database knows them now.
pub(crate) struct Authority {
    pub(crate) user: User,
    pub(crate) via: Via,
    means: Means,
    source: Source,
    /// Where the caller may act: the user's current memberships; with a credential only its own organization.
    pub(crate) memberships: Vec<(Membership, Arc<Organization>)>,
}

impl Core {
    /// Who is calling, read from the database outside of any change.
    ///
    /// # Errors
    /// [`ManageError::Unauthenticated`] or [`ManageError::Store`].
    pub(crate) async fn authenticate(self: &Arc<Self>, caller: &Caller) -> Result<Authority, ManageError> {
        let (core, caller, now) = (self.clone(), caller.clone(), self.clock.now());
        let mut authority = self.db.read(move |connection| core.authority(connection, &caller, now)).await?;
        match &mut authority.via {
            Via::Session(session) => sessions::note(self, session, authority.source).await,
            // So that one that is only ever used here does not go stale.
            Via::Credential(standing, _) => self.usage.note_use(standing.credential.id, now, authority.source.address),
        }
        Ok(authority)
    }

    /// Who is calling, on this connection; in a change, under its lock.
    ///
    /// # Errors
    /// [`ManageError::Unauthenticated`] or [`ManageError::Store`].
    pub(crate) fn authority(
        &self,
        connection: &mut DbConnection,
        caller: &Caller,
        now: Timestamp,
    ) -> Result<Authority, ManageError> {
        match &caller.proof {
            Proof::Session(hash) => {
                let found = sessions::live(connection, hash, now)?;
                let (session, user) = found.ok_or(ManageError::Unauthenticated)?;
                let memberships = memberships::current_of(connection, user.id)?;
                let memberships =
                    memberships.into_iter().map(|(m, organization)| (m, Arc::new(organization))).collect();
                Ok(Authority {
                    user,
                    via: Via::Session(session),
                    means: caller.proof.means(),
                    source: caller.source,
                    memberships,
                })
            }
            Proof::Credential(presented) => {
                let record = standings::record_by_key(connection, presented.key)?
                    .filter(|known| known.standing.credential.secret_hash.matches(&presented.hash))
                    .ok_or(ManageError::Unauthenticated)?;
                let credential = &record.standing.credential;
                let permission = credential.scopes.is_none().then_some(credential.permission);
                self.by_credential(connection, (record, permission), caller, now)
            }
            Proof::AccessToken(signed) => {
                let (record, permission) = self.behind(connection, signed)?;
                let mut authority = self.by_credential(connection, (record, permission), caller, now)?;
                if let Via::Credential(standing, _) = &mut authority.via {
                    self.bind_to_audiences(standing, &signed.claims);
                }
                Ok(authority)
            }
        }
    }

    /// The credential behind an access token that is not revoked, and what the token still allows.
    fn behind(
        &self,
        connection: &mut DbConnection,
        Signed { claims, kid }: &Signed,
    ) -> Result<(Record, Option<Permission>), ManageError> {
        let head = list::head(connection)?;
        if head.keys_seq != self.keys.seq() {
            self.keys.renew(connection)?;
        }
        // Whoever has got hold of a withdrawn key writes into a token what they like, `rev` too.
        if self.keys.find(kid, self.clock.now()).is_none() {
            return Err(ManageError::Unauthenticated);
        }
        let id: CredentialId = claims.client_id.parse().map_err(|_| ManageError::Unauthenticated)?;
        let record = standings::record_by_id(connection, id)?.ok_or(ManageError::Unauthenticated)?;
        let Credential { owner_id, permission, ref scopes, .. } = record.standing.credential;
        let organization_id = record.standing.organization_id();
        // Older than the list: what revoked it may be gone from there.
        let is_too_old = claims.rev < head.pruned_to;
        if is_too_old || list::revokes_after(connection, claims.rev, id, organization_id, owner_id)? {
            return Err(ManageError::Unauthenticated);
        }
        let claimed = match claims.scope.as_deref() {
            Some(scope) if scope == Permission::ReadWrite.scope() => Some(Permission::ReadWrite),
            Some(scope) if scope == Permission::Read.scope() => Some(Permission::Read),
            Some(_) | None => None,
        };
        let allowed = claimed.filter(|_| scopes.is_none() && claims.authorization_details.is_none());
        Ok((record, allowed.map(|claimed| claimed.min(permission))))
    }

    /// Leaves a credential only the audiences of the access token that stands for it: what was narrowed for a service
    /// must not be widened with what that service received.
    fn bind_to_audiences(&self, standing: &mut Standing, claims: &AccessClaims<'_>) {
        let default = standing.organization.policy.default_audience(&self.settings.issuer).to_owned();
        let mut audiences = standing.credential.audiences.take().map_or_else(|| vec![default], |own| own.to_vec());
        audiences.retain(|audience| claims.aud.contains(audience));
        standing.credential.audiences = Some(audiences.into());
    }

    fn by_credential(
        &self,
        connection: &mut DbConnection,
        (record, permission): (Record, Option<Permission>),
        caller: &Caller,
        now: Timestamp,
    ) -> Result<Authority, ManageError> {
        let record = self.with_last_use(connection, record, now)?;
        let source = caller.source;
        let asked = Asked { source, ..Asked::default() };
        let Record { standing, owner: user, membership, .. } = record;
        if let Err(reason) = verdict::judge(&standing, &self.settings.issuer, now, &asked) {
            self.usage.refused(standing.credential.id, now, reason, source);
            return Err(ManageError::Unauthenticated);
        }
        let memberships =
            membership.map(|membership| (membership, standing.organization.clone())).into_iter().collect();
        Ok(Authority {
            user,
            via: Via::Credential(Box::new(standing), permission),
            means: caller.proof.means(),
            source,
            memberships,
        })
    }

    /// A record that seems stale, with its last use as it is now: the last one may not be written yet.
    fn with_last_use(
        &self,
        connection: &mut DbConnection,
        record: Record,
        now: Timestamp,
    ) -> Result<Record, ManageError> {
        if !verdict::is_stale(&record.standing, now) {
            return Ok(record);
        }
        let id = record.standing.credential.id;
        // Before the row is read again: what is written meanwhile is in one of the two.
        let gathered = self.usage.last_use(id);
        let mut again = standings::record_by_id(connection, id)?.ok_or(ManageError::Unauthenticated)?;
        let last_used_at = &mut again.standing.credential.last_used_at;
        *last_used_at = gathered.max(*last_used_at);
        Ok(again)
    }
}

impl Authority {
    /// The caller, for the audit trail.
    pub(crate) fn actor(&self) -> Actor {
        let credential = match &self.via {
            Via::Session(_) => None,
            Via::Credential(standing, _) => Some(standing.credential.id),
        };
        Actor { user: Some(self.user.id), credential, means: self.means, source: self.source }
    }

    /// The credential that stands for the caller, if one does.
    pub(crate) fn credential(&self) -> Option<&Standing> {
        match &self.via {
            Via::Session(_) => None,
            Via::Credential(standing, _) => Some(standing),
        }
    }

    /// The organization that a call on one's own things is about.
    ///
    /// # Errors
    /// [`ManageError::Invalid`] if it must be named, [`ManageError::NotFound`] if the caller is not in it.
    pub(crate) fn organization(
        &self,
        id: Option<OrganizationId>,
    ) -> Result<&(Membership, Arc<Organization>), ManageError> {
        match (id, self.memberships.as_slice()) {
            (Some(id), all) => all.iter().find(|(_, own)| own.id == id).ok_or(ManageError::NotFound),
            (None, [one]) => Ok(one),
            (None, []) => Err(ManageError::Forbidden("you are in no organization")),
            (None, _) => Err(super::error::invalid("organization_id", "is required, since you are in several")),
        }
    }
}
