//! Lists of tokens: how long a page takes in an organization that has many.

use std::time::Instant;

use patmint::domain::clock::{Clock as _, SystemClock};
use secrecy::ExposeSecret as _;
use serde::{Deserialize, de::IgnoredAny};
use serde_json::json;

use super::{
    numbers::median,
    result::{BenchResult, List},
    stage::Stage,
};
use crate::{
    Failure,
    load::{Connection, request},
    say,
};

/// How many credentials the organization has at the least.
pub(super) const LISTED: usize = 10_000;

/// How often each list is asked for.
const TIMES: usize = 50;

/// The owner's session, as the API answers it.
#[derive(Deserialize)]
pub(super) struct Session {
    pub(super) session_token: String,
    pub(super) user: User,
}

/// Who it is of.
#[derive(Deserialize)]
pub(super) struct User {
    pub(super) id: String,
}

/// A page of a list.
#[derive(Deserialize)]
pub(super) struct Page {
    pub(super) items: Vec<IgnoredAny>,
}

/// What is asked for, with the query. Every token is named `Trial` and its number.
pub(super) fn queries(owner: &str) -> Vec<(&'static str, String)> {
    let day = 86_400;
    let [past, future] = [-365 * day, 365 * day].map(|seconds| SystemClock.now().plus_seconds(seconds).to_string());
    let query = |text: &str| format!("?limit=50{text}");
    vec![
        ("the newest 50", query("")),
        ("the newest 200", "?limit=200".to_owned()),
        ("active", query("&state=active")),
        ("revoked: none", query("&state=revoked")),
        ("of one user", query(&format!("&owner={owner}"))),
        ("a name that all have", query("&name=trial")),
        ("a name that none has", query("&name=no-such-name")),
        ("jwt", query("&kind=jwt")),
        ("legacy: none", query("&kind=legacy")),
        ("not used for a year", query(&format!("&unused_since={past}"))),
        ("ends within a year", query(&format!("&expires_before={future}"))),
        ("never ends", query("&never_expires=true")),
    ]
}

/// One page of each kind, many times.
pub(super) async fn run(stage: &Stage, result: &mut BenchResult) -> Result<(), Failure> {
    say("measuring: lists of tokens");
    let patmint = stage.patmint(&[]).await?;
    let mut connection = Connection::open(patmint.address).await?;
    let owner = stage.owner();
    let body = json!({ "email": owner.email, "password": owner.password.expose_secret() }).to_string();
    let answer = connection.send(&request("POST", "/api/v1/session", "", &body)).await?;
    let session: Session = serde_json::from_slice(answer.body)?;
    let headers = format!("authorization: Bearer {}\r\n", session.session_token);
    for (what, query) in queries(&session.user.id) {
        let request = request("GET", &format!("/api/v1/orgs/trials/tokens{query}"), &headers, "");
        let (mut took, mut items) = (Vec::with_capacity(TIMES), 0);
        for _ in 0..TIMES {
            let began = Instant::now();
            let answer = connection.send(&request).await?;
            took.push(began.elapsed().as_secs_f64() * 1000.0);
            let page: Page = serde_json::from_slice(answer.body).map_err(|_| format!("{what}: {}", answer.status))?;
            items = page.items.len();
        }
        result.lists.push(List { what, credentials: stage.credentials(), items, p50_ms: median(took) });
    }
    patmint.stop()
}
