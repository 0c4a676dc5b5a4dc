//! The guarantee of a change among servers that are told of it at once (PostgreSQL's `NOTIFY`), and among such that are not:
//! nothing depends on it.

use serde_json::json;

use crate::support::{Options, TestApp};

fn holds(hints: bool) {
    let app = TestApp::with(Options { hints, ..Options::default() });
    let other = app.beside_with(Options { hints, ..Options::default() });
    let servers = [&app, &other];
    let session = app.ada.sign_in(&app);
    for _ in 0..5 {
        let token = app.ada.credential(&app, &json!({ "name": "short-lived" }));
        assert!(servers.iter().all(|server| token.is_alive(server)), "in both memories");
        let revoke = app.delete(&format!("/api/v1/tokens/{}", token.id)).bearer(&session).send();
        assert_eq!(revoke.status, 204);
        assert!(!servers.iter().any(|server| token.is_alive(server)));
    }
    let access = [&app, &other].map(|server| app.pat.access(server));
    assert_eq!(app.post("/oauth/revoke").form(&[("token", &*app.pat.text)]).send().status, 200);
    for (server, access) in servers.iter().zip(&access) {
        let status = server.get("/api/v1/session").bearer(access).send().status;
        assert_eq!(status, 401);
    }
}

#[test]
fn a_change_holds_on_every_server_with_hints() {
    holds(true);
}

#[test]
fn a_change_holds_on_every_server_without_hints() {
    holds(false);
}
