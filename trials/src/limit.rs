//! The limit of the machine: the least that an exchange can be. A bare actix-web handler parses the body, checks a MAC
//! and hashes, looks up a map and signs one ES256 JWT of the same size as patmint's with a key that is kept parsed. It
//! knows no policy, no revocation, no expiry, no database.

use std::{collections::HashMap, fs, net::TcpListener, num::NonZeroUsize, path::PathBuf, thread};

use actix_web::{
    App, HttpResponse, HttpServer,
    http::header,
    web::{self, Bytes, Data},
};
use aws_lc_rs::{
    digest, hmac,
    rand::{SecureRandom as _, SystemRandom},
    signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair},
};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use patmint::domain::clock::{Clock as _, SystemClock};
use serde::{Deserialize, Serialize};

use crate::{Failure, seed::ISSUER};

/// As long as the header of patmint's access tokens: its `kid` is a thumbprint.
const HEADER: &str = r#"{"typ":"at+jwt","alg":"ES256","kid":"NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs"}"#;

/// As long as a `rev`.
const REV: i64 = 1_795_312_800_000;

/// What the limit server is told.
#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// The tokens that it knows, one a line; may be given several times
    #[arg(long, required = true)]
    tokens: Vec<PathBuf>,
    /// Where to listen
    #[arg(long, default_value = "127.0.0.1:0")]
    listen: String,
}

#[derive(Deserialize)]
struct Body<'a> {
    refresh: &'a str,
}

#[derive(Serialize)]
struct Access<'a> {
    access: &'a str,
}

/// The claims of a patmint access token, with what stands for them here.
#[derive(Serialize)]
struct Claims<'a> {
    iss: &'a str,
    sub: &'a str,
    aud: &'a str,
    iat: i64,
    exp: i64,
    jti: String,
    client_id: &'a str,
    scope: &'a str,
    org: &'a str,
    token_type: &'a str,
    rev: i64,
    status: Status<'a>,
}

#[derive(Serialize)]
struct Status<'a> {
    status_list: StatusList<'a>,
}

#[derive(Serialize)]
struct StatusList<'a> {
    idx: u64,
    uri: &'a str,
}

struct Known {
    number: u64,
    owner: String,
    id: String,
}

struct Limit {
    known: HashMap<[u8; 32], Known>,
    tag_key: hmac::Key,
    organization: String,
    key: EcdsaKeyPair,
    random: SystemRandom,
    header: String,
    status_uri: String,
}

/// Serves until it is told to stop. Says on standard error where it listens.
///
/// # Errors
/// If it cannot.
pub fn run(arguments: &Arguments) -> Result<(), Failure> {
    let listener = TcpListener::bind(&arguments.listen)?;
    let mut tokens = Vec::new();
    for file in &arguments.tokens {
        tokens.extend(fs::read_to_string(file)?.lines().map(str::to_owned));
    }
    let limit = Data::new(Limit::new(&tokens)?);
    drop(tokens);
    let address = listener.local_addr()?;
    let workers = thread::available_parallelism().map_or(1, NonZeroUsize::get);
    let serve = async move {
        let app = move || {
            App::new()
                .app_data(limit.clone())
                .route("/api/token/refresh", web::post().to(exchange))
                .route("/readyz", web::get().to(HttpResponse::Ok))
        };
        let server = HttpServer::new(app).workers(workers).listen(listener)?.run();
        crate::say(&format!("listening on http://{address}"));
        server.await
    };
    Ok(actix_web::rt::System::new().block_on(serve)?)
}

async fn exchange(limit: Data<Limit>, body: Bytes) -> HttpResponse {
    let Ok(Body { refresh }) = serde_json::from_slice(&body) else { return HttpResponse::BadRequest().finish() };
    let Some(known) = limit.known.get(&limit.hash(refresh)) else { return HttpResponse::Unauthorized().finish() };
    match limit.sign(known) {
        Some(access) => HttpResponse::Ok()
            .insert_header((header::CACHE_CONTROL, "no-store"))
            .insert_header((header::PRAGMA, "no-cache"))
            .json(Access { access: &access }),
        None => HttpResponse::InternalServerError().finish(),
    }
}

impl Limit {
    fn new(tokens: &[String]) -> Result<Self, Failure> {
        let random = SystemRandom::new();
        let mut limit = Self {
            known: HashMap::with_capacity(tokens.len()),
            tag_key: hmac::Key::generate(hmac::HMAC_SHA256, &random)?,
            organization: id(0, 0),
            key: EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING)?,
            random,
            header: format!("{}.", URL_SAFE_NO_PAD.encode(HEADER)),
            status_uri: format!("{ISSUER}/statuslists/0"),
        };
        for (token, number) in tokens.iter().zip(1..) {
            let known = Known { number, owner: id(1, number / 10), id: id(2, number) };
            limit.known.insert(limit.hash(token), known);
        }
        Ok(limit)
    }

    /// What patmint's check of a tag and its hash of the secret cost.
    fn hash(&self, token: &str) -> [u8; 32] {
        let mut hash = [0; 32];
        let tag = hmac::sign(&self.tag_key, token.as_bytes());
        let digest = digest::digest(&digest::SHA256, token.as_bytes());
        for ((to, one), other) in hash.iter_mut().zip(tag.as_ref()).zip(digest.as_ref()) {
            *to = one ^ other;
        }
        hash
    }

    fn sign(&self, known: &Known) -> Option<String> {
        let now = SystemClock.now().unix_seconds();
        let mut jti = [0; 16];
        self.random.fill(&mut jti).ok()?;
        let claims = Claims {
            iss: ISSUER,
            sub: &known.owner,
            aud: ISSUER,
            iat: now,
            exp: now + 300,
            jti: URL_SAFE_NO_PAD.encode(jti),
            client_id: &known.id,
            scope: "read write",
            org: &self.organization,
            token_type: "access",
            rev: REV,
            status: Status { status_list: StatusList { idx: known.number, uri: &self.status_uri } },
        };
        let mut token = String::with_capacity(1024);
        token.push_str(&self.header);
        URL_SAFE_NO_PAD.encode_string(serde_json::to_vec(&claims).ok()?, &mut token);
        let signature = self.key.sign(&self.random, token.as_bytes()).ok()?;
        token.push('.');
        URL_SAFE_NO_PAD.encode_string(signature, &mut token);
        Some(token)
    }
}

/// As long as an id.
fn id(kind: u64, number: u64) -> String {
    format!("01935f00-0000-7000-800{kind}-{number:012x}")
}
