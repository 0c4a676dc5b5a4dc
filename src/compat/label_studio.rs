//! What the Label Studio SDK needs besides the exchange.

use actix_web::{HttpRequest, HttpResponse, http::header, web::Data};
use schemars::JsonSchema;
use serde::Serialize;

use crate::{
    domain::{clock::Timestamp, email::Email},
    http::{
        App, Detail, caller,
        openapi::{Access, Errors, Operation},
    },
    service::ManageError,
};

/// Who is calling, as the Label Studio SDK knows it.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "LabelStudioUser")]
struct View<'a> {
    id: i64,
    username: Option<&'a str>,
    email: Option<&'a str>,
    first_name: &'a str,
    last_name: &'a str,
    initials: String,
    avatar: (),
    phone: &'a str,
    date_joined: Timestamp,
    active_organization: Option<i64>,
    active_organization_meta: OrganizationView<'a>,
    allow_newsletters: (),
}

#[derive(Serialize, JsonSchema)]
#[schemars(rename = "LabelStudioOrganization")]
struct OrganizationView<'a> {
    title: Option<&'a str>,
    email: Option<&'a str>,
}

/// `GET /api/current-user/whoami`: the SDK's first call.
pub(crate) async fn whoami(app: Data<App>, request: HttpRequest) -> Result<HttpResponse, Detail> {
    let caller = caller(&app, &request).map_err(|_| Detail::from(ManageError::Unauthenticated))?;
    let signed_in = app.services().sessions.current(&caller).await?;
    let user = &signed_in.user;
    let email = user.email.as_ref().map(Email::as_str);
    let (organization, title) = match signed_in.memberships.as_slice() {
        [(_, organization)] => (Some(organization.number), Some(organization.name.as_str())),
        _ => (None, None),
    };
    let body = View {
        id: user.number,
        username: email,
        email,
        first_name: &user.name,
        last_name: "",
        initials: email.unwrap_or_default().chars().take(2).collect(),
        avatar: (),
        phone: "",
        date_joined: user.created_at,
        active_organization: organization,
        active_organization_meta: OrganizationView { title, email },
        allow_newsletters: (),
    };
    Ok(HttpResponse::Ok().insert_header((header::CACHE_CONTROL, "no-store")).json(body))
}

/// What is told of [`whoami`].
pub(crate) fn whoami_told() -> Operation {
    Operation::new("exchange", "whoami", "What the Label Studio SDK asks first")
        .with_errors(Errors::Django)
        .by(Access::Caller)
        .answers::<View<'_>>(200, "Who is calling")
}
