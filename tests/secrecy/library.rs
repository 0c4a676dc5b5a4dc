use std::{sync::Arc, time::Duration};

use diesel::RunQueryDsl as _;
use patmint::{
    domain::{jws::SigningAlgorithm, random::SystemRandomness, retention::Retention},
    service::{Environment, Services, Settings},
    store::{Database, DatabaseSettings},
};
use serde_json::{Value, json};
use tokio::runtime::{self, Runtime};

use crate::{
    debug,
    mistakes::{TRIED, mistakes},
    support::{Credential, TestApp, hours, minutes},
    watch::{self, Book},
};

const EXCHANGE: [&str; 4] = ["/api/token/refresh", "/api/token/refresh/", "/token/refresh", "/token/refresh/"];

#[test]
fn a_run_through_everything_leaves_no_secret() {
    watch::keep_log();
    let mut app = TestApp::new();
    let folder = app.database().folder().to_owned();
    let mut book = Book::default();
    book.secret("Ada's password", &app.ada.password);
    book.token("first PAT", &app.pat.text);
    book.token("first JWT", &app.jwt.text);
    book.root_key(&folder.join("keys"));
    for tried in TRIED {
        book.secret(tried, tried);
    }
    if let Some(password) = database_password(&app.database().url()) {
        book.secret("the database's password", password);
    }
    let session = sign_in(&app, &mut book, "session", &app.ada.password);
    let made = credentials(&app, &mut book, &session);
    invitations(&app, &mut book, &session);
    let access = exchanges(&app, &mut book, &made);
    callers(&app, &mut book, &session, &access, &made);
    mistakes(&app, &mut book, &session);
    documents(&app, &mut book);
    endings(&app, &mut book, &session, &access, &made);
    commands(&app, &mut book);
    defects(&app, &mut book);
    book.database(&app);
    app.stop();
    book.database(&app);

    let log = String::from_utf8(watch::log()).unwrap();
    for line in ["TRACE", "actix_server", "request failed"] {
        assert!(log.contains(line), "the log is not kept: it has no {line}");
    }
    assert_eq!(book.leaks(), Vec::<String>::new());
    let (secrets, places) = book.count();
    assert!(secrets > 40 && places > 70, "{secrets} secrets, {places} places: something was left out");
    println!("{secrets} secrets, {places} places, {} bytes of log", log.len());
    planted(&app, book);
}

/// The search finds what is there.
fn planted(app: &TestApp, mut book: Book) {
    book.secret("planted in the log", "planted-7d1f-log");
    book.secret("planted in a file", "planted-7d1f-file");
    book.secret("planted in an answer", "planted-7d1f-answer");
    tracing::trace!(token = "planted-7d1f-log", "a line");
    std::fs::write(app.database().folder().join("keys/planted"), "cGxhbnRlZC03ZDFmLWZpbGU=").unwrap();
    book.files(app.database().folder());
    book.place("an answer", "?next=planted%2D7d1f%2Danswer", &["planted in the log"]);
    let leaks = book.leaks();
    assert_eq!(leaks.len(), 3, "{leaks:?}");
    assert!(leaks.iter().any(|leak| leak == "planted in the log (plain) in the log"), "{leaks:?}");
    assert!(leaks.iter().any(|leak| leak.starts_with("planted in a file (base64)")), "{leaks:?}");
    assert!(leaks.iter().any(|leak| leak == "planted in an answer (percent-encoded) in an answer"), "{leaks:?}");
}

fn database_password(url: &str) -> Option<&str> {
    let (user, _) = url.strip_prefix("postgres://")?.split_once('@')?;
    user.split_once(':').map(|(_, password)| password)
}

fn sign_in(app: &TestApp, book: &mut Book, name: &str, password: &str) -> String {
    let body = json!({ "email": app.ada.email, "password": password });
    let answer = app.post("/api/v1/session").json(&body).send();
    let answer = book.answer(&format!("sign in, {name}"), answer, 201, &[name]);
    let token = answer.json()["session_token"].as_str().unwrap().to_owned();
    book.token(name, &token);
    token
}

