//! Owners: only one of them touches one, and there is always one left.

use std::{sync::Barrier, thread};

use patmint::domain::membership::Role;
use serde_json::json;

use super::{end, list, patch, refused};
use crate::support::TestApp;

#[test]
fn an_admin_neither_touches_one_nor_makes_one() {
    let app = TestApp::new();
    let [olga, cora, bob] = [("olga", Role::Owner), ("cora", Role::Admin), ("bob", Role::Member)]
        .map(|(name, role)| app.member(name, role));
    let session = cora.sign_in(&app);
    refused(&patch(&app, &session, &olga, &json!({ "role": "member" })), 403, "forbidden");
    refused(&patch(&app, &session, &olga, &json!({ "groups": ["a"] })), 403, "forbidden");
    refused(&end(&app, &session, &olga), 403, "forbidden");
    for person in [&bob, &cora] {
        refused(&patch(&app, &session, person, &json!({ "role": "owner" })), 403, "forbidden");
    }
    let owner = app.ada.sign_in(&app);
    assert_eq!(patch(&app, &owner, &bob, &json!({ "role": "owner" })).status, 200);
    assert_eq!(patch(&app, &bob.sign_in(&app), &olga, &json!({ "role": "admin" })).status, 200);
    assert_eq!(end(&app, &session, &olga).status, 204, "she is none any more");
}

#[test]
fn the_last_one_stays() {
    let app = TestApp::new();
    let (cora, session) = (app.member("cora", Role::Admin), app.ada.sign_in(&app));
    let alone = || {
        let before = list(&app, &session, "").json();
        refused(&end(&app, &session, &app.ada), 409, "last_owner");
        refused(&patch(&app, &session, &app.ada, &json!({ "role": "admin" })), 409, "last_owner");
        assert_eq!(list(&app, &session, "").json(), before);
    };
    alone();
    app.owner_of("Evil", "eve");
    assert_eq!(patch(&app, &session, &app.ada, &json!({ "groups": ["a"] })).status, 200, "that she may");
    alone();
    let olga = app.member("olga", Role::Owner);
    app.disable(&olga);
    alone();
    app.enable(&olga);
    assert_eq!(end(&app, &olga.sign_in(&app), &olga).status, 204);
    alone();
    assert_eq!(patch(&app, &session, &cora, &json!({ "role": "owner" })).status, 200);
    assert_eq!(end(&app, &session, &app.ada).status, 204);
    refused(&end(&app, &cora.sign_in(&app), &cora), 409, "last_owner");
}

#[test]
fn of_two_who_leave_at_once_one_stays() {
    for round in 0..5 {
        let app = TestApp::new();
        let olga = app.member("olga", Role::Owner);
        let both = [(&app.ada, app.ada.sign_in(&app)), (&olga, olga.sign_in(&app))];
        let (start, app) = (Barrier::new(2), &app);
        let leave = |index: usize| {
            start.wait();
            end(app, &both[index].1, both[index].0).status
        };
        let leave = &leave;
        let mut statuses = thread::scope(|scope| {
            let threads = [0, 1].map(|index| scope.spawn(move || leave(index)));
            threads.map(|thread| thread.join().unwrap())
        });
        statuses.sort_unstable();
        assert_eq!(statuses, [204, 409], "round {round}");
    }
}
