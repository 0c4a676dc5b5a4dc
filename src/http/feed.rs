//! `GET /revocations`: the delta feed, for services that verify access tokens on their own. Public unless the operator
//! set a token. A client that waits costs a connection and nothing else.

use std::time::Duration;

use actix_web::{HttpRequest, HttpResponse, http::header, web::Data};
use schemars::JsonSchema;
use serde::Serialize;

use super::{
    app::App,
    client_address::client_address,
    feed_places::Waiter,
    openapi::{Access, Operation, Parameter, refusal, shapes},
    problem::{Problem, logged},
};
use crate::{
    domain::{
        clock::Timestamp,
        digest::SecretHash,
        ids::{CredentialId, OrganizationId, UserId},
        list::{Entry, Target},
    },
    service::{Delta, FeedError, FeedPage},
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
struct Answer<'a> {
    /// The issuer of the access tokens that this is about.
    iss: &'a str,
    /// The number up to which the answer is complete: the next `after`. Below the request's `after` the server does not
    /// know the list so far yet, and the answer says nothing.
    head: i64,
    /// Whether another page follows at once.
    more: bool,
    /// The moment of the answer, by the clock that `expires_at` goes by.
    now: Timestamp,
    /// How many milliseconds before `now` the server confirmed that there was nothing else.
    age_ms: u64,
    /// For how many milliseconds the server held the request; ends with `now`.
    held_ms: u64,
    /// Up to this number entries may be gone. A token whose `rev` is below it cannot be judged, and is dead.
    pruned_to: i64,
    /// The `kid` of each key withdrawn in the last 24 hours. A token signed with it is dead, whatever its `rev`.
    withdrawn: Vec<String>,
    /// In the order of their numbers.
    entries: Vec<View>,
}

/// Matches an access token when each member that is there equals the token's `client_id`, `sub`, `org`. One without any
/// matches all.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "RevocationEntry")]
struct View {
    /// Its number.
    seq: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    credential: Option<CredentialId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    user: Option<UserId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    organization: Option<OrganizationId>,
    /// When every token that it matches is dead.
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
/// Without a free place to wait the client gets at once what there is: an error would make a service stale.
pub(super) async fn get(app: Data<App>, request: HttpRequest) -> Result<HttpResponse, Problem> {
    let waiter = admitted(&app, &request).ok_or(Problem::FeedToken)?;
    let Query { after, wait } = Query::parse(request.query_string())?;
    let request = app.services.feed.request(after);
    let mut delta = request.answer().await?;
    if wait > 0 && !delta.page.has_news {
        // Free again when the answer is there, or when this future is dropped because the client hung up.
        if let Some(_place) = app.feed_places.take(waiter) {
            request.wait(Duration::from_secs(wait)).await;
            delta = request.answer().await?;
        }
    }
    let answer = answer(&app.services.settings().issuer, delta);
    // A kept answer would be older than it says.
    Ok(HttpResponse::Ok().insert_header((header::CACHE_CONTROL, "no-store")).json(answer))
}

/// What is told of [`get`].
pub(super) fn get_told() -> Operation {
    Operation::new("services", "get_revocations", "What was revoked after a number")
        .described(
            "A token is revoked when an entry that matches it has a `seq` above its `rev`, or when its `kid` is in `withdrawn`. \
             Keep each entry for `expires_at` \u{2212} `now` from its receipt. Drop an answer with a `head` below your `after`: \
             this server is behind; ask again after a pause, with the same `after`. Never ask from 0 again. An answer without \
             news before the wait is over comes from a server without a free place to wait: ask again after a second or so.",
        )
        .by(Access::Feed)
        .asks([
            Parameter::of::<shapes::Number>("after", "`head` of the last answer; 0 unless said otherwise"),
            Parameter::of::<shapes::Wait>("wait", "For how many seconds to wait for something new"),
        ])
        .fails(&[refusal::INVALID_QUERY, refusal::UNAVAILABLE])
        .answers::<Answer>(200, "What was revoked, a page of it")
}

fn answer(iss: &str, Delta { page, now, age, held }: Delta) -> Answer<'_> {
    let FeedPage { head, more, pruned_to, withdrawn, entries, has_news: _ } = page;
    let entries = entries.into_iter().map(View::from).collect();
    let (age_ms, held_ms) = (rounded_up(age), rounded_down(held));
    Answer { iss, head, more, now, age_ms, held_ms, pruned_to, withdrawn, entries }
}

/// Never younger than it is.
fn rounded_up(age: Duration) -> u64 {
    u64::try_from(age.as_nanos().div_ceil(1_000_000)).unwrap_or(u64::MAX)
}

/// The reader adds it to the moment of its request, and must not come out later than the answer.
fn rounded_down(held: Duration) -> u64 {
    u64::try_from(held.as_millis()).unwrap_or(u64::MAX)
}

/// Who asks, if they may see the feed. Hashes are compared, in constant time.
fn admitted(app: &App, request: &HttpRequest) -> Option<Waiter> {
    let Some(wanted) = &app.feed_token else { return Some(Waiter::Anybody(client_address(app, request))) };
    let value = request.headers().get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
    let (scheme, token) = value?.split_once(' ')?;
    let is_holder = scheme.eq_ignore_ascii_case("bearer") && SecretHash::of(token.trim().as_bytes()).matches(wanted);
    is_holder.then_some(Waiter::Trusted)
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
    fn knowledge_never_looks_younger_than_it_is() {
        let millis = [Duration::ZERO, Duration::from_nanos(1), Duration::from_millis(7)];
        assert_eq!((millis.map(rounded_up), millis.map(rounded_down)), ([0, 1, 7], [0, 0, 7]));
    }
}
