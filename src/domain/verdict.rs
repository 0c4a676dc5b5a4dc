//! The verdict: may this credential be exchanged now, and for what?
//!
//! One pure function decides, for the exchange, for introspection, for lists and for the policy's preview; so what a
//! list or a preview says is what happens.

use std::{borrow::Cow, fmt, net::IpAddr, str::FromStr};

use patmint_verifier::Audience;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{
    clock::Timestamp,
    credential::{Credential, words},
    newer_word::NewerWord,
    policy::Policy,
    scope::Rights,
    source::Source,
    standing::Standing,
};

/// Why a credential was refused. The holder is told only when the request was at fault, not the credential.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Refusal {
    /// Revoked, alone or with others.
    Revoked,
    /// Its own expiry or the policy's longest life is over.
    Expired,
    /// Not used for too long.
    Stale,
    /// Its owner is disabled.
    UserDisabled,
    /// Its owner is no member any more.
    MembershipEnded,
    /// Something in it is known only to a newer patmint.
    NotUnderstood,
    /// The policy does not allow its kind.
    KindDisallowed,
    /// The policy allows none of its audiences.
    AudienceDisallowed,
    /// Presented from outside the policy's networks.
    NetworkDisallowed,
    /// The request asked for rights that the credential does not have.
    ScopeExceeded,
    /// The request asked for an audience that the credential does not have.
    AudienceExceeded,
    /// A newer patmint refused it, and only that one knows why.
    Unknown(NewerWord),
}
words!(Refusal {
    Revoked = "revoked",
    Expired = "expired",
    Stale = "stale",
    UserDisabled = "user_disabled",
    MembershipEnded = "membership_ended",
    NotUnderstood = "not_understood",
    KindDisallowed = "kind_disallowed",
    AudienceDisallowed = "audience_disallowed",
    NetworkDisallowed = "network_disallowed",
    ScopeExceeded = "scope_exceeded",
    AudienceExceeded = "audience_exceeded",
} or Unknown);

impl Refusal {
    /// The reason for people: for the owner of the credential, for admins and operators.
    #[must_use]
    pub fn explanation(self) -> &'static str {
        match self {
            Self::Revoked => "the token is revoked, alone or with others",
            Self::Expired => {
                "the time of the token is over: its own, or the longest that the policy allows (token_max_ttl)"
            }
            Self::Stale => "the token was not used for longer than the policy allows (stale_after)",
            Self::UserDisabled => "the owner of the token is disabled",
            Self::MembershipEnded => "the owner of the token is no member of the organization any more",
            Self::NotUnderstood => {
                "something in the token is known only to a newer patmint: the server that was asked is older than another one"
            }
            Self::KindDisallowed => "the policy does not allow tokens of this kind (allowed_kinds)",
            Self::AudienceDisallowed => "the policy allows none of the token's audiences (allowed_audiences)",
            Self::NetworkDisallowed => {
                "the request came from outside the networks that the policy allows (allowed_networks)"
            }
            Self::ScopeExceeded => "the request asked for a scope that the token does not have",
            Self::AudienceExceeded => "the request asked for an audience that the token does not have",
            Self::Unknown(_) => "a newer patmint refused it; ask that one why",
        }
    }
}

/// How a credential stands, without a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// Can be exchanged.
    Active,
    /// Never again.
    Revoked,
    /// Its time is over.
    Expired,
    /// Unused for too long.
    Stale,
    /// Its owner or the policy stands against it; may change.
    Disallowed,
}
words!(State {
    Active = "active",
    Revoked = "revoked",
    Expired = "expired",
    Stale = "stale",
    Disallowed = "disallowed",
});

/// What comes with the request for an access token.
#[derive(Clone, Copy, Debug, Default)]
pub struct Asked<'a> {
    /// Where it comes from. Only its address counts.
    pub source: Source,
    /// The rights asked for, as a `scope` parameter; `None` = all there are.
    pub scope: Option<&'a str>,
    /// The audience asked for; `None` = what the credential has.
    pub audience: Option<&'a str>,
}

/// What an access token will say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Grant<'a> {
    /// `iat`, whole seconds.
    pub issued_at: i64,
    /// `exp`, whole seconds; less than one after the credential's own end.
    pub expires_at: i64,
    /// What it allows.
    pub rights: Rights<'a>,
    /// Whom it is for.
    pub audience: Audience<'a>,
}

/// Expiry is this one comparison, to the microsecond: whoever is shown an `expires_at` may rely on it.
#[must_use]
pub fn is_expired(expires_at: Timestamp, now: Timestamp) -> bool {
    now >= expires_at
}

/// When a credential really ends: its own expiry or the policy's longest life, whichever comes first.
#[must_use]
pub fn effective_expiry(credential: &Credential, policy: &Policy) -> Option<Timestamp> {
    let longest = policy.token_max_ttl.map(|ttl| credential.created_at.plus_seconds(ttl));
    [credential.expires_at, longest].into_iter().flatten().min()
}

