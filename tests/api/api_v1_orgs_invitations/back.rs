//! Whoever was a member before comes back to what they had.

use patmint::domain::{list::Target, membership::Role};
use serde_json::json;

use super::{accept_as, create};
use crate::support::{TestApp, claims};

#[test]
fn the_same_membership_goes_on_with_what_the_invitation_says() {
    let app = TestApp::new();
    let other = app.beside();
    let bob = app.member("bob", Role::Admin);
    let pat = bob.credential(&app, &json!({ "name": "laptop" }));
    let (session, of_bob) = (app.ada.sign_in(&app), bob.sign_in(&app));
    let member = format!("/api/v1/orgs/acme/members/{}", bob.id);
    let groups = json!({ "groups": ["old"] });
    assert_eq!(app.request("PATCH", &member).bearer(&session).json(&groups).send().status, 200);
    let old = pat.access(&app);
    assert_eq!(app.delete(&member).bearer(&session).send().status, 204);
    assert_eq!([pat.is_alive(&app), pat.is_alive(&other)], [false, false], "and memory has them as of no member");

    let body = json!({ "email": bob.email, "role": "member", "groups": ["new"] });
    let link = create(&app, &session, &body).json()["link"].as_str().unwrap().to_owned();
    let secret = link.split_once('#').unwrap().1;
    let listed = app.listed(|| assert_eq!(accept_as(&app, &of_bob, secret).status, 200));
    let target = Target::Member(app.organization_id.parse().unwrap(), bob.id.parse().unwrap());
    assert_eq!(listed, [(target, false)]);
    for server in [&app, &other] {
        assert_eq!(claims(&pat.access(server))["groups"], json!(["new"]), "as soon as it is answered");
    }
    let seen = app.get("/api/v1/session").bearer(&of_bob).send().json();
    assert_eq!(seen["memberships"].as_array().unwrap().len(), 1);
    assert_eq!(seen["memberships"][0]["role"], "member", "as what he was invited");
    assert_eq!(app.get("/api/v1/session").bearer(&old).send().status, 401, "access tokens do not come back");
}
