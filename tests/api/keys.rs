//! What a new signing key does to tokens, and to whoever verifies them.

use aws_lc_rs::signature::{ECDSA_P384_SHA384_FIXED_SIGNING, EcdsaKeyPair};
use diesel::connection::SimpleConnection as _;
use jsonwebtoken::{DecodingKey, Validation, decode, decode_header, jwk::JwkSet};
use patmint::{
    domain::{
        jws::{SigningAlgorithm, generate},
        list::Target,
        schedule::OUTLIVES,
    },
    service::{KeyRingError, ShownKey, Withdrawn},
    store::StoreError,
};
use serde_json::{Value, json};

use crate::support::{Options, TestApp, header, seconds};

const JWKS: &str = "/.well-known/jwks.json";

/// For how long a new key is published before it signs.
const LEAD: u64 = 900;

fn rotate(app: &TestApp, at_once: bool) -> ShownKey {
    app.wait_for(app.command().keys.rotate(None, at_once)).expect("a new key")
}

fn pem(label: &str, der: Vec<u8>) -> String {
    pem::encode(&pem::Pem::new(label, der))
}

fn withdraw(app: &TestApp, kid: &str) -> Withdrawn {
    app.wait_for(app.command().keys.withdraw(kid)).expect("an answer").expect("a key")
}

fn kids(jwks: &Value) -> Vec<&str> {
    jwks["keys"].as_array().unwrap().iter().map(|key| key["kid"].as_str().unwrap()).collect()
}

fn kid(token: &str) -> String {
    header(token)["kid"].as_str().unwrap().to_owned()
}

/// What patmint itself says of an access token.
fn accepts(app: &TestApp, access: &str) -> bool {
    let status = app.get("/api/v1/tokens").bearer(access).send().status;
    assert!([200, 401].contains(&status), "{status}");
    status == 200
}

#[test]
fn it_is_published_before_it_signs_and_the_old_one_until_its_tokens_are_dead() {
    let app = TestApp::new();
    let before = app.get(JWKS).send();
    let old = kid(&app.pat.access(&app));
    assert_eq!(kids(&before.json()), [&old]);

    let new = rotate(&app, false);
    let after = app.get(JWKS).header("if-none-match", before.header("etag").unwrap()).send();
    assert_eq!((after.status, kids(&after.json())), (200, vec![&*new.kid, &*old]));
    app.clock.advance(seconds(LEAD - 1));
    let last = app.pat.access(&app);
    assert_eq!(kid(&last), old);

    app.clock.advance(seconds(1));
    let first = app.pat.access(&app);
    assert_eq!(kid(&first), new.kid);
    assert!(accepts(&app, &first) && accepts(&app, &last));
    app.clock.advance(seconds(298));
    assert!(accepts(&app, &last));
    app.clock.advance(seconds(1));
    assert!(!accepts(&app, &last) && accepts(&app, &first));

    let left = u64::try_from(OUTLIVES).unwrap() - 299;
    app.clock.advance(seconds(left - 1));
    assert_eq!(kids(&app.get(JWKS).send().json()), [&*new.kid, &*old]);
    app.clock.advance(seconds(1));
    assert_eq!(kids(&app.get(JWKS).send().json()), [&*new.kid]);
}

#[test]
fn keys_of_all_algorithms_sign_side_by_side() {
    let app = TestApp::new();
    let mut tokens = vec![app.pat.access(&app)];
    for algorithm in [SigningAlgorithm::Rs256, SigningAlgorithm::EdDsa, SigningAlgorithm::Es256] {
        let key = app.wait_for(app.command().keys.rotate(Some(algorithm), true)).expect("a new key");
        assert_eq!(key.algorithm, algorithm.as_str());
        tokens.push(app.pat.access(&app));
    }
    let signed_by: Vec<_> = tokens.iter().map(|token| header(token)["alg"].clone()).collect();
    assert_eq!(signed_by, ["ES256", "RS256", "EdDSA", "ES256"]);
    let jwks: JwkSet = serde_json::from_value(app.get(JWKS).send().json()).unwrap();
    let mut private = jwks.keys.iter().map(|key| serde_json::to_value(key).unwrap());
    assert!(private.all(|key| key.get("d").is_none()));
    for token in &tokens {
        assert!(accepts(&app, token));
        let head = decode_header(token).unwrap();
        let jwk = jwks.find(&head.kid.unwrap()).expect("a published key");
        let mut validation = Validation::new(head.alg);
        validation.set_audience(&[app.issuer()]);
        // The server's clock is the test's.
        validation.validate_exp = false;
        decode::<Value>(token, &DecodingKey::from_jwk(jwk).unwrap(), &validation).expect("a good one");
    }
    let named = serde_json::to_value(&jwks).unwrap();
    let named: Vec<_> = named["keys"].as_array().unwrap().iter().map(|key| [&key["kty"], &key["alg"]]).collect();
    assert_eq!(named, [["EC", "ES256"], ["OKP", "EdDSA"], ["RSA", "RS256"], ["EC", "ES256"]]);
}

