//! What `patmint user disable` and `enable` do beside the running server.

use patmint::{
    domain::{list::Target, membership::Role},
    service::ManageError,
    store::audit::AuditRecord,
};
use serde_json::json;

use crate::support::{Answer, Person, TestApp};

type Switch = fn(&TestApp, &str) -> Result<bool, ManageError>;

fn disable(app: &TestApp, email: &str) -> Result<bool, ManageError> {
    app.wait_for(app.command().users.disable(email))
}

fn enable(app: &TestApp, email: &str) -> Result<bool, ManageError> {
    app.wait_for(app.command().users.enable(email))
}

fn status(app: &TestApp, bearer: &str) -> u16 {
    app.get("/api/v1/session").bearer(bearer).send().status
}

fn sign_in(app: &TestApp, person: &Person, password: &str) -> Answer {
    app.post("/api/v1/session").json(&json!({ "email": person.email, "password": password })).send()
}

#[test]
fn nothing_of_a_disabled_user_counts() {
    let app = TestApp::new();
    let bob = app.member("bob", Role::Member);
    let (session, of_ada) = (bob.sign_in(&app), app.ada.sign_in(&app));
    let pat = bob.credential(&app, &json!({ "name": "laptop" }));
    let access = pat.access(&app);
    assert!(disable(&app, " BOB@Acme.example").unwrap(), "addresses have one form");
    let refused = pat.exchange(&app);
    assert_eq!((refused.status, refused.json()["code"].as_str()), (401, Some("token_not_valid")), "at once");
    for bearer in [&session, &access, &pat.text] {
        assert_eq!(status(&app, bearer), 401);
    }
    let (right, wrong) = (sign_in(&app, &bob, &bob.password), sign_in(&app, &bob, "wrong password of bob"));
    assert_eq!((right.status, right.body), (401, wrong.body), "looks the same");
    assert_eq!(status(&app, &of_ada), 200, "others are not meant");
    assert!(app.pat.is_alive(&app));
}

#[test]
fn enabling_brings_credentials_back_and_nothing_else() {
    let app = TestApp::new();
    let bob = app.member("bob", Role::Member);
    let session = bob.sign_in(&app);
    let [kept, lost] = ["kept", "lost"].map(|name| bob.credential(&app, &json!({ "name": name })));
    let access = kept.access(&app);
    assert!(disable(&app, &bob.email).unwrap());
    assert_eq!(app.post("/oauth/revoke").form(&[("token", &*lost.text)]).send().status, 200);
    assert!(enable(&app, &bob.email).unwrap());
    assert!(kept.is_alive(&app), "at once");
    assert_eq!(status(&app, &kept.access(&app)), 200);
    assert_eq!((status(&app, &session), status(&app, &access)), (401, 401), "what has ended stays so");
    assert!(!lost.is_alive(&app), "a revocation is never taken back");
    assert_eq!(sign_in(&app, &bob, &bob.password).status, 201);
}

#[test]
fn each_is_written_down_once() {
    let app = TestApp::new();
    let bob = app.member("bob", Role::Member);
    let target = Target::User(bob.id.parse().unwrap());
    let record_of = |records: Vec<AuditRecord>| {
        let [record] = records.as_slice() else { panic!("one record, not {records:?}") };
        assert_eq!(record.subject_id.as_ref(), Some(&bob.id));
        assert!(record.actor_user_id.is_none() && record.organization_id.is_none(), "the command line, everywhere");
        record.action.clone()
    };
    assert!(!enable(&app, &bob.email).unwrap(), "not disabled");
    for (switch, action, revokes) in [(disable as Switch, "user.disable", true), (enable, "user.enable", false)] {
        let mut listed = Vec::new();
        let records = app.audited(|| listed = app.listed(|| assert!(switch(&app, &bob.email).unwrap())));
        assert_eq!((record_of(records), listed), (action.to_owned(), vec![(target, revokes)]));
        let again = app.audited(|| assert!(app.listed(|| assert!(!switch(&app, &bob.email).unwrap())).is_empty()));
        assert!(again.is_empty(), "{again:?}");
    }
    for email in ["nobody@acme.example", "no address at all"] {
        assert!(matches!(disable(&app, email), Err(ManageError::NotFound)));
        assert!(matches!(enable(&app, email), Err(ManageError::NotFound)));
    }
}
