//! `/api/v1/session`.

mod limits;

use patmint::domain::{clock::Clock as _, membership::Role};
use serde_json::{Value, json};

use crate::support::{Answer, TestApp, days, hours, seconds};

const PATH: &str = "/api/v1/session";

fn sign_in(app: &TestApp, email: &str, password: &str) -> Answer {
    app.post(PATH).json(&json!({ "email": email, "password": password })).send()
}

fn status(app: &TestApp, session: &str) -> u16 {
    app.get(PATH).bearer(session).send().status
}

#[test]
fn signing_in_shows_who_one_is() {
    let app = TestApp::new();
    let answer = sign_in(&app, &app.ada.email, &app.ada.password);
    assert_eq!((answer.status, answer.header("cache-control")), (201, Some("no-store")), "{}", answer.text());
    let mut made = answer.json();
    let token = made.as_object_mut().unwrap().remove("session_token").expect("the secret");
    assert_eq!(made["expires_at"], json!(app.clock.now().plus_seconds(12 * 3600)));
    assert_eq!(
        made["user"],
        json!({ "id": app.ada.id, "number": 1, "email": "ada@acme.example", "name": "", "kind": "person", "operator": true })
    );
    assert_eq!(
        made["memberships"],
        json!([{
            "organization_id": app.organization_id,
            "organization_slug": "acme",
            "organization_name": "Acme",
            "role": "owner",
            "groups": null,
        }])
    );
    let seen = app.get(PATH).bearer(token.as_str().unwrap()).send();
    assert_eq!((seen.status, seen.header("cache-control")), (200, Some("no-store")));
    assert_eq!(seen.json(), made, "the same, without the secret");
}

#[test]
fn the_cookie_is_for_this_site_and_not_for_scripts() {
    let app = TestApp::new();
    let answer = sign_in(&app, &app.ada.email, &app.ada.password);
    let cookie = answer.header("set-cookie").unwrap();
    let mut parts: Vec<&str> = cookie.split("; ").collect();
    let session = parts.remove(0).strip_prefix("patmint_session=").expect("the name");
    assert_eq!(session, answer.json()["session_token"]);
    parts.sort_unstable();
    assert_eq!(parts, ["HttpOnly", "Max-Age=604800", "Path=/", "SameSite=Lax"]);
    let with_cookie = app.get(PATH).header("cookie", &format!("a=b; patmint_session={session}")).send();
    assert_eq!(with_cookie.status, 200);
}

#[test]
fn nothing_beside_it_hides_the_cookie() {
    let app = TestApp::new();
    let session = app.ada.sign_in(&app);
    let own = format!("patmint_session={session}");
    for cookies in [
        [b"a=\xff\xfe; ", own.as_bytes()].concat(),
        [b"\xff; =; ;", own.as_bytes(), b" ; b=\xe9"].concat(),
        [b"patmint_session=sesame; patmint_session=\xff; ", own.as_bytes()].concat(),
    ] {
        assert_eq!(app.get(PATH).header_bytes("cookie", &cookies).send().status, 200, "{}", cookies.escape_ascii());
    }
    for other in [&b"Basic YWRhOnNlc2FtZQ=="[..], b"Negotiate sesame", b"sesame"] {
        let asked = || app.get(PATH).header_bytes("authorization", other);
        assert_eq!(asked().header("cookie", &own).send().status, 200, "{}", other.escape_ascii());
        assert_eq!(asked().send().status, 401, "{}", other.escape_ascii());
        let made = app.post("/api/v1/tokens").header_bytes("authorization", other).header("cookie", &own);
        assert_eq!(made.json(&json!({ "name": "a" })).send().status, 403, "another site's page could send that");
    }
    let beside = app.get(PATH).header("authorization", "Basic YWRhOnNlc2FtZQ==").bearer(&session).send();
    assert_eq!(beside.status, 200, "nor does it hide a token");
    for dead in ["Bearer sesame", "bearer", "Token sesame", &format!("Token {session}")] {
        let answer = app.get(PATH).header("authorization", dead).header("cookie", &own).send();
        assert_eq!(answer.status, 401, "{dead}: what was shown counts");
    }
}

