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
    },
    store::{credentials, memberships, organizations},
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
    /// # Errors
    /// [`ManageError::NotFound`] if one of them, or the user, is not the organization's; then none is revoked.
    pub async fn revoke_many(&self, caller: &Caller, organization: &str, which: Which) -> Result<usize, ManageError> {
        // Before the lock that all changes share: a stranger must not come that far.
        self.core.authenticate(caller).await?.admin_of(organization)?;
        check(&which, self.core.clock.now())?;
        let is_broad = matches!(which, Which::CreatedBefore(_) | Which::All);
        let (core, caller, name) = (self.core.clone(), caller.clone(), organization.to_owned());
        let revoke = move |change: &mut Change<'_>| {
            let authority = core.authority(change.connection, &caller, change.now)?;
            let organization = authority.admin_of(&name)?.1.id;
            revoke(change, &authority, organization, &which)
        };
        if is_broad {
            // Looks at every credential of the organization, however many there are.
            return self.core.changes.run_at_length(revoke).await;
        }
        self.core.changes.run(revoke).await
    }
}

fn check(which: &Which, now: Timestamp) -> Result<(), ManageError> {
    match which {
        Which::These(ids) if !(1..=MAX_IDS).contains(&ids.len()) => Err(invalid("ids", "must be 1 to 1000 ids")),
        Which::CreatedBefore(before) if *before > now => Err(invalid("created_before", "must not be in the future")),
        Which::These(_) | Which::Of(_) | Which::CreatedBefore(_) | Which::All => Ok(()),
    }
}

fn revoke(
    change: &mut Change<'_>,
    authority: &Authority,
    organization: OrganizationId,
    which: &Which,
) -> Result<usize, ManageError> {
    let (count, subject, mut detail) = match which {
        Which::These(ids) => {
            let revoked = revoke_these(change, authority, organization, ids)?;
            (revoked.len(), None, json!({ "ids": revoked }))
        }
        Which::Of(owner) => {
            if !memberships::is_known(change.connection, organization, *owner)? {
                return Err(ManageError::NotFound);
            }
            let live = credentials::live_in(change.connection, organization, Some(*owner), None)?;
            if let Some(last) = live.last {
                memberships::revoke_up_to(change.connection, (organization, *owner), last)?;
                change.append(Target::Member(organization, *owner), true)?;
            }
            (live.count, Some(owner.to_string()), json!({}))
        }
        Which::CreatedBefore(before) => {
            let count = revoke_broadly(change, organization, Some(*before))?;
            (count, Some(organization.to_string()), json!({ "created_before": before }))
        }
        Which::All => (revoke_broadly(change, organization, None)?, Some(organization.to_string()), json!({})),
    };
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

/// By one number on the organization.
fn revoke_broadly(
    change: &mut Change<'_>,
    organization: OrganizationId,
    before: Option<Timestamp>,
) -> Result<usize, ManageError> {
    let live = credentials::live_in(change.connection, organization, None, before)?;
    if let Some(last) = live.last {
        organizations::revoke_up_to(change.connection, organization, last)?;
        change.append(Target::Organization(organization), true)?;
    }
    Ok(live.count)
}
