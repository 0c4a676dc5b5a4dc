//! Behind a proxy: whose word counts about the client's address, and that everything goes by it. How the headers are read
//! is tested where they are read.

use patmint::http::{ProxyHeader, TrustedProxies};
use serde_json::{Value, json};

use crate::support::{Answer, Options, TestApp};

/// A server that trusts the proxy at this address; all tests ask from 127.0.0.1.
fn behind(proxy: &str, header: ProxyHeader) -> TestApp {
    let proxies = TrustedProxies { networks: vec![proxy.parse().unwrap()], header };
    TestApp::with(Options { proxies, ..Options::default() })
}

fn exchange(app: &TestApp, (name, value): (&str, &str)) -> Answer {
    app.post("/api/token/refresh").header(name, value).json(&json!({ "refresh": app.pat.text })).send()
}

fn only_from(app: &TestApp, network: &str) {
    assert_eq!(app.ada.patch_policy(app, &json!({ "allowed_networks": [network] })).status, 200);
}

#[test]
fn a_stranger_is_not_believed() {
    for header in [ProxyHeader::XForwardedFor, ProxyHeader::Forwarded] {
        let apps = [TestApp::new(), behind("127.0.0.2/32", header)];
        for app in apps {
            only_from(&app, "192.0.2.0/24");
            for said in [("x-forwarded-for", "192.0.2.1"), ("forwarded", "for=192.0.2.1")] {
                assert_eq!(exchange(&app, said).status, 401, "{said:?}");
            }
            only_from(&app, "127.0.0.1/32");
            assert_eq!(exchange(&app, ("x-forwarded-for", "192.0.2.1")).status, 200);
        }
    }
}

#[test]
fn the_policys_networks_are_the_clients() {
    for (header, right, wrong) in [
        (ProxyHeader::XForwardedFor, ("x-forwarded-for", "192.0.2.1"), ("x-forwarded-for", "192.0.2.1, 198.51.100.1")),
        (
            ProxyHeader::Forwarded,
            ("forwarded", "for=192.0.2.1"),
            ("forwarded", "for=192.0.2.1, for=\"198.51.100.1:80\""),
        ),
    ] {
        let app = behind("127.0.0.0/8", header);
        only_from(&app, "192.0.2.0/24");
        assert_eq!([exchange(&app, right).status, exchange(&app, wrong).status], [200, 401]);
        assert!(!app.pat.is_alive(&app), "the proxy itself is elsewhere");
        only_from(&app, "127.0.0.0/8");
        assert!(app.pat.is_alive(&app));
        assert_eq!(exchange(&app, (right.0, "garbage")).status, 401, "an unknown address is in no network");
        only_from(&app, "::ffff:192.0.2.0/120");
        assert_eq!([exchange(&app, right).status, exchange(&app, wrong).status], [200, 401], "written in IPv6");
        let value = [b"\xff\xfe, ", right.1.as_bytes()].concat();
        let refresh = json!({ "refresh": app.pat.text });
        let garbled = app.post("/api/token/refresh").header_bytes(right.0, &value).json(&refresh).send();
        assert_eq!(garbled.status, 200, "what stands further to the left is not looked at");
    }
}

#[test]
fn what_is_written_down_is_the_client() {
    let mut app = behind("127.0.0.1/32", ProxyHeader::XForwardedFor);
    let session = app.ada.sign_in(&app);
    let mut made = Value::Null;
    let audited = app.audited(|| {
        let create = app.post("/api/v1/tokens").bearer(&session).header("x-forwarded-for", "2001:db8::7");
        made = create.json(&json!({ "name": "laptop" })).send().json();
    });
    assert_eq!(audited[0].address.as_deref(), Some("2001:db8::7"));
    let exchange = app.post("/api/token/refresh").header("x-forwarded-for", "198.51.100.7, ::ffff:192.0.2.9");
    assert_eq!(exchange.json(&json!({ "refresh": made["token"] })).send().status, 200);
    let body = json!({ "email": app.ada.email, "password": app.ada.password });
    let sign_in = || {
        let sent = app.post("/api/v1/session").header("x-forwarded-for", "nonsense").json(&body).send();
        assert_eq!(sent.status, 201);
    };
    assert_eq!(app.audited(sign_in)[0].address, None, "unknown");
    // What was gathered is written when a server stops.
    app.restart(Options::default());
    let seen = app.get(&format!("/api/v1/tokens/{}", made["id"].as_str().unwrap())).bearer(&session).send().json();
    assert_eq!(seen["last_used_from"], "192.0.2.9");
}

#[test]
fn whoever_hands_a_token_in_comes_from_somewhere_too() {
    let app = behind("127.0.0.1/32", ProxyHeader::Forwarded);
    let [leaked, held] = ["leaked", "held"].map(|name| app.ada.credential(&app, &json!({ "name": name })));
    let from = |path| app.post(path).header("forwarded", "for=\"[2001:db8::7]\";proto=https");
    let hand_in = || assert_eq!(from("/api/v1/revocations").json(&json!({ "token": leaked.text })).send().status, 202);
    assert_eq!(app.audited(hand_in)[0].address.as_deref(), Some("2001:db8::7"));
    let revoke = || assert_eq!(from("/oauth/revoke").form(&[("token", &*held.text)]).send().status, 200);
    assert_eq!(app.audited(revoke)[0].address.as_deref(), Some("2001:db8::7"));
}
