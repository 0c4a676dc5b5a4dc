//! `/api/v1/orgs/{org}/audit` and `/api/v1/audit`: who did what.

use std::str::FromStr;

use actix_web::{HttpRequest, HttpResponse, web::Data};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::{Value, json};

use super::{
    app::App,
    caller::caller,
    paging::{self, invalid},
    path::org,
    problem::Problem,
};
use crate::{
    domain::{clock::Timestamp, ids::AuditId},
    service::{AuditFilter, AuditPage, AuditPart, AuditPlace, AuditStart, Audited},
};

/// The longest action or subject that is looked for, in bytes.
const MAX_WORD: usize = 200;

/// What was done in an organization, newest first.
pub(super) async fn list(app: Data<App>, request: HttpRequest) -> Result<HttpResponse, Problem> {
    let caller = caller(&app, &request)?;
    let (filter, part) = query(&request)?;
    Ok(page(&app.services.audit.of(&caller, org(&request), filter, part).await?))
}

/// What was done that belongs to no organization, newest first.
pub(super) async fn list_of_none(app: Data<App>, request: HttpRequest) -> Result<HttpResponse, Problem> {
    let caller = caller(&app, &request)?;
    let (filter, part) = query(&request)?;
    Ok(page(&app.services.audit.of_none(&caller, filter, part).await?))
}

fn query(request: &HttpRequest) -> Result<(AuditFilter, AuditPart), Problem> {
    const FILTERS: &str = ", action, actor, credential, subject, since, until";
    const TIME: &str = "must be a time such as 2026-11-21T10:00:00Z";
    let mut filter = AuditFilter::default();
    let part = paging::part_from((AuditStart(None), place), request.query_string(), FILTERS, |name, value| {
        match name {
            "action" => filter.action = Some(word(name, value)?),
            "actor" => filter.actor = Some(parsed(name, value, "is not an id")?),
            "credential" => filter.credential = Some(parsed(name, value, "is not an id")?),
            "subject" => filter.subject = Some(word(name, value)?),
            "since" => filter.since = Some(parsed(name, value, TIME)?),
            "until" => filter.until = Some(parsed(name, value, TIME)?),
            _ => return Ok(false),
        }
        Ok(true)
    })?;
    Ok((filter, part))
}

fn parsed<T: FromStr>(name: &str, value: &str, problem: &str) -> Result<T, Problem> {
    value.parse().map_err(|_| invalid(name, problem))
}

/// What PostgreSQL can be asked for: no NUL.
fn word(name: &str, value: &str) -> Result<String, Problem> {
    if value.is_empty() || value.len() > MAX_WORD || value.contains(char::is_control) {
        return Err(invalid(name, "must have 1 to 200 bytes, no control characters"));
    }
    Ok(value.to_owned())
}

fn page(page: &AuditPage) -> HttpResponse {
    paging::page_to(&page.items.iter().map(view).collect::<Vec<_>>(), page.next.map(cursor).as_deref())
}

fn view((record, actor): &Audited) -> Value {
    let detail = record.detail.as_deref().and_then(|detail| serde_json::from_str::<Value>(detail).ok());
    let actor = actor.as_ref().map(|user| {
        json!({
            "id": user.id,
            "number": user.number,
            "email": user.email.as_ref().map(ToString::to_string),
            "name": user.name,
            "kind": user.kind,
        })
    });
    json!({
        "id": record.id,
        "created_at": record.created_at,
        "action": record.action,
        "organization_id": record.organization_id,
        "actor": actor,
        "credential_id": record.actor_credential_id,
        "via": record.via,
        "subject_id": record.subject_id,
        "address": record.address,
        "request_id": record.request_id,
        "detail": detail,
    })
}

/// Where the next page begins; means nothing to anybody else.
fn cursor((at, id): AuditPlace) -> String {
    URL_SAFE_NO_PAD.encode([at.unix_micros().to_be_bytes().as_slice(), id.as_bytes()].concat())
}

/// What [`cursor`] made.
fn place(cursor: &str) -> Option<AuditStart> {
    let bytes = URL_SAFE_NO_PAD.decode(cursor).ok()?;
    let (at, id) = bytes.split_first_chunk()?;
    let at = Timestamp::from_unix_micros(i64::from_be_bytes(*at))?;
    let id = AuditId::from_bytes(id.try_into().ok()?).ok()?;
    Some(AuditStart(Some((at, id))))
}
