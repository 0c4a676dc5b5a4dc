//! With `token_management` a token may manage its owner's tokens, and what it makes never exceeds it.

use patmint::domain::membership::Role;
use serde_json::{Value, json};

use super::{create, delete};
use crate::support::{TestApp, claims, seconds};

fn managed(more: Value) -> TestApp {
    let app = TestApp::new();
    let mut patch = more;
    patch["token_management"] = json!(true);
    assert_eq!(app.ada.patch_policy(&app, &patch).status, 200);
    app
}

fn scope(operation: &str) -> Value {
    json!({ "entity_type": "dataset", "entity_id": "1", "operation": operation })
}

#[test]
fn an_unrestricted_one_makes_and_revokes() {
    let app = managed(json!({}));
    for bearer in [app.pat.text.clone(), app.jwt.text.clone(), app.pat.access(&app)] {
        for body in [
            json!({ "name": "the same" }),
            json!({ "name": "less", "permission": "read" }),
            json!({ "name": "less", "scopes": [scope("put")] }),
            json!({ "name": "less", "expires_in": 60, "kind": "jwt" }),
        ] {
            let made = create(&app, &bearer, &body);
            assert_eq!(made.status, 201, "{body}: {}", made.text());
            assert_eq!(delete(&app, &bearer, made.json()["id"].as_str().unwrap()).status, 204);
        }
    }
    assert_eq!(app.ada.patch_policy(&app, &json!({ "token_management": false })).status, 200);
    assert_eq!(create(&app, &app.pat.text, &json!({ "name": "a" })).status, 403, "live");
}

#[test]
fn a_lesser_one_manages_nothing() {
    let app = managed(json!({}));
    let other = app.ada.credential(&app, &json!({ "name": "other" }));
    let lesser = [
        json!({ "name": "reads", "permission": "read" }),
        json!({ "name": "restricted", "scopes": [scope("put")] }),
        json!({ "name": "nothing", "scopes": [] }),
    ];
    for body in lesser {
        let own = app.ada.credential(&app, &body);
        for bearer in [own.text.clone(), own.access(&app)] {
            assert_eq!(create(&app, &bearer, &json!({ "name": "a", "scopes": [] })).status, 403, "{body}");
            assert_eq!(delete(&app, &bearer, &other.id).status, 403, "{body}");
        }
    }
    // Neither does an access token that was narrowed, whatever its credential may.
    for scope in ["read", "dataset:1:put"] {
        let body = json!({ "refresh": app.pat.text, "scope": scope });
        let narrowed = app.post("/api/token/refresh").json(&body).send().json();
        let narrowed = narrowed["access"].as_str().unwrap().to_owned();
        assert_eq!(create(&app, &narrowed, &json!({ "name": "a", "scopes": [] })).status, 403, "{scope}");
        assert_eq!(delete(&app, &narrowed, &other.id).status, 403, "{scope}");
    }
    assert!(other.is_alive(&app));
}

#[test]
fn what_it_makes_does_not_outlive_it() {
    let app = managed(json!({}));
    let short = app.ada.credential(&app, &json!({ "name": "short", "expires_in": 600 }));
    let make = |body: Value| create(&app, &short.text, &body);
    for body in [
        json!({ "name": "for ever" }),
        json!({ "name": "for ever", "expires_at": null }),
        json!({ "name": "longer", "expires_in": 601 }),
    ] {
        let answer = make(body.clone());
        assert_eq!((answer.status, answer.code().as_str()), (403, "forbidden"), "{body}");
    }
    assert_eq!(make(json!({ "name": "as long", "expires_in": 600 })).status, 201);
    app.clock.advance(seconds(1));
    assert_eq!(make(json!({ "name": "longer now", "expires_in": 600 })).status, 403);
}

#[test]
fn the_policys_longest_life_counts_for_both() {
    let app = managed(json!({ "token_max_ttl": 600 }));
    assert_eq!(create(&app, &app.pat.text, &json!({ "name": "as long" })).status, 201);
    app.clock.advance(seconds(1));
    let chained = create(&app, &app.pat.text, &json!({ "name": "a second longer" }));
    assert_eq!(chained.status, 403, "or a chain of them would live for ever");
    assert_eq!(create(&app, &app.pat.text, &json!({ "name": "shorter", "expires_in": 599 })).status, 201);
}

#[test]
fn what_it_makes_is_for_its_own_audiences() {
    let (a, b) = ("https://a.example", "https://b.example");
    let app = managed(json!({ "allowed_audiences": [a, b] }));
    let own = app.ada.credential(&app, &json!({ "name": "a", "audiences": [a, app.issuer()] }));
    let make = |bearer: &str, audiences: Value| create(&app, bearer, &json!({ "name": "x", "audiences": audiences }));
    for bearer in [own.text.clone(), own.access(&app)] {
        for (audiences, status) in [(json!([a]), 201), (json!(null), 201), (json!([a, b]), 403), (json!([b]), 403)] {
            assert_eq!(make(&bearer, audiences.clone()).status, status, "{audiences}");
        }
    }
    let only_a = app.ada.credential(&app, &json!({ "name": "a", "audiences": [a] }));
    assert_eq!(make(&only_a.text, json!(null)).status, 403, "the default is none of its own");
    assert_eq!(make(&app.pat.text, json!([a])).status, 403, "it has the default only");
    assert_eq!(make(&app.pat.text, json!([app.issuer()])).status, 201);
}

#[test]
fn an_access_token_gives_no_audience_that_it_does_not_have() {
    let a = "https://a.example";
    let app = managed(json!({ "allowed_audiences": [a] }));
    let own = app.ada.credential(&app, &json!({ "name": "both", "audiences": [a, app.issuer()] }));
    let body = json!({ "refresh": own.text, "audience": app.issuer() });
    let narrowed = app.post("/api/token/refresh").json(&body).send().json();
    let narrowed = narrowed["access"].as_str().unwrap();
    assert_eq!(claims(narrowed)["aud"], app.issuer());
    assert_eq!(create(&app, narrowed, &json!({ "name": "x", "audiences": [app.issuer()] })).status, 201);
    assert_eq!(create(&app, narrowed, &json!({ "name": "x", "audiences": [a] })).status, 403);
}

#[test]
fn it_reaches_neither_others_nor_other_organizations() {
    let app = managed(json!({}));
    let bob = app.member("bob", Role::Member);
    let of_bob = bob.credential(&app, &json!({ "name": "of bob" }));
    assert_eq!(delete(&app, &app.pat.text, &of_bob.id).status, 404);
    assert!(of_bob.is_alive(&app));
    let eve = app.owner_of("Evil", "eve");
    let evil = eve.sign_in(&app);
    let evil = app.get("/api/v1/session").bearer(&evil).send().json();
    let evil = evil["memberships"][0]["organization_id"].as_str().unwrap().to_owned();
    app.join(&app.ada, &evil);
    let there = create(&app, &app.pat.text, &json!({ "name": "a", "organization_id": evil }));
    assert_eq!(there.status, 404, "a token is of one organization, whatever its owner is");
    let here = create(&app, &app.pat.text, &json!({ "name": "a" }));
    assert_eq!((here.status, &here.json()["organization_id"]), (201, &json!(app.organization_id)));
}
