//! Each route that changes something writes it down. One that is not named here is a failed test.

use std::collections::BTreeSet;

use serde_json::json;

use super::{
    cast::{Call, Caller, Cast, at},
    table::{self, Row},
};

type Route = (&'static str, &'static str);

/// What each writes into the audit trail, perhaps beside other things.
const ACTIONS: [(Route, &str); 29] = [
    (("POST", "/oauth/revoke"), "credential.revoke"),
    (("POST", "/api/v1/revocations"), "credential.revoke"),
    (("POST", "/api/v1/session"), "session.create"),
    (("DELETE", "/api/v1/session"), "session.delete"),
    (("POST", "/api/v1/session/password"), "user.change_password"),
    (("DELETE", "/api/v1/sessions"), "user.sign_out"),
    (("POST", "/api/v1/users/{id}/disable"), "user.disable"),
    (("POST", "/api/v1/users/{id}/enable"), "user.enable"),
    (("POST", "/api/v1/users/{id}/reset-password"), "user.reset_password"),
    (("POST", "/api/v1/users/{id}/sign-out"), "user.sign_out"),
    (("POST", "/api/v1/tokens"), "credential.create"),
    (("PATCH", "/api/v1/tokens/{id}"), "credential.edit"),
    (("DELETE", "/api/v1/tokens/{id}"), "credential.revoke"),
    (("POST", "/api/v1/tokens/{id}/rotate"), "credential.rotate"),
    (("POST", "/api/v1/orgs/{org}/tokens"), "credential.create"),
    (("DELETE", "/api/v1/orgs/{org}/tokens/{id}"), "credential.revoke"),
    (("POST", "/api/v1/orgs/{org}/revocations"), "credential.revoke_many"),
    (("PATCH", "/api/v1/orgs/{org}/policy"), "policy.update"),
    (("PATCH", "/api/v1/orgs/{org}/members/{user}"), "member.edit"),
    (("DELETE", "/api/v1/orgs/{org}/members/{user}"), "member.end"),
    (("POST", "/api/v1/orgs/{org}/invitations"), "invitation.create"),
    (("DELETE", "/api/v1/orgs/{org}/invitations/{id}"), "invitation.withdraw"),
    (("POST", "/api/v1/invitations/accept"), "invitation.accept"),
    (("POST", "/api/v1/orgs/{org}/service-accounts"), "service_account.create"),
    (("PATCH", "/api/v1/orgs/{org}/service-accounts/{id}"), "service_account.rename"),
    (("DELETE", "/api/v1/orgs/{org}/service-accounts/{id}"), "member.end"),
    (("POST", "/api/v1/orgs"), "organization.create"),
    (("PATCH", "/api/v1/orgs/{org}"), "organization.rename"),
    (("DELETE", "/api/v1/orgs/{org}"), "organization.end"),
];

/// These change nothing.
const EXCHANGES: [Route; 4] = [
    ("POST", "/api/token/refresh"),
    ("POST", "/api/token/refresh/"),
    ("POST", "/token/refresh"),
    ("POST", "/token/refresh/"),
];

fn changing() -> impl Iterator<Item = Route> {
    patmint::http::all_routes().into_iter().filter(|(method, _)| !["GET", "OPTIONS"].contains(method))
}

#[test]
fn each_changing_route_is_here() {
    let here: BTreeSet<_> = ACTIONS.iter().map(|(route, _)| *route).chain(EXCHANGES).collect();
    assert_eq!(here, changing().collect(), "here, and in the server");
}

/// A request that changes something: where the table of rights has one that need not.
fn request(row: &Row, cast: &Cast, caller: &Caller) -> Call {
    match row.path {
        "/oauth/revoke" => at(row.path).form("token", &cast.leaked()),
        "/api/v1/revocations" => at(row.path).json(json!({ "token": cast.leaked() })),
        "/api/v1/orgs/{org}/revocations" => {
            at("/api/v1/orgs/acme/revocations").json(json!({ "ids": [cast.token_of(caller)] }))
        }
        "/api/v1/users/{id}/enable" => {
            let enable = (row.request)(cast, caller);
            let disable = at(enable.path.replace("enable", "disable"));
            assert_eq!(cast.send("POST", disable, caller).status, 200);
            enable
        }
        _ => (row.request)(cast, caller),
    }
}

#[test]
fn each_change_is_written_down_with_its_request() {
    let cast = Cast::new();
    let mut walked = BTreeSet::new();
    for row in table::rows() {
        let route = (row.method, row.path);
        let Some((_, action)) = ACTIONS.iter().find(|(named, _)| *named == route) else { continue };
        let admitted = cast.callers.iter().zip(row.expected).find(|(_, status)| *status < 300);
        let Some((caller, status)) = admitted else { continue };
        let call = request(&row, &cast, caller);
        let mut answer = None;
        let records = cast.app.audited(|| answer = Some(cast.send(row.method, call, caller)));
        let answer = answer.unwrap();
        assert_eq!(answer.status, status, "{route:?}: {}", answer.text());
        assert!(records.iter().any(|record| record.action == *action), "{route:?}: {records:?}");
        for record in records {
            let id = record.request_id.map(|id| id.to_string());
            assert_eq!((id.as_deref(), id.is_some()), (answer.header("x-request-id"), true), "{route:?}");
            assert_eq!((record.address.as_deref(), record.via.is_some()), (Some("127.0.0.1"), true), "{route:?}");
        }
        walked.insert(route);
    }
    assert_eq!(walked, ACTIONS.iter().map(|(route, _)| *route).collect());
}
