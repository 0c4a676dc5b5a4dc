//! `GET /revocations`: what services that verify access tokens on their own learn of revocations.

mod places;

use std::{
    collections::BTreeSet,
    sync::mpsc::{self, Receiver},
    thread,
    time::Duration,
};

use diesel::connection::SimpleConnection as _;
use patmint::{
    domain::{
        clock::Clock as _,
        list::{ENTRY_LIFETIME, Entry, Target},
        membership::Role,
    },
    store::{StoreError, list},
};
use serde_json::{Value, json};

use crate::support::{Answer, Options, TestApp, claims, hours, seconds};

fn feed(app: &TestApp, query: &str) -> Answer {
    app.get(&format!("/revocations?{query}")).send()
}

/// The number up to which the list is known.
fn head(app: &TestApp) -> i64 {
    let answer = feed(app, "");
    assert_eq!(answer.status, 200, "{}", answer.text());
    answer.json()["head"].as_i64().expect("a number")
}

/// What comes next after `after`.
fn next(app: &TestApp, after: i64) -> Value {
    let answer = feed(app, &format!("after={after}&wait=30"));
    assert_eq!(answer.status, 200, "{}", answer.text());
    answer.json()
}

fn seqs(answer: &Value) -> Vec<i64> {
    answer["entries"].as_array().expect("a list").iter().map(|entry| entry["seq"].as_i64().unwrap()).collect()
}

/// Puts `targets` on the list, in one change that nobody waits for; the first number.
fn append(app: &TestApp, targets: Vec<Target>, revokes: bool) -> i64 {
    let created_at = app.clock.now();
    app.change(move |connection, first| {
        for (seq, target) in (first..).zip(targets) {
            list::raise_to(connection, seq)?;
            list::append(connection, Entry { seq, target, revokes, created_at })?;
        }
        Ok(first)
    })
}

fn revoke(app: &TestApp, token: &str) {
    assert_eq!(app.post("/oauth/revoke").form(&[("token", token)]).send().status, 200);
}

fn sql(app: &TestApp, statement: &'static str) {
    app.read(move |connection| {
        connection.batch_execute(statement).map_err(|error| StoreError::Query(error.to_string()))
    });
}

/// Asks `count` times at once for what comes after `after`; the answers as they come.
fn ask_at_once(app: &TestApp, after: i64, count: usize) -> Receiver<Answer> {
    let (answered, answers) = mpsc::channel();
    for _ in 0..count {
        let (request, answered) = (app.get(&format!("/revocations?after={after}&wait=30")), answered.clone());
        thread::spawn(move || answered.send(request.send()).is_ok());
    }
    answers
}

#[test]
fn an_entry_names_whom_it_is_about() {
    let app = TestApp::new();
    let organization = app.organization_id.clone();
    let (made, gus) = (app.ada.credential(&app, &json!({ "name": "one" })), app.member("gus", Role::Member));
    let before = head(&app);
    revoke(&app, &made.text);
    let credential = next(&app, before);
    let targets = vec![
        Target::Member(organization.parse().unwrap(), gus.id.parse().unwrap()),
        Target::User(gus.id.parse().unwrap()),
        Target::Organization(organization.parse().unwrap()),
        Target::Unknown,
    ];
    let first = append(&app, targets, true);
    let others = next(&app, credential["head"].as_i64().unwrap());

    let expires_at = app.clock.now().plus_seconds(ENTRY_LIFETIME).to_string();
    let seq = seqs(&credential)[0];
    assert!(seq > before && credential["head"].as_i64() == Some(seq));
    assert_eq!(credential["entries"], json!([{ "seq": seq, "credential": made.id, "expires_at": expires_at }]));
    assert_eq!(
        others["entries"],
        json!([
            { "seq": first, "user": gus.id, "organization": organization, "expires_at": expires_at },
            { "seq": first + 1, "user": gus.id, "expires_at": expires_at },
            { "seq": first + 2, "organization": organization, "expires_at": expires_at },
            { "seq": first + 3, "expires_at": expires_at },
        ])
    );
    assert_eq!((&others["head"], &others["more"]), (&json!(first + 3), &json!(false)));
    assert!(others["pruned_to"].as_i64().unwrap() < seq, "all of them are listed");
}

