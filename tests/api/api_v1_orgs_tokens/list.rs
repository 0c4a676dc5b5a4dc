//! `GET`: pages of an organization's tokens, newest first, with their owners.

use patmint::domain::{clock::Clock as _, ids::UserId, membership::Role, random::SystemRandomness};
use serde_json::{Value, json};

use super::list;
use crate::support::{Answer, Credential, TestApp};

fn items(answer: &Answer) -> Vec<Value> {
    assert_eq!(answer.status, 200, "{}", answer.text());
    answer.json()["items"].as_array().unwrap().clone()
}

/// What they are called and whose they are.
fn names(answer: &Answer) -> Vec<String> {
    let name = |item: &Value| format!("{} of {}", item["name"], item["owner"]["email"]).replace('"', "");
    items(answer).iter().map(|item| name(item).replace("@acme.example", "")).collect()
}

#[test]
fn everybodys_are_on_it_also_of_who_has_left() {
    let app = TestApp::new();
    let (bob, cora) = (app.member("bob", Role::Member), app.member("cora", Role::Admin));
    bob.credential(&app, &json!({ "name": "laptop" }));
    cora.credential(&app, &json!({ "name": "ci" }));
    app.owner_of("Beta", "eve").credential(&app, &json!({ "name": "elsewhere" }));
    app.end_membership(&bob);
    let session = cora.sign_in(&app);
    let all = list(&app, &session, "");
    let expected = ["ci of cora", "laptop of bob", "first JWT refresh token of ada", "first token of ada"];
    assert_eq!((names(&all), all.header("cache-control")), (expected.map(str::to_owned).into(), Some("no-store")));
    let left = &items(&all)[1];
    assert_eq!(
        json!([left["state"], left["owner"]["id"], left["owner"]["kind"]]),
        json!(["disallowed", bob.id, "person"])
    );
    let by_id = app.get(&format!("/api/v1/orgs/{}/tokens", app.organization_id)).bearer(&session).send();
    assert_eq!(by_id.body, all.body);
}

#[test]
fn what_an_admin_who_leaves_has_made_for_others_is_found_and_ended() {
    let app = TestApp::new();
    let (cora, session) = (app.member("cora", Role::Admin), app.ada.sign_in(&app));
    let account = |bearer: &str| {
        let request = app.post("/api/v1/orgs/acme/service-accounts").bearer(bearer);
        request.json(&json!({ "name": "ci" })).send().json()["id"].as_str().unwrap().to_owned()
    };
    let make = |bearer: &str, owner: &str, name: &str| {
        let request = app.post("/api/v1/orgs/acme/tokens").bearer(bearer);
        let made = request.json(&json!({ "name": name, "owner_id": owner })).send().json();
        Credential { id: made["id"].as_str().unwrap().to_owned(), text: made["token"].as_str().unwrap().to_owned() }
    };
    let of_cora = cora.sign_in(&app);
    let [one, other] = [account(&of_cora), account(&session)];
    let hers = [make(&of_cora, &one, "a"), make(&of_cora, &other, "b")];
    let adas = make(&session, &one, "c");
    cora.credential(&app, &json!({ "name": "her own" }));
    let left = app.delete(&format!("/api/v1/orgs/acme/members/{}", cora.id)).bearer(&session).send();
    assert_eq!(left.status, 204);
    assert!(hers.iter().all(|token| token.is_alive(&app)), "they are the organization's");
    let page = list(&app, &session, &format!("?created_by={}", cora.id));
    let ids: Vec<_> = items(&page).iter().map(|item| item["id"].clone()).collect();
    assert_eq!(json!(ids), json!([hers[1].id, hers[0].id]), "not her own, and not Ada's");
    let few = list(&app, &session, &format!("?created_by={}&owner={one}&state=active", cora.id));
    assert_eq!(items(&few).len(), 1);
    let revoke = app.post("/api/v1/orgs/acme/revocations").bearer(&session).json(&json!({ "ids": ids })).send();
    assert_eq!(revoke.json(), json!({ "revoked": 2 }));
    assert!(hers.iter().all(|token| !token.is_alive(&app)) && adas.is_alive(&app));
    let unknown = list(&app, &session, "?created_by=nobody");
    assert_eq!((unknown.status, unknown.code().as_str()), (422, "invalid"));
    let own = app.get(&format!("/api/v1/tokens?created_by={}", app.ada.id)).bearer(&session).send();
    assert_eq!(own.status, 422, "a list of one's own has no such parameter");
}

#[test]
fn an_item_is_what_its_owner_sees() {
    let app = TestApp::new();
    let bob = app.member("bob", Role::Member);
    bob.credential(&app, &json!({ "name": "laptop", "expires_in": 600, "permission": "read" }));
    let own = app.get("/api/v1/tokens").bearer(&bob.sign_in(&app)).send();
    let seen = list(&app, &app.ada.sign_in(&app), &format!("?owner={}", bob.id));
    assert_eq!((items(&own).len(), &own.body), (1, &seen.body));
}

#[test]
fn owner_and_filters_and_cursor_go_together() {
    let app = TestApp::new();
    let bob = app.member("bob", Role::Member);
    for name in ["a1", "b1", "a2", "a3"] {
        bob.credential(&app, &json!({ "name": name }));
        app.ada.credential(&app, &json!({ "name": name }));
    }
    let session = app.ada.sign_in(&app);
    let page = |query: &str| list(&app, &session, query);
    assert_eq!(names(&page("?name=b1&state=active")), ["b1 of ada", "b1 of bob"]);
    let of_bob = format!("?owner={}&name=a&limit=2", bob.id);
    let first = page(&of_bob);
    assert_eq!(names(&first), ["a3 of bob", "a2 of bob"]);
    let second = page(&format!("{of_bob}&cursor={}", first.json()["next"].as_str().unwrap()));
    assert_eq!((names(&second), &second.json()["next"]), (vec!["a1 of bob".to_owned()], &Value::Null));
    let eve = app.owner_of("Beta", "eve");
    let nobody = UserId::generate(app.clock.now(), &SystemRandomness::default()).to_string();
    for stranger in [eve.id, nobody] {
        assert_eq!(page(&format!("?owner={stranger}")).json(), json!({ "items": [], "next": null }));
    }
}

#[test]
fn parameters_are_checked() {
    let app = TestApp::new();
    let session = app.ada.sign_in(&app);
    let unknown = "query has an unknown parameter; expected owner, cursor, limit, state, name, kind, unused_since, \
                   expires_before, never_expires, created_by";
    for (query, detail) in [
        ("?owner=sesame", "owner is not an id"),
        ("?organization_id=sesame", unknown),
        ("?limit=201", "limit must be 1 to 200"),
        ("?state=sesame", "state must be active, revoked, expired, stale or disallowed"),
    ] {
        let answer = list(&app, &session, query);
        assert_eq!((answer.status, &answer.json()["detail"]), (422, &json!(detail)), "{query}");
    }
}
