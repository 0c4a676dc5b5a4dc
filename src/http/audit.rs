//! `/api/v1/orgs/{org}/audit` and `/api/v1/audit`: who did what.

use std::str::FromStr;

use actix_web::{HttpRequest, HttpResponse, web::Data};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;

use super::{
    app::App,
    caller::caller,
    openapi::{Access, Operation, Parameter, refusal, shapes},
    paging::{self, Page, invalid},
    path::org,
    problem::Problem,
};
use crate::{
    domain::{
        clock::Timestamp,
        email::Email,
        ids::{AuditId, CredentialId, OrganizationId, RequestId, UserId},
        means::Means,
        membership::UserKind,
    },
    service::{AuditFilter, AuditPage, AuditPart, AuditPlace, AuditStart, Audited},
};

/// The longest action or subject that is looked for, in characters.
const MAX_WORD: usize = 200;

/// What was done in an organization, newest first.
pub(super) async fn list(app: Data<App>, request: HttpRequest) -> Result<HttpResponse, Problem> {
    let caller = caller(&app, &request)?;
    let (filter, part) = query(&request)?;
    Ok(page(&app.services.audit.of(&caller, org(&request), filter, part).await?))
}

/// What is told of [`list`].
pub(super) fn list_told() -> Operation {
    told("list_organization_audit", "What was done in an organization, newest first").of_organization()
}

/// What was done that belongs to no organization, newest first.
pub(super) async fn list_of_none(app: Data<App>, request: HttpRequest) -> Result<HttpResponse, Problem> {
    let caller = caller(&app, &request)?;
    let (filter, part) = query(&request)?;
    Ok(page(&app.services.audit.of_none(&caller, filter, part).await?))
}

/// What is told of [`list_of_none`].
pub(super) fn list_of_none_told() -> Operation {
    told("list_audit", "What was done that belongs to no organization, newest first")
        .described("What operators did to users, organizations and keys, and what people did to themselves.")
}

fn told(id: &'static str, summary: &'static str) -> Operation {
    let filters = [
        Parameter::of::<shapes::Word>("action", "Only this, such as `credential.create`"),
        Parameter::of::<UserId>("actor", "Only by this user"),
        Parameter::of::<CredentialId>("credential", "Only by this token"),
        Parameter::of::<shapes::Word>("subject", "Only to whom or what has this id"),
        Parameter::of::<Timestamp>("since", "Only from this moment on"),
        Parameter::of::<Timestamp>("until", "Only before this moment"),
    ];
    Operation::new("audit", id, summary)
        .by(Access::Caller)
        .fails(&[refusal::FORBIDDEN])
        .paged_by::<shapes::AuditCursor>(filters)
        .answers::<Page<'_, View<'_>>>(200, "A page of it; go on as long as there is a `next`")
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
    if !(1..=MAX_WORD).contains(&value.chars().count()) || value.contains(char::is_control) {
        return Err(invalid(name, "must have 1 to 200 characters, no control characters"));
    }
    Ok(value.to_owned())
}

/// Something that was done.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "AuditRecord")]
struct View<'a> {
    id: AuditId,
    created_at: Timestamp,
    action: &'a str,
    organization_id: Option<OrganizationId>,
    /// `null`: whoever held the token, the command line, or the server.
    actor: Option<ActorView<'a>>,
    /// The token by which it was done.
    credential_id: Option<CredentialId>,
    /// By what it was done; `null` if that was not noted yet.
    via: Option<Means>,
    /// To whom or what.
    subject_id: Option<&'a str>,
    address: Option<&'a str>,
    /// What `X-Request-Id` said in the answer.
    request_id: Option<RequestId>,
    /// What else is worth knowing; no secret.
    detail: Option<Value>,
}

/// Who did it.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Actor")]
struct ActorView<'a> {
    id: UserId,
    number: i64,
    email: Option<&'a str>,
    name: &'a str,
    kind: UserKind,
}

fn page(page: &AuditPage) -> HttpResponse {
    paging::page_to(&page.items.iter().map(view).collect::<Vec<_>>(), page.next.map(cursor))
}

fn view((record, actor): &Audited) -> View<'_> {
    View {
        id: record.id,
        created_at: record.created_at,
        action: &record.action,
        organization_id: record.organization_id,
        actor: actor.as_ref().map(|user| ActorView {
            id: user.id,
            number: user.number,
            email: user.email.as_ref().map(Email::as_str),
            name: &user.name,
            kind: user.kind,
        }),
        credential_id: record.actor_credential_id,
        via: record.via,
        subject_id: record.subject_id.as_deref(),
        address: record.address.as_deref(),
        request_id: record.request_id,
        detail: record.detail.as_deref().and_then(|detail| serde_json::from_str(detail).ok()),
    }
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