#[test]
fn whoever_may_not_sign_in_learns_nothing() {
    let app = TestApp::new();
    let (bob, cora) = (app.member("bob", Role::Member), app.member("cora", Role::Member));
    assert_eq!(sign_in(&app, "  BOB@Acme.Example ", &bob.password).status, 201, "addresses have one form");
    app.disable(&cora);
    let expected = sign_in(&app, &bob.email, "wrong password of bob");
    assert_eq!((expected.status, expected.code().as_str()), (401, "sign_in_failed"));
    assert_eq!(expected.header("content-type"), Some("application/problem+json"));
    assert!(expected.header("set-cookie").is_none());
    for (email, password) in [
        ("nobody@acme.example", bob.password.as_str()),
        ("no address at all", &bob.password),
        ("", ""),
        (&bob.email, ""),
        (&bob.email, &app.ada.password),
        (&bob.email, &bob.password.to_uppercase()),
        (&cora.email, &cora.password),
    ] {
        let answer = sign_in(&app, email, password);
        assert_eq!((answer.status, answer.body), (401, expected.body.clone()), "{email}");
    }
}

#[test]
fn a_body_that_is_not_right_is_refused() {
    let app = TestApp::new();
    for (body, status, detail) in [
        ("{}", 422, "email is required"),
        (r#"{"email": "ada@acme.example"}"#, 422, "password is required"),
        (r#"{"email": 7, "password": "sesame"}"#, 422, "email has the wrong type"),
        (r#"{"email": "a@b", "password": ["sesame"]}"#, 422, "password has the wrong type"),
        (r#"{"email": "a@b", "password": "sesame", "sesame": 1}"#, 422, "request has an unknown member"),
        (r#"["a@b", "sesame"]"#, 422, "request has the wrong type"),
        ("sesame", 400, "the request body is not JSON"),
    ] {
        let answer = app.post(PATH).text("application/json", body).send();
        let found = answer.json()["detail"].as_str().unwrap_or_default().to_owned();
        assert!(answer.status == status && found.starts_with(detail), "{body}: {} {found}", answer.status);
        assert!(!answer.text().contains("sesame"), "{body}");
    }
    let form = app.post(PATH).form(&[("email", &*app.ada.email), ("password", &*app.ada.password)]).send();
    assert_eq!((form.status, form.code().as_str()), (415, "unsupported_media_type"));
}

#[test]
fn it_ends_after_12_hours_without_a_request() {
    let app = TestApp::new();
    let session = app.ada.sign_in(&app);
    app.clock.advance(seconds(12 * 3600 - 1));
    assert_eq!(status(&app, &session), 200);
    app.clock.advance(seconds(12 * 3600 - 1));
    assert_eq!(status(&app, &session), 200, "it was used meanwhile");
    app.clock.advance(hours(12));
    let answer = app.get(PATH).bearer(&session).send();
    assert_eq!((answer.status, answer.code().as_str()), (401, "unauthenticated"));
}

#[test]
fn it_ends_after_7_days_in_any_case() {
    let app = TestApp::new();
    let begun = app.clock.now();
    let session = app.ada.sign_in(&app);
    for _ in 0..14 {
        app.clock.advance(seconds(12 * 3600 - 1));
        assert_eq!(status(&app, &session), 200);
    }
    let seen = app.get(PATH).bearer(&session).send().json();
    assert_eq!(seen["expires_at"], json!(begun.plus_seconds(7 * 86_400)));
    app.clock.advance(seconds(13));
    assert_eq!(status(&app, &session), 200);
    app.clock.advance(seconds(1));
    assert_eq!(app.clock.now(), begun.plus_seconds(i64::try_from(days(7).as_secs()).unwrap()));
    assert_eq!(status(&app, &session), 401);
}

#[test]
fn signing_out_ends_this_session_only() {
    let app = TestApp::new();
    let [here, there] = [(); 2].map(|()| app.ada.sign_in(&app));
    let answer = app.delete(PATH).bearer(&here).send();
    assert_eq!(answer.status, 204);
    let cookie = answer.header("set-cookie").unwrap();
    assert!(cookie.starts_with("patmint_session=;") && cookie.contains("Max-Age=0"), "{cookie}");
    assert_eq!((status(&app, &here), status(&app, &there)), (401, 200));
    assert_eq!(app.delete(PATH).bearer(&here).send().status, 401);
}

#[test]
fn a_cookie_changes_nothing_for_other_sites() {
    let app = TestApp::new();
    let create = |headers: &[(&str, &str)]| {
        let session = app.ada.sign_in(&app);
        let mut request = app.post("/api/v1/tokens").header("cookie", &format!("patmint_session={session}"));
        for (name, value) in headers {
            request = request.header(name, value);
        }
        let answer = request.json(&json!({ "name": "made with a cookie" })).send();
        (answer.status, answer.code())
    };
    let own = app.issuer();
    for (origin, site) in [(Some(&*own), None), (None, Some("same-origin")), (Some(&*own), Some("same-origin"))] {
        let headers = [("origin", origin), ("sec-fetch-site", site)];
        let headers: Vec<_> = headers.into_iter().filter_map(|(name, value)| Some((name, value?))).collect();
        assert_eq!(create(&headers).0, 201, "{headers:?}");
    }
    let cross_site = (403, "cross_site".to_owned());
    for headers in [
        &[][..],
        &[("origin", "https://evil.example")],
        &[("origin", "null")],
        &[("sec-fetch-site", "cross-site"), ("origin", &own)],
        &[("sec-fetch-site", "same-site")],
        &[("sec-fetch-site", "none")],
        &[("referer", &own)],
    ] {
        assert_eq!(create(headers), cross_site, "{headers:?}");
    }
    let cookie = format!("patmint_session={}", app.ada.sign_in(&app));
    let sign_out = app.delete(PATH).header("cookie", &cookie).send();
    assert_eq!((sign_out.status, sign_out.code()), cross_site);
    let looking = app.get(PATH).header("cookie", &cookie).header("sec-fetch-site", "cross-site").send();
    assert_eq!(looking.status, 200, "a safe method changes nothing");
}

#[test]
fn a_disabled_user_is_nobody() {
    let app = TestApp::new();
    let bob = app.member("bob", Role::Admin);
    let session = bob.sign_in(&app);
    app.disable(&bob);
    assert_eq!(status(&app, &session), 401);
    assert_eq!(app.post("/api/v1/tokens").bearer(&session).json(&json!({ "name": "a" })).send().status, 401);
}

#[test]
fn a_new_password_ends_every_session() {
    let app = TestApp::new();
    let bob = app.member("bob", Role::Member);
    let sessions = [bob.sign_in(&app), bob.sign_in(&app), app.ada.sign_in(&app)];
    let pat = bob.credential(&app, &json!({ "name": "lives on" }));
    let audited = app.audited(|| reset_password(&app, &bob.email, "a new and longer password"));
    assert_eq!(sessions.map(|session| status(&app, &session)), [401, 401, 200]);
    assert_eq!(sign_in(&app, &bob.email, &bob.password).status, 401);
    assert_eq!(sign_in(&app, &bob.email, "a new and longer password").status, 201);
    assert!(pat.is_alive(&app), "a credential is no password");
    let [record] = audited.as_slice() else { panic!("one record, not {audited:?}") };
    assert_eq!((record.action.as_str(), record.subject_id.as_ref()), ("user.reset_password", Some(&bob.id)));
    assert!(record.actor_user_id.is_none(), "the command line");
}

/// What `patmint user reset-password` does beside the running server.
fn reset_password(app: &TestApp, email: &str, password: &str) {
    app.wait_for(app.command().sessions.reset_password(email, password.into())).unwrap();
}

#[test]
fn a_token_tells_who_one_is_and_is_no_session() {
    let app = TestApp::new();
    for token in [app.pat.text.clone(), app.jwt.text.clone(), app.pat.access(&app)] {
        let seen = app.get(PATH).bearer(&token).send();
        assert_eq!((seen.status, &seen.json()["user"]["id"]), (200, &json!(app.ada.id)));
        assert_eq!(seen.json()["expires_at"], Value::Null);
        let end = app.delete(PATH).bearer(&token).send();
        assert_eq!((end.status, end.code().as_str()), (403, "forbidden"));
        let cookie = app.get(PATH).header("cookie", &format!("patmint_session={token}")).send();
        assert_eq!(cookie.status, 401, "only a session comes as a cookie");
    }
}

#[test]
fn nobody_is_told_that_they_are_nobody() {
    let app = TestApp::new();
    let session = app.ada.sign_in(&app);
    let changed = format!("{}{}", &session[..session.len() - 1], if session.ends_with('0') { "1" } else { "0" });
    for value in
        ["Bearer", "Bearer ", "Bearer garbage", "garbage", "Basic YTpi", "Bearer pms_", &format!("Bearer {changed}")]
    {
        let answer = app.get(PATH).header("authorization", value).send();
        assert_eq!((answer.status, answer.code().as_str()), (401, "unauthenticated"), "{value}");
        assert_eq!(answer.header("www-authenticate"), Some("Bearer realm=\"api\""), "{value}");
    }
    assert_eq!(app.get(PATH).send().status, 401);
    assert_eq!(
        app.get(PATH).header("authorization", &format!("bearer {session}")).send().status,
        200,
        "RFC 9110: any case"
    );
    assert_eq!(app.get(PATH).header("authorization", &format!("Token {session}")).send().status, 401);
}

#[test]
fn an_address_is_one_however_it_is_typed_or_stored() {
    let app = TestApp::new();
    let (composed, decomposed) = ("ren\u{e9}e@acme.example", "rene\u{301}e@acme.example");
    let renee = app.member("ren\u{e9}e", Role::Member);
    let operator = app.ada.sign_in(&app);
    // The second as an older server stored it.
    for stored in [composed, decomposed] {
        app.execute(&format!("UPDATE users SET email = '{stored}' WHERE email LIKE 'ren%'"));
        for typed in [composed, decomposed, "REN\u{c9}E@Acme.example", "RENE\u{301}E@Acme.Example"] {
            let answer = sign_in(&app, typed, &renee.password);
            assert_eq!(answer.status, 201, "{typed:?} where {stored:?} is stored");
            assert_eq!(answer.json()["user"]["email"], composed);
            let query = serde_urlencoded::to_string([("email", typed)]).unwrap();
            let found = app.get(&format!("/api/v1/users?{query}")).bearer(&operator).send().json();
            assert_eq!(found["items"][0]["id"], json!(renee.id), "{typed:?} where {stored:?} is stored");
            let invitation = json!({ "email": typed, "role": "member" });
            let invited = app.post("/api/v1/orgs/acme/invitations").bearer(&operator).json(&invitation).send();
            assert_eq!((invited.status, invited.code().as_str()), (409, "already_member"), "no twin: {typed:?}");
        }
    }
    let twin = app.member("bob", Role::Member);
    app.execute(&format!("UPDATE users SET email = '{composed}' WHERE email LIKE 'bob%'"));
    for (typed, password, status) in [
        (composed, &twin.password, 201),
        (decomposed, &renee.password, 201),
        (composed, &renee.password, 401),
        (decomposed, &twin.password, 401),
    ] {
        assert_eq!(
            sign_in(&app, typed, password).status,
            status,
            "twins of an older server stay two people: {typed:?}"
        );
    }
}

#[test]
fn a_password_is_one_however_it_is_typed() {
    let app = TestApp::new();
    let bob = app.member("bob", Role::Member);
    let (composed, decomposed) = ("Sch\u{f6}nbr\u{fc}nn\u{a0}im Regen", "Scho\u{308}nbru\u{308}nn im Regen");
    let mut current = bob.password.clone();
    for new in [composed, decomposed] {
        let session = sign_in(&app, &bob.email, &current).json()["session_token"].as_str().unwrap().to_owned();
        let change = json!({ "current_password": current, "new_password": new });
        assert_eq!(app.post("/api/v1/session/password").bearer(&session).json(&change).send().status, 204);
        for typed in [composed, decomposed] {
            assert_eq!(sign_in(&app, &bob.email, typed).status, 201, "{typed:?} for {new:?}");
        }
        assert_eq!(sign_in(&app, &bob.email, "Schonbrunn im Regen").status, 401);
        composed.clone_into(&mut current);
    }
}
