//! What the Label Studio SDK needs besides the exchange.

use actix_web::{HttpRequest, HttpResponse, http::header, web::Data};
use serde_json::json;

use crate::{
    http::{App, Detail, caller},
    service::ManageError,
};

/// `GET /api/current-user/whoami`: the SDK's first call.
pub(crate) async fn whoami(app: Data<App>, request: HttpRequest) -> Result<HttpResponse, Detail> {
    let caller = caller(&app, &request).map_err(|_| Detail::from(ManageError::Unauthenticated))?;
    let signed_in = app.services().sessions.current(&caller).await?;
    let user = &signed_in.user;
    let email = user.email.as_ref().map(ToString::to_string);
    let (organization, title) = match signed_in.memberships.as_slice() {
        [(_, organization)] => (Some(organization.number), Some(&organization.name)),
        _ => (None, None),
    };
    let body = json!({
        "id": user.number,
        "username": email,
        "email": email,
        "first_name": user.name,
        "last_name": "",
        "initials": email.as_deref().unwrap_or_default().chars().take(2).collect::<String>(),
        "avatar": null,
        "phone": "",
        "date_joined": user.created_at,
        "active_organization": organization,
        "active_organization_meta": { "title": title, "email": email },
        "allow_newsletters": null,
    });
    Ok(HttpResponse::Ok().insert_header((header::CACHE_CONTROL, "no-store")).json(body))
}
