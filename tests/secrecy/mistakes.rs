//! What people send by mistake, and where to.

use serde_json::json;

use crate::{support::TestApp, watch::Book};

/// Each of these could be somebody's secret elsewhere.
pub const TRIED: [&str; 6] = [
    "tried-password-7f3e9a",
    "tried-password-of-nobody-5b",
    "presented-garbage-1c8d",
    "patmint_presented0000000000000garbage",
    "presented in a member that nobody knows",
    "eyJhbGciOiJub25lIn0.eyJqdGkiOiJwcmVzZW50ZWQifQ.cHJlc2VudGVkLXNpZ25hdHVyZQ",
];

/// Secrets in the wrong place.
pub fn mistakes(app: &TestApp, book: &mut Book, session: &str) {
    for (email, password) in
        [(app.ada.email.as_str(), TRIED[0]), ("nobody@acme.example", TRIED[1]), (TRIED[0], TRIED[1])]
    {
        let body = json!({ "email": email, "password": password });
        book.answer("sign in wrongly", app.post("/api/v1/session").json(&body).send(), 401, &[]);
    }
    for secret in TRIED.into_iter().chain([app.pat.text.as_str(), app.jwt.text.as_str(), session]) {
        let path = secret.replace(' ', "+");
        book.answer("a secret as path", app.get(&format!("/{path}")).send(), 404, &[]);
        book.answer(
            "a secret as method's path",
            app.request("PUT", &format!("/api/v1/tokens/{path}")).send(),
            405,
            &[],
        );
        book.answer("a secret as id", app.get(&format!("/api/v1/tokens/{path}")).bearer(session).send(), 404, &[]);
        book.answer(
            "a secret as slug",
            app.get(&format!("/api/v1/orgs/{path}/policy")).bearer(session).send(),
            404,
            &[],
        );
        let queries = ["token", "cursor", "organization_id", "state", "kind"].map(|name| format!("{name}={path}"));
        for query in queries.into_iter().chain([format!("{path}=1")]) {
            let answer = app.get(&format!("/api/v1/tokens?{query}")).bearer(session).send();
            book.answer("a secret in the query", answer, 422, &[]);
        }
        let bodies = [
            (422, json!({ "name": "x", "kind": secret })),
            (422, json!({ "name": "x", secret: 1 })),
            (422, json!({ "name": { "name": secret } })),
            (422, json!({ "name": "x", "scopes": [{ "entity_type": secret, "entity_id": "*" }] })),
            (422, json!({ "name": "x", "audiences": [secret] })),
            (422, json!({ "name": "x", "expires_at": secret })),
            (422, json!([secret])),
        ];
        for (status, body) in bodies {
            let answer = app.post("/api/v1/tokens").bearer(session).json(&body).send();
            book.answer("a secret where none belongs", answer, status, &[]);
        }
        for (path, member) in
            [("/api/v1/session", "password"), ("/api/v1/revocations", "token"), ("/api/token/refresh", "refresh")]
        {
            let broken = format!("{{\"{member}\": \"{secret}\" {secret}");
            let answer = app.post(path).text("application/json", &broken).send();
            book.answer("broken JSON", answer, 400, &[]);
            book.answer("another type", app.post(path).text("text/plain", secret).send(), 415, &[]);
        }
        book.answer("broken form", app.post("/oauth/revoke").text("application/json", secret).send(), 400, &[]);
    }
    for scheme in ["Bearer", "Token", "Basic", "Digest"] {
        for secret in TRIED {
            let header = format!("{scheme} {secret}");
            let answer = app.get("/api/v1/session").header("authorization", &header).send();
            book.answer("garbage as authorization", answer, 401, &[]);
            let cookie = format!("patmint_session={}", secret.replace(' ', ""));
            book.answer("garbage as cookie", app.get("/api/v1/session").header("cookie", &cookie).send(), 401, &[]);
        }
    }
}