/// A credential of each kind and more.
fn credentials(app: &TestApp, book: &mut Book, session: &str) -> Vec<Credential> {
    let policy = "/api/v1/orgs/acme/policy";
    let patch = json!({ "allowed_kinds": ["opaque", "jwt", "legacy"], "token_management": true });
    let change = || app.request("PATCH", policy).bearer(session).json(&patch);
    book.answer("policy without If-Match", change().send(), 428, &[]);
    book.answer("policy, changed meanwhile", change().header("if-match", "\"1\"").send(), 412, &[]);
    book.answer("policy", change().header("if-match", "*").send(), 200, &[]);
    book.answer("policy, read", app.get(policy).bearer(session).send(), 200, &[]);
    let scopes = json!([{ "entity_type": "table", "entity_id": "*", "operation": "read" }]);
    let wanted = [
        ("opaque", json!({ "name": "a", "kind": "opaque" })),
        ("jwt", json!({ "name": "b", "kind": "jwt", "expires_in": 86_400 })),
        ("legacy", json!({ "name": "c", "kind": "legacy" })),
        ("restricted", json!({ "name": "d", "scopes": scopes, "permission": "read" })),
        ("leaked", json!({ "name": "e" })),
        ("deleted", json!({ "name": "f", "kind": "jwt" })),
        ("expiring", json!({ "name": "g", "expires_in": 600 })),
    ];
    let make = |(name, body): (&str, Value)| {
        let answer = app.post("/api/v1/tokens").bearer(session).json(&body).send();
        let answer = book.answer(&format!("create {name}"), answer, 201, &[name]).json();
        let text = answer["token"].as_str().unwrap().to_owned();
        book.token(name, &text);
        Credential { id: answer["id"].as_str().unwrap().to_owned(), text }
    };
    wanted.into_iter().map(make).collect()
}

/// Somebody is invited and accepts.
fn invitations(app: &TestApp, book: &mut Book, session: &str) {
    const PASSWORD: &str = "the password of the invited";
    let (path, accept) = ("/api/v1/orgs/acme/invitations", "/api/v1/invitations/accept");
    let invite = || app.post(path).bearer(session).json(&json!({ "email": "bob@acme.example", "role": "member" }));
    let answer = book.answer("invite", invite().send(), 201, &["invitation"]).json();
    let secret = answer["link"].as_str().and_then(|link| link.split_once('#')).expect("a link").1.to_owned();
    book.token("invitation", &secret);
    book.secret("the password of the invited", PASSWORD);
    book.answer("invitations", app.get(path).bearer(session).send(), 200, &[]);
    let send = |password: &str| app.post(accept).json(&json!({ "token": secret, "password": password })).send();
    book.answer("accept, not so", send("too small"), 422, &[]);
    let id = book.answer("accept", send(PASSWORD), 200, &[]).json()["user_id"].as_str().unwrap().to_owned();
    book.answer("accept again", send(PASSWORD), 404, &[]);
    book.answer("invite a member", invite().send(), 409, &[]);
    let reset = app.post(&format!("/api/v1/users/{id}/reset-password")).bearer(session).send();
    let password = book.answer("reset", reset, 200, &["password after the reset"]).json()["password"].clone();
    let password = password.as_str().unwrap();
    book.secret("password after the reset", password);
    book.secret("password of their own", "a password of their own");
    let body = json!({ "email": "bob@acme.example", "password": password });
    let answer = app.post("/api/v1/session").json(&body).send();
    let bob = book.answer("sign in with it", answer, 201, &["session of the invited"]).json()["session_token"].clone();
    book.token("session of the invited", bob.as_str().unwrap());
    let change = |current: &str| {
        let body = json!({ "current_password": current, "new_password": "a password of their own" });
        app.post("/api/v1/session/password").bearer(bob.as_str().unwrap()).json(&body).send()
    };
    book.answer("change the password, not so", change(PASSWORD), 422, &[]);
    book.answer("change the password", change(password), 204, &[]);
}

/// Exchanges everything in every way; the access tokens.
fn exchanges(app: &TestApp, book: &mut Book, made: &[Credential]) -> Vec<String> {
    let mut all = Vec::new();
    let first = [app.pat.clone(), app.jwt.clone()];
    for (number, credential) in first.iter().chain(made).enumerate() {
        let path = EXCHANGE[number % EXCHANGE.len()];
        let forms = [
            app.post(path).json(&json!({ "refresh": credential.text })),
            app.post(path).form(&[("refresh", &credential.text)]),
        ];
        for (form, request) in forms.into_iter().enumerate() {
            let name = format!("access {number}.{form}");
            let answer = book.answer(&format!("exchange {name}"), request.send(), 200, &[&name]);
            let access = answer.json()["access"].as_str().unwrap().to_owned();
            book.token(&name, &access);
            all.push(access);
        }
        for (member, value) in
            [("scope", TRIED[2]), ("audience", TRIED[3]), ("refresh", TRIED[4]), ("refresh", TRIED[5])]
        {
            let mut body = json!({ "refresh": credential.text });
            body[member] = value.into();
            let status = if member == "refresh" { 401 } else { 400 };
            book.answer(&format!("exchange with a wrong {member}"), app.post(path).json(&body).send(), status, &[]);
        }
    }
    all
}

