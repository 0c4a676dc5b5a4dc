//! patmint's own crate for services, with the keys that a server publishes.

use patmint_verifier::{KeySet, Refusal, Verifier};

use crate::support::{TestApp, claims};

fn keys(app: &TestApp) -> KeySet {
    KeySet::from_json(app.get("/.well-known/jwks.json").send().text().as_bytes()).unwrap()
}

#[test]
fn a_good_access_token_passes_and_nothing_else() {
    let app = TestApp::new();
    let (keys, access) = (keys(&app), app.pat.access(&app));
    let (iat, exp) = (claims(&access)["iat"].as_i64().unwrap(), claims(&access)["exp"].as_i64().unwrap());
    let service = Verifier { issuer: app.issuer(), audience: app.issuer(), leeway: 0 };

    let read = service.verify(&keys, &access, iat).unwrap();
    assert_eq!((&*read.sub, &*read.org, read.exp), (&*app.ada.id, &*app.organization_id, exp));
    assert!(service.verify(&keys, &access, exp - 1).is_ok());
    assert_eq!(service.verify(&keys, &access, exp), Err(Refusal::Expired));
    let lenient = Verifier { leeway: 30, ..service.clone() };
    assert!(lenient.verify(&keys, &access, exp + 29).is_ok());
    assert_eq!(lenient.verify(&keys, &access, exp + 30), Err(Refusal::Expired));

    let other = "https://other.example".to_owned();
    let elsewhere = Verifier { issuer: other.clone(), ..service.clone() };
    assert_eq!(elsewhere.verify(&keys, &access, iat), Err(Refusal::WrongIssuer));
    let somebody = Verifier { audience: other, ..service.clone() };
    assert_eq!(somebody.verify(&keys, &access, iat), Err(Refusal::WrongAudience));

    let of_another = app.jwt.access(&app);
    let mixed = format!("{}.{}", of_another.rsplit_once('.').unwrap().0, access.rsplit_once('.').unwrap().1);
    assert_eq!(service.verify(&keys, &mixed, iat), Err(Refusal::WrongSignature));
    for long_lived in [&app.pat.text, &app.jwt.text] {
        assert_eq!(service.verify(&keys, long_lived, iat), Err(Refusal::NotAnAccessToken));
    }
}

#[test]
fn a_key_that_is_not_published_signs_nothing() {
    let (app, stranger) = (TestApp::new(), TestApp::new());
    let access = stranger.pat.access(&stranger);
    let service = Verifier { issuer: stranger.issuer(), audience: stranger.issuer(), leeway: 0 };
    let iat = claims(&access)["iat"].as_i64().unwrap();
    assert!(service.verify(&keys(&stranger), &access, iat).is_ok());
    assert_eq!(service.verify(&keys(&app), &access, iat), Err(Refusal::UnknownKey));
}
