//! `/metrics`: what is counted, and for whom.

use std::collections::BTreeMap;

use patmint::{
    domain::membership::Role,
    http::{ProxyHeader, TrustedProxies},
};
use serde_json::json;

use crate::support::{Options, TestApp, days, minutes, seconds};

/// What stands there now: each sample with its value, and of each metric that there is a type and a help.
fn metrics(app: &TestApp) -> BTreeMap<String, String> {
    let answer = app.get("/metrics").send();
    assert_eq!((answer.status, answer.header("cache-control")), (200, Some("no-store")));
    assert_eq!(answer.header("content-type"), Some("text/plain; version=0.0.4; charset=utf-8"));
    let text = answer.text();
    let sample = |line: &str| {
        let (name, value) = line.rsplit_once(' ').expect("a value");
        assert!(value.parse::<f64>().is_ok(), "{line}");
        (name.to_owned(), value.to_owned())
    };
    let samples: BTreeMap<_, _> = text.lines().filter(|line| !line.starts_with('#')).map(sample).collect();
    for name in samples.keys() {
        let name = name.split('{').next().unwrap();
        let family = ["_bucket", "_sum", "_count"].iter().find_map(|end| name.strip_suffix(end)).unwrap_or(name);
        assert!(text.contains(&format!("# HELP {family} ")) && text.contains(&format!("# TYPE {family} ")), "{name}");
    }
    samples
}

/// What `f` adds to these.
fn added<const N: usize>(app: &TestApp, names: [&str; N], f: impl FnOnce()) -> [i64; N] {
    let before = metrics(app);
    f();
    let after = metrics(app);
    let count = |samples: &BTreeMap<String, String>, name| samples[name].parse::<i64>().expect("a whole number");
    names.map(|name| count(&after, name) - count(&before, name))
}

fn exchanges(outcome: &str) -> String {
    format!("patmint_exchanges_total{{outcome=\"{outcome}\"}}")
}

#[test]
fn exchanges_are_counted_by_how_they_end() {
    let app = TestApp::new();
    let bob = app.member("bob", Role::Member);
    let own = bob.credential(&app, &json!({ "name": "laptop", "expires_in": 3600 }));
    let names = ["granted", "unknown", "expired", "scope_exceeded", "revoked"].map(exchanges);
    let names = names.each_ref().map(String::as_str);
    let ask = |scope: &str| app.post("/api/token/refresh").json(&json!({ "refresh": own.text, "scope": scope })).send();
    let exchange = || {
        for _ in 0..3 {
            assert_eq!(ask("read").status, 200);
        }
        assert_eq!(ask("admin").status, 400);
        let unknown = app.post("/api/token/refresh").json(&json!({ "refresh": "nonsense" })).send();
        assert_eq!(unknown.status, 401);
        app.clock.advance(minutes(61));
        assert!(!own.is_alive(&app));
    };
    assert_eq!(added(&app, names, exchange), [3, 1, 1, 1, 0]);
    assert!(app.get("/metrics").send().text().contains("patmint_exchanges_total{outcome=\"network_disallowed\"} 0\n"));
}

#[test]
fn memory_and_its_age_are_told() {
    let app = TestApp::new();
    let lookups = ["hit", "miss", "bypass"].map(|result| format!("patmint_cache_lookups_total{{result=\"{result}\"}}"));
    let lookups = lookups.each_ref().map(String::as_str);
    assert_eq!(added(&app, ["patmint_cache_entries"], || assert!(app.pat.is_alive(&app))), [1]);
    assert_eq!(added(&app, lookups, || (0..3).for_each(|_| assert!(app.pat.is_alive(&app)))), [3, 0, 0]);
    assert_eq!(added(&app, lookups, || assert!(app.jwt.is_alive(&app))), [0, 1, 0]);
    let seen = metrics(&app);
    assert_eq!((seen["patmint_cache_entries"].as_str(), seen["patmint_cache_capacity"].as_str()), ("2", "1000"));
    assert_eq!(seen["patmint_memory_trusted"], "1");
    assert!(seen["patmint_list_age_seconds"].parse::<f64>().unwrap() < 1.0, "{seen:?}");
    let change = || assert_eq!(app.ada.patch_policy(&app, &json!({ "token_max_ttl": 86_400 })).status, 200);
    // What the server did at its start may not be reflected yet; what comes before a change that was answered is.
    change();
    assert_eq!(added(&app, ["patmint_list_head"], change), [1], "the change; that she signs in takes no number");
}

#[test]
fn durations_are_a_histogram() {
    let app = TestApp::new();
    let exchange = || (0..4).for_each(|_| assert!(app.pat.is_alive(&app)));
    let names = [
        "patmint_exchange_duration_seconds_count",
        "patmint_exchange_duration_seconds_bucket{le=\"+Inf\"}",
        // The clock of a test stands still.
        "patmint_exchange_duration_seconds_bucket{le=\"0.00005\"}",
        "patmint_exchange_duration_seconds_sum",
    ];
    assert_eq!(added(&app, names, exchange), [4, 4, 4, 0]);
    let seen = metrics(&app);
    let bounds = seen.keys().filter(|name| name.starts_with("patmint_exchange_duration_seconds_bucket"));
    assert_eq!(bounds.count(), 15);
}