/// Whether a credential was not used for too long, as far as `standing` knows of its use.
#[must_use]
pub fn is_stale(Standing { credential, organization, .. }: &Standing, now: Timestamp) -> bool {
    let last_seen = credential.last_used_at.unwrap_or(credential.created_at);
    is_expired(last_seen.plus_seconds(organization.policy.stale_after), now)
}

/// Why a credential cannot be exchanged whatever is asked; `None` = it can.
#[must_use]
pub fn objection(standing: &Standing, issuer: &str, now: Timestamp) -> Option<Refusal> {
    let Standing { credential, owner, organization } = standing;
    let policy = &organization.policy;
    let bulk_seq = owner.revoked_seq.max(organization.revoked_seq);
    // The order is that of the states: what can never come back first.
    let objections = [
        (credential.is_revoked || credential.created_seq < bulk_seq, Refusal::Revoked),
        (effective_expiry(credential, policy).is_some_and(|at| is_expired(at, now)), Refusal::Expired),
        (is_stale(standing, now), Refusal::Stale),
        (owner.is_disabled, Refusal::UserDisabled),
        (!owner.is_member, Refusal::MembershipEnded),
        (!credential.is_understood() || !owner.is_understood, Refusal::NotUnderstood),
        (!policy.allowed_kinds.contains(&credential.kind), Refusal::KindDisallowed),
        (audiences(credential, policy, issuer).next().is_none(), Refusal::AudienceDisallowed),
    ];
    objections.into_iter().find_map(|(stands, refusal)| stands.then_some(refusal))
}

/// How a credential stands, for lists.
#[must_use]
pub fn state(standing: &Standing, issuer: &str, now: Timestamp) -> State {
    match objection(standing, issuer, now) {
        None => State::Active,
        Some(Refusal::Revoked) => State::Revoked,
        Some(Refusal::Expired) => State::Expired,
        Some(Refusal::Stale) => State::Stale,
        Some(
            Refusal::UserDisabled
            | Refusal::MembershipEnded
            | Refusal::NotUnderstood
            | Refusal::KindDisallowed
            | Refusal::AudienceDisallowed
            | Refusal::NetworkDisallowed
            | Refusal::ScopeExceeded
            | Refusal::AudienceExceeded
            | Refusal::Unknown(_),
        ) => State::Disallowed,
    }
}

/// The verdict on a credential whose secret was right.
///
/// # Errors
/// [`Refusal`]: the first reason that stands against it.
pub fn judge<'a>(
    standing: &'a Standing,
    issuer: &'a str,
    now: Timestamp,
    asked: &Asked<'a>,
) -> Result<Grant<'a>, Refusal> {
    if let Some(refusal) = objection(standing, issuer, now) {
        return Err(refusal);
    }
    let credential = &standing.credential;
    let policy = &standing.organization.policy;
    if !is_inside(policy, asked.source.address) {
        return Err(Refusal::NetworkDisallowed);
    }
    let own = Rights::new(credential.permission, credential.scopes.as_ref());
    let rights = match asked.scope {
        None => own,
        Some(scope) => own.narrowed(scope).ok_or(Refusal::ScopeExceeded)?,
    };
    let issued_at = now.unix_seconds();
    // Rounded up: claims are whole seconds, and rounded down the last one would be none.
    let end = effective_expiry(credential, policy).map_or(i64::MAX, Timestamp::unix_seconds_rounded_up);
    let expires_at = end.min(issued_at + policy.access_token_ttl);
    let audience = narrowed_audience(audiences(credential, policy, issuer), asked.audience)?;
    Ok(Grant { issued_at, expires_at, rights, audience })
}

/// The audiences of a credential as far as the policy allows them.
fn audiences<'a>(credential: &'a Credential, policy: &'a Policy, issuer: &'a str) -> impl Iterator<Item = &'a str> {
    let default = credential.audiences.is_none().then(|| policy.default_audience(issuer));
    let own = credential.audiences.iter().flat_map(|own| own.iter()).map(String::as_str);
    default.into_iter().chain(own.filter(move |own| policy.allows_audience(own, issuer)))
}

fn narrowed_audience<'a>(
    mut own: impl Iterator<Item = &'a str>,
    asked: Option<&'a str>,
) -> Result<Audience<'a>, Refusal> {
    if let Some(asked) = asked {
        let is_own = own.any(|own| own == asked);
        return is_own.then_some(Audience::One(Cow::Borrowed(asked))).ok_or(Refusal::AudienceExceeded);
    }
    let first = own.next();
    match (first, own.next()) {
        (Some(only), None) => Ok(Audience::One(Cow::Borrowed(only))),
        (_, second) => Ok(Audience::Many(first.into_iter().chain(second).chain(own).map(Cow::Borrowed).collect())),
    }
}

/// Whether `address` is in one of the policy's networks. An unknown address is in none.
fn is_inside(policy: &Policy, address: Option<IpAddr>) -> bool {
    // An IPv4 client of a dual-stack socket shows as ::ffff:a.b.c.d.
    let address = address.map(|address| address.to_canonical());
    policy.allowed_networks.is_empty()
        || address.is_some_and(|address| policy.allowed_networks.iter().any(|network| network.contains(&address)))
}

#[cfg(test)]
pub(crate) mod tests;
