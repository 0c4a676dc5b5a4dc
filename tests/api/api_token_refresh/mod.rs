//! `POST /api/token/refresh`.

mod body;
mod dead;
mod kinds;
mod lifetime;
mod narrowing;

use serde_json::json;

use crate::support::{TestApp, claims, header, minutes};

const PATHS: [&str; 4] = ["/api/token/refresh", "/api/token/refresh/", "/token/refresh", "/token/refresh/"];

#[test]
fn every_path_and_both_body_forms_exchange() {
    let app = TestApp::new();
    for path in PATHS {
        let json = app.post(path).json(&json!({ "refresh": app.pat.text })).send();
        let form = app.post(path).form(&[("refresh", &app.pat.text)]).send();
        for answer in [json, form] {
            assert_eq!(answer.status, 200, "{path}: {}", answer.text());
            assert_eq!(answer.header("cache-control"), Some("no-store"));
            assert_eq!(answer.json().as_object().unwrap().len(), 1, "only access");
        }
    }
}

#[test]
fn the_access_token_is_an_rfc_9068_token() {
    let app = TestApp::new();
    let access = app.pat.access(&app);
    let header = header(&access);
    assert_eq!((header["typ"].as_str(), header["alg"].as_str()), (Some("at+jwt"), Some("ES256")));
    let claims = claims(&access);
    assert_eq!(claims["iss"], app.issuer());
    assert_eq!(claims["aud"], app.issuer());
    assert_eq!(claims["sub"], app.ada.id);
    assert_eq!(claims["org"], app.organization_id);
    assert_eq!(claims["scope"], "read write");
    assert_eq!(claims["token_type"], "access");
    assert_eq!(claims["exp"].as_i64().unwrap() - claims["iat"].as_i64().unwrap(), 300);
    assert!(claims["rev"].as_i64().unwrap() > 0);
    assert!(claims["nbf"].is_null() && claims["role"].is_null() && claims["authorization_details"].is_null());
    assert_ne!(claims["jti"], self::claims(&app.pat.access(&app))["jti"]);
    app.clock.advance(minutes(1));
    assert_eq!(self::claims(&app.pat.access(&app))["iat"], claims["iat"].as_i64().unwrap() + 60);
}
