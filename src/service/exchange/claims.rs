use std::borrow::Cow;

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use patmint_verifier::{AccessClaims, AuthorizationDetail, Status, StatusListReference, TOKEN_TYPE_ACCESS};

use crate::{
    domain::{
        credential::Permission,
        random,
        scope::{Rights, Scopes},
        standing::Standing,
        verdict::Grant,
    },
    service::{core::Core, status_list},
};

/// The claims of the access token that `grant` allows (RFC 9068 section 2.2).
pub(super) fn claims<'a>(core: &'a Core, standing: &'a Standing, grant: Grant<'a>, rev: i64) -> AccessClaims<'a> {
    let Standing { credential, owner, organization } = standing;
    let (scope, authorization_details) = match grant.rights {
        Rights::Unrestricted(permission) => (Some(permission), None),
        Rights::Restricted(scopes) => (None, Some(details(scopes))),
    };
    AccessClaims {
        iss: Cow::Borrowed(&core.settings.issuer),
        sub: Cow::Owned(credential.owner_id.to_string()),
        aud: grant.audience,
        iat: grant.issued_at,
        exp: grant.expires_at,
        jti: Cow::Owned(URL_SAFE_NO_PAD.encode(random::public_bytes::<16>(&*core.random))),
        client_id: Cow::Owned(credential.id.to_string()),
        scope: scope.map(Permission::scope).map(Cow::Borrowed),
        authorization_details,
        org: Cow::Owned(organization.id.to_string()),
        groups: owner.groups.as_ref().map(|groups| Cow::Borrowed(groups.0.as_slice())),
        token_type: Cow::Borrowed(TOKEN_TYPE_ACCESS),
        rev,
        status: Status { status_list: status_reference(core, credential.number) },
    }
}

fn status_reference(core: &Core, number: i64) -> StatusListReference<'static> {
    let (list, idx) = status_list::place(number);
    StatusListReference { idx, uri: Cow::Owned(status_list::uri(&core.settings.issuer, list)) }
}

fn details(scopes: Cow<'_, Scopes>) -> Vec<AuthorizationDetail<'_>> {
    match scopes {
        Cow::Borrowed(scopes) => scopes.authorization_details(),
        Cow::Owned(scopes) => scopes.authorization_details().into_iter().map(owned).collect(),
    }
}

/// A detail that outlives the scopes it was made from.
fn owned(detail: AuthorizationDetail<'_>) -> AuthorizationDetail<'static> {
    let own = |text: Cow<'_, str>| Cow::Owned(text.into_owned());
    AuthorizationDetail {
        entity_type: own(detail.entity_type),
        identifier: detail.identifier.map(own),
        domain: detail.domain.map(own),
        actions: detail.actions.into_iter().map(own).collect(),
    }
}
