//! `/statuslists/{n}` (Token Status List).

use std::io::Read as _;

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use flate2::read::ZlibDecoder;
use jsonwebtoken::{Algorithm, DecodingKey, Validation, decode, jwk::JwkSet};
use patmint::domain::{clock::Clock as _, membership::Role};
use serde_json::{Value, json};

use crate::support::{Credential, TestApp, claims, days, header, seconds};

const VALID: u8 = 0;
const INVALID: u8 = 1;
const SUSPENDED: u8 = 2;

/// The list that a service fetches for an access token of `credential`, and the place in it.
struct Place {
    path: String,
    index: usize,
}

impl Place {
    fn of(app: &TestApp, credential: &Credential) -> Self {
        let claims = claims(&credential.access(app));
        let reference = &claims["status"]["status_list"];
        let path = reference["uri"].as_str().unwrap().strip_prefix(&app.issuer()).expect("our own").to_owned();
        Self { path, index: usize::try_from(reference["idx"].as_i64().unwrap()).unwrap() }
    }

    fn status(&self, app: &TestApp) -> u8 {
        (list(app, &self.path)[self.index / 4] >> (self.index % 4 * 2)) & 3
    }
}

/// The bytes of a list.
fn list(app: &TestApp, path: &str) -> Vec<u8> {
    let list = claims(&app.get(path).send().text());
    assert_eq!(list["status_list"]["bits"], 2);
    let bytes = URL_SAFE_NO_PAD.decode(list["status_list"]["lst"].as_str().unwrap()).unwrap();
    let mut list = Vec::new();
    ZlibDecoder::new(bytes.as_slice()).read_to_end(&mut list).unwrap();
    list
}

/// A list that is made now is made anew.
fn later(app: &TestApp) {
    app.clock.advance(seconds(60));
}

#[test]
fn it_is_a_signed_statement_of_the_issuer() {
    let app = TestApp::new();
    let place = Place::of(&app, &app.pat);
    assert_eq!((place.path.as_str(), place.index), ("/statuslists/0", 1), "its number");
    let answer = app.get(&place.path).send();
    assert_eq!(answer.header("content-type"), Some("application/statuslist+jwt"));
    assert_eq!(answer.header("cache-control"), Some("public, max-age=60"));
    assert_eq!(answer.header("access-control-allow-origin"), Some("*"));
    let keys: JwkSet = serde_json::from_value(app.get("/.well-known/jwks.json").send().json()).unwrap();
    let mut validation = Validation::new(Algorithm::ES256);
    // The server's clock is the test's.
    validation.validate_exp = false;
    let key = DecodingKey::from_jwk(&keys.keys[0]).unwrap();
    let token = decode::<Value>(&answer.text(), &key, &validation).expect("signed with the published key");
    assert_eq!(header(&answer.text())["typ"], "statuslist+jwt");
    let now = app.clock.now().unix_seconds();
    for (member, value) in [
        ("sub", json!(format!("{}{}", app.issuer(), place.path))),
        ("iat", json!(now)),
        ("exp", json!(now + 120)),
        ("ttl", json!(60)),
    ] {
        assert_eq!(token.claims[member], value, "{member}");
    }
}

#[test]
fn a_revoked_one_is_invalid_for_ever() {
    let app = TestApp::new();
    let [pat, jwt] = [&app.pat, &app.jwt].map(|credential| Place::of(&app, credential));
    assert_eq!([pat.status(&app), jwt.status(&app)], [VALID, VALID]);
    app.post("/api/v1/revocations").json(&json!({ "token": app.pat.text })).send();
    later(&app);
    assert_eq!([pat.status(&app), jwt.status(&app)], [INVALID, VALID]);
    app.disable(&app.ada);
    later(&app);
    assert_eq!([pat.status(&app), jwt.status(&app)], [INVALID, SUSPENDED]);
    app.enable(&app.ada);
    later(&app);
    assert_eq!([pat.status(&app), jwt.status(&app)], [INVALID, VALID], "only a revocation stays");
}