/// Everybody who may call, in every way of saying who they are.
fn callers(app: &TestApp, book: &mut Book, session: &str, access: &[String], made: &[Credential]) {
    let texts = made.iter().map(|credential| credential.text.as_str());
    let bearers = [session, app.pat.text.as_str(), app.jwt.text.as_str(), access[0].as_str()];
    for bearer in bearers.into_iter().chain(texts) {
        for path in ["/api/v1/session", "/api/v1/tokens", "/api/current-user/whoami"] {
            // The list is beyond the one that is restricted by scopes.
            let status = if bearer == made[3].text && path == "/api/v1/tokens" { 403 } else { 200 };
            book.answer(&format!("GET {path}"), app.get(path).bearer(bearer).send(), status, &[]);
        }
    }
    let cookie = format!("patmint_session={session}");
    let own = |method, path| app.request(method, path).header("cookie", &cookie);
    book.answer("GET with a cookie", own("GET", "/api/v1/session").send(), 200, &[]);
    let elsewhere = own("POST", "/api/v1/tokens").header("origin", "http://evil.example");
    book.answer("POST from elsewhere", elsewhere.json(&json!({ "name": "x" })).send(), 403, &[]);
    let legacy = format!("Token {}", made[2].text);
    book.answer("legacy", app.get("/api/current-user/whoami").header("authorization", &legacy).send(), 200, &[]);
    let one = format!("/api/v1/tokens/{}", made[0].id);
    book.answer("GET one", app.get(&one).bearer(&app.pat.text).send(), 200, &[]);
    let by_token = app.post("/api/v1/tokens").bearer(&app.pat.text).json(&json!({ "name": "by token" })).send();
    let text = by_token.json()["token"].as_str().unwrap().to_owned();
    book.token("made by a token", &text);
    let rotate = format!("/api/v1/tokens/{}/rotate", by_token.json()["id"].as_str().unwrap());
    book.answer("create by a token", by_token, 201, &["made by a token"]);
    let rotated = app.post(&rotate).bearer(session).json(&json!({ "overlap": 60 })).send();
    let text = rotated.json()["token"].as_str().unwrap().to_owned();
    book.token("rotated", &text);
    book.answer("rotate", rotated, 201, &["rotated"]);
    book.answer("rotate again", app.post(&rotate).bearer(session).json(&json!({})).send(), 409, &[]);
    let more = app.post("/api/v1/tokens").bearer(&made[3].text).json(&json!({ "name": "x" })).send();
    book.answer("create beyond one's rights", more, 403, &[]);
    let policy = app.request("PATCH", "/api/v1/orgs/acme/policy").bearer(&app.pat.text).json(&json!({})).send();
    book.answer("policy by a token", policy, 403, &[]);
}

fn documents(app: &TestApp, book: &mut Book) {
    for path in [
        "/",
        "/.well-known/jwks.json",
        "/.well-known/oauth-authorization-server",
        "/statuslists/0",
        "/livez",
        "/readyz",
    ] {
        book.answer(path, app.get(path).send(), 200, &[]);
    }
}

/// Revokes in every way, and shows what is dead once more.
fn endings(app: &TestApp, book: &mut Book, session: &str, access: &[String], made: &[Credential]) {
    let revoke = |token: &str| app.post("/oauth/revoke").form(&[("token", token)]).send();
    book.answer("revoke", revoke(&made[0].text), 200, &[]);
    book.answer("revoke an access token", revoke(&access[0]), 400, &[]);
    book.answer("revoke garbage", revoke(TRIED[3]), 200, &[]);
    let hand_in = |token: &str| app.post("/api/v1/revocations").json(&json!({ "token": token })).send();
    book.answer("hand in", hand_in(&made[4].text), 202, &[]);
    book.answer("hand in garbage", hand_in(TRIED[2]), 202, &[]);
    let one = format!("/api/v1/tokens/{}", made[5].id);
    let edit = |body: Value| app.request("PATCH", &one).bearer(session).json(&body).send();
    book.answer("PATCH one", edit(json!({ "name": "h", "permission": "read", "expires_in": 600 })), 200, &[]);
    book.answer("PATCH one, not so", edit(json!({ "expires_at": null })), 422, &[]);
    book.answer("DELETE one", app.delete(&one).bearer(session).send(), 204, &[]);
    book.answer("PATCH one that is revoked", edit(json!({ "name": "i" })), 409, &[]);
    app.clock.advance(minutes(11));
    for number in [0, 4, 5, 6] {
        book.answer("exchange what is dead", made[number].exchange(app), 401, &[]);
        book.answer("call with what is dead", app.get("/api/v1/session").bearer(&made[number].text).send(), 401, &[]);
    }
    book.answer("call with an expired access token", app.get("/api/v1/session").bearer(&access[0]).send(), 401, &[]);
    book.answer("GET all", app.get("/api/v1/tokens").bearer(session).send(), 200, &[]);
    book.answer("sign out", app.delete("/api/v1/session").bearer(session).send(), 204, &[]);
    book.answer("call after signing out", app.get("/api/v1/session").bearer(session).send(), 401, &[]);
    let idle = sign_in(app, book, "idle session", &app.ada.password);
    app.clock.advance(hours(13));
    book.answer("call with an idle session", app.get("/api/v1/session").bearer(&idle).send(), 401, &[]);
}

