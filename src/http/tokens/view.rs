use actix_web::{HttpResponse, http::header};
use serde_json::{Value, json};

use crate::{
    domain::{refused::Refused, standing::Record},
    service::{AddressOfUse, CredentialUsage, DayOfUse, Seen},
};

/// A credential as its owner and admins see it: everything but the secret.
pub(in crate::http) fn view(seen: &Seen) -> Value {
    let Record { standing, description, owner, .. } = &seen.record;
    let credential = &standing.credential;
    json!({
        "id": credential.id,
        "number": credential.number,
        "organization_id": standing.organization_id(),
        "owner": {
            "id": owner.id,
            "number": owner.number,
            "email": owner.email.as_ref().map(ToString::to_string),
            "kind": owner.kind,
        },
        "name": description.name,
        "kind": credential.kind,
        "permission": credential.permission,
        "scopes": credential.scopes,
        "audiences": credential.audiences,
        "created_at": credential.created_at,
        "expires_at": credential.expires_at,
        "effective_expires_at": seen.effective_expires_at,
        "last_used_at": credential.last_used_at,
        "last_used_from": description.last_used_from,
        "revoked_at": description.revoked.map(|revoked| revoked.at),
        "revoked_by": description.revoked.and_then(|revoked| revoked.by),
        "revoked_reason": description.revoked.map(|revoked| revoked.reason),
        "rotated_from": description.rotated_from,
        "rotated_to": description.rotated_to.map(|(id, _)| id),
        "rotated_at": description.rotated_to.map(|(_, at)| at),
        "state": seen.state,
    })
}

/// How a credential was used, as its owner and admins see it.
pub(in crate::http) fn usage(CredentialUsage { days, addresses, refusals }: &CredentialUsage) -> HttpResponse {
    let day = |DayOfUse { day, outcomes }: &DayOfUse| json!({ "day": day, "outcomes": outcomes });
    let days: Vec<_> = days.iter().map(day).collect();
    let address = |from: &AddressOfUse| {
        json!({
            "address": from.address,
            "first_used_at": from.first_used_at,
            "last_used_at": from.last_used_at,
            "exchanges": from.exchanges,
        })
    };
    let addresses: Vec<_> = addresses.iter().map(address).collect();
    let refusal = |Refused { request_id, at, reason, address }: &Refused| json!({ "at": at, "reason": reason, "address": address, "request_id": request_id });
    let refusals: Vec<_> = refusals.iter().map(refusal).collect();
    let body = json!({ "days": days, "addresses": addresses, "refusals": refusals });
    HttpResponse::Ok().insert_header((header::CACHE_CONTROL, "no-store")).json(body)
}
