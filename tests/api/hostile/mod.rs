//! Ten thousand requests that no honest client sends, on every route, from strangers and from people who may call.
//! Each carries a marker that must not come back. `PATMINT_TEST_SEED` makes other ones than usual.

mod body;
mod generate;
mod head;
mod judge;
mod limits;
mod wire;

use std::{sync::mpsc, thread};

use diesel::{QueryableByName, RunQueryDsl as _, sql_types::BigInt};

use crate::support::{TestApp, days};
use generate::{Auth, Dice, Route, Sent};
use judge::{Tally, judge};
use wire::{Client, Connection};

const STRANGERS: usize = 9000;
const CALLERS: usize = 14_000;
const CLIENTS: usize = 3;

#[test]
fn ten_thousand_hostile_requests_learn_nothing_and_change_nothing() {
    let seed = seed();
    let mut app = TestApp::new();
    let good = app.owner_of("Globex", "gus").credential(&app, &serde_json::json!({ "name": "good" }));
    let session = app.ada.sign_in(&app);
    let access = app.pat.access(&app);
    let routes = routes();
    let before = rows(&app);

    let nobody = |_: &mut Dice| Auth::None;
    let strangers = attack(&app, seed, 0..STRANGERS, &routes, nobody, &Auth::None);
    assert_eq!(strangers.count(|_, _, _| true) - extra(&strangers), STRANGERS);
    assert_eq!(rows(&app), before, "strangers change nothing (seed {seed})");
    let is_unsafe = |method: &str| !["GET", "HEAD", "OPTIONS", "TRACE"].contains(&method);
    let handing_in = |route: &str| ["/oauth/revoke", "/api/v1/revocations"].contains(&route);
    let accepted =
        strangers.count(|route, method, status| is_unsafe(method) && status < 300 && status > 0 && !handing_in(route));
    assert_eq!(accepted, 0, "strangers may do nothing but hand in what leaked");

    let token = Auth::Bearer(app.pat.text.clone());
    let tokens = [session, app.pat.text.clone(), app.jwt.text.clone(), access];
    let somebody = move |dice: &mut Dice| match dice.below(5) {
        4 => Auth::Cookie(tokens[0].clone()),
        which => Auth::Bearer(tokens[which].clone()),
    };
    let callers = attack(&app, seed, STRANGERS..STRANGERS + CALLERS, &routes, somebody, &token);
    println!("strangers {:?}\ncallers {:?}", strangers.statuses(), callers.statuses());
    let done = callers.count(|_, method, status| is_unsafe(method) && (200..300).contains(&status));
    let made = callers.count(|route, method, status| (route, method, status) == ("/api/v1/tokens", "POST", 201));
    let after = rows(&app);
    let more = |name: &str| after.get(name) - before.get(name);
    assert_eq!(more("credentials"), i64::try_from(made).unwrap(), "{after:?}");
    for name in ["audit", "list_entries", "seq"] {
        assert!(more(name) <= i64::try_from(done).unwrap(), "{name}: {before:?} {after:?}");
    }
    let is_account = |route: &str| route == "/api/v1/orgs/{org}/service-accounts";
    let accounts = callers.count(|route, method, status| is_account(route) && (method, status) == ("POST", 201));
    assert_eq!([more("users"), more("memberships")], [i64::try_from(accounts).unwrap(); 2], "{after:?}");
    for name in ["sessions", "organizations", "sealed_keys"] {
        assert_eq!(more(name), 0, "{name}: {before:?} {after:?}");
    }

    for status in [200, 400, 401, 404, 405, 413, 415, 422] {
        assert!(strangers.statuses().contains_key(&status), "nobody ever got {status}: the requests are too tame");
    }
    for status in [200, 201, 403, 404, 422, 428] {
        assert!(callers.statuses().contains_key(&status), "no caller ever got {status}: the requests are too tame");
    }
    for route in &routes {
        let answered =
            strangers.count(|own, _, status| own == route.path && status > 0 && ![404, 405].contains(&status));
        assert!(answered > 20, "{} was hardly reached: {answered}", route.path);
    }
    assert!(good.is_alive(&app), "the server still exchanges");
    app.clock.advance(days(1));
    assert!(good.is_alive(&app), "and tomorrow too");
    app.stop();
    let counted = number(&app, "SELECT count(*) AS number FROM usage_counts".to_owned());
    assert_eq!(counted, 3, "only exchanges of known credentials are counted: Ada's once, Gus's on two days");
}

/// Headers, and then a body that never comes. Read without waiting for time to pass: the answer is the event.
#[test]
fn a_body_that_never_comes_is_answered() {
    let app = TestApp::new();
    let paths = ["/api/token/refresh", "/oauth/revoke", "/api/v1/session", "/api/v1/revocations"];
    let mut waiting: Vec<Connection> = paths
        .map(|path| {
            let mut connection = Connection::open(app.address);
            let media_type = if path == "/oauth/revoke" { "x-www-form-urlencoded" } else { "json" };
            let head = format!(
                "POST {path} HTTP/1.1\r\nHost: h\r\nContent-Type: application/{media_type}\r\nContent-Length: 99\r\n\r\n{{"
            );
            connection.write(head.as_bytes());
            connection
        })
        .into();
    assert!(app.pat.is_alive(&app), "others are served meanwhile");
    for (connection, path) in waiting.iter_mut().zip(paths) {
        let reply = connection.read(false).expect(path);
        assert_eq!((reply.status, reply.header("cache-control")), (408, Some("no-store")), "{path}");
        assert_eq!(connection.read(false).unwrap_err(), wire::Ended::Closed, "{path}");
    }
}

