//! `GET /revocations`: the delta feed, for services that verify access tokens on their own. Public unless the operator
//! set a token; who waits costs a connection and nothing else.

use std::time::Duration;

use actix_web::{HttpRequest, HttpResponse, http::header, web::Data};
use schemars::JsonSchema;
use serde::Serialize;

use super::{
    app::App,
    openapi::{Access, Operation, Parameter, refusal, shapes},
    problem::{Problem, logged, put_off},
};
use crate::{
    domain::{
        clock::Timestamp,
        digest::SecretHash,
        ids::{CredentialId, OrganizationId, UserId},
        list::{Entry, Target},
    },
    service::{Delta, FeedError},
};

/// The longest wait, in seconds.
pub(super) const LONGEST_WAIT: u64 = 30;

#[derive(Debug, Default, PartialEq, Eq)]
struct Query {
    /// The number up to which the caller knows the list.
    after: i64,
    /// In seconds.
    wait: u64,
}

/// What was revoked.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Revocations")]
struct Answer {
    /// The number up to which the answer is complete: the `after` of the next question.
    head: i64,
    /// How many milliseconds ago the server confirmed that there was nothing else.
    age_ms: u64,
    /// Up to this number entries are gone, since they have expired.
    pruned_to: i64,
    entries: Vec<View>,
}

/// Matches an access token when each member that is there equals the token's `client_id`, `sub`, `org`. One without any
/// matches all.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "RevocationEntry")]
struct View {
    seq: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    credential: Option<CredentialId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    user: Option<UserId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    organization: Option<OrganizationId>,
    expires_at: Timestamp,
}

impl From<Entry> for View {
    fn from(entry: Entry) -> Self {
        let (credential, user, organization) = match entry.target {
            Target::Credential(credential) => (Some(credential), None, None),
            Target::Member(organization, user) => (None, Some(user), Some(organization)),
            Target::User(user) => (None, Some(user), None),
            Target::Organization(organization) => (None, None, Some(organization)),
            // Whom it is about is not known here, so it ends every token.
            Target::Unknown => (None, None, None),
        };
        Self { seq: entry.seq, credential, user, organization, expires_at: entry.expires_at() }
    }
}

impl From<FeedError> for Problem {
    fn from(error: FeedError) -> Self {
        match error {
            FeedError::Following => Self::Unavailable(logged(&error)),
        }
    }
}

impl Query {
    fn parse(text: &str) -> Result<Self, Problem> {
        let invalid = |member: &str, problem: String| Problem::Query { member: member.to_owned(), problem };
        let pairs: Vec<(String, String)> =
            serde_urlencoded::from_str(text).map_err(|_| invalid("query", "cannot be read".to_owned()))?;
        let mut query = Self::default();
        for (name, value) in pairs {
            let whole = value.parse::<u64>().ok();
            match name.as_str() {
                "after" => {
                    let after = whole.and_then(|after| i64::try_from(after).ok());
                    query.after = after.ok_or_else(|| invalid(&name, format!("must be 0 to {}", i64::MAX)))?;
                }
                "wait" => {
                    let wait = whole.filter(|wait| *wait <= LONGEST_WAIT);
                    query.wait = wait.ok_or_else(|| invalid(&name, format!("must be 0 to {LONGEST_WAIT} seconds")))?;
                }
                _ => return Err(invalid("query", "has an unknown parameter; expected after, wait".to_owned())),
            }
        }
        Ok(query)
    }
}

/// What was revoked after the number `after`: at once if there is something, else when something comes or `wait` is over.
pub(super) async fn get(app: Data<App>, request: HttpRequest) -> Result<HttpResponse, Problem> {
    if !is_admitted(&app, &request) {
        return Err(Problem::FeedToken);
    }
    let Query { after, wait } = Query::parse(request.query_string())?;
    let feed = &app.services.feed;
    let mut delta = feed.read(after).await?;
    if wait > 0 && !feed.has_news(after) {
        // Given back when the answer is there, or when this future is dropped because the client hung up.
        let place = app.feed_places.try_acquire();
        let _place = place.map_err(|_| Problem::Unavailable(put_off(&"too many clients wait for revocations")))?;
        delta = feed.read_within(after, Duration::from_secs(wait)).await?;
    }
    let cache = match (wait, &app.feed_token) {
        (0, None) => "public, max-age=1",
        (0, Some(_)) => "private, max-age=1",
        _ => "no-store",
    };
    Ok(HttpResponse::Ok().insert_header((header::CACHE_CONTROL, cache)).json(answer(delta)))
}

/// What is told of [`get`].
pub(super) fn get_told() -> Operation {
    Operation::new("services", "get_revocations", "What was revoked after a number")
        .described(
            "A token is revoked when an entry that matches it has a `seq` above its `rev`. Keep each entry until it expires. A \
             `head` below `after` means that the numbers are not those you know: ask from 0.",
        )
        .by(Access::Feed)
        .asks([
            Parameter::of::<shapes::Number>("after", "`head` of the last answer; 0 unless said otherwise"),
            Parameter::of::<shapes::Wait>("wait", "For how many seconds to wait for something new"),
        ])
        .fails(&[refusal::INVALID_QUERY, refusal::UNAVAILABLE])
        .answers::<Answer>(200, "What was revoked, a page of it")
}

fn answer(Delta { page, age }: Delta) -> Answer {
    // Rounded up: never younger than it is.
    let age_ms = u64::try_from(age.as_nanos().div_ceil(1_000_000)).unwrap_or(u64::MAX);
    let entries = page.entries.into_iter().map(View::from).collect();
    Answer { head: page.head, age_ms, pruned_to: page.pruned_to, entries }
}

/// Whether the request may see the feed. Hashes are compared, in constant time.
fn is_admitted(app: &App, request: &HttpRequest) -> bool {
    let Some(wanted) = &app.feed_token else { return true };
    let value = request.headers().get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
    let token = value.and_then(|value| value.split_once(' '));
    let token = token.filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"));
    token.is_some_and(|(_, token)| SecretHash::of(token.trim().as_bytes()).matches(wanted))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_query_is_read_strictly() {
        let parse = |text| Query::parse(text).ok().map(|query| (query.after, query.wait));
        assert_eq!(parse(""), Some((0, 0)));
        assert_eq!(parse("wait=30&after=9223372036854775807"), Some((i64::MAX, 30)));
        for wrong in [
            "after=-1",
            "after=",
            "after=x",
            "after=9223372036854775808",
            "after=1.5",
            "wait=31",
            "wait=-1",
            "wait=",
            "a",
        ] {
            assert_eq!(parse(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn the_age_is_rounded_up() {
        let page = crate::service::FeedPage { head: 0, pruned_to: 0, entries: Vec::new() };
        let age_ms = |age| answer(Delta { page: page.clone(), age }).age_ms;
        assert_eq!(
            [age_ms(Duration::ZERO), age_ms(Duration::from_nanos(1)), age_ms(Duration::from_millis(7))],
            [0, 1, 7]
        );
    }
}