/// What the command line does, by the same services.
fn commands(app: &TestApp, book: &mut Book) {
    let runtime = runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let random = Arc::new(SystemRandomness::default());
    let keys = app.database().folder().join("keys");
    let settings = Settings {
        issuer: app.issuer(),
        token_prefix: "patmint_".to_owned(),
        max_staleness: Duration::from_secs(1),
        cache_capacity: 10,
        key_lead: 900,
        key_rotation: 0,
        signing_algorithm: SigningAlgorithm::default(),
        retention: Retention::default(),
    };
    let services = |runtime: &Runtime, db: Database| {
        db.migrate().expect("migrations");
        let outside = Environment { clock: app.clock.clone(), random: random.clone(), db };
        runtime.block_on(Services::for_command(settings.clone(), &keys, outside)).expect("services")
    };
    let own = services(&runtime, app.db.clone());
    book.secret("a password too late", "bootstrap: a password too late");
    let late = own.bootstrap.run("Late", "late@acme.example", Some("bootstrap: a password too late".into()));
    let refused = runtime.block_on(late).unwrap_err();
    book.place("bootstrap refused", format!("{refused} {refused:?}"), &[]);
    book.secret("a password too short", "too-short");
    let refused = runtime.block_on(own.sessions.reset_password(&app.ada.email, "too-short".into())).unwrap_err();
    book.place("reset refused", format!("{refused} {refused:?}"), &[]);
    book.secret("the new password", "the new password of Ada");
    let user = runtime.block_on(own.sessions.reset_password(&app.ada.email, "the new password of Ada".into())).unwrap();
    book.place("reset", format!("{user:?}"), &[]);
    sign_in(app, book, "session after the reset", "the new password of Ada");

    let url = format!("sqlite://{}/other.db", app.database().folder().display());
    let other = Database::new(&DatabaseSettings { url: url.parse().unwrap(), connections: 2 });
    debug::show_everything(&services(&runtime, other), &runtime, book);
}

/// The database refuses: what is logged then is the database's own words.
fn defects(app: &TestApp, book: &mut Book) {
    let rename = |from: &'static str, to: &'static str| {
        app.read(move |c| {
            Ok(diesel::sql_query(format!("ALTER TABLE {from} RENAME TO {to}")).execute(c).map(|_| ())?)
        });
    };
    let session = sign_in(app, book, "session in a defect", "the new password of Ada");
    let fresh = app.post("/api/v1/tokens").bearer(&session).json(&json!({ "name": "fresh" })).send();
    let text = fresh.json()["token"].as_str().unwrap().to_owned();
    book.token("fresh", &text);
    book.answer("create fresh", fresh, 201, &["fresh"]);
    for (table, gone) in [("sessions", "sessions_gone"), ("credentials", "credentials_gone"), ("users", "users_gone")] {
        rename(table, gone);
        let body = json!({ "email": app.ada.email, "password": "the new password of Ada" });
        let answers = [
            app.get("/api/v1/tokens").bearer(&session).send(),
            app.post("/api/v1/session").json(&body).send(),
            app.post(EXCHANGE[0]).json(&json!({ "refresh": text })).send(),
            app.post("/oauth/revoke").form(&[("token", &text)]).send(),
        ];
        let failed = answers.iter().filter(|answer| answer.status >= 500).count();
        assert!(failed > 0, "without {table} something fails");
        rename(gone, table);
        for answer in answers {
            let (status, token) = (answer.status, answer.text());
            for (name, member) in [("session in a defect too", "session_token"), ("access in a defect", "access")] {
                if let Some(token) =
                    serde_json::from_str::<Value>(&token).ok().and_then(|all| all[member].as_str().map(str::to_owned))
                {
                    book.token(&format!("{name}, {table}"), &token);
                }
            }
            book.answer(
                "a request without a table",
                answer,
                status,
                &["session in a defect too", "access in a defect"],
            );
        }
    }
}
