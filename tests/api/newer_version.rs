//! Beside a newer version: what that one writes, this one shows as it is stored, and refuses what hangs on it.

use patmint::domain::membership::Role;
use serde_json::{Value, json};

use crate::support::{Answer, Credential, Person, TestApp, seconds};

/// A server on rows that only a newer patmint writes: a word in each column that has words.
struct Newer {
    app: TestApp,
    session: String,
    /// Tokens of Ada's: with a kind, a permission and a scope that are not known.
    odd: [Credential; 3],
    /// A token of Ada's that was revoked for a reason that is not known.
    revoked: Credential,
    auditor: Person,
    robot: Person,
}

fn newer() -> Newer {
    let app = TestApp::new();
    let session = app.ada.sign_in(&app);
    let make = |name: &str, scopes: Value| app.ada.credential(&app, &json!({ "name": name, "scopes": scopes }));
    let scope = json!([{ "entity_type": "project", "entity_id": "1", "operation": "read" }]);
    let odd = [make("kind", Value::Null), make("permission", Value::Null), make("scope", scope)];
    let revoked = make("revoked", Value::Null);
    assert_eq!(app.post("/oauth/revoke").form(&[("token", &revoked.text)]).send().status, 200);
    let (auditor, robot) = (app.member("auditor", Role::Member), app.member("robot", Role::Member));
    let invited = json!({ "email": "eve@acme.example", "role": "member" });
    assert_eq!(app.post("/api/v1/orgs/acme/invitations").bearer(&session).json(&invited).send().status, 201);
    let later = r#"[{"entity_type":"project","entity_id":"1","operation":"read","label":"secret"}]"#;
    for statement in [
        format!("UPDATE credentials SET kind = 'macaroon' WHERE id = '{}'", odd[0].id),
        format!("UPDATE credentials SET permission = 'append' WHERE id = '{}'", odd[1].id),
        format!("UPDATE credentials SET scopes = '{later}' WHERE id = '{}'", odd[2].id),
        format!("UPDATE credentials SET revoked_reason = 'superseded' WHERE id = '{}'", revoked.id),
        format!("UPDATE memberships SET role = 'auditor' WHERE user_id = '{}'", auditor.id),
        format!("UPDATE users SET kind = 'robot', email = 'no address' WHERE id = '{}'", robot.id),
        "UPDATE invitations SET role = 'auditor'".to_owned(),
        "UPDATE audit SET via = 'seance', action = 'token.teleport', detail = 'none' WHERE action = 'credential.revoke'"
            .to_owned(),
        format!(
            "INSERT INTO usage_counts (credential_id, day, outcome, count) \
             VALUES ('{}', '2026-11-21', 'too_loud', 1)",
            odd[0].id
        ),
        format!(
            "INSERT INTO refusals (request_id, credential_id, refused_at, reason) \
             VALUES ('0199aaaa-0000-7000-8000-000000000000', '{}', '2026-11-21 10:00:00', 'too_loud')",
            odd[0].id
        ),
        "INSERT INTO sealed_keys (kid, purpose, algorithm, sealed, created_at, activates_at) \
         SELECT 'hook', 'webhook', 'HS999', sealed, created_at, activates_at FROM sealed_keys WHERE purpose = 'tag'"
            .to_owned(),
        "UPDATE organizations SET policy = replace(policy, '\"opaque\",', '\"opaque\",\"macaroon\",')".to_owned(),
        "UPDATE organizations SET policy = replace(policy, '\"require_expiry\"', '\"require_mfa\":[\"owner\"],\"require_expiry\"')"
            .to_owned(),
    ] {
        app.execute(&statement);
    }
    // Memory has nothing of it yet, and everything is looked for again.
    app.clock.pass(seconds(10));
    // It is believed anew when the follower has looked, and a change is answered after that.
    let again = app.delete(&format!("/api/v1/tokens/{}", revoked.id)).bearer(&session).send();
    assert_eq!(again.status, 204, "{}", again.text());
    Newer { app, session, odd, revoked, auditor, robot }
}

impl Newer {
    fn get(&self, path: &str) -> Answer {
        let answer = self.app.get(path).bearer(&self.session).send();
        assert_eq!(answer.status, 200, "{path}: {}", answer.text());
        answer
    }

    /// The values of a member in a list.
    fn all(&self, path: &str, member: &str) -> Vec<Value> {
        let list = self.get(path).json();
        list["items"].as_array().unwrap().iter().map(|item| item.pointer(member).unwrap().clone()).collect()
    }
}

