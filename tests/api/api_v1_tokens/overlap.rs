//! A token that fifty clients have is rotated with an overlap, and each picks up the new one when it restarts.

use patmint::{
    domain::membership::Role,
    http::{ProxyHeader, TrustedProxies},
};
use serde_json::{Value, json};

use super::PATH;
use crate::support::{Credential, Options, TestApp, seconds};

const CLIENTS: usize = 50;
const OVERLAP: u64 = 3600;

/// How often a client exchanges, in seconds.
const EVERY: u64 = 120;

/// After how many seconds the client restarts: spread over the overlap as if by chance, the same in each run. The last three
/// do so just in time.
fn restarts_after(client: usize) -> u64 {
    let last = OVERLAP / EVERY - 1;
    let step = (u64::try_from(client).unwrap() * 37 + 11) % last;
    EVERY * if client >= CLIENTS - 3 { last } else { step }
}

fn address(client: usize) -> String {
    format!("192.0.2.{client}")
}

fn exchange(app: &TestApp, client: usize, token: &Credential) -> u16 {
    let request = app.post("/api/token/refresh").header("x-forwarded-for", &address(client));
    request.json(&json!({ "refresh": token.text })).send().status
}

#[test]
fn none_of_them_fails_and_usage_says_who_still_has_the_old_one() {
    let behind_proxy =
        || TrustedProxies { networks: vec!["127.0.0.1/32".parse().unwrap()], header: ProxyHeader::XForwardedFor };
    let mut app = TestApp::with(Options { proxies: behind_proxy(), ..Options::default() });
    let bob = app.member("bob", Role::Member);
    let old = bob.credential(&app, &json!({ "name": "fleet" }));
    let rotated = app.post(&format!("{PATH}/{}/rotate", old.id)).bearer(&bob.sign_in(&app));
    let rotated = rotated.json(&json!({ "overlap": OVERLAP })).send();
    assert_eq!(rotated.status, 201, "{}", rotated.text());
    let member = |name: &str| rotated.json()[name].as_str().unwrap().to_owned();
    let new = Credential { id: member("id"), text: member("token") };

    let mut by_old = 0;
    for now in (0..OVERLAP).step_by(usize::try_from(EVERY).unwrap()) {
        for client in 0..CLIENTS {
            let has_new = now >= restarts_after(client);
            by_old += i64::from(!has_new);
            let status = exchange(&app, client, if has_new { &new } else { &old });
            assert_eq!(status, 200, "client {client} after {now} s");
        }
        app.clock.advance(seconds(EVERY));
    }
    assert_eq!([exchange(&app, 0, &old), exchange(&app, 0, &new)], [401, 200], "the overlap is over");

    // What was gathered is written when a server stops.
    app.restart(Options { proxies: behind_proxy(), ..Options::default() });
    let session = bob.sign_in(&app);
    let usage = |token: &Credential| app.get(&format!("{PATH}/{}/usage", token.id)).bearer(&session).send().json();
    let of_old = usage(&old);
    let outcomes =
        |of: &Value| of["days"].as_array().unwrap().iter().map(|day| day["outcomes"].clone()).collect::<Vec<_>>();
    let count =
        |of: &Value, outcome: &str| outcomes(of).iter().filter_map(|outcomes| outcomes[outcome].as_i64()).sum::<i64>();
    assert_eq!(count(&of_old, "granted"), by_old);
    assert_eq!(count(&usage(&new), "granted"), i64::try_from(CLIENTS).unwrap() * 30 - by_old + 1);
    let mut latest: Vec<_> = (0..CLIENTS).filter(|client| restarts_after(*client) > 0).collect();
    latest.sort_by_key(|client| (restarts_after(*client), *client));
    let latest: Vec<_> = latest.into_iter().rev().take(20).map(address).collect();
    let told: Vec<_> =
        of_old["addresses"].as_array().unwrap().iter().map(|one| one["address"].as_str().unwrap()).collect();
    assert_eq!(told.len(), 20);
    // Those who used it last, and at the top the three that restarted last; of two that did so at the same time, either.
    let mut first: Vec<_> = told.iter().take(3).copied().collect();
    first.sort_unstable();
    assert_eq!(first, ["192.0.2.47", "192.0.2.48", "192.0.2.49"]);
    assert!(told.iter().all(|address| latest.iter().any(|late| late == address)), "{told:?} {latest:?}");
}
