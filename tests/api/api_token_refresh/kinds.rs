//! The three kinds of credentials, and prefixes.

use patmint::domain::clock::Clock as _;
use serde_json::{Value, json};

use crate::support::{Options, TestApp, claims, header};

fn allow(app: &TestApp, kinds: &Value) {
    let answer = app.ada.patch_policy(app, &json!({ "allowed_kinds": kinds }));
    assert_eq!(answer.status, 200, "{}", answer.text());
}

#[test]
fn each_kind_works_while_the_policy_allows_it() {
    let app = TestApp::new();
    allow(&app, &json!(["opaque", "jwt", "legacy"]));
    let kinds = ["opaque", "jwt", "legacy"];
    let all = kinds.map(|kind| app.ada.credential(&app, &json!({ "name": kind, "kind": kind })));
    for allowed in [json!(["opaque"]), json!(["jwt"]), json!(["legacy", "jwt"]), json!([]), json!(kinds)] {
        allow(&app, &allowed);
        for (kind, credential) in kinds.iter().zip(&all) {
            let is_allowed = allowed.as_array().unwrap().contains(&json!(kind));
            assert_eq!(credential.is_alive(&app), is_allowed, "{kind} while {allowed}");
        }
    }
}

#[test]
fn each_kind_has_its_form() {
    let app = TestApp::new();
    allow(&app, &json!(["opaque", "jwt", "legacy"]));
    let make = |kind: &str| app.ada.credential(&app, &json!({ "name": "a", "kind": kind, "expires_in": 3600 })).text;
    let opaque = make("opaque");
    let code = opaque.strip_prefix("patmint_").expect("the prefix");
    assert!(code.len() == 76 + 6 && code.bytes().all(|b| b.is_ascii_alphanumeric()), "{}", code.len());
    let legacy = make("legacy");
    assert!(legacy.len() == 40 && legacy.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b)));
    let jwt = make("jwt");
    let (header, claims) = (header(&jwt), claims(&jwt));
    assert_eq!((header["typ"].as_str(), header["alg"].as_str()), (Some("refresh+jwt"), Some("HS256")));
    assert_eq!(claims["token_type"], "refresh");
    assert_eq!((claims["iss"].as_str(), claims["sub"].as_str()), (Some(&*app.issuer()), Some(&*app.ada.id)));
    assert_eq!(claims["iat"], app.clock.now().unix_seconds());
    assert_eq!(claims["exp"], app.clock.now().plus_seconds(3600).unix_seconds_rounded_up());
}

#[test]
fn a_jwt_that_never_expires_says_200_years() {
    let app = TestApp::new();
    let claims = claims(&app.jwt.text);
    let years = (claims["exp"].as_i64().unwrap() - claims["iat"].as_i64().unwrap()) / (365 * 86_400);
    assert_eq!(years, 200);
}

#[test]
fn renaming_the_prefix_kills_no_token() {
    let mut app = TestApp::new();
    let before = app.ada.credential(&app, &json!({ "name": "before" }));
    app.restart(Options { token_prefix: "acme_sts_", ..Options::default() });
    let after = app.ada.credential(&app, &json!({ "name": "after" }));
    assert!(before.text.starts_with("patmint_") && after.text.starts_with("acme_sts_"));
    assert_eq!(after.text.len() - "acme_sts_".len(), before.text.len() - "patmint_".len());
    assert!(before.is_alive(&app) && after.is_alive(&app) && app.pat.is_alive(&app));
    // The checksum covers the prefix: a token under another's name is a typing mistake.
    for (token, from, to) in [(&before, "patmint_", "acme_sts_"), (&after, "acme_sts_", "patmint_")] {
        let renamed = json!({ "refresh": token.text.replacen(from, to, 1) });
        assert_eq!(app.post("/api/token/refresh").json(&renamed).send().status, 401);
    }
    app.restart(Options::default());
    assert!(before.is_alive(&app) && after.is_alive(&app));
}
