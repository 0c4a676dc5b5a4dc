use actix_web::{
    HttpRequest, HttpResponse,
    web::{Data, Payload},
};
use serde::Deserialize;

use super::{create::made, expiry, id};
use crate::{
    domain::{clock::Timestamp, nullable::Nullable},
    http::{app::App, caller::caller, json, problem::Problem},
    service::Rotation,
};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Body {
    #[serde(default, deserialize_with = "json::given")]
    overlap: Option<i64>,
    #[serde(default)]
    after_use: bool,
    #[serde(default)]
    expires_at: Nullable<Timestamp>,
    #[serde(default)]
    expires_in: Nullable<i64>,
}

/// Replaces a credential → 201 with the new one and its `token`, which is shown here only.
pub(in crate::http) async fn post(
    app: Data<App>,
    request: HttpRequest,
    payload: Payload,
) -> Result<HttpResponse, Problem> {
    let caller = caller(&app, &request)?;
    let id = id(&request)?;
    let Body { overlap, after_use, expires_at, expires_in } = json::read(&request, payload).await?;
    let rotation = Rotation { overlap, after_use, expiry: expiry(expires_at, expires_in)? };
    let (seen, token) = app.services.credentials.rotate(&caller, id, rotation).await?;
    Ok(made(&seen, &token, "/api/v1"))
}
