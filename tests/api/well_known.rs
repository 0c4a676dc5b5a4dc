//! `/.well-known/…`: what services verify access tokens with.

use jsonwebtoken::{Algorithm, DecodingKey, Validation, decode, decode_header, jwk::JwkSet};
use serde_json::{Value, json};

use crate::support::{Options, TestApp};

const JWKS: &str = "/.well-known/jwks.json";

const METADATA: &str = "/.well-known/oauth-authorization-server";

/// What a service does with a token: the claims, or why not.
fn verify(jwks: &Value, token: &str, issuer: &str, audience: &str) -> Result<Value, jsonwebtoken::errors::ErrorKind> {
    let keys: JwkSet = serde_json::from_value(jwks.clone()).unwrap();
    let kid = decode_header(token).map_err(|error| error.kind().clone())?.kid.unwrap();
    let key = DecodingKey::from_jwk(keys.find(&kid).expect("a published key")).unwrap();
    let mut validation = Validation::new(Algorithm::ES256);
    validation.set_issuer(&[issuer]);
    validation.set_audience(&[audience]);
    // The server's clock is the test's.
    validation.validate_exp = false;
    decode::<Value>(token, &key, &validation).map(|token| token.claims).map_err(|error| error.kind().clone())
}

#[test]
fn the_keys_verify_access_tokens_and_nothing_else() {
    use jsonwebtoken::errors::ErrorKind::{InvalidAudience, InvalidIssuer, InvalidSignature};
    let app = TestApp::new();
    let jwks = app.get(JWKS).send().json();
    let (access, issuer) = (app.pat.access(&app), app.issuer());
    let claims = verify(&jwks, &access, &issuer, &issuer).expect("a good one");
    assert_eq!(claims["sub"], app.ada.id);
    assert_eq!(verify(&jwks, &access, "https://other.example", &issuer), Err(InvalidIssuer));
    assert_eq!(verify(&jwks, &access, &issuer, "https://other.example"), Err(InvalidAudience));
    let (head, signature) = access.rsplit_once('.').unwrap();
    let other = app.jwt.access(&app);
    let (other_head, _) = other.rsplit_once('.').unwrap();
    assert_eq!(verify(&jwks, &format!("{other_head}.{signature}"), &issuer, &issuer), Err(InvalidSignature));
    assert_ne!(head, other_head);
}

#[test]
fn the_key_set_holds_nothing_private() {
    let app = TestApp::new();
    let answer = app.get(JWKS).send();
    assert_eq!(answer.header("content-type"), Some("application/json"));
    assert_eq!(answer.header("access-control-allow-origin"), Some("*"));
    let jwks = answer.json();
    let [key] = jwks["keys"].as_array().unwrap().as_slice() else { panic!("one key: {jwks}") };
    let mut members: Vec<&str> = key.as_object().unwrap().keys().map(String::as_str).collect();
    members.sort_unstable();
    assert_eq!(members, ["alg", "crv", "kid", "kty", "use", "x", "y"]);
    let named = ["kty", "crv", "alg", "use"].map(|member| key[member].as_str().unwrap());
    assert_eq!(named, ["EC", "P-256", "ES256", "sig"]);
}

#[test]
fn the_key_set_is_kept_and_asked_about() {
    let app = TestApp::new();
    let first = app.get(JWKS).send();
    assert_eq!(first.header("cache-control"), Some("public, max-age=300"));
    let etag = first.header("etag").unwrap();
    assert!(etag.starts_with('"') && etag.ends_with('"'), "{etag}");
    let ask = |if_none_match: &str| app.get(JWKS).header("if-none-match", if_none_match).send();
    for known in [etag, &format!("W/{etag}"), &format!("\"other\", {etag}"), "*"] {
        let answer = ask(known);
        assert_eq!((answer.status, answer.text(), answer.header("etag")), (304, String::new(), Some(etag)), "{known}");
        assert_eq!(answer.header("cache-control"), Some("public, max-age=300"));
    }
    for unknown in ["\"other\"", etag.trim_matches('"'), ""] {
        assert_eq!((ask(unknown).status, ask(unknown).body), (200, first.body.clone()), "{unknown}");
    }
}

#[test]
fn the_key_stays_when_the_server_starts_anew() {
    let mut app = TestApp::new();
    let (jwks, issuer, access) = (app.get(JWKS).send().json(), app.issuer(), app.pat.access(&app));
    app.restart(Options::default());
    assert_eq!(app.get(JWKS).send().json(), jwks);
    assert!(verify(&jwks, &access, &issuer, &issuer).is_ok());
    assert!(verify(&jwks, &app.pat.access(&app), &app.issuer(), &app.issuer()).is_ok());
}

#[test]
fn the_metadata_names_only_what_is_there() {
    let app = TestApp::new();
    let answer = app.get("/.well-known/oauth-authorization-server").send();
    assert_eq!((answer.status, answer.header("cache-control")), (200, Some("public, max-age=300")));
    let metadata = answer.json();
    assert_eq!(metadata["issuer"], app.issuer());
    assert_eq!(metadata["jwks_uri"], format!("{}{JWKS}", app.issuer()));
    assert_eq!(metadata["revocation_endpoint"], format!("{}/oauth/revoke", app.issuer()));
    assert_eq!(metadata["response_types_supported"], json!([]), "required by RFC 8414");
    let addresses =
        metadata.as_object().unwrap().iter().filter(|(name, _)| name.ends_with("_endpoint") || name.ends_with("_uri"));
    for (name, address) in addresses {
        let path = address.as_str().unwrap().strip_prefix(&app.issuer()).expect("our own address");
        assert_ne!(app.get(path).send().status, 404, "{name}");
    }
    // RFC 8414 section 2: where grant types are left out, `authorization_code` is meant.
    assert!(metadata["grant_types_supported"].is_array());
}

#[test]
fn the_metadata_is_found_where_clients_look() {
    let mut app = TestApp::new();
    let get = |app: &TestApp, path: &str| app.get(path).send();
    assert_eq!(get(&app, &format!("/{METADATA}")).json(), get(&app, METADATA).json(), "a slash too many");
    for path in ["//.well-known/jwks", "/.well-known/oauth-authorization-server/base", "//.well-known"] {
        assert_eq!(get(&app, path).code(), "not_found", "{path}");
    }
    app.restart(Options { issuer_path: "/base/sts", ..Options::default() });
    let expected = get(&app, METADATA).json();
    assert_eq!(expected["issuer"], format!("{}/base/sts", app.issuer()));
    for path in ["/base/sts", "/base/sts/"] {
        let found = get(&app, &format!("{METADATA}{path}"));
        assert_eq!((found.status, found.json()), (200, expected.clone()), "RFC 8414 section 3.1");
    }
    for path in ["/base", "/base/sts/more", "/", "/base%2Fsts"] {
        assert_eq!(get(&app, &format!("{METADATA}{path}")).status, 404, "{path}");
    }
    assert_eq!(app.post(&format!("{METADATA}/base/sts")).send().status, 405);
}
