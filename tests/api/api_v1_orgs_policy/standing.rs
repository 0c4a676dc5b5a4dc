//! Who may see a policy and who may change it.

use patmint::domain::membership::Role;
use serde_json::{Value, json};

use super::{PATH, patch};
use crate::support::TestApp;

/// The codes of a look and of a change, the latter with whatever version there is.
fn codes(app: &TestApp, bearer: &str) -> [(u16, String); 2] {
    let look = app.get(PATH).bearer(bearer).send();
    let change = patch(app, bearer, "*", &json!({ "access_token_ttl": 60 }));
    [look, change].map(|answer| (answer.status, answer.json()["code"].as_str().unwrap_or_default().to_owned()))
}

fn ttl(app: &TestApp) -> Value {
    app.get(PATH).bearer(&app.ada.sign_in(app)).send().json()["access_token_ttl"].clone()
}

#[test]
fn admins_see_and_change_it() {
    let app = TestApp::new();
    let (bob, cora) = (app.member("bob", Role::Member), app.member("cora", Role::Admin));
    let [look, change] = codes(&app, &bob.sign_in(&app));
    assert_eq!([look, change], [(403, "forbidden".to_owned()), (403, "forbidden".to_owned())]);
    let blind = app.request("PATCH", PATH).bearer(&bob.sign_in(&app)).json(&json!({})).send();
    assert_eq!(blind.status, 403, "whoever may not is not asked for a version");
    assert_eq!(ttl(&app), 300);
    let [look, change] = codes(&app, &cora.sign_in(&app));
    assert_eq!((look.0, change.0), (200, 200));
    assert_eq!(ttl(&app), 60);
}

#[test]
fn to_strangers_it_is_not_there() {
    let app = TestApp::new();
    let eve = app.owner_of("Evil", "eve");
    let session = eve.sign_in(&app);
    let nowhere = app.get("/api/v1/orgs/nowhere/policy").bearer(&session).send();
    assert_eq!((nowhere.status, nowhere.code().as_str()), (404, "not_found"));
    assert_eq!(app.get(PATH).bearer(&session).send().body, nowhere.body);
    for path in [PATH.to_owned(), format!("/api/v1/orgs/{}/policy", app.organization_id)] {
        let request = app.request("PATCH", &path).bearer(&session).header("if-match", "*");
        let answer = request.json(&json!({ "access_token_ttl": 60 })).send();
        assert_eq!((answer.status, answer.body), (404, nowhere.body.clone()), "{path}");
    }
    assert_eq!(ttl(&app), 300);
    assert_eq!(app.get("/api/v1/orgs/evil/policy").bearer(&session).send().status, 200, "she has one of her own");
}

#[test]
fn a_token_neither_sees_nor_changes_it() {
    let app = TestApp::new();
    assert_eq!(app.ada.patch_policy(&app, &json!({ "token_management": true })).status, 200);
    for bearer in [app.pat.text.clone(), app.jwt.text.clone(), app.pat.access(&app)] {
        let forbidden = (403, "forbidden".to_owned());
        assert_eq!(codes(&app, &bearer), [forbidden.clone(), forbidden]);
    }
    assert_eq!(ttl(&app), 300);
}

#[test]
fn roles_are_read_live() {
    let app = TestApp::new();
    let cora = app.member("cora", Role::Admin);
    let session = cora.sign_in(&app);
    assert_eq!(codes(&app, &session)[1].0, 200);
    app.execute(&format!("UPDATE memberships SET role = 'member' WHERE user_id = '{}'", cora.id));
    assert_eq!(codes(&app, &session)[1], (403, "forbidden".to_owned()));
    app.end_membership(&cora);
    assert_eq!(codes(&app, &session).map(|(status, _)| status), [404, 404]);
}

#[test]
fn nobody_is_asked_to_sign_in() {
    let app = TestApp::new();
    for (method, status) in [("GET", 401), ("PATCH", 401), ("PUT", 405), ("DELETE", 405), ("POST", 405)] {
        let answer = app.request(method, PATH).send();
        assert_eq!(answer.status, status, "{method}");
        assert_eq!(answer.header("allow"), (status == 405).then_some("HEAD, GET, PATCH"), "{method}");
    }
}
