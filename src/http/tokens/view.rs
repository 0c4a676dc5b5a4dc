use serde_json::{Value, json};

use crate::{domain::standing::Standing, service::Seen};

/// A credential as its owner sees it: everything but the secret.
pub(super) fn view(seen: &Seen) -> Value {
    let Standing { credential, owner, .. } = &seen.standing;
    json!({
        "id": credential.id,
        "number": credential.number,
        "organization_id": credential.organization_id,
        "owner": {
            "id": owner.id,
            "number": owner.number,
            "email": owner.email.as_ref().map(ToString::to_string),
            "kind": owner.kind,
        },
        "name": credential.name,
        "kind": credential.kind,
        "permission": credential.permission,
        "scopes": credential.scopes,
        "audiences": credential.audiences,
        "created_at": credential.created_at,
        "expires_at": credential.expires_at,
        "effective_expires_at": seen.effective_expires_at,
        "last_used_at": credential.last_used_at,
        "last_used_from": credential.last_used_from,
        "revoked_at": credential.revoked.map(|revoked| revoked.at),
        "revoked_by": credential.revoked.and_then(|revoked| revoked.by),
        "revoked_reason": credential.revoked.map(|revoked| revoked.reason),
        "rotated_from": credential.rotated_from,
        "state": seen.state,
    })
}
