//! Accepting: as somebody new, or as the one who has the account.

use std::{sync::Barrier, thread};

use serde_json::{Value, json};

use super::{PASSWORD, accept, accept_as, create, invite, list, refused};
use crate::support::TestApp;

fn sign_in(app: &TestApp, email: &str) -> Value {
    app.post("/api/v1/session").json(&json!({ "email": email, "password": PASSWORD })).send().json()
}

#[test]
fn somebody_new_gets_an_account_with_the_invited_address() {
    let app = TestApp::new();
    let session = app.ada.sign_in(&app);
    let body = json!({ "email": "bob@acme.example", "role": "admin", "groups": ["ops"] });
    let made = create(&app, &session, &body).json();
    let secret = made["link"].as_str().unwrap().split_once('#').unwrap().1.to_owned();
    let mut answer = Value::Null;
    let records = app.audited(|| {
        let body = json!({ "token": secret, "name": " Bob ", "password": PASSWORD });
        let sent = app.post("/api/v1/invitations/accept").json(&body).send();
        assert_eq!((sent.status, sent.header("cache-control")), (200, Some("no-store")), "{}", sent.text());
        answer = sent.json();
    });
    let signed_in = sign_in(&app, "bob@acme.example");
    let expected = json!({
        "user_id": signed_in["user"]["id"],
        "organization_id": app.organization_id,
        "organization_slug": "acme",
        "organization_name": "Acme",
        "role": "admin",
        "groups": ["ops"],
    });
    assert_eq!(answer, expected);
    assert_eq!((&signed_in["user"]["name"], &signed_in["user"]["operator"]), (&json!("Bob"), &json!(false)));
    assert_eq!(signed_in["memberships"][0]["role"], "admin");
    let invited = list(&app, &session)[0].clone();
    assert_eq!((&invited["state"], &invited["accepted_by"]), (&json!("accepted"), &answer["user_id"]));

    let mut actions: Vec<_> = records.iter().map(|record| record.action.as_str()).collect();
    actions.sort_unstable();
    assert_eq!(actions, ["invitation.accept", "user.create"]);
    for record in &records {
        assert_eq!(json!(record.actor_user_id.map(|id| id.to_string())), answer["user_id"]);
        assert!(!format!("{record:?}").contains(&secret[4..]), "{record:?}");
    }
}

#[test]
fn a_password_that_will_not_do_costs_nothing() {
    let app = TestApp::new();
    let (_, secret) = invite(&app, "bob@acme.example", "member");
    for (body, detail) in [
        (json!({ "token": secret }), "password is required"),
        (json!({ "token": secret, "password": "short" }), "password must have 12 to 256 characters"),
        (json!({ "token": secret, "password": "passwordpassword" }), "password is one of the first"),
        (json!({ "token": secret, "password": PASSWORD, "name": "a\nb" }), "name must have"),
        (
            json!({ "token": secret, "password": PASSWORD, "email": "eve@evil.example" }),
            "request has an unknown member",
        ),
        (json!({ "password": PASSWORD }), "token is required"),
    ] {
        let answer = app.post("/api/v1/invitations/accept").json(&body).send();
        refused(&answer, 422, "invalid");
        let found = answer.json()["detail"].as_str().unwrap().to_owned();
        assert!(found.starts_with(detail) && !answer.text().contains(&secret[4..]), "{body}: {found}");
    }
    assert_eq!(accept(&app, &secret).status, 200);
}

#[test]
fn the_owner_of_the_account_must_be_signed_in() {
    let app = TestApp::new();
    let eve = app.owner_of("Evil", "eve");
    let of_eve = eve.credential(&app, &json!({ "name": "of eve" }));
    let (_, secret) = invite(&app, &eve.email, "member");
    let anonymous = accept(&app, &secret);
    refused(&anonymous, 409, "sign_in_required");
    for bearer in [app.ada.sign_in(&app), of_eve.text.clone(), of_eve.access(&app), "garbage".to_owned()] {
        refused(&accept_as(&app, &bearer, &secret), 409, "sign_in_required");
    }
    let session = eve.sign_in(&app);
    let mut listed = Vec::new();
    let records = app.audited(|| {
        listed = app.listed(|| assert_eq!(accept_as(&app, &session, &secret).status, 200));
    });
    assert_eq!(records.iter().map(|record| record.action.as_str()).collect::<Vec<_>>(), ["invitation.accept"]);
    assert!(listed.is_empty(), "she was no member before: {listed:?}");
    let seen = app.get("/api/v1/session").bearer(&session).send().json();
    assert_eq!(seen["memberships"].as_array().unwrap().len(), 2);
    assert!(of_eve.is_alive(&app));
}

#[test]
fn a_member_joins_no_second_time() {
    let app = TestApp::new();
    let eve = app.owner_of("Evil", "eve");
    let [(_, one), (_, other)] = [(); 2].map(|()| invite(&app, &eve.email, "member"));
    let session = eve.sign_in(&app);
    assert_eq!(accept_as(&app, &session, &one).status, 200);
    refused(&accept_as(&app, &session, &other), 409, "already_member");
}

#[test]
fn a_cookie_counts_from_this_site_only() {
    let app = TestApp::new();
    let eve = app.owner_of("Evil", "eve");
    let (_, secret) = invite(&app, &eve.email, "member");
    let cookie = format!("patmint_session={}", eve.sign_in(&app));
    let send = |site: &str| {
        let request = app.post("/api/v1/invitations/accept").header("cookie", &cookie).header("sec-fetch-site", site);
        request.json(&json!({ "token": secret })).send()
    };
    refused(&send("cross-site"), 403, "cross_site");
    assert_eq!(send("same-origin").status, 200);
}

#[test]
fn of_two_who_accept_at_once_one_does() {
    for round in 0..5 {
        let app = TestApp::new();
        let (_, secret) = invite(&app, "bob@acme.example", "member");
        let (start, app, secret) = (Barrier::new(2), &app, &secret);
        let start = &start;
        let mut statuses = thread::scope(|scope| {
            let threads = [0, 1].map(|_| {
                scope.spawn(move || {
                    start.wait();
                    accept(app, secret).status
                })
            });
            threads.map(|thread| thread.join().unwrap())
        });
        statuses.sort_unstable();
        assert_eq!(statuses, [200, 404], "round {round}");
    }
}

#[test]
fn an_invited_owner_is_one() {
    let app = TestApp::new();
    let (_, secret) = invite(&app, "olga@acme.example", "owner");
    assert_eq!(accept(&app, &secret).status, 200);
    let session = sign_in(&app, "olga@acme.example")["session_token"].as_str().unwrap().to_owned();
    let ada = format!("/api/v1/orgs/acme/members/{}", app.ada.id);
    assert_eq!(app.delete(&ada).bearer(&session).send().status, 204);
}
