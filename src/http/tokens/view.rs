use std::collections::BTreeMap;

use actix_web::{HttpResponse, http::header};
use schemars::JsonSchema;
use serde::Serialize;

use crate::{
    domain::{
        clock::Timestamp,
        credential::{Audiences, CredentialKind, Permission, RevocationReason},
        email::Email,
        ids::{CredentialId, OrganizationId, RequestId, UserId},
        membership::UserKind,
        refused::Refused,
        scope::Scopes,
        standing::Record,
        verdict::State,
    },
    service::{AddressOfUse, CredentialUsage, DayOfUse, Seen},
};

/// A long-lived token, without its text.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Token")]
pub(in crate::http) struct View<'a> {
    /// `client_id` in its access tokens.
    id: CredentialId,
    number: i64,
    organization_id: OrganizationId,
    owner: OwnerView<'a>,
    name: &'a str,
    kind: CredentialKind,
    permission: Permission,
    /// `null`: not restricted by scopes. None: may do nothing.
    scopes: Option<&'a Scopes>,
    /// `null`: the policy's default.
    audiences: Option<&'a Audiences>,
    created_at: Timestamp,
    /// Its own end.
    expires_at: Option<Timestamp>,
    /// When it really ends: by itself or by the policy.
    effective_expires_at: Option<Timestamp>,
    last_used_at: Option<Timestamp>,
    /// The address of its last exchange.
    last_used_from: Option<&'a str>,
    revoked_at: Option<Timestamp>,
    /// `null` also if whoever held it revoked it.
    revoked_by: Option<UserId>,
    revoked_reason: Option<RevocationReason>,
    /// The token that this one replaced.
    rotated_from: Option<CredentialId>,
    /// The token that replaced this one.
    rotated_to: Option<CredentialId>,
    rotated_at: Option<Timestamp>,
    /// What an exchange would say now.
    state: State,
}

/// Whose a token is.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "TokenOwner")]
struct OwnerView<'a> {
    id: UserId,
    number: i64,
    email: Option<&'a str>,
    kind: UserKind,
}

/// How a token was used: by day, the newest first, without those on which it was not.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Usage")]
pub(in crate::http) struct UsageView<'a> {
    days: Vec<DayView<'a>>,
    /// The last addresses from which it was used, newest first.
    addresses: Vec<AddressView>,
    /// The last refusals, newest first.
    refusals: Vec<RefusalView>,
}

/// From where a token was used.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "AddressOfUse")]
struct AddressView {
    address: String,
    first_used_at: Timestamp,
    last_used_at: Timestamp,
    exchanges: i64,
}

/// A request in which a token was refused.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "RefusalOfUse")]
struct RefusalView {
    at: Timestamp,
    /// Stable: programs may go by it.
    reason: &'static str,
    address: Option<String>,
    /// What `X-Request-Id` said in the answer.
    request_id: RequestId,
}

/// How a token was used on one day.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "DayOfUse")]
struct DayView<'a> {
    /// In UTC.
    #[schemars(extend("format" = "date"))]
    day: &'a str,
    /// How often it was exchanged (`granted`), and refused, by the reason.
    outcomes: &'a BTreeMap<String, i64>,
}

/// A credential as its owner and admins see it: everything but the secret.
pub(in crate::http) fn view(seen: &Seen) -> View<'_> {
    let Record { standing, description, owner, .. } = &seen.record;
    let credential = &standing.credential;
    View {
        id: credential.id,
        number: credential.number,
        organization_id: standing.organization_id(),
        owner: OwnerView {
            id: owner.id,
            number: owner.number,
            email: owner.email.as_ref().map(Email::as_str),
            kind: owner.kind,
        },
        name: &description.name,
        kind: credential.kind,
        permission: credential.permission,
        scopes: credential.scopes.as_ref(),
        audiences: credential.audiences.as_ref(),
        created_at: credential.created_at,
        expires_at: credential.expires_at,
        effective_expires_at: seen.effective_expires_at,
        last_used_at: credential.last_used_at,
        last_used_from: description.last_used_from.as_deref(),
        revoked_at: description.revoked.map(|revoked| revoked.at),
        revoked_by: description.revoked.and_then(|revoked| revoked.by),
        revoked_reason: description.revoked.map(|revoked| revoked.reason),
        rotated_from: description.rotated_from,
        rotated_to: description.rotated_to.map(|(id, _)| id),
        rotated_at: description.rotated_to.map(|(_, at)| at),
        state: seen.state,
    }
}

/// How a credential was used, as its owner and admins see it.
pub(in crate::http) fn usage(CredentialUsage { days, addresses, refusals }: &CredentialUsage) -> HttpResponse {
    let address = |from: &AddressOfUse| AddressView {
        address: from.address.clone(),
        first_used_at: from.first_used_at,
        last_used_at: from.last_used_at,
        exchanges: from.exchanges,
    };
    let refusal = |refused: &Refused| RefusalView {
        at: refused.at,
        reason: refused.reason.as_str(),
        address: refused.address.map(|address| address.to_string()),
        request_id: refused.request_id,
    };
    let body = UsageView {
        days: days.iter().map(|DayOfUse { day, outcomes }| DayView { day, outcomes }).collect(),
        addresses: addresses.iter().map(address).collect(),
        refusals: refusals.iter().map(refusal).collect(),
    };
    HttpResponse::Ok().insert_header((header::CACHE_CONTROL, "no-store")).json(body)
}
