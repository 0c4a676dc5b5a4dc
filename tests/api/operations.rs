//! What is there for whoever runs it, and what is not there at all.

use std::{
    io::{Read as _, Write as _},
    net::TcpStream,
};

use serde_json::json;

use crate::support::TestApp;

#[test]
fn it_lives_and_is_ready() {
    let app = TestApp::new();
    for path in ["/livez", "/readyz"] {
        let answer = app.get(path).send();
        assert_eq!((answer.status, answer.json()), (200, json!({ "status": "ok" })), "{path}");
        assert_eq!(answer.header("cache-control"), Some("no-store"), "{path}");
    }
}

#[test]
fn with_another_schema_it_lives_and_is_not_ready() {
    let app = TestApp::new();
    app.execute("DELETE FROM __diesel_schema_migrations");
    let answer = app.get("/readyz").send();
    assert_eq!((answer.status, answer.json()), (503, json!({ "status": "unavailable" })));
    assert_eq!(answer.header("retry-after"), Some("1"));
    assert_eq!(app.get("/livez").send().status, 200, "restarting it would not help");
}

#[test]
fn with_a_clock_that_is_not_the_databases_it_is_not_ready() {
    let app = TestApp::new();
    for (ahead, status) in [(60, 200), (61, 503), (-61, 503), (0, 200)] {
        app.clock.set_database_ahead(ahead);
        // Clocks are compared whenever the keys are read.
        app.wait_for(app.command().keys.rotate(None, false)).expect("a new key");
        assert_eq!(app.get("/readyz").send().status, status, "{ahead} s");
    }
}

#[test]
fn the_pages_run_no_scripts() {
    let app = TestApp::new();
    for path in ["/", "/docs"] {
        let answer = app.get(path).send();
        assert_eq!((answer.status, answer.header("content-type")), (200, Some("text/html; charset=utf-8")), "{path}");
        let policy = answer.header("content-security-policy").unwrap();
        assert!(policy.starts_with("default-src 'none'; style-src 'sha256-"), "{path}: {policy}");
        assert!(policy.contains("; frame-ancestors 'none'") && !policy.contains("script-src"), "{path}: {policy}");
        assert_eq!(answer.header("x-content-type-options"), Some("nosniff"), "{path}");
        assert_eq!(answer.header("referrer-policy"), Some("no-referrer"), "{path}");
        assert!(answer.text().starts_with("<!doctype html>") && !answer.text().contains("<script"), "{path}");
    }
}

#[test]
fn what_is_not_there_is_a_problem() {
    let app = TestApp::new();
    for path in
        ["/nothing", "/api/v1", "/api/v1/tokens/", "/api/v1/tokens/a/b", "//", "/livez/", "/.well-known", "/%ff"]
    {
        for method in ["GET", "POST", "DELETE"] {
            let answer = app.request(method, path).send();
            assert_eq!((answer.status, answer.code().as_str()), (404, "not_found"), "{method} {path}");
            assert_eq!(answer.header("content-type"), Some("application/problem+json"), "{method} {path}");
        }
    }
    assert_eq!(
        app.get("/sesame").send().json(),
        json!({ "type": "about:blank", "title": "Not Found", "status": 404, "code": "not_found" })
    );
}

#[test]
fn another_method_is_told_which_there_are() {
    let app = TestApp::new();
    for (path, allowed) in [
        ("/api/v1/session", "POST, HEAD, GET, DELETE"),
        ("/api/v1/tokens", "HEAD, GET, POST"),
        ("/api/v1/tokens/7", "HEAD, GET, PATCH, DELETE"),
        ("/api/v1/tokens/7/usage", "HEAD, GET"),
        ("/api/v1/tokens/7/rotate", "POST"),
        ("/api/v1/revocations", "POST"),
        ("/api/v1/orgs/acme/policy", "HEAD, GET, PATCH"),
        ("/api/v1/orgs/acme/audit", "HEAD, GET"),
        ("/api/v1/audit", "HEAD, GET"),
        ("/api/v1/orgs/acme/revocations", "POST"),
        ("/api/v1/orgs/acme/tokens", "HEAD, GET, POST"),
        ("/api/v1/orgs/acme/tokens/7", "HEAD, GET, DELETE"),
        ("/api/v1/orgs/acme/tokens/7/usage", "HEAD, GET"),
        ("/oauth/revoke", "POST"),
        ("/.well-known/jwks.json", "HEAD, GET"),
        ("/.well-known/oauth-authorization-server", "HEAD, GET"),
        ("/revocations", "HEAD, GET"),
        ("/statuslists/0", "HEAD, GET"),
        ("/openapi.json", "HEAD, GET"),
        ("/docs", "HEAD, GET"),
        ("/invitations", "HEAD, GET"),
        ("/invitations.js", "HEAD, GET"),
        ("/livez", "HEAD, GET"),
        ("/readyz", "HEAD, GET"),
        ("/metrics", "HEAD, GET"),
        ("/", "HEAD, GET, OPTIONS"),
    ] {
        for method in ["PUT", "OPTIONS", "SESAME"].into_iter().filter(|method| !allowed.contains(method)) {
            let answer = app.request(method, path).send();
            assert_eq!((answer.status, answer.code().as_str()), (405, "method_not_allowed"), "{method} {path}");
            assert_eq!(answer.header("allow"), Some(allowed), "{method} {path}");
        }
    }
}

/// `option httpchk` without anything more.
#[test]
fn haproxys_own_check_passes() {
    let app = TestApp::new();
    let mut stream = TcpStream::connect(app.address).unwrap();
    stream.write_all(b"OPTIONS / HTTP/1.0\r\n\r\n").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.0 204 "), "{answer}");
    let answer = app.request("OPTIONS", "/").send();
    assert_eq!((answer.status, answer.header("allow")), (204, Some("HEAD, GET, OPTIONS")));
}

#[test]
fn whatever_can_be_got_can_be_asked_about() {
    let app = TestApp::new();
    let session = app.ada.sign_in(&app);
    for path in [
        "/",
        "/livez",
        "/readyz",
        "/openapi.json",
        "/docs",
        "/invitations",
        "/invitations.js",
        "/.well-known/jwks.json",
        "/.well-known/oauth-authorization-server",
        "/revocations",
        "/statuslists/0",
        "/api/v1/session",
        "/api/v1/tokens",
        "/api/v1/orgs/acme/policy",
        "/api/v1/orgs/acme/tokens",
        "/api/current-user/whoami",
    ] {
        let ask = |method| app.request(method, path).bearer(&session).send();
        let (head, get) = (ask("HEAD"), ask("GET"));
        assert_eq!((head.status, get.status, head.body.len()), (200, 200, 0), "{path}");
        for name in ["content-type", "content-length", "cache-control", "etag"] {
            assert_eq!(head.header(name), get.header(name), "{path}: {name}");
        }
    }
}