#[test]
fn an_answer_says_of_whom_it_is_and_how_old() {
    let app = TestApp::new();
    app.clock.set_database_ahead(7);
    app.wait_for(app.command().keys.rotate(None, false)).expect("a new key");
    let answer = feed(&app, "").json();
    let members: BTreeSet<_> = answer.as_object().unwrap().keys().map(String::as_str).collect();
    let all = ["age_ms", "entries", "head", "held_ms", "iss", "more", "now", "pruned_to", "withdrawn"];
    assert_eq!(members, all.into());
    assert_eq!(answer["iss"], app.issuer());
    assert_eq!(answer["now"], app.clock.now().plus_seconds(7).to_string(), "by the database's clock");
    assert_eq!((&answer["age_ms"], &answer["held_ms"], &answer["withdrawn"]), (&json!(0), &json!(0), &json!([])));
    // Until the follower looks again, or has just done so.
    app.clock.pass(Duration::from_millis(300));
    let age = feed(&app, "").json()["age_ms"].as_u64();
    assert!([Some(0), Some(300)].contains(&age), "{age:?}");
}

#[test]
fn an_access_token_is_matched_until_it_is_made_anew() {
    let app = TestApp::new();
    let old = claims(&app.pat.access(&app));
    revoke(&app, &app.pat.text);
    let answer = feed(&app, &format!("after={}", old["rev"])).json();
    let entry = &answer["entries"][0];
    assert_eq!(entry["credential"], old["client_id"]);
    assert!(entry["seq"].as_i64() > old["rev"].as_i64());
    let new = claims(&app.jwt.access(&app));
    assert!(new["rev"].as_i64() >= entry["seq"].as_i64());
}

#[test]
fn an_entry_about_everybody_ends_access_tokens_here_too() {
    let app = TestApp::new();
    let access = app.pat.access(&app);
    let status = |access: &str| app.get("/api/v1/session").bearer(access).send().status;
    assert_eq!(status(&access), 200);
    let (before, seq) = (head(&app), append(&app, vec![Target::Unknown], true));
    assert_eq!(seqs(&next(&app, before)), [seq]);
    assert_eq!(status(&access), 401);
    assert_eq!(status(&app.pat.access(&app)), 200);
}

#[test]
fn who_waits_is_answered_by_a_revocation_on_another_server_and_by_nothing_less() {
    let app = TestApp::new();
    let other = app.beside();
    let session = app.ada.sign_in(&other);
    let answers = ask_at_once(&app, head(&app), 1);
    let patch = other.request("PATCH", "/api/v1/orgs/acme/policy").bearer(&session).header("if-match", "*");
    assert_eq!(patch.json(&json!({ "access_token_ttl": 60 })).send().status, 200);
    other.ada.credential(&other, &json!({ "name": "new" }));
    revoke(&other, &app.pat.text);
    let answer = answers.recv().unwrap();
    assert_eq!((answer.status, answer.header("cache-control")), (200, Some("no-store")));
    assert_eq!(seqs(&answer.json()).len(), 1);
    // Answered by the other server: known to both.
    assert_eq!(seqs(&feed(&app, "").json()), seqs(&feed(&other, "").json()));
}

#[test]
fn a_wait_ends() {
    let app = TestApp::new();
    let before = head(&app);
    let answer = feed(&app, &format!("after={before}&wait=1"));
    assert_eq!((answer.status, &answer.json()["entries"]), (200, &json!([])));
    assert!(answer.json()["head"].as_i64() >= Some(before));
}

#[test]
fn a_server_that_is_behind_answers_with_what_it_knows_when_the_wait_is_over() {
    let app = TestApp::new();
    let before = head(&app);
    append(&app, vec![Target::Unknown], true);
    next(&app, before);
    for wait in [0, 1] {
        let answer = feed(&app, &format!("after={}&wait={wait}", i64::MAX)).json();
        assert_eq!((&answer["entries"], &answer["more"]), (&json!([]), &json!(false)));
        assert!(answer["head"].as_i64() > Some(before), "what there is");
    }
}

#[test]
fn a_reader_between_two_servers_hears_of_each_revocation_once() {
    let app = TestApp::new();
    let other = app.beside();
    let (mut after, mut heard, mut revoked) = (head(&app), Vec::new(), Vec::new());
    for server in [&app, &other].into_iter().cycle().take(10) {
        // Nobody waits for the servers, so each is now behind and now not.
        revoked.push(append(&app, vec![Target::Unknown], true));
        let answer = next(server, after);
        assert!(answer["head"].as_i64() > Some(after), "{answer}");
        heard.extend(seqs(&answer));
        after = answer["head"].as_i64().unwrap();
    }
    assert_eq!(heard, revoked);
}

#[test]
fn a_withdrawn_key_is_told_of_at_once_by_every_server_though_it_never_signed() {
    let app = TestApp::new();
    let other = app.beside();
    let pending = app.wait_for(app.command().keys.rotate(None, false)).expect("a new key").kid;
    let after = head(&app).max(head(&other));
    let answers: Vec<_> = [&app, &other].map(|server| ask_at_once(server, after, 1)).into();
    app.wait_for(app.command().keys.withdraw(&pending)).expect("an answer");
    for answer in answers.iter().map(|answers| answers.recv().unwrap().json()) {
        assert_eq!((&answer["withdrawn"], &answer["entries"]), (&json!([pending]), &json!([])));
        assert!(answer["head"].as_i64() > Some(after));
    }
    // Also to a reader that comes back after it, and by a server that starts later.
    for server in [&app, &other, &app.beside()] {
        assert_eq!(next(server, after)["withdrawn"], json!([pending]));
    }
    app.clock.jump(86_400);
    assert_eq!(feed(&app, "wait=0").json()["withdrawn"], json!([]));
}

