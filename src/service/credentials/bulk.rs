use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::Credentials;
use crate::{
    domain::{
        clock::Timestamp,
        credential::{Revocation, RevocationReason},
        ids::{CredentialId, OrganizationId, UserId},
        list::Target,
    },
    service::{
        authority::{Authority, Caller},
        change::Change,
        error::{ManageError, invalid},
        exchange::Point,
    },
    store::{
        StoreError, credentials,
        live::{BulkScope, Live},
        memberships, organizations,
    },
};

/// The most credentials that one revocation may name.
pub const MAX_IDS: usize = 1_000;

/// Which credentials of an organization shall be revoked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Which {
    /// These; up to 1,000.
    These(Vec<CredentialId>),
    /// All that this user has there.
    Of(UserId),
    /// All that were created before this moment.
    CreatedBefore(Timestamp),
    /// All.
    All,
}

impl Credentials {
    /// Revokes many credentials of an organization at once, for its admins. Says how many were not revoked yet; with none,
    /// nothing has changed.
    ///
    /// What may be millions is counted before the lock that all changes share, batch by batch and one organization at a
    /// time: no organization keeps the others waiting.
    ///
    /// # Errors
    /// [`ManageError::NotFound`] if one of them, or the user, is not the organization's; then none is revoked.
    /// [`ManageError::Busy`] if this server counts for another revocation.
    pub async fn revoke_many(&self, caller: &Caller, organization: &str, which: Which) -> Result<usize, ManageError> {
        // Before the lock that all changes share: a stranger must not come that far.
        let authority = self.core.authenticate(caller).await?;
        let organization = authority.admin_of(organization)?.1.id;
        check(&which, self.core.clock.now())?;
        let scope = |owner, before| BulkScope { organization, owner, before };
        match which {
            Which::These(ids) => self.revoke_named(caller, organization, ids).await,
            Which::Of(owner) => self.revoke_in_bulk(caller, scope(Some(owner), None)).await,
            Which::CreatedBefore(before) => {
                let _turn = self.bulk_turns.take(organization).ok_or(ManageError::Busy)?;
                self.revoke_in_bulk(caller, scope(None, Some(before))).await
            }
            Which::All => {
                let _turn = self.bulk_turns.take(organization).ok_or(ManageError::Busy)?;
                self.revoke_in_bulk(caller, scope(None, None)).await
            }
        }
    }

    async fn revoke_named(
        &self,
        caller: &Caller,
        organization: OrganizationId,
        ids: Vec<CredentialId>,
    ) -> Result<usize, ManageError> {
        let (core, caller) = (self.core.clone(), caller.clone());
        let revoke = move |change: &mut Change<'_>| {
            let authority = core.authority(change.connection, &caller, change.now)?;
            authority.admin_of(&organization.to_string())?;
            let revoked = revoke_these(change, &authority, organization, &ids)?;
            record(change, &authority, organization, (revoked.len(), None), json!({ "ids": revoked }))
        };
        self.core.changes.run(revoke).await
    }

    async fn revoke_in_bulk(&self, caller: &Caller, scope: BulkScope) -> Result<usize, ManageError> {
        let counted = self.count(scope).await?;
        let (core, caller) = (self.core.clone(), caller.clone());
        let revoke = move |change: &mut Change<'_>| {
            let authority = core.authority(change.connection, &caller, change.now)?;
            authority.admin_of(&scope.organization.to_string())?;
            revoke_in_bulk(change, &authority, scope, counted)
        };
        self.core.changes.run(revoke).await
    }

    /// Counts what is live now, without any lock.
    async fn count(&self, scope: BulkScope) -> Result<Live, StoreError> {
        let mut live = Live { has_more: true, ..Live::default() };
        while live.has_more {
            live = self.core.db.read(move |connection| live.with_next_batch(connection, scope)).await?;
            self.core.changes.pauses.at(Point::BatchCounted);
        }
        Ok(live)
    }
}

fn check(which: &Which, now: Timestamp) -> Result<(), ManageError> {
    match which {
        Which::These(ids) if !(1..=MAX_IDS).contains(&ids.len()) => Err(invalid("ids", "must be 1 to 1000 ids")),
        Which::CreatedBefore(before) if *before > now => Err(invalid("created_before", "must not be in the future")),
        Which::These(_) | Which::Of(_) | Which::CreatedBefore(_) | Which::All => Ok(()),
    }
}

/// By one number on the organization or the member. `counted` is what was live before the lock; what came since is
/// counted under it.
fn revoke_in_bulk(
    change: &mut Change<'_>,
    authority: &Authority,
    scope: BulkScope,
    counted: Live,
) -> Result<usize, ManageError> {
    let BulkScope { organization, owner, before } = scope;
    if let Some(owner) = owner
        && !memberships::is_known(change.connection, organization, owner)?
    {
        return Err(ManageError::NotFound);
    }
    let live = counted.with_next_batch(change.connection, scope)?;
    if live.has_more {
        // As many were made in the moment before the lock: that is not waited for with the lock in hand.
        return Err(ManageError::Busy);
    }
    if let Some(last) = live.last_seq {
        if let Some(owner) = owner {
            memberships::revoke_up_to(change.connection, (organization, owner), last)?;
            change.append(Target::Member(organization, owner), true)?;
        } else {
            organizations::revoke_up_to(change.connection, organization, last)?;
            change.append(Target::Organization(organization), true)?;
        }
    }
    let subject = owner.map_or_else(|| organization.to_string(), |owner| owner.to_string());
    let detail = before.map_or_else(|| json!({}), |before| json!({ "created_before": before }));
    record(change, authority, organization, (live.count, Some(subject)), detail)
}

/// Writes down how many were revoked, if any were.
fn record(
    change: &mut Change<'_>,
    authority: &Authority,
    organization: OrganizationId,
    (count, subject): (usize, Option<String>),
    mut detail: Value,
) -> Result<usize, ManageError> {
    if count == 0 {
        change.is_so_already();
        return Ok(0);
    }
    if let Value::Object(members) = &mut detail {
        members.insert("revoked".to_owned(), count.into());
    }
    change.record(authority.actor(), "credential.revoke_many", Some(organization), subject, Some(&detail))?;
    Ok(count)
}

fn revoke_these(
    change: &mut Change<'_>,
    authority: &Authority,
    organization: OrganizationId,
    ids: &[CredentialId],
) -> Result<Vec<CredentialId>, ManageError> {
    let ids: Vec<_> = ids.iter().copied().collect::<BTreeSet<_>>().into_iter().collect();
    if credentials::count_in(change.connection, organization, &ids)? < ids.len() {
        return Err(ManageError::NotFound);
    }
    let by = Some(authority.user.id);
    let revocation = Revocation { at: change.now, by, reason: RevocationReason::Requested };
    let revoked = credentials::revoke_these(change.connection, &ids, revocation)?;
    change.append_each(revoked.iter().map(|id| Target::Credential(*id)).collect())?;
    Ok(revoked)
}

#[cfg(test)]
mod tests;
