//! `/api/v1/orgs/{org}/policy`: `{org}` is an id or a slug.

use actix_web::{
    HttpRequest, HttpResponse,
    http::header,
    web::{Data, Payload},
};
use serde_json::{Map, Value};

use super::{app::App, caller::caller, json, path::org, problem::Problem};
use crate::{domain::organization::Organization, service::Precondition};

/// The policy, with its version as `ETag`.
pub(super) async fn get(app: Data<App>, request: HttpRequest) -> Result<HttpResponse, Problem> {
    let organization = app.services.policies.get(&caller(&app, &request)?, org(&request)).await?;
    Ok(answer(&organization))
}

/// Puts the members of the body in place of the policy's own (RFC 7396), if `If-Match` names its version.
pub(super) async fn patch(app: Data<App>, request: HttpRequest, payload: Payload) -> Result<HttpResponse, Problem> {
    let caller = caller(&app, &request)?;
    let patch: Map<String, Value> = json::read(&request, payload).await?;
    let precondition = precondition(&request);
    let organization = app.services.policies.patch(&caller, org(&request), precondition, patch).await?;
    Ok(answer(&organization))
}

fn answer(organization: &Organization) -> HttpResponse {
    HttpResponse::Ok()
        .insert_header((header::ETAG, format!("\"{}\"", organization.policy_seq)))
        .insert_header((header::CACHE_CONTROL, "no-store"))
        .json(&organization.policy)
}

/// RFC 9110 section 13.1.1. A weak or foreign tag matches nothing.
fn precondition(request: &HttpRequest) -> Option<Precondition> {
    let values: Vec<&str> =
        request.headers().get_all(header::IF_MATCH).map(|value| value.to_str().unwrap_or_default()).collect();
    if values.is_empty() {
        return None;
    }
    let tags = || values.iter().flat_map(|value| value.split(',')).map(str::trim);
    if tags().any(|tag| tag == "*") {
        return Some(Precondition::Any);
    }
    let version = |tag: &str| tag.strip_prefix('"')?.strip_suffix('"')?.parse().ok();
    Some(Precondition::Versions(tags().filter_map(version).collect()))
}
