use secrecy::SecretString;
use serde_json::json;

use super::{
    Credentials, Expiry, Seen,
    checks::{check_limit, checked_audiences, checked_expiry, ensure_understood, is_own, within},
    issue::{self, Draft, Holder, issue},
    repeat::renew_secret,
};
use crate::{
    domain::{
        clock::Timestamp,
        credential::{Credential, Description, LookupKey, Revocation, RevocationReason},
        ids::{CredentialId, UserId},
        list::Target,
        policy::{LONGEST_ACCESS_TOKEN_TTL, Policy},
        standing::{Record, Standing},
        verdict::{self, State, is_expired},
    },
    service::{
        authority::{Authority, Caller},
        change::Change,
        core::Core,
        error::{ManageError, conflict, invalid},
        idempotency::Attempt,
    },
    store::{
        StoreError, credentials,
        rotations::{self, Replacement},
        standings,
    },
};

/// The longest that a credential lives after it was replaced, in seconds: 30 days.
pub const MAX_OVERLAP: i64 = 30 * 86_400;

/// The shortest that one lives after a token replaced it, in seconds. Automation that loses the answer has nothing else left
/// with which it could ask again.
pub(super) const MIN_OVERLAP_BY_TOKEN: i64 = 60;

/// How a credential is to be replaced.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Rotation {
    /// For how many seconds the old one still is good, at the longest; up to 30 days. `None` = not at all, with `after_use` 30
    /// days. When a token asks, less than a minute becomes one.
    pub overlap: Option<i64>,
    /// Whether the old one ends soon after the new one's first use was seen, a minute after the rotation at the earliest.
    pub after_use: bool,
    /// When the new one ends; `None` = it lives as long as the old one was to live, within the policy.
    pub expiry: Option<Expiry>,
}

impl Credentials {
    /// Replaces one of the caller's credentials by a new one that may do the same. Its text is shown here and never again.
    ///
    /// # Errors
    /// [`ManageError::NotFound`] for another's as for none; [`ManageError::Forbidden`] for a token that may not;
    /// [`ManageError::Rotated`]; [`ManageError::Revoked`]; [`ManageError::Conflict`] while the one that it replaced lives;
    /// [`ManageError::Invalid`] if the policy would not let the new one be made; [`ManageError::LimitReached`] if the old one
    /// was not active, with no place for the new one.
    pub async fn rotate(
        &self,
        caller: &Caller,
        id: CredentialId,
        rotation: Rotation,
    ) -> Result<(Seen, SecretString), ManageError> {
        let authority = self.core.authenticate(caller).await?;
        let core = self.core.clone();
        let rotate = move |change: &mut Change<'_>, authority: &Authority, attempt: Attempt| {
            let old = standings::record_by_id(change.connection, id)?;
            let old = old.filter(|own| is_own(authority, &own.standing)).ok_or(ManageError::NotFound)?;
            authority.may_make_tokens(&old.standing.organization)?;
            if let Some(new) = attempt.created(change)? {
                return renew_secret(change, &core, authority, new, |own| is_own(authority, own));
            }
            let (new, text) = replace(change, &core, authority, old, rotation)?;
            attempt.note(change, new.standing.credential.id)?;
            Ok((new, text))
        };
        let (record, text) = self.core.create_once(caller, &authority, rotate).await?;
        Ok((self.seen(record, self.core.clock.now()), text))
    }
}

fn replace(
    change: &mut Change<'_>,
    core: &Core,
    authority: &Authority,
    old: Record,
    rotation: Rotation,
) -> Result<(Record, SecretString), ManageError> {
    let Record { standing, description, owner, .. } = old;
    let state = verdict::state(&standing, &core.settings.issuer, change.now);
    if description.rotated_to.is_some() {
        return Err(ManageError::Rotated);
    }
    if state == State::Revoked {
        return Err(ManageError::Revoked);
    }
    ensure_understood(&standing.credential)?;
    check_predecessor(change, core, &description)?;
    let overlap = overlap(rotation, authority.credential().is_some())?;
    let (membership, organization) = authority.organization(Some(standing.organization_id()))?.clone();
    let draft = draft(&standing.credential, description, rotation.expiry, (&organization.policy, core), change.now)?;
    let (new, text) = issue(change, core, Holder { user: owner, membership, organization }, draft)?;
    if let Some(bound) = authority.credential() {
        within(&standing.credential, bound, core)?;
        within(&new.standing.credential, bound, core)?;
    }
    // One that is active leaves its place to the new one.
    if state != State::Active {
        check_limit(change, core, &new.standing)?;
    }
    let row = (new.standing.credential.clone(), new.description.clone());
    credentials::insert(change.connection, row, new.standing.organization_id(), Some(authority.user.id))?;
    let detail = json!({
        "number": standing.credential.number,
        "rotated_to": new.standing.credential.id,
        "overlap": overlap,
        "after_use": rotation.after_use,
    });
    let subject = Some(standing.credential.id.to_string());
    let organization = Some(standing.organization_id());
    change.record(authority.actor(), "credential.rotate", organization, subject, Some(&detail))?;
    let by = authority.user.id;
    end(change, &standing, by, (new.standing.credential.id, overlap, rotation.after_use))?;
    Ok((new, text))
}

