//! Lists: `limit` and `cursor` in the query, `{"items": […], "next": cursor|null}` in the answer.

use actix_web::{HttpResponse, http::header};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use schemars::JsonSchema;
use serde::Serialize;

use super::problem::Problem;
use crate::service::{MAX_PAGE, Part};

/// How many things are on a page if nobody says.
pub(super) const DEFAULT_LIMIT: i64 = 50;

/// What is wrong with a parameter.
pub(super) fn invalid(member: &str, problem: impl Into<String>) -> Problem {
    Problem::Invalid { member: member.to_owned(), problem: problem.into() }
}

/// Which part of a list the query wants. `filter` is given each other parameter and says whether there is one of that
/// name; `filters` are their names, each after a comma.
pub(super) fn part(
    query: &str,
    filters: &str,
    filter: impl FnMut(&str, &str) -> Result<bool, Problem>,
) -> Result<Part, Problem> {
    part_from((i64::MAX, before), query, filters, filter)
}

/// The same of a list that does not go by a number: it begins at `start`, and `before` reads its cursors.
pub(super) fn part_from<P>(
    (start, before): (P, fn(&str) -> Option<P>),
    query: &str,
    filters: &str,
    mut filter: impl FnMut(&str, &str) -> Result<bool, Problem>,
) -> Result<Part<P>, Problem> {
    let pairs: Vec<(String, String)> =
        serde_urlencoded::from_str(query).map_err(|_| invalid("query", "cannot be read"))?;
    let mut part = Part { before: start, limit: DEFAULT_LIMIT };
    for (name, value) in pairs {
        match name.as_str() {
            "cursor" => part.before = before(&value).ok_or_else(|| invalid(&name, "is none of ours"))?,
            "limit" => {
                let limit = value.parse().ok().filter(|limit| (1..=MAX_PAGE).contains(limit));
                part.limit = limit.ok_or_else(|| invalid(&name, "must be 1 to 200"))?;
            }
            _ if filter(&name, &value)? => {}
            _ => return Err(invalid("query", format!("has an unknown parameter; expected cursor, limit{filters}"))),
        }
    }
    Ok(part)
}

/// A page of a list, newest first.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "PageOf{T}")]
pub(super) struct Page<'a, T> {
    items: &'a [T],
    /// The `cursor` of the next page; `null` on the last one.
    next: Option<String>,
}

/// The answer with a part of a list.
pub(super) fn page<T: Serialize>(items: &[T], next: Option<i64>) -> HttpResponse {
    page_to(items, next.map(cursor))
}

/// The same with a cursor of the list's own.
pub(super) fn page_to<T: Serialize>(items: &[T], next: Option<String>) -> HttpResponse {
    let body = Page { items, next };
    HttpResponse::Ok().insert_header((header::CACHE_CONTROL, "no-store")).json(body)
}

/// Where the next page begins; means nothing to anybody else.
fn cursor(before: i64) -> String {
    URL_SAFE_NO_PAD.encode(before.to_be_bytes())
}

/// What [`cursor`] made.
pub(super) fn before(cursor: &str) -> Option<i64> {
    let bytes = URL_SAFE_NO_PAD.decode(cursor).ok()?;
    bytes.try_into().ok().map(i64::from_be_bytes)
}