#[test]
fn every_list_shows_what_it_does_not_know() {
    let newer = newer();
    for tokens in ["/api/v1/tokens", "/api/v1/orgs/acme/tokens"] {
        let kinds = newer.all(tokens, "/kind");
        assert!(kinds.contains(&json!("macaroon")) && kinds.contains(&json!("opaque")), "{kinds:?}");
        assert!(newer.all(tokens, "/permission").contains(&json!("append")));
        assert!(newer.all(tokens, "/revoked_reason").contains(&json!("superseded")));
        let labels: Vec<_> = newer.all(tokens, "/scopes").into_iter().filter(|scopes| !scopes.is_null()).collect();
        assert_eq!(labels[0][0]["label"], "secret");
        assert_eq!(newer.all(&format!("{tokens}?state=disallowed"), "/name"), ["scope", "permission", "kind"]);
        for one in newer.odd.iter().chain([&newer.revoked]) {
            newer.get(&format!("{tokens}/{}", one.id));
            newer.get(&format!("{tokens}/{}/usage", one.id));
        }
    }
    let usage = newer.get(&format!("/api/v1/tokens/{}/usage", newer.odd[0].id)).json();
    assert_eq!(usage["refusals"][0]["reason"], "too_loud");
    assert_eq!(usage["days"][0]["outcomes"]["too_loud"], 1);
    let roles = newer.all("/api/v1/orgs/acme/members", "/role");
    assert!(roles.contains(&json!("auditor")), "{roles:?}");
    assert_eq!(newer.all("/api/v1/orgs/acme/invitations", "/role"), ["auditor"]);
    let users = newer.get("/api/v1/users").json();
    let robot = users["items"].as_array().unwrap().iter().find(|user| user["id"] == newer.robot.id.as_str()).unwrap();
    assert_eq!((&robot["kind"], &robot["email"]), (&json!("robot"), &json!("no address")));
    let trail = newer.get("/api/v1/orgs/acme/audit").json();
    let odd = trail["items"].as_array().unwrap().iter().find(|record| record["action"] == "token.teleport").unwrap();
    assert_eq!((&odd["via"], &odd["detail"]), (&json!("seance"), &Value::Null));
    for path in ["/api/v1/orgs", "/api/v1/audit", "/api/v1/session", "/readyz", "/metrics", "/.well-known/jwks.json"] {
        newer.get(path);
    }
    assert_eq!(newer.get("/statuslists/0").header("content-type"), Some("application/statuslist+jwt"));
    // A server that starts on such rows serves as well.
    let beside = newer.app.beside();
    assert_eq!(newer.app.pat.exchange(&beside).status, 200);
}

#[test]
fn what_is_not_understood_is_refused_and_stays_as_it_is() {
    let newer = newer();
    let Newer { app, session, odd, .. } = &newer;
    assert_eq!(app.pat.exchange(app).status, 200);
    for one in odd {
        assert_eq!(one.exchange(app).status, 401);
        let path = format!("/api/v1/tokens/{}", one.id);
        assert_eq!(app.get("/api/v1/tokens").bearer(&one.text).send().status, 401);
        let edit = app.request("PATCH", &path).bearer(session).json(&json!({ "name": "new" })).send();
        assert_eq!((edit.status, edit.code().as_str()), (409, "not_understood"), "{}", edit.text());
        let rotated = app.post(&format!("{path}/rotate")).bearer(session).json(&json!({})).send();
        assert_eq!((rotated.status, rotated.code().as_str()), (409, "not_understood"), "{}", rotated.text());
    }
    // What is exchanged elsewhere can be revoked here, and is told of.
    let head = newer.get("/revocations").json()["head"].as_i64().unwrap();
    for one in odd {
        assert_eq!(app.delete(&format!("/api/v1/tokens/{}", one.id)).bearer(session).send().status, 204);
    }
    let told = newer.get(&format!("/revocations?after={head}")).json();
    let told: Vec<_> = told["entries"].as_array().unwrap().iter().map(|entry| entry["credential"].clone()).collect();
    assert_eq!(told, odd.each_ref().map(|one| json!(one.id)));
    let shown = newer.get(&format!("/api/v1/tokens/{}", odd[2].id)).json();
    assert_eq!((&shown["state"], &shown["scopes"][0]["label"]), (&json!("revoked"), &json!("secret")));
    let one = json!({ "name": "n", "kind": "macaroon" });
    assert_eq!(
        app.post("/api/v1/tokens").bearer(session).json(&one).send().status,
        422,
        "no request names such a kind"
    );
    let listed = app.get("/api/v1/tokens?kind=macaroon").bearer(session).send();
    assert_eq!(listed.status, 422, "{}", listed.text());
}

