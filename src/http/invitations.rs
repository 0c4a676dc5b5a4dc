//! `/api/v1/orgs/{org}/invitations` and `/api/v1/invitations/accept`.

use actix_web::{
    HttpRequest, HttpResponse,
    http::header,
    web::{Data, Payload},
};
use schemars::JsonSchema;
use secrecy::{ExposeSecret as _, SecretString};
use serde::{Deserialize, Serialize};

use super::{
    app::App,
    caller::caller,
    idempotency, json,
    openapi::{Access, Operation, refusal, shapes},
    paging::{self, Page},
    path::{id, org},
    problem::Problem,
    request_id::source,
};
use crate::{
    domain::{
        clock::Timestamp,
        ids::{InvitationId, OrganizationId, UserId},
        invitation::InvitationState,
        membership::{Groups, Role},
    },
    service::{Acceptance, Accepted, NewInvitation, SeenInvitation},
};

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "NewInvitation")]
struct New {
    #[schemars(with = "shapes::EmailAddress")]
    email: String,
    role: Role,
    #[serde(default)]
    #[schemars(with = "Option<Groups>")]
    groups: Option<Vec<String>>,
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Acceptance")]
struct Accept {
    /// What follows the `#` of the link.
    #[schemars(with = "String")]
    token: SecretString,
    /// Of whoever has no account yet.
    #[serde(default, deserialize_with = "json::given")]
    #[schemars(with = "shapes::Name")]
    name: Option<String>,
    /// Of whoever has no account yet.
    #[serde(default, deserialize_with = "json::given")]
    #[schemars(with = "shapes::Password")]
    password: Option<SecretString>,
}

/// An invitation into an organization.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Invitation")]
struct View<'a> {
    id: InvitationId,
    email: &'a str,
    role: Role,
    groups: Option<&'a Groups>,
    state: InvitationState,
    created_at: Timestamp,
    created_by: UserId,
    expires_at: Timestamp,
    accepted_at: Option<Timestamp>,
    accepted_by: Option<UserId>,
    withdrawn_at: Option<Timestamp>,
}

/// An invitation that was just made.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "MadeInvitation")]
struct Made<'a> {
    #[serde(flatten)]
    view: View<'a>,
    /// For whoever is invited. Shown here only.
    link: String,
}

/// What whoever accepted is now.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "AcceptedInvitation")]
struct AcceptedView<'a> {
    user_id: UserId,
    organization_id: OrganizationId,
    organization_slug: &'a str,
    organization_name: &'a str,
    role: Role,
    groups: Option<&'a Groups>,
}

/// The invitations of an organization, newest first.
pub(super) async fn list(app: Data<App>, request: HttpRequest) -> Result<HttpResponse, Problem> {
    let caller = caller(&app, &request)?;
    let part = paging::part(request.query_string(), "", |_, _| Ok(false))?;
    let page = app.services.invitations.list(&caller, org(&request), part).await?;
    Ok(paging::page(&page.items.iter().map(view).collect::<Vec<_>>(), page.next))
}

/// What is told of what admins do with invitations.
fn told(id: &'static str, summary: &'static str) -> Operation {
    Operation::new("members", id, summary).by(Access::Caller).of_organization().fails(&[refusal::FORBIDDEN])
}

/// What is told of [`list`].
pub(super) fn list_told() -> Operation {
    told("list_invitations", "The invitations into an organization, newest first")
        .described(
            "The `state` is that of now. `void`: nobody can accept it, since the inviter is disabled, no member any more, or \
             no longer has a role that may give this one; with such a role the inviter makes it open again, until its time \
             is over or it is withdrawn.",
        )
        .paged([])
        .answers::<Page<'_, View<'_>>>(200, "A page of them")
}

