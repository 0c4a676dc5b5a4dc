//! What opens nothing: wrong, used, withdrawn, too old, into what has ended. All alike.

use serde_json::json;

use super::{accept, create, invite, list, withdraw};
use crate::support::{Answer, TestApp, seconds};

#[test]
fn dead_ones_are_all_alike() {
    let app = TestApp::new();
    let unknown = accept(&app, "sesame");
    assert_eq!((unknown.status, unknown.code().as_str()), (404, "not_found"));
    let dead = |answer: Answer| assert_eq!((answer.status, &answer.body), (404, &unknown.body), "{}", answer.text());
    let session = app.ada.sign_in(&app);

    let (_, used) = invite(&app, "used@acme.example", "member");
    assert_eq!(accept(&app, &used).status, 200);
    dead(accept(&app, &used));
    let (id, withdrawn) = invite(&app, "withdrawn@acme.example", "member");
    assert_eq!(withdraw(&app, &session, &id).status, 204);
    dead(accept(&app, &withdrawn));
    let (_, open) = invite(&app, "open@acme.example", "member");
    let changed = format!("{}{}", &open[..open.len() - 1], if open.ends_with('0') { "1" } else { "0" });
    for wrong in [changed.as_str(), "", "pmi_", &open[4..], &open.replace("pmi_", "pms_"), &session, &app.pat.text] {
        dead(accept(&app, wrong));
    }
    assert_eq!(accept(&app, &format!(" {open}\n")).status, 200, "as it was copied");
}

#[test]
fn one_lives_for_a_day() {
    let app = TestApp::new();
    let [(_, one), (_, other)] = ["one", "other"].map(|name| invite(&app, &format!("{name}@acme.example"), "member"));
    app.clock.advance(seconds(86_399));
    assert_eq!(accept(&app, &one).status, 200);
    app.clock.advance(seconds(1));
    assert_eq!(accept(&app, &other).status, 404);
    let states: Vec<_> =
        list(&app, &app.ada.sign_in(&app)).as_array().unwrap().iter().map(|item| item["state"].clone()).collect();
    assert_eq!(states, ["expired", "accepted"]);
}

#[test]
fn an_organization_that_has_ended_takes_nobody_in() {
    let app = TestApp::new();
    let session = app.ada.sign_in(&app);
    let body = json!({ "email": "bob@acme.example", "role": "member" });
    let link = create(&app, &session, &body).json()["link"].as_str().unwrap().to_owned();
    assert_eq!(app.delete("/api/v1/orgs/acme").bearer(&session).send().status, 204);
    assert_eq!(accept(&app, link.split_once('#').unwrap().1).status, 404);
}