#[test]
fn what_stands_against_one_for_now_suspends_it() {
    let app = TestApp::new();
    let (bob, cora) = (app.member("bob", Role::Member), app.member("cora", Role::Member));
    let make = |person: &crate::support::Person, kind: &str| {
        let made = person.credential(&app, &json!({ "name": "laptop", "kind": kind }));
        Place::of(&app, &made)
    };
    let (of_bob, of_cora, jwt) = (make(&bob, "opaque"), make(&cora, "opaque"), make(&app.ada, "jwt"));
    let all = || [&of_bob, &of_cora, &jwt].map(|place| place.status(&app));
    assert_eq!(all(), [VALID; 3]);
    app.disable(&bob);
    app.end_membership(&cora);
    assert_eq!(app.ada.patch_policy(&app, &json!({ "allowed_kinds": ["opaque"] })).status, 200);
    later(&app);
    assert_eq!(all(), [SUSPENDED; 3]);
    app.enable(&bob);
    assert_eq!(app.ada.patch_policy(&app, &json!({ "allowed_kinds": ["opaque", "jwt"] })).status, 200);
    later(&app);
    assert_eq!(all(), [VALID, SUSPENDED, VALID]);
}

#[test]
fn time_does_not_show() {
    let app = TestApp::new();
    let short = Place::of(&app, &app.ada.credential(&app, &json!({ "name": "short", "expires_in": 60 })));
    app.clock.advance(days(1));
    assert_eq!(short.status(&app), VALID, "whoever verifies sees `exp`");
}

#[test]
fn it_is_made_once_in_its_ttl() {
    let app = TestApp::new();
    let place = Place::of(&app, &app.pat);
    let first = app.get(&place.path).send();
    app.post("/api/v1/revocations").json(&json!({ "token": app.pat.text })).send();
    app.clock.advance(seconds(59));
    assert_eq!(app.get(&place.path).send().body, first.body, "the standard's speed");
    app.clock.advance(seconds(1));
    assert_eq!(place.status(&app), INVALID);
    // A wall clock that is set back keeps nothing alive.
    app.clock.jump(-3600);
    app.clock.pass(seconds(60));
    let now = app.clock.now().unix_seconds();
    assert_eq!(claims(&app.get(&place.path).send().text())["iat"], now);
}

#[test]
fn each_number_has_its_place_in_its_list() {
    let app = TestApp::new();
    // On both sides of where one piece of a list ends, and of where a list does.
    for number in [4_095, 4_096, 40_000, 65_535, 65_536, 69_632, 131_071] {
        let made = app.ada.credential(&app, &json!({ "name": "laptop" }));
        app.post("/api/v1/revocations").json(&json!({ "token": made.text })).send();
        app.execute(&format!("UPDATE credentials SET number = {number} WHERE id = '{}'", made.id));
    }
    app.execute("UPDATE numbers SET last = 131071 WHERE name = 'credential'");
    for (path, revoked) in
        [("/statuslists/0", &[4_095, 4_096, 40_000, 65_535][..]), ("/statuslists/1", &[0, 4_096, 65_535])]
    {
        let mut expected = vec![0; 16_384];
        for place in revoked {
            expected[place / 4] |= INVALID << (place % 4 * 2);
        }
        assert_eq!(list(&app, path), expected, "{path}");
    }
    assert_eq!(app.get("/statuslists/2").send().status, 404);
}

#[test]
fn other_lists_are_not_there() {
    let app = TestApp::new();
    for list in ["1", "4294967295", "4294967296", "-1", "+0", "00", "0x0", "garbage", "%30%00", ""] {
        let answer = app.get(&format!("/statuslists/{list}")).send();
        assert_eq!((answer.status, answer.code().as_str()), (404, "not_found"), "{list:?}");
    }
}
