//! `/api/v1/orgs/{org}/revocations`: many credentials of an organization end at once.

use actix_web::{
    HttpRequest, HttpResponse,
    http::header,
    web::{Data, Payload},
};
use serde::Deserialize;
use serde_json::json;

use super::{app::App, caller::caller, json, path::org, problem::Problem};
use crate::{
    domain::{
        clock::Timestamp,
        ids::{CredentialId, UserId},
    },
    service::Which,
};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Body {
    #[serde(default, deserialize_with = "json::given")]
    ids: Option<Vec<CredentialId>>,
    #[serde(default, deserialize_with = "json::given")]
    owner_id: Option<UserId>,
    #[serde(default, deserialize_with = "json::given")]
    created_before: Option<Timestamp>,
    #[serde(default, deserialize_with = "json::given")]
    all: Option<bool>,
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
    Ok(HttpResponse::Ok().insert_header((header::CACHE_CONTROL, "no-store")).json(json!({ "revoked": revoked })))
}
