//! An invitation gives no more than its inviter could give at the moment in which it is accepted.

use std::{sync::Barrier, thread};

use patmint::domain::membership::Role;
use serde_json::json;

use super::{accept, accept_as, create, list, refused, withdraw};
use crate::support::{Person, TestApp};

/// Somebody invites this address; the id and the secret of the invitation.
fn invited_by(app: &TestApp, inviter: &Person, email: &str, role: &str) -> (String, String) {
    let made = create(app, &inviter.sign_in(app), &json!({ "email": email, "role": role })).json();
    let secret = made["link"].as_str().and_then(|link| link.split_once('#')).expect("a link").1.to_owned();
    (made["id"].as_str().unwrap().to_owned(), secret)
}

fn member_path(person: &Person) -> String {
    format!("/api/v1/orgs/acme/members/{}", person.id)
}

fn set_role(app: &TestApp, person: &Person, role: &str) {
    let request = app.request("PATCH", &member_path(person)).bearer(&app.ada.sign_in(app));
    assert_eq!(request.json(&json!({ "role": role })).send().status, 200);
}

fn remove(app: &TestApp, person: &Person) {
    assert_eq!(app.delete(&member_path(person)).bearer(&app.ada.sign_in(app)).send().status, 204);
}

fn switch(app: &TestApp, person: &Person, what: &str) {
    let path = format!("/api/v1/users/{}/{what}", person.id);
    assert_eq!(app.post(&path).bearer(&app.ada.sign_in(app)).send().status, 200);
}

/// How the invitations stand, newest first.
fn states(app: &TestApp) -> Vec<String> {
    let items = list(app, &app.ada.sign_in(app));
    items.as_array().unwrap().iter().map(|item| item["state"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn an_owner_who_was_removed_or_disabled_does_not_come_back_through_another_door() {
    for lock_out in [remove as fn(&TestApp, &Person), |app, person| switch(app, person, "disable")] {
        let app = TestApp::new();
        let (olga, other_self) = (app.member("olga", Role::Owner), app.owner_of("Evil", "other-self"));
        let (_, for_account) = invited_by(&app, &olga, &other_self.email, "owner");
        let (_, for_nobody) = invited_by(&app, &olga, "new@acme.example", "member");
        assert_eq!(states(&app), ["open", "open"]);
        lock_out(&app, &olga);
        assert_eq!(states(&app), ["void", "void"]);
        let session = other_self.sign_in(&app);
        let changed = app.audited(|| {
            refused(&accept_as(&app, &session, &for_account), 404, "not_found");
            refused(&accept(&app, &for_nobody), 404, "not_found");
        });
        assert!(changed.is_empty(), "{changed:?}");
        refused(&app.delete(&member_path(&app.ada)).bearer(&session).send(), 404, "not_found");
    }
}

#[test]
fn what_is_above_a_role_that_sank_is_void_and_what_is_within_it_is_not() {
    let app = TestApp::new();
    let olga = app.member("olga", Role::Owner);
    let [(_, owner), (_, admin), (_, member)] =
        ["owner", "admin", "member"].map(|role| invited_by(&app, &olga, &format!("{role}@acme.example"), role));
    set_role(&app, &olga, "admin");
    assert_eq!(states(&app), ["open", "open", "void"]);
    refused(&accept(&app, &owner), 404, "not_found");
    assert_eq!(accept(&app, &admin).status, 200);
    set_role(&app, &olga, "member");
    assert_eq!(states(&app), ["void", "accepted", "void"]);
    refused(&accept(&app, &member), 404, "not_found");
}

#[test]
fn it_is_the_present_standing_that_counts() {
    let app = TestApp::new();
    let olga = app.member("olga", Role::Owner);
    let (_, again) = invited_by(&app, &olga, "again@acme.example", "owner");
    let (withdrawn, gone) = invited_by(&app, &olga, "gone@acme.example", "owner");
    switch(&app, &olga, "disable");
    assert_eq!(withdraw(&app, &app.ada.sign_in(&app), &withdrawn).status, 204, "so that it never comes back");
    assert_eq!(states(&app), ["withdrawn", "void"]);
    switch(&app, &olga, "enable");
    assert_eq!(states(&app), ["withdrawn", "open"]);
    refused(&accept(&app, &gone), 404, "not_found");
    assert_eq!(accept(&app, &again).status, 200);
    remove(&app, &olga);
    assert_eq!(states(&app), ["withdrawn", "accepted"], "what was accepted before stays");
}

#[test]
fn of_an_acceptance_and_the_inviters_removal_at_once_the_earlier_decides() {
    for round in 0..5 {
        let app = TestApp::new();
        let olga = app.member("olga", Role::Owner);
        let (_, secret) = invited_by(&app, &olga, "new@acme.example", "owner");
        let (session, path, start) = (app.ada.sign_in(&app), member_path(&olga), Barrier::new(2));
        let mut status = 0;
        let records = app.audited(|| {
            thread::scope(|scope| {
                let (app, start) = (&app, &start);
                let accepting = scope.spawn(move || {
                    start.wait();
                    accept(app, &secret).status
                });
                start.wait();
                assert_eq!(app.delete(&path).bearer(&session).send().status, 204);
                status = accepting.join().unwrap();
            });
        });
        let seq = |action: &str| records.iter().find(|record| record.action == action).map(|record| record.seq);
        let is_before = seq("invitation.accept").is_some_and(|accepted| Some(accepted) < seq("member.end"));
        assert_eq!(status, if is_before { 200 } else { 404 }, "round {round}: {records:?}");
    }
}