/// A credential and its successor may both live, and no third: each further one would get around the limit.
fn check_predecessor(
    change: &mut Change<'_>,
    core: &Core,
    Description { rotated_from, .. }: &Description,
) -> Result<(), ManageError> {
    let Some(id) = *rotated_from else { return Ok(()) };
    let Some(before) = standings::by_key(change.connection, LookupKey::Id(id))? else { return Ok(()) };
    // One that only the policy or its owner's standing refuses may come back, so it lives.
    let is_over = before.credential.expires_at.is_some_and(|at| is_expired(at, change.now));
    if is_over || verdict::state(&before, &core.settings.issuer, change.now) == State::Revoked {
        return Ok(());
    }
    let why = "the token that this one replaced is still good; revoke that one, or wait until it ends";
    Err(conflict("predecessor_alive", why))
}

/// For how long the old one still is good.
fn overlap(Rotation { overlap, after_use, .. }: Rotation, is_by_token: bool) -> Result<i64, ManageError> {
    let overlap = overlap.unwrap_or(if after_use { MAX_OVERLAP } else { 0 });
    if !(0..=MAX_OVERLAP).contains(&overlap) {
        return Err(invalid("overlap", "must be 0 to 2592000 seconds"));
    }
    Ok(if is_by_token { overlap.max(MIN_OVERLAP_BY_TOKEN) } else { overlap })
}

/// The same again, as far as the policy still lets it be made.
fn draft(
    old: &Credential,
    description: Description,
    expiry: Option<Expiry>,
    (policy, core): (&Policy, &Core),
    now: Timestamp,
) -> Result<Draft, ManageError> {
    let audiences = old.audiences.as_deref().map(|own| checked_audiences(own.to_vec(), policy, core)).transpose()?;
    let draft = Draft {
        description: Description { rotated_from: Some(old.id), ..Description::new(description.name) },
        kind: old.kind,
        permission: old.permission,
        scopes: old.scopes.clone(),
        audiences,
        expires_at: expires_at(old, expiry, policy, now)?,
    };
    issue::check(&draft, policy).map(|()| draft)
}

fn expires_at(
    old: &Credential,
    asked: Option<Expiry>,
    policy: &Policy,
    now: Timestamp,
) -> Result<Option<Timestamp>, ManageError> {
    let expiry = match (asked, old.expires_at) {
        (Some(asked), _) => asked,
        (None, Some(end)) => {
            let life = end.unix_seconds() - old.created_at.unix_seconds();
            Expiry::In(policy.token_max_ttl.map_or(life, |longest| life.min(longest)))
        }
        (None, None) if policy.token_max_ttl.is_some() || policy.require_expiry => Expiry::ByPolicy,
        (None, None) => Expiry::Never,
    };
    checked_expiry(expiry, policy, (now, now))
}

/// Ends the old one, now or when `overlap` seconds are over.
fn end(
    change: &mut Change<'_>,
    standing: &Standing,
    by: UserId,
    (new, overlap, after_use): (CredentialId, i64, bool),
) -> Result<(), StoreError> {
    let (old, at) = (&standing.credential, change.now);
    let is_at_once = overlap == 0;
    let last = at.plus_seconds(overlap);
    let old_expires_at =
        if is_at_once { old.expires_at } else { Some(old.expires_at.map_or(last, |own| own.min(last))) };
    let ends_on_use = after_use && !is_at_once;
    rotations::insert(change.connection, Replacement { old: old.id, old_expires_at, new, at, ends_on_use })?;
    if is_at_once {
        let revocation = Revocation { at, by: Some(by), reason: RevocationReason::Rotated };
        credentials::revoke(change.connection, old.id, revocation)?;
        return change.append(Target::Credential(old.id), true);
    }
    if old_expires_at == old.expires_at {
        return Ok(());
    }
    // With a long overlap the access tokens that are out die before the old one does.
    change.append(Target::Credential(old.id), overlap < LONGEST_ACCESS_TOKEN_TTL)
}