fn seed() -> u64 {
    #[expect(clippy::disallowed_methods, reason = "chooses the requests of the whole run")]
    let chosen = std::env::var("PATMINT_TEST_SEED").ok();
    chosen.map_or(0x7061_746D_696E_7421, |seed| seed.parse().expect("a number"))
}

/// Every path of the server's own table, with its methods: a new route is attacked from its first day.
fn routes() -> Vec<Route> {
    let mut routes: Vec<Route> = Vec::new();
    for (method, path) in patmint::http::all_routes() {
        match routes.iter_mut().find(|route| route.path == path) {
            Some(route) => route.methods.push(method),
            None => routes.push(Route { path, methods: vec![method] }),
        }
    }
    routes
}

/// Answers beyond one a request: where a body was told shorter than it is, its rest is another request.
fn extra(tally: &Tally) -> usize {
    tally.count(|_, method, _| method == "(extra)")
}

/// Sends the requests `numbers`, from a few clients at once; those after which the rest would be another test by `lesser`.
fn attack(
    app: &TestApp,
    seed: u64,
    numbers: std::ops::Range<usize>,
    routes: &[Route],
    auth: impl Fn(&mut Dice) -> Auth + Sync,
    lesser: &Auth,
) -> Tally {
    let (done, tallies) = mpsc::channel();
    thread::scope(|scope| {
        for first in 0..CLIENTS {
            let (done, numbers, auth) = (done.clone(), numbers.clone(), &auth);
            scope.spawn(move || {
                let mut client = Client::new(app.address);
                let mut tally = Tally::default();
                for number in numbers.skip(first).step_by(CLIENTS) {
                    // The last number's dice are not those of the request.
                    let mut auth = auth(&mut Dice::new(!seed, number));
                    let mut sent = generate::request(seed, number, routes, &auth);
                    if is_too_much(&sent, &auth) {
                        auth = lesser.clone();
                        sent = generate::request(seed, number, routes, &auth);
                    }
                    one(&mut client, seed, number, sent, &mut tally);
                }
                done.send(tally).unwrap();
            });
        }
        drop(done);
    });
    tallies.iter().fold(Tally::default(), |mut all, tally| {
        all.absorb(tally);
        all
    })
}

fn one(client: &mut Client, seed: u64, number: usize, mut sent: Sent, tally: &mut Tally) {
    let (replies, ended) = client.send(&sent);
    let verdict = judge(&sent, &replies, ended.as_ref());
    if let Err(problem) = verdict {
        let shown = &sent.bytes[..sent.bytes.len().min(3000)];
        let answers: Vec<String> = replies.iter().map(|reply| reply.raw.escape_ascii().to_string()).collect();
        panic!("seed {seed}, request {number}: {problem}\n{}\n{answers:#?} {ended:?}", shown.escape_ascii());
    }
    tally.add(&sent, replies.first().map_or(0, |reply| reply.status));
    "(extra)".clone_into(&mut sent.method);
    for reply in replies.iter().skip(1) {
        tally.add(&sent, reply.status);
    }
}

/// A caller who signs out is none any more, one without an organization has nothing left to do, and one in several must
/// name it each time.
fn is_too_much(sent: &Sent, auth: &Auth) -> bool {
    let what = (sent.method.as_str(), sent.route);
    let grave = [
        ("DELETE", "/api/v1/session"),
        ("DELETE", "/api/v1/sessions"),
        ("DELETE", "/api/v1/orgs/{org}"),
        ("POST", "/api/v1/orgs"),
    ];
    grave.contains(&what) && *auth != Auth::None
}

#[derive(Debug, PartialEq, Eq)]
struct Rows(Vec<(&'static str, i64)>);

impl Rows {
    fn get(&self, name: &str) -> i64 {
        self.0.iter().find(|(own, _)| *own == name).expect("a table").1
    }
}

/// How much there is in the database. Usage is not of it: that is written when the server finds time.
fn rows(app: &TestApp) -> Rows {
    const TABLES: [&str; 8] =
        ["credentials", "list_entries", "audit", "sessions", "users", "organizations", "memberships", "sealed_keys"];
    let count = |table| (table, number(app, format!("SELECT count(*) AS number FROM {table}")));
    let head = ("seq", number(app, "SELECT seq AS number FROM list_head".to_owned()));
    Rows(TABLES.into_iter().map(count).chain([head]).collect())
}

fn number(app: &TestApp, query: String) -> i64 {
    #[derive(QueryableByName)]
    struct Row {
        #[diesel(sql_type = BigInt)]
        number: i64,
    }
    app.read(|connection| Ok(diesel::sql_query(query).get_result::<Row>(connection)?.number))
}