#[test]
fn a_status_list_is_signed_by_the_key_of_its_time() {
    let app = TestApp::new();
    let list = || kid(&app.get("/statuslists/0").send().text());
    let old = list();
    let new = rotate(&app, false);
    assert_eq!(list(), old);
    app.clock.advance(seconds(LEAD));
    assert_eq!(list(), new.kid);
    let withdrawn = withdraw(&app, &new.kid);
    assert_eq!(Some(&*list()), withdrawn.successor(), "the list made just now is not served any more");
}

#[test]
fn what_each_key_is_there_for_is_listed() {
    let app = TestApp::new();
    let stages = || {
        let keys = app.wait_for(app.command().keys.list()).expect("a list");
        keys.into_iter().map(|key| key.stage.as_str()).collect::<Vec<_>>()
    };
    assert_eq!(stages(), ["signing"]);
    rotate(&app, false);
    assert_eq!(stages(), ["pending", "signing"]);
    app.clock.advance(seconds(LEAD));
    assert_eq!(stages(), ["signing", "outgoing"]);
    app.clock.advance(seconds(OUTLIVES.unsigned_abs()));
    assert_eq!(stages(), ["signing", "retired"]);
    assert_eq!(kids(&app.beside().get(JWKS).send().json()).len(), 1, "a server that starts now");
    let hasty = rotate(&app, true);
    assert_eq!(hasty.activates_at, hasty.created_at);
    assert_eq!(stages(), ["signing", "outgoing", "retired"]);
}

#[test]
fn a_rotation_is_written_down() {
    let app = TestApp::new();
    let mut made = None;
    let records = app.audited(|| made = Some(rotate(&app, false)));
    let ([record], Some(made)) = (records.as_slice(), made) else { panic!("{records:?}") };
    assert_eq!((record.action.as_str(), record.subject_id.as_ref()), ("key.rotate", Some(&made.kid)));
    let detail: Value = serde_json::from_str(record.detail.as_ref().unwrap()).unwrap();
    assert_eq!(detail, json!({ "algorithm": "ES256", "activates_at": made.activates_at }));
    assert_eq!(app.listed(|| drop(rotate(&app, false))), [], "no access token ends, no memory is dropped");
}

#[test]
fn a_withdrawn_key_ends_all_access_tokens_and_signs_no_more() {
    let app = TestApp::new();
    let old = app.pat.access(&app);
    let mut withdrawn = None;
    let listed = app.listed(|| withdrawn = Some(withdraw(&app, &kid(&old))));
    assert_eq!(listed, [(Target::Unknown, true)]);
    let successor = withdrawn.as_ref().and_then(Withdrawn::successor).expect("it signed").to_owned();
    assert_eq!(kids(&app.get(JWKS).send().json()), [&*successor]);
    assert!(!accepts(&app, &old));
    let new = app.pat.access(&app);
    assert_eq!(kid(&new), successor);
    assert!(accepts(&app, &new));
    let again = app.listed(|| assert_eq!(withdraw(&app, &kid(&old)), Withdrawn::Before));
    assert_eq!(again, []);
    assert_eq!(app.wait_for(app.command().keys.withdraw("unknown")).expect("an answer"), None);
}

#[test]
fn a_server_that_trusts_nothing_does_not_publish_a_key_whose_withdrawal_was_answered() {
    let app = TestApp::with(Options { max_staleness: seconds(0), ..Options::default() });
    let published = || app.get(JWKS).send().json();
    for _ in 0..5 {
        let pending = rotate(&app, false).kid;
        assert!(kids(&published()).contains(&&*pending), "answered, too");
        withdraw(&app, &pending);
        assert!(!kids(&published()).contains(&&*pending));
    }
    app.read(|connection| {
        let lose = connection.batch_execute("ALTER TABLE list_head RENAME TO lost");
        lose.map_err(|error| StoreError::Query(error.to_string()))
    });
    let answer = app.get(JWKS).send();
    assert_eq!(
        (answer.status, answer.header("retry-after")),
        (503, Some("1")),
        "nobody knows whether one is withdrawn"
    );
    app.read(|connection| {
        let find = connection.batch_execute("ALTER TABLE lost RENAME TO list_head");
        find.map_err(|error| StoreError::Query(error.to_string()))
    });
}

