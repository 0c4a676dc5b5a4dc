//! `/api/v1/orgs/{org}/members` and `/api/v1/orgs/{org}/members/{user}`.

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
    openapi::{Access, Operation, Parameter, refusal},
    paging::{self, Page, invalid},
    path::{id, org},
    problem::Problem,
};
use crate::{
    domain::{
        clock::Timestamp,
        email::Email,
        ids::UserId,
        membership::{Groups, Role, UserKind},
        nullable::Nullable,
    },
    service::{Member, MemberEdit, MemberFilter},
};

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "MemberEdit", extend("minProperties" = 1))]
struct Edit {
    #[serde(default, deserialize_with = "json::given")]
    #[schemars(with = "Role")]
    role: Option<Role>,
    #[serde(default)]
    #[schemars(with = "Nullable<Groups>")]
    groups: Nullable<Vec<String>>,
}

/// Somebody who is or was a member of an organization.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Member")]
struct View<'a> {
    user: UserView<'a>,
    role: Role,
    groups: Option<&'a Groups>,
    created_at: Timestamp,
    /// Until when, if it ended.
    ended_at: Option<Timestamp>,
}

#[derive(Serialize, JsonSchema)]
#[schemars(rename = "MemberUser")]
struct UserView<'a> {
    id: UserId,
    number: i64,
    email: Option<&'a str>,
    name: &'a str,
    kind: UserKind,
    disabled: bool,
}

/// Whether somebody still is a member.
#[derive(JsonSchema)]
#[schemars(rename_all = "snake_case", inline)]
#[expect(dead_code, reason = "the words that the query may have, for the document")]
enum State {
    Current,
    Ended,
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

/// What is told of [`list`].
pub(super) fn list_told() -> Operation {
    Operation::new("members", "list_members", "Who is or was a member, newest users first")
        .by(Access::Caller)
        .of_organization()
        .paged([
            Parameter::of::<Role>("role", "Only those with this role"),
            Parameter::of::<UserKind>("kind", "Only people, or only service accounts"),
            Parameter::of::<State>("state", "Only those who are members now, or who were"),
        ])
        .fails(&[refusal::FORBIDDEN])
        .answers::<Page<'_, View<'_>>>(200, "A page of them")
}

/// Puts `role` and `groups` in place of the member's own → 200 with the member as they are then.
pub(super) async fn patch(app: Data<App>, request: HttpRequest, payload: Payload) -> Result<HttpResponse, Problem> {
    let caller = caller(&app, &request)?;
    let user = id(&request, "user")?;
    let Edit { role, groups } = json::read(&request, payload).await?;
    let member = app.services.members.edit(&caller, org(&request), user, MemberEdit { role, groups }).await?;
    Ok(HttpResponse::Ok().insert_header((header::CACHE_CONTROL, "no-store")).json(view(&member)))
}

/// What is told of [`patch`].
pub(super) fn patch_told() -> Operation {
    Operation::new("members", "edit_member", "Change what a member is")
        .described("Access tokens that name a group which the member is not in any more die.")
        .by(Access::Caller)
        .of_organization()
        .path::<UserId>("user", "The member")
        .reads::<Edit>()
        .fails(&[refusal::FORBIDDEN, refusal::LAST_OWNER])
        .answers::<View<'_>>(200, "The member as they are now")
}

/// Ends the membership → 204, however often. One's own, or as an admin another's.
pub(super) async fn delete(app: Data<App>, request: HttpRequest) -> Result<HttpResponse, Problem> {
    let caller = caller(&app, &request)?;
    app.services.members.end(&caller, org(&request), id(&request, "user")?).await?;
    Ok(HttpResponse::NoContent().finish())
}

/// What is told of [`delete`].
pub(super) fn delete_told() -> Operation {
    Operation::new("members", "end_membership", "Remove a member, or leave")
        .described("Their tokens in the organization are refused at once, and the access tokens that are out die.")
        .by(Access::Caller)
        .of_organization()
        .path::<UserId>("user", "The member")
        .fails(&[refusal::FORBIDDEN, refusal::LAST_OWNER])
        .answers_nothing(204, "The membership has ended, now or before")
}

fn word<T: std::str::FromStr>(name: &str, value: &str, words: &str) -> Result<T, Problem> {
    value.parse().map_err(|_| invalid(name, format!("must be {words}")))
}

fn view(Member { membership, user }: &Member) -> View<'_> {
    View {
        user: UserView {
            id: user.id,
            number: user.number,
            email: user.email.as_ref().map(Email::as_str),
            name: &user.name,
            kind: user.kind,
            disabled: user.disabled_at.is_some(),
        },
        role: membership.role,
        groups: membership.groups.as_ref(),
        created_at: membership.created_at,
        ended_at: membership.ended_at,
    }
}
