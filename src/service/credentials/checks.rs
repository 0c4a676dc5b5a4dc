//! What a credential may be, whether it is made or edited.

use std::collections::HashSet;

use crate::{
    domain::{
        clock::Timestamp,
        credential::{Audiences, Credential, MAX_AUDIENCES, NEVER_SECONDS},
        ids::CredentialId,
        policy::{Policy, is_audience},
        scope::Rights,
        standing::Standing,
        verdict::{self, State, is_expired},
    },
    service::{
        authority::Authority,
        change::Change,
        core::Core,
        credentials::create::Expiry,
        error::{ManageError, conflict, invalid},
    },
    store::standings::{self, OwnedIn},
};

pub(super) use crate::service::names::checked_name;

/// Whether a credential is the caller's, in an organization in which the caller may act.
pub(super) fn is_own(authority: &Authority, standing: &Standing) -> bool {
    standing.credential.owner_id == authority.user.id
        && authority.memberships.iter().any(|(_, own)| own.id == standing.organization_id())
}

/// Refuses to change or replace a credential in which something is known only to a newer patmint.
pub(super) fn ensure_understood(credential: &Credential) -> Result<(), ManageError> {
    if credential.is_understood() {
        return Ok(());
    }
    Err(conflict(
        "not_understood",
        "only a newer patmint understands this token; change it on a server of that version",
    ))
}

pub(super) fn checked_audiences(
    audiences: Vec<String>,
    policy: &Policy,
    core: &Core,
) -> Result<Audiences, ManageError> {
    let mut unique: Vec<String> = Vec::new();
    for audience in audiences {
        if !is_audience(&audience) || !policy.allows_audience(&audience, &core.settings.issuer) {
            return Err(invalid("audiences", "must be allowed by the organization's policy"));
        }
        if !unique.contains(&audience) {
            unique.push(audience);
        }
    }
    if !(1..=MAX_AUDIENCES).contains(&unique.len()) {
        return Err(invalid("audiences", "must be 1 to 20, or null for the default"));
    }
    Ok(unique.into())
}

/// The expiry that the request and the policy make together, for a credential made at `created_at`.
pub(super) fn checked_expiry(
    expiry: Expiry,
    policy: &Policy,
    (created_at, now): (Timestamp, Timestamp),
) -> Result<Option<Timestamp>, ManageError> {
    let (member, asked) = match expiry {
        Expiry::ByPolicy => {
            // What ends by the policy says so itself: a client may read it in its token.
            let ttl = policy.token_default_ttl.or(policy.token_max_ttl);
            ("expires_at", ttl.map(|ttl| created_at.plus_seconds(ttl)))
        }
        Expiry::Never if policy.token_max_ttl.is_some() => {
            return Err(invalid("expires_at", "is required by the organization's policy"));
        }
        Expiry::Never => ("expires_at", None),
        Expiry::At(at) => ("expires_at", Some(at)),
        Expiry::In(seconds) => ("expires_in", Some(now.plus_seconds(seconds))),
    };
    let longest = created_at.plus_seconds(policy.token_max_ttl.unwrap_or(NEVER_SECONDS));
    match asked {
        Some(at) if is_expired(at, now) => Err(invalid(member, "must be in the future")),
        Some(at) if at > longest => Err(invalid(member, "is later than the organization's policy allows")),
        None if policy.require_expiry => Err(invalid(member, "is required by the organization's policy")),
        asked => Ok(asked),
    }
}

/// What a token makes or edits never exceeds the token.
pub(super) fn within(other: &Credential, bound: &Standing, core: &Core) -> Result<(), ManageError> {
    within_rights(other, bound, core)?;
    let policy = &bound.organization.policy;
    let end = verdict::effective_expiry(&bound.credential, policy);
    if end.is_some_and(|end| verdict::effective_expiry(other, policy).is_none_or(|other| other > end)) {
        return Err(ManageError::Forbidden("a token may not make or edit one that lives longer than itself"));
    }
    Ok(())
}

/// The same however long the other one lives.
pub(super) fn within_rights(other: &Credential, bound: &Standing, core: &Core) -> Result<(), ManageError> {
    let own = &bound.credential;
    let own_rights = Rights::new(own.permission, own.scopes.as_ref());
    if !own_rights.include(&Rights::new(other.permission, other.scopes.as_ref())) {
        return Err(ManageError::Forbidden("a token may not make or edit one that may do more than itself"));
    }
    let policy = &bound.organization.policy;
    let default = vec![policy.default_audience(&core.settings.issuer).to_owned()];
    let own_audiences = own.audiences.as_deref().unwrap_or(&default);
    let mut audiences = other.audiences.as_deref().unwrap_or(&default).iter();
    if !audiences.all(|audience| own_audiences.contains(audience)) {
        return Err(ManageError::Forbidden("a token may not make or edit one for an audience that is not its own"));
    }
    Ok(())
}

/// Whether the policy has room for one more like `new`, which is not active in the database yet. Counted under the lock of
/// all changes, so that two requests at once cannot both take the last place. One that was rotated takes no place of its own
/// as long as its successor is active; when that one ends first, the old one takes its place until it ends too.
pub(super) fn check_limit(change: &mut Change<'_>, core: &Core, new: &Standing) -> Result<(), ManageError> {
    let limit = usize::try_from(new.organization.policy.max_tokens_per_user).unwrap_or(usize::MAX);
    let owned = OwnedIn {
        organization: new.organization_id(),
        owner: new.credential.owner_id,
        bulk_seq: new.owner.revoked_seq.max(new.organization.revoked_seq),
    };
    // Mostly there are fewer; to read and judge thousands takes long while all others wait.
    if standings::count_perhaps_active(change.connection, owned, change.now)? < limit {
        return Ok(());
    }
    let all = standings::perhaps_active(change.connection, owned, change.now)?;
    let is_active = |own: &Standing| verdict::state(own, &core.settings.issuer, change.now) == State::Active;
    let active: Vec<_> = all.into_iter().filter(|(own, _)| is_active(own)).collect();
    let mut heads: HashSet<_> = active.iter().map(|(own, _)| own.credential.id).collect();
    heads.insert(new.credential.id);
    let takes_place =
        |(_, rotated_to): &&(Standing, Option<CredentialId>)| rotated_to.is_none_or(|to| !heads.contains(&to));
    if active.iter().filter(takes_place).count() >= limit { Err(ManageError::LimitReached) } else { Ok(()) }
}