#[test]
fn whatever_else_is_withdrawn_the_same_key_signs() {
    let app = TestApp::new();
    let first = kid(&app.pat.access(&app));
    let pending = rotate(&app, false).kid;
    let listed = app.listed(|| assert_eq!(withdraw(&app, &pending), Withdrawn::Unused));
    assert_eq!(listed, [], "it has signed nothing");
    assert_eq!(kids(&app.get(JWKS).send().json()), [&*first]);
    app.clock.advance(seconds(LEAD));
    assert_eq!(kid(&app.pat.access(&app)), first);

    let second = rotate(&app, true).kid;
    let listed = app.listed(|| assert_eq!(withdraw(&app, &first), Withdrawn::Outgoing));
    assert_eq!(listed, [(Target::Unknown, true)]);
    assert_eq!(kids(&app.get(JWKS).send().json()), [&*second]);
    assert_eq!(kid(&app.pat.access(&app)), second);
    let shown = app.wait_for(app.command().keys.list()).expect("a list");
    let shown: Vec<_> = shown.iter().map(|key| (&*key.kid, key.stage.as_str())).collect();
    assert_eq!(shown, [(&*second, "signing"), (&*pending, "withdrawn"), (&*first, "withdrawn")]);
}

#[test]
fn a_key_that_was_made_elsewhere_signs_whatever_its_algorithm() {
    let app = TestApp::new();
    let import = |pem: String| app.wait_for(app.command().keys.import(&pem.into(), true));
    for algorithm in SigningAlgorithm::ALL {
        let pem = pem("PRIVATE KEY", generate(algorithm).expect("a key"));
        let records = app.audited(|| drop(import(pem.clone()).expect("a good one")));
        let access = app.pat.access(&app);
        assert_eq!(header(&access)["alg"], algorithm.as_str());
        assert!(accepts(&app, &access));
        let [record] = records.as_slice() else { panic!("{records:?}") };
        assert_eq!((record.action.as_str(), record.subject_id.as_ref()), ("key.import", Some(&kid(&access))));
        let again = import(pem).unwrap_err();
        assert!(matches!(&again, KeyRingError::Known(known) if *known == kid(&access)), "{again}");
    }
    assert_eq!(kids(&app.get(JWKS).send().json()).len(), 4);
}

#[test]
fn what_is_no_private_key_is_refused_and_not_shown() {
    let app = TestApp::new();
    let key = generate(SigningAlgorithm::EdDsa).expect("a key");
    let other_curve = EcdsaKeyPair::generate(&ECDSA_P384_SHA384_FIXED_SIGNING).and_then(|pair| pair.to_pkcs8v1());
    for unfit in [
        String::new(),
        "hunter2".to_owned(),
        pem("PUBLIC KEY", key.clone()),
        pem("ENCRYPTED PRIVATE KEY", key.clone()),
        pem("PRIVATE KEY", key.into_iter().skip(1).collect()),
        pem("PRIVATE KEY", other_curve.expect("a key").as_ref().to_vec()),
    ] {
        let listed = app.audited(|| {
            let refused = app.wait_for(app.command().keys.import(&unfit.clone().into(), false)).unwrap_err();
            assert!(matches!(refused, KeyRingError::NotAPrivateKey) && !refused.to_string().contains("hunter2"));
        });
        assert_eq!(listed.len(), 0);
    }
}

#[test]
fn a_reseal_is_written_down_and_ends_nothing() {
    let app = TestApp::new();
    let access = app.pat.access(&app);
    let reseal = || assert_eq!(app.wait_for(app.command().keys.reseal()).expect("an answer"), 2);
    let records = app.audited(reseal);
    let [record] = records.as_slice() else { panic!("{records:?}") };
    assert_eq!((record.action.as_str(), record.detail.as_deref()), ("key.reseal", Some("{\"keys\":2}")));
    assert_eq!(app.listed(reseal), []);
    assert!(accepts(&app, &access));
}

#[test]
fn a_withdrawal_is_written_down() {
    let app = TestApp::new();
    let old = kid(&app.pat.access(&app));
    let mut withdrawn = None;
    let records = app.audited(|| withdrawn = Some(withdraw(&app, &old)));
    let ([record], Some(withdrawn)) = (records.as_slice(), withdrawn) else { panic!("{records:?}") };
    assert_eq!((record.action.as_str(), record.subject_id.as_ref()), ("key.withdraw", Some(&old)));
    let detail: Value = serde_json::from_str(record.detail.as_ref().unwrap()).unwrap();
    assert_eq!(detail, json!({ "stage": "signing", "successor": withdrawn.successor() }));
}
