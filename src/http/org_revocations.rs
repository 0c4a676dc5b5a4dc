//! `/api/v1/orgs/{org}/revocations`: many credentials of an organization end at once.

use actix_web::{
    HttpRequest, HttpResponse,
    http::header,
    web::{Data, Payload},
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{
    app::App,
    caller::caller,
    json,
    openapi::{Access, Operation, refusal},
    path::org,
    problem::Problem,
};
use crate::{
    domain::{
        clock::Timestamp,
        ids::{CredentialId, UserId},
    },
    service::{MAX_IDS, Which},
};

/// Which tokens: one of these, and no more.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "ManyRevocations", extend("minProperties" = 1, "maxProperties" = 1))]
struct Body {
    /// These.
    #[serde(default, deserialize_with = "json::given")]
    #[schemars(required, length(min = 1, max = MAX_IDS))]
    ids: Option<Vec<CredentialId>>,
    /// All that this user has in the organization.
    #[serde(default, deserialize_with = "json::given")]
    #[schemars(with = "UserId")]
    owner_id: Option<UserId>,
    /// All that were created before this time, which is not in the future.
    #[serde(default, deserialize_with = "json::given")]
    #[schemars(required)]
    created_before: Option<Timestamp>,
    /// All.
    #[serde(default, deserialize_with = "json::given")]
    #[schemars(required, extend("const" = true))]
    all: Option<bool>,
}

/// What became of it.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "RevokedTokens")]
struct Answer {
    /// How many were not revoked yet.
    revoked: usize,
}

impl Body {
    fn which(self) -> Option<Which> {
        match self {
            Self { ids: Some(ids), owner_id: None, created_before: None, all: None } => Some(Which::These(ids)),
            Self { ids: None, owner_id: Some(owner), created_before: None, all: None } => Some(Which::Of(owner)),
            Self { ids: None, owner_id: None, created_before: Some(at), all: None } => Some(Which::CreatedBefore(at)),
            Self { ids: None, owner_id: None, created_before: None, all: Some(true) } => Some(Which::All),
            _ => None,
        }
    }
}

/// Revokes what the body names → 200 with how many were not revoked yet.
pub(super) async fn post(app: Data<App>, request: HttpRequest, payload: Payload) -> Result<HttpResponse, Problem> {
    let caller = caller(&app, &request)?;
    let body: Body = json::read(&request, payload).await?;
    let which = body.which().ok_or_else(|| Problem::Invalid {
        member: "request".to_owned(),
        problem: "must have one of ids, owner_id, created_before, all (true)".to_owned(),
    })?;
    let revoked = app.services.credentials.revoke_many(&caller, org(&request), which).await?;
    Ok(HttpResponse::Ok().insert_header((header::CACHE_CONTROL, "no-store")).json(Answer { revoked }))
}

/// What is told of [`post`].
pub(super) fn post_told() -> Operation {
    Operation::new("organization tokens", "revoke_many", "Revoke many of an organization's tokens at once")
        .described(
            "They end together, with the access tokens that are out. With an id that the organization does not have nothing ends.",
        )
        .by(Access::Caller)
        .of_organization()
        .reads::<Body>()
        .fails(&[refusal::FORBIDDEN])
        .answers::<Answer>(200, "How many were revoked")
}
