//! The steps of an exchange, each alone: `cargo bench`. What the whole costs over HTTP, `scripts/bench` says.
#![expect(clippy::expect_used, reason = "a benchmark that cannot be set up has nothing to measure")]

use std::{
    hint::black_box,
    path::Path,
    sync::{Arc, OnceLock},
    time::Duration,
};

use jsonwebtoken::{Algorithm, DecodingKey, Validation};
use patmint::{
    domain::{
        clock::{Clock as _, SystemClock, Timestamp},
        credential::{CredentialFormat, Presented},
        jws::SigningAlgorithm,
        random::SystemRandomness,
        retention::Retention,
        verdict::{self, Asked},
    },
    service::{Environment, KeyRing, Services, Settings},
    store::{Database, DatabaseSettings, standings},
};
use patmint_verifier::AccessClaims;
use secrecy::ExposeSecret as _;
use tokio::runtime::{Builder, Runtime};

const ISSUER: &str = "https://sts.example.com";
const PREFIX: &str = "patmint_";

static SCENE: OnceLock<Scene> = OnceLock::new();

fn main() {
    let folder = tempfile::tempdir().expect("a scratch folder");
    let runtime = Builder::new_current_thread().enable_all().build().expect("a runtime");
    let scene = runtime.block_on(Scene::set(folder.path()));
    SCENE.get_or_init(|| Scene { runtime: Some(runtime), ..scene });
    divan::main();
}

fn scene() -> &'static Scene {
    SCENE.get().expect("set by main")
}

/// A server's services without HTTP, two credentials in its memory, and what their exchange makes on its way.
struct Scene {
    runtime: Option<Runtime>,
    services: Services,
    db: Database,
    keys: KeyRing,
    format: CredentialFormat,
    opaque: String,
    jwt: String,
    access: String,
    claims: AccessClaims<'static>,
    now: Timestamp,
}

impl Scene {
    async fn set(folder: &Path) -> Self {
        let url = format!("sqlite://{}/bench.db", folder.display()).parse().expect("a URL");
        let db = Database::new(&DatabaseSettings { url, connections: 4 });
        db.migrate().expect("a schema");
        let random = Arc::new(SystemRandomness::default());
        let outside = Environment { clock: Arc::new(SystemClock), random, db: db.clone() };
        let settings = Settings {
            issuer: ISSUER.to_owned(),
            token_prefix: PREFIX.to_owned(),
            max_staleness: Duration::from_secs(1),
            cache_capacity: 1000,
            key_lead: 900,
            key_rotation: 0,
            signing_algorithm: SigningAlgorithm::default(),
            retention: Retention::default(),
        };
        let services = Services::for_server(settings, folder, outside.clone()).await.expect("services");
        let made = services.bootstrap.run("Bench", "bench@example.com", None).await.expect("credentials");
        let keys = KeyRing::open(&outside, folder, SigningAlgorithm::default()).await.expect("keys");
        let (opaque, jwt) = (made.token.expose_secret().to_owned(), made.refresh_jwt.expose_secret().to_owned());
        let access = services.exchange.exchange(&opaque, &Asked::default()).await.expect("an exchange").access;
        services.exchange.exchange(&jwt, &Asked::default()).await.expect("an exchange");
        Self {
            runtime: None,
            format: CredentialFormat::new(PREFIX.to_owned(), ISSUER.to_owned(), keys.tag().clone()),
            claims: verified(&keys, &access),
            now: SystemClock.now(),
            services,
            db,
            keys,
            opaque,
            jwt,
            access,
        }
    }

    fn runtime(&self) -> &Runtime {
        self.runtime.as_ref().expect("set by main")
    }
}

fn parsed(text: &str) -> Presented {
    scene().format.parse(text).expect("a credential")
}

fn verified(keys: &KeyRing, access: &str) -> AccessClaims<'static> {
    let key = DecodingKey::from_jwk(keys.signing(SystemClock.now()).jwk()).expect("a key");
    verified_with(&key, &validation(), access)
}

fn validation() -> Validation {
    let mut validation = Validation::new(Algorithm::ES256);
    validation.set_issuer(&[ISSUER]);
    validation.set_audience(&[ISSUER]);
    validation
}

fn verified_with(key: &DecodingKey, validation: &Validation, access: &str) -> AccessClaims<'static> {
    jsonwebtoken::decode(access, key, validation).expect("a good token").claims
}

/// Checksum, tag, hash.
#[divan::bench]
fn parse_opaque() -> Presented {
    parsed(black_box(&scene().opaque))
}

#[divan::bench]
fn parse_jwt() -> Presented {
    parsed(black_box(&scene().jwt))
}

/// In memory, with the question whether that may be believed.
#[divan::bench]
fn look_up(bencher: divan::Bencher) {
    let key = parsed(&scene().opaque).key;
    bencher.bench_local(|| assert!(scene().services.exchange.is_remembered(black_box(key)), "in memory"));
}

/// Of what memory has.
#[divan::bench]
fn verdict(bencher: divan::Bencher) {
    let key = parsed(&scene().opaque).key;
    let read = scene().db.read(move |connection| standings::by_key(connection, key));
    let standing = scene().runtime().block_on(read).expect("a database").expect("a credential");
    let judge = || verdict::judge(black_box(&standing), ISSUER, scene().now, &Asked::default()).is_ok();
    assert!(judge(), "a good credential");
    bencher.bench_local(judge);
}

/// Claims into an access token.
#[divan::bench]
fn sign_es256() -> String {
    scene().keys.signing(scene().now).sign(black_box(&scene().claims)).expect("a signature")
}

/// What a service does with it.
#[divan::bench]
fn verify_es256(bencher: divan::Bencher) {
    let key = DecodingKey::from_jwk(scene().keys.signing(scene().now).jwk()).expect("a key");
    let validation = validation();
    bencher.bench_local(|| verified_with(&key, &validation, black_box(&scene().access)));
}

/// What each request gets, as it stands in the answer.
#[divan::bench]
fn request_id() -> String {
    scene().services.new_request_id().to_string()
}

/// All of it but HTTP.
#[divan::bench]
fn exchange(bencher: divan::Bencher) {
    let Scene { services, opaque, .. } = scene();
    let exchange = async || services.exchange.exchange(black_box(opaque), &Asked::default()).await;
    bencher.bench_local(|| scene().runtime().block_on(exchange()).expect("an exchange").access);
}
