//! `/api/v1/orgs/{org}/members` and `/api/v1/orgs/{org}/members/{user}`.

use actix_web::{
    HttpRequest, HttpResponse,
    http::header,
    web::{Data, Payload},
};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{
    app::App,
    caller::caller,
    json,
    paging::{self, invalid},
    path::{id, org},
    problem::Problem,
};
use crate::{
    domain::{membership::Role, nullable::Nullable},
    service::{Member, MemberEdit, MemberFilter},
};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Edit {
    #[serde(default, deserialize_with = "json::given")]
    role: Option<Role>,
    #[serde(default)]
    groups: Nullable<Vec<String>>,
}

/// Who is or was a member, newest users first: `role`, `kind`, `state` filter.
pub(super) async fn list(app: Data<App>, request: HttpRequest) -> Result<HttpResponse, Problem> {
    let caller = caller(&app, &request)?;
    let mut filter = MemberFilter::default();
    let part = paging::part(request.query_string(), ", role, kind, state", |name, value| {
        match name {
            "role" => filter.role = Some(word(name, value, "owner, admin or member")?),
            "kind" => filter.kind = Some(word(name, value, "person or service_account")?),
            "state" if value == "current" => filter.is_current = Some(true),
            "state" if value == "ended" => filter.is_current = Some(false),
            "state" => return Err(invalid(name, "must be current or ended")),
            _ => return Ok(false),
        }
        Ok(true)
    })?;
    let page = app.services.members.list(&caller, org(&request), filter, part).await?;
    Ok(paging::page(&page.items.iter().map(view).collect::<Vec<_>>(), page.next))
}

/// Puts `role` and `groups` in place of the member's own → 200 with the member as they are then.
pub(super) async fn patch(app: Data<App>, request: HttpRequest, payload: Payload) -> Result<HttpResponse, Problem> {
    let caller = caller(&app, &request)?;
    let user = id(&request, "user")?;
    let Edit { role, groups } = json::read(&request, payload).await?;
    let member = app.services.members.edit(&caller, org(&request), user, MemberEdit { role, groups }).await?;
    Ok(HttpResponse::Ok().insert_header((header::CACHE_CONTROL, "no-store")).json(view(&member)))
}

/// Ends the membership → 204, however often. One's own, or as an admin another's.
pub(super) async fn delete(app: Data<App>, request: HttpRequest) -> Result<HttpResponse, Problem> {
    let caller = caller(&app, &request)?;
    app.services.members.end(&caller, org(&request), id(&request, "user")?).await?;
    Ok(HttpResponse::NoContent().finish())
}

fn word<T: std::str::FromStr>(name: &str, value: &str, words: &str) -> Result<T, Problem> {
    value.parse().map_err(|_| invalid(name, format!("must be {words}")))
}

fn view(Member { membership, user }: &Member) -> Value {
    json!({
        "user": {
            "id": user.id,
            "number": user.number,
            "email": user.email.as_ref().map(ToString::to_string),
            "name": user.name,
            "kind": user.kind,
            "disabled": user.disabled_at.is_some(),
        },
        "role": membership.role,
        "groups": membership.groups,
        "created_at": membership.created_at,
        "ended_at": membership.ended_at,
    })
}
