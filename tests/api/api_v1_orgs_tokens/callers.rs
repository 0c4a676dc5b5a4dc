//! Who may see an organization's tokens and end them.

use patmint::domain::membership::Role;
use serde_json::json;

use super::{PATH, delete, get, list};
use crate::support::{Credential, Person, TestApp};

/// Bob of Acme and a token of his.
fn app_with_bob() -> (TestApp, Person, Credential) {
    let app = TestApp::new();
    let bob = app.member("bob", Role::Member);
    let own = bob.credential(&app, &json!({ "name": "of bob" }));
    (app, bob, own)
}

/// The codes of a list, a look and a revocation.
fn codes(app: &TestApp, bearer: &str, id: &str) -> [(u16, String); 3] {
    let answers = [list(app, bearer, ""), get(app, bearer, id), delete(app, bearer, id)];
    answers.map(|answer| (answer.status, if answer.status < 300 { String::new() } else { answer.code() }))
}

#[test]
fn admins_and_owners_do() {
    let (app, bob, _) = app_with_bob();
    for admin in [app.ada.clone(), app.member("cora", Role::Admin)] {
        let own = bob.credential(&app, &json!({ "name": "laptop" }));
        assert!(own.is_alive(&app));
        let done = codes(&app, &admin.sign_in(&app), &own.id).map(|(status, _)| status);
        assert_eq!((done, own.is_alive(&app)), ([200, 200, 204], false));
    }
}

#[test]
fn a_member_does_not_even_with_their_own() {
    let (app, bob, own) = app_with_bob();
    let refused = (403, "forbidden".to_owned());
    assert_eq!(codes(&app, &bob.sign_in(&app), &own.id), [refused.clone(), refused.clone(), refused]);
    assert!(own.is_alive(&app));
}

#[test]
fn a_token_does_not() {
    let (app, _, own) = app_with_bob();
    assert_eq!(app.ada.patch_policy(&app, &json!({ "token_management": true })).status, 200);
    let refused = (403, "forbidden".to_owned());
    for bearer in [app.pat.text.clone(), app.jwt.text.clone(), app.pat.access(&app)] {
        assert_eq!(codes(&app, &bearer, &own.id), [refused.clone(), refused.clone(), refused.clone()]);
    }
    assert!(own.is_alive(&app));
}

#[test]
fn to_strangers_the_organization_is_not_there() {
    let (app, _, own) = app_with_bob();
    let eve = app.owner_of("Evil", "eve").sign_in(&app);
    let expected = app.get("/api/v1/orgs/nowhere/tokens").bearer(&eve).send();
    assert_eq!((expected.status, expected.code().as_str()), (404, "not_found"));
    for path in [PATH.to_owned(), format!("/api/v1/orgs/{}/tokens", app.organization_id)] {
        let one = format!("{path}/{}", own.id);
        for answer in [
            app.get(&path).bearer(&eve).send(),
            app.get(&one).bearer(&eve).send(),
            app.delete(&one).bearer(&eve).send(),
        ] {
            assert_eq!((answer.status, &answer.body), (404, &expected.body), "{path}");
        }
    }
    assert!(own.is_alive(&app));
}

#[test]
fn nobody_is_asked_to_sign_in() {
    let (app, _, own) = app_with_bob();
    let one = format!("{PATH}/{}", own.id);
    for answer in [app.get(PATH).send(), app.get(&one).send(), app.delete(&one).send()] {
        assert_eq!((answer.status, answer.code().as_str()), (401, "unauthenticated"));
    }
    assert!(own.is_alive(&app));
}

#[test]
fn who_is_admin_is_read_live() {
    let (app, _, own) = app_with_bob();
    let cora = app.member("cora", Role::Admin);
    let session = cora.sign_in(&app);
    assert_eq!(get(&app, &session, &own.id).status, 200);
    app.execute(&format!("UPDATE memberships SET role = 'member' WHERE user_id = '{}'", cora.id));
    assert_eq!(codes(&app, &session, &own.id).map(|(status, _)| status), [403, 403, 403]);
    app.end_membership(&cora);
    assert_eq!(codes(&app, &session, &own.id).map(|(status, _)| status), [404, 404, 404]);
    assert!(own.is_alive(&app));
}