#[test]
fn people_that_are_not_understood_may_do_nothing() {
    let newer = newer();
    let Newer { app, session, auditor, robot, .. } = &newer;
    let own = auditor.sign_in(app);
    let told = app.get("/api/v1/session").bearer(&own).send().json();
    assert_eq!(told["memberships"][0]["role"], "auditor", "{told}");
    for path in ["/api/v1/orgs/acme/members", "/api/v1/orgs/acme/policy", "/api/v1/orgs/acme/audit"] {
        assert_eq!(app.get(path).bearer(&own).send().status, 403, "{path}");
    }
    let made = app.post("/api/v1/tokens").bearer(&own).json(&json!({ "name": "one" })).send();
    assert_eq!(made.status, 403, "{}", made.text());
    assert_eq!(app.get("/api/v1/tokens").bearer(&own).send().status, 200);

    // An admin does not reach a role that may be above theirs; an owner does.
    let member = format!("/api/v1/orgs/acme/members/{}", auditor.id);
    let admin = app.member("adam", Role::Admin).sign_in(app);
    let edit = |caller: &str, edit: Value| app.request("PATCH", &member).bearer(caller).json(&edit).send();
    assert_eq!(edit(&admin, json!({ "groups": ["a"] })).status, 403);
    let grouped = edit(session, json!({ "groups": ["a"] }));
    assert_eq!((grouped.status, &grouped.json()["role"]), (200, &json!("auditor")), "the role stays");
    assert_eq!(edit(session, json!({ "role": "auditor" })).status, 422);
    assert_eq!(edit(session, json!({ "role": "member" })).status, 200);

    let body = json!({ "email": robot.email, "password": robot.password });
    app.execute(&format!("UPDATE users SET email = '{}' WHERE id = '{}'", robot.email, robot.id));
    assert_eq!(app.post("/api/v1/session").json(&body).send().status, 401, "it does not sign in here");
    let reset = app.post(&format!("/api/v1/users/{}/reset-password", robot.id)).bearer(session).send();
    assert_eq!((reset.status, reset.code().as_str()), (409, "no_password"), "{}", reset.text());
}

#[test]
fn an_invitation_into_a_role_that_is_not_known_waits_for_the_newer_version() {
    let app = TestApp::new();
    let session = app.ada.sign_in(&app);
    let invited = json!({ "email": "eve@acme.example", "role": "member" });
    let made = app.post("/api/v1/orgs/acme/invitations").bearer(&session).json(&invited).send().json();
    app.execute("UPDATE invitations SET role = 'auditor'");
    let token = made["link"].as_str().unwrap().split_once('#').unwrap().1;
    let eve = json!({ "token": token, "password": "a long enough password" });
    let answer = app.post("/api/v1/invitations/accept").json(&eve).send();
    assert_eq!((answer.status, answer.code().as_str()), (409, "not_understood"), "{}", answer.text());
}

#[test]
fn a_policy_keeps_what_only_the_newer_version_knows() {
    let newer = newer();
    let Newer { app, session, .. } = &newer;
    let path = "/api/v1/orgs/acme/policy";
    let changed = |patch: Value| app.request("PATCH", path).bearer(session).header("if-match", "*").json(&patch).send();
    let before = newer.get(path).json();
    let policy = changed(json!({ "access_token_ttl": 60 })).json();
    assert_eq!((&policy["require_mfa"], &policy["access_token_ttl"]), (&json!(["owner"]), &json!(60)));
    assert_eq!(policy["allowed_kinds"], json!(["opaque", "macaroon", "jwt"]));
    let mut expected = before;
    expected["access_token_ttl"] = json!(60);
    assert_eq!(newer.get(path).json(), expected);
    for refused in [json!({ "require_mfa": [] }), json!({ "allowed_kinds": ["opaque", "macaroon"] })] {
        assert_eq!(changed(refused.clone()).status, 422, "{refused}");
    }
    assert_eq!(app.pat.exchange(app).status, 200);
}

#[test]
fn an_entry_about_something_new_is_about_everybody() {
    let app = TestApp::new();
    let access = app.pat.access(&app);
    assert_eq!(app.get("/api/v1/tokens").bearer(&access).send().status, 200);
    app.change(|connection, seq| {
        use diesel::connection::SimpleConnection as _;
        let statement = format!(
            "INSERT INTO list_entries (seq, credential_id, user_id, revokes, created_at) VALUES \
             ({seq}, '0199aaaa-0000-7000-8000-000000000000', '0199aaaa-0000-7000-8000-000000000001', true, \
             '2026-11-21 10:00:00')"
        );
        let done = connection.batch_execute(&statement);
        done.map_err(|error| patmint::store::StoreError::Query(error.to_string()))
    });
    assert_eq!(app.get("/api/v1/tokens").bearer(&access).send().status, 401);
}