#[test]
fn sign_ins_and_sessions_are_counted() {
    let app = TestApp::new();
    let outcomes = ["signed_in", "refused", "slowed"].map(|end| format!("patmint_sign_ins_total{{outcome=\"{end}\"}}"));
    let sign_ins = || {
        let sign_in = |password: &str| {
            let body = json!({ "email": app.ada.email, "password": password });
            app.post("/api/v1/session").json(&body).send().status
        };
        assert_eq!([sign_in(&app.ada.password), sign_in(&app.ada.password)], [201, 201]);
        for _ in 0..20 {
            assert_eq!(sign_in("a wrong password"), 401);
        }
        assert_eq!(sign_in("a wrong password"), 429);
    };
    assert_eq!(added(&app, outcomes.each_ref().map(String::as_str), sign_ins), [2, 20, 1]);
    // Asked of the database, so not each time.
    assert_eq!(metrics(&app)["patmint_sessions"], "0");
    app.clock.advance(minutes(10));
    assert_eq!(metrics(&app)["patmint_sessions"], "2");
}

#[test]
fn how_large_the_database_is_and_what_was_removed_is_told() {
    let app = TestApp::new();
    let seen = metrics(&app);
    assert!(seen["patmint_database_bytes"].parse::<u64>().unwrap() > 100_000, "{seen:?}");
    for table in ["usage_counts", "refusals", "audit", "invitations", "credentials"] {
        assert_eq!(seen[&format!("patmint_rows_removed_total{{table=\"{table}\"}}")], "0");
    }
}

#[test]
fn what_ends_soon_is_counted() {
    let app = TestApp::new();
    let session = app.ada.sign_in(&app);
    let make = |expires_in: i64| {
        let body = json!({ "name": "a", "expires_in": expires_in });
        let made = app.post("/api/v1/tokens").bearer(&session).json(&body).send();
        made.json()["id"].as_str().unwrap().to_owned()
    };
    let week = 7 * 86_400;
    let revoked = [60, 3600, week, week + 1].map(make).into_iter().nth(1).unwrap();
    assert_eq!(app.delete(&format!("/api/v1/tokens/{revoked}")).bearer(&session).send().status, 204);
    assert_eq!(metrics(&app)["patmint_tokens_expiring"], "2", "neither the revoked one nor the last");
    app.clock.advance(seconds(599));
    assert_eq!(metrics(&app)["patmint_tokens_expiring"], "2", "known for ten minutes");
    app.clock.advance(seconds(1));
    assert_eq!(metrics(&app)["patmint_tokens_expiring"], "2", "one is over, the last one comes near");
    app.clock.advance(days(7));
    assert_eq!(metrics(&app)["patmint_tokens_expiring"], "0");
}

#[test]
fn without_a_database_the_rest_is_told() {
    let app = TestApp::new();
    app.execute("ALTER TABLE sessions RENAME TO elsewhere");
    let seen = metrics(&app);
    assert!(!seen.contains_key("patmint_sessions") && seen.contains_key("patmint_cache_entries"));
    app.execute("ALTER TABLE elsewhere RENAME TO sessions");
    assert!(metrics(&app).contains_key("patmint_sessions"));
}

#[test]
fn only_the_operators_networks_see_it() {
    let status = |options: Options, headers: &[(&str, &str)]| {
        let app = TestApp::with(options);
        let request = headers.iter().fold(app.get("/metrics"), |request, (name, value)| request.header(name, value));
        let answer = request.bearer(&app.pat.text).send();
        if answer.status == 403 {
            assert_eq!(answer.code(), "forbidden");
        }
        answer.status
    };
    let at = |metrics_networks| Options { metrics_networks, ..Options::default() };
    assert_eq!(status(at("10.0.0.0/8"), &[]), 403);
    assert_eq!(status(at("127.0.0.0/8"), &[]), 200);
    // A proxy on this machine that nobody named.
    for header in [("x-forwarded-for", "127.0.0.1"), ("forwarded", "for=127.0.0.1"), ("via", "1.1 proxy")] {
        assert_eq!(status(at("127.0.0.0/8"), &[header]), 403, "{header:?}");
    }
    let behind = |metrics_networks| {
        let networks = vec!["127.0.0.1/32".parse().unwrap()];
        Options { proxies: TrustedProxies { networks, header: ProxyHeader::XForwardedFor }, ..at(metrics_networks) }
    };
    assert_eq!(status(behind("127.0.0.0/8"), &[("x-forwarded-for", "192.0.2.1")]), 403);
    assert_eq!(status(behind("192.0.2.0/24"), &[("x-forwarded-for", "192.0.2.1")]), 200);
    assert_eq!(status(behind("192.0.2.0/24"), &[("x-forwarded-for", "garbage")]), 403);
}

#[test]
fn what_is_not_cleaned_up_is_told() {
    let app = TestApp::new();
    app.execute("INSERT INTO mass_changes VALUES ('stale', '2026-11-21 10:00:00', 12, 30)");
    let seen = metrics(&app);
    assert_eq!(seen["patmint_tokens_held_back"], "12");
    assert_eq!(seen["patmint_cleanup_allowed"], "0", "nothing is known of the clock yet");
    assert_eq!(seen["patmint_clock_ahead_seconds"], "0");
}