#[test]
fn a_long_list_comes_in_pages() {
    let app = TestApp::new();
    let mut after = head(&app);
    let first = append(&app, vec![Target::Unknown; 2100], true);
    let mut all = Vec::new();
    for count in [1000, 1000, 100] {
        let page = next(&app, after);
        let seqs = seqs(&page);
        assert_eq!(seqs.len(), count);
        after = page["head"].as_i64().unwrap();
        assert_eq!(seqs.last(), Some(&after));
        all.extend(seqs);
    }
    assert_eq!(all, (first..first + 2100).collect::<Vec<_>>());
}

#[test]
fn an_entry_is_listed_until_it_expires_also_by_a_server_that_starts_later() {
    let app = TestApp::new();
    revoke(&app, &app.pat.text);
    let entry = feed(&app, "").json()["entries"].clone();
    app.clock.jump(ENTRY_LIFETIME - 1);
    assert_eq!(feed(&app.beside(), "").json()["entries"], entry);
    assert_eq!(feed(&app, "").json()["entries"], entry);
    app.clock.jump(1);
    for app in [&app, &app.beside()] {
        let answer = feed(app, "").json();
        assert_eq!((&answer["entries"], &answer["pruned_to"]), (&json!([]), &entry[0]["seq"]));
    }
}

#[test]
fn a_wrong_query_is_refused() {
    let app = TestApp::new();
    for (query, member) in [
        ("after=-1", "after"),
        ("after=x", "after"),
        ("after=9223372036854775808", "after"),
        ("wait=31", "wait"),
        ("wait=-1", "wait"),
        ("wait=1.5", "wait"),
        ("wait=", "wait"),
        ("since=1", "query"),
    ] {
        let answer = feed(&app, query);
        assert_eq!((answer.status, answer.code().as_str()), (400, "invalid_query"), "{query}");
        let detail = answer.json()["detail"].as_str().unwrap().to_owned();
        assert!(detail.starts_with(member), "{query}: {detail}");
    }
}

#[test]
fn no_answer_is_to_be_kept() {
    let app = TestApp::new();
    for query in ["", "after=7&wait=0", "after=0&wait=1"] {
        assert_eq!(feed(&app, query).header("cache-control"), Some("no-store"), "{query}");
    }
}

#[test]
fn with_a_feed_token_only_who_has_it_is_answered() {
    let app = TestApp::with(Options { feed_token: Some("sesame-sesame-sesame"), ..Options::default() });
    let with = |value: &str| app.get("/revocations").header("authorization", value).send();
    let good = with("Bearer sesame-sesame-sesame");
    assert_eq!((good.status, good.header("cache-control")), (200, Some("no-store")));
    let pat = format!("Bearer {}", app.pat.text);
    let wrong = ["", "Bearer", "Bearer ", "Bearer sesame-sesame-sesam", "Basic sesame-sesame-sesame", &pat];
    for answer in wrong.into_iter().map(with).chain([feed(&app, "wait=99")]) {
        assert_eq!((answer.status, answer.code().as_str()), (401, "feed_token_required"));
        assert_eq!(answer.header("www-authenticate"), Some("Bearer realm=\"api\""));
        assert!(!answer.text().contains("sesame"));
    }
}

#[test]
fn a_server_that_trusts_nothing_looks_before_each_answer() {
    let app = TestApp::with(Options { max_staleness: seconds(0), ..Options::default() });
    let before = head(&app);
    // Nobody waited for it, so only a look of its own can tell.
    let seq = append(&app, vec![Target::Unknown], true);
    assert_eq!(seqs(&feed(&app, &format!("after={before}")).json()), [seq]);
    let answers = ask_at_once(&app, seq, 3);
    let second = append(&app, vec![Target::Unknown], true);
    for _ in 0..3 {
        assert_eq!(seqs(&answers.recv().unwrap().json()), [second]);
    }
    app.clock.advance(hours(1));
    assert_eq!(feed(&app, "").json()["age_ms"], 0);
    sql(&app, "ALTER TABLE list_head RENAME TO lost");
    let answer = feed(&app, "");
    assert_eq!((answer.status, answer.header("retry-after")), (503, Some("1")));
    sql(&app, "ALTER TABLE lost RENAME TO list_head");
}