/// `{"email", "role", "groups"?}` → 201 with `link`, which is shown here only.
pub(super) async fn post(app: Data<App>, request: HttpRequest, payload: Payload) -> Result<HttpResponse, Problem> {
    let caller = caller(&app, &request)?;
    let (caller, New { email, role, groups }) = idempotency::read(caller, &request, payload).await?;
    let new = NewInvitation { email, role, groups };
    let (seen, secret) = app.services.invitations.create(&caller, org(&request), new).await?;
    // A fragment: browsers send it to no server, so it is in nobody's log.
    let link = format!("{}/invitations#{}", app.services.settings().issuer, secret.expose_secret());
    let body = Made { view: view(&seen), link };
    Ok(HttpResponse::Created().insert_header((header::CACHE_CONTROL, "no-store")).json(body))
}

/// What is told of [`post`].
pub(super) fn post_told() -> Operation {
    told("invite", "Invite somebody")
        .described("For one address, for one use, for a day. patmint sends no mail: hand over the link.")
        .reads::<New>()
        .idempotent()
        .fails(&[refusal::ALREADY_MEMBER, refusal::INVITATION_ACCEPTED, refusal::INVITATION_WITHDRAWN])
        .answers::<Made<'_>>(201, "The invitation, with its link, which is shown here only")
}

/// Takes an invitation back → 204, however often.
pub(super) async fn delete(app: Data<App>, request: HttpRequest) -> Result<HttpResponse, Problem> {
    let caller = caller(&app, &request)?;
    app.services.invitations.withdraw(&caller, org(&request), id(&request, "id")?).await?;
    Ok(HttpResponse::NoContent().finish())
}

/// What is told of [`delete`].
pub(super) fn delete_told() -> Operation {
    told("withdraw_invitation", "Take an invitation back")
        .path::<InvitationId>("id", "The invitation")
        .fails(&[refusal::INVITATION_ACCEPTED])
        .answers_nothing(204, "Nobody can accept it any more")
}

/// `{"token", "name"?, "password"?}` → 200 with what whoever was invited is now. Also for whoever is not signed in.
pub(super) async fn accept(app: Data<App>, request: HttpRequest, payload: Payload) -> Result<HttpResponse, Problem> {
    let caller = match caller(&app, &request) {
        Ok(caller) => Some(caller),
        // Nobody, or a cookie that has outlived its session.
        Err(Problem::Unauthenticated) => None,
        Err(problem) => return Err(problem),
    };
    let Accept { token, name, password } = json::read(&request, payload).await?;
    let acceptance = Acceptance { secret: token, name, password };
    let accepted = app.services.invitations.accept(caller.as_ref(), acceptance, source(&app, &request)).await?;
    let Accepted { organization, user, membership } = accepted;
    let body = AcceptedView {
        user_id: user.id,
        organization_id: organization.id,
        organization_slug: &organization.slug,
        organization_name: &organization.name,
        role: membership.role,
        groups: membership.groups.as_ref(),
    };
    Ok(HttpResponse::Ok().insert_header((header::CACHE_CONTROL, "no-store")).json(body))
}

/// What is told of [`accept`].
pub(super) fn accept_told() -> Operation {
    Operation::new("members", "accept_invitation", "Accept an invitation")
        .described(
            "Whoever has no account gets one with the invited address; whoever has one must be signed in with it. Secrets that \
             are wrong, used, withdrawn, void or too old are all alike.",
        )
        .by(Access::PerhapsCaller)
        .reads::<Accept>()
        .fails(&[refusal::NOT_FOUND, refusal::ALREADY_MEMBER, refusal::SIGN_IN_REQUIRED, refusal::NOT_UNDERSTOOD])
        .answers::<AcceptedView<'_>>(200, "What whoever accepted is now")
}

fn view(SeenInvitation { invitation, state }: &SeenInvitation) -> View<'_> {
    View {
        id: invitation.id,
        email: invitation.email.as_str(),
        role: invitation.role,
        groups: invitation.groups.as_ref(),
        state: *state,
        created_at: invitation.created_at,
        created_by: invitation.created_by,
        expires_at: invitation.expires_at,
        accepted_at: invitation.accepted_at,
        accepted_by: invitation.accepted_by,
        withdrawn_at: invitation.withdrawn_at,
    }
}
