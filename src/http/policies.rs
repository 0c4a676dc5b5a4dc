//! `/api/v1/orgs/{org}/policy`: `{org}` is an id or a slug.

use actix_web::{
    HttpRequest, HttpResponse,
    http::header::{self, HeaderValue},
    web::{Data, Payload},
};
use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde_json::{Map, Value};

use super::{
    app::App,
    caller::caller,
    json,
    openapi::{Access, Operation, refusal},
    path::org,
    problem::Problem,
};
use crate::{
    domain::{organization::Organization, policy::Policy},
    service::Precondition,
};

/// The policy, with its version as `ETag`.
pub(super) async fn get(app: Data<App>, request: HttpRequest) -> Result<HttpResponse, Problem> {
    let organization = app.services.policies.get(&caller(&app, &request)?, org(&request)).await?;
    Ok(answer(&organization))
}

/// What is told of [`get`].
pub(super) fn get_told() -> Operation {
    Operation::new("organizations", "get_policy", "The policy of an organization, for its admins")
        .by(Access::Caller)
        .of_organization()
        .fails(&[refusal::FORBIDDEN])
        .answers::<Policy>(200, "The policy")
        .with_header("ETag", "Its version")
}

/// Puts the members of the body in place of the policy's own (RFC 7396), if `If-Match` names its version.
pub(super) async fn patch(app: Data<App>, request: HttpRequest, payload: Payload) -> Result<HttpResponse, Problem> {
    let caller = caller(&app, &request)?;
    let patch: Map<String, Value> = json::read(&request, payload).await?;
    let precondition = precondition(&request);
    let organization = app.services.policies.patch(&caller, org(&request), precondition, patch).await?;
    Ok(answer(&organization))
}

/// What is told of [`patch`].
pub(super) fn patch_told() -> Operation {
    Operation::new("organizations", "change_policy", "Change the policy of an organization")
        .described("What is left out stays (RFC 7396). What is stricter binds existing tokens at once; what is laxer brings them back.")
        .by(Access::Caller)
        .of_organization()
        .required_header("If-Match", "The `ETag` of the policy that was read, or `*`")
        .reads_as(&["application/json"], changes)
        .fails(&refusal::OF_JSON)
        .fails(&[refusal::FORBIDDEN, refusal::PRECONDITION_FAILED, refusal::PRECONDITION_REQUIRED])
        .answers::<Policy>(200, "The policy as it is now")
        .with_header("ETag", "Its version")
}

/// The policy's own members, of which any may be left out, and no others.
fn changes(generator: &mut SchemaGenerator) -> Schema {
    let mut schema = Policy::json_schema(generator);
    if let Some(Value::Object(members)) = schema.get_mut("properties") {
        // What is left out stays as it is, and not as it is in a new organization.
        members.values_mut().filter_map(Value::as_object_mut).for_each(|member| drop(member.remove("default")));
    }
    schema.insert("additionalProperties".to_owned(), false.into());
    schema
}

fn answer(organization: &Organization) -> HttpResponse {
    HttpResponse::Ok()
        .insert_header((header::ETAG, format!("\"{}\"", organization.policy_seq)))
        .insert_header((header::CACHE_CONTROL, "no-store"))
        .json(&organization.policy)
}

/// RFC 9110 section 13.1.1. A weak or foreign tag matches nothing.
fn precondition(request: &HttpRequest) -> Option<Precondition> {
    if !request.headers().contains_key(header::IF_MATCH) {
        return None;
    }
    let values = || request.headers().get_all(header::IF_MATCH).map(HeaderValue::as_bytes);
    let tags = || values().flat_map(|value| value.split(|byte| *byte == b',')).map(<[u8]>::trim_ascii);
    if tags().any(|tag| tag == b"*") {
        return Some(Precondition::Any);
    }
    let version = |tag: &[u8]| str::from_utf8(tag.strip_prefix(b"\"")?.strip_suffix(b"\"")?).ok()?.parse().ok();
    Some(Precondition::Versions(tags().filter_map(version).collect()))
}
