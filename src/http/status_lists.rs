//! `/statuslists/{n}`: the present state of all credentials (Token Status List).

use actix_web::{HttpRequest, HttpResponse, http::header, web::Data};

use super::{
    app::App,
    openapi::{Operation, shapes},
    problem::{Problem, logged},
};
use crate::service::{STATUS_LIST_TTL, StatusListError};

/// List `n` as a signed JWT.
pub(super) async fn get(app: Data<App>, request: HttpRequest) -> Result<HttpResponse, Problem> {
    let list = request.match_info().get("n").and_then(number).ok_or(Problem::NotFound)?;
    let jwt = app.services.status_lists.signed(list.into()).await.map_err(|error| match error {
        StatusListError::Unknown => Problem::NotFound,
        StatusListError::Unfinished => Problem::Unavailable(logged(&error)),
        StatusListError::Store(error) => error.into(),
        StatusListError::Signing(error) => Problem::Internal(logged(&error)),
    })?;
    Ok(HttpResponse::Ok()
        .insert_header((header::CONTENT_TYPE, "application/statuslist+jwt"))
        .insert_header((header::CACHE_CONTROL, format!("public, max-age={STATUS_LIST_TTL}")))
        .insert_header((header::ACCESS_CONTROL_ALLOW_ORIGIN, "*"))
        .body(jwt.to_string()))
}

/// A list has one address, which is also its `sub`: neither `+0` nor `00` is list 0.
fn number(text: &str) -> Option<u32> {
    text.parse::<u32>().ok().filter(|number| number.to_string() == text)
}

/// What is told of [`get`].
pub(super) fn get_told() -> Operation {
    Operation::new("services", "get_status_list", "The present state of many credentials")
        .described("A Token Status List, as a signed JWT; at most a minute old.")
        .path::<shapes::ListNumber>("n", "The number of the list, as access tokens name it")
        .needs_the_database()
        .answers_as::<shapes::Text>(200, "application/statuslist+jwt", "The list")
}
