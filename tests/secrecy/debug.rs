//! `{:?}` of the public types that hold secrets.

use clap::Parser;
use patmint::{
    config::{Config, Options},
    domain::{
        clock::{Clock as _, SystemClock},
        credential::{CredentialFormat, CredentialKind, TagKey},
        digest::SecretHash,
        ids::{CredentialId, UserId},
        random::SystemRandomness,
        source::Source,
        verdict::Asked,
    },
    service::Services,
    store::{Database, DatabaseSettings},
};
use secrecy::ExposeSecret as _;
use tokio::runtime::Runtime;

use crate::watch::Book;

const PASSWORD: &str = "database-password-4e11";
const OTLP_HEADERS: &str = "x-key=otlp-key-9b27-4e11-c4";
const FEED_TOKEN: &str = "feed-token-9b27-4e11-c3";

#[derive(Parser)]
struct Flags {
    #[command(flatten)]
    options: Options,
}

/// Makes one of each on an empty database, and keeps how it prints.
pub fn show_everything(services: &Services, runtime: &Runtime, book: &mut Book) {
    let made = runtime.block_on(services.bootstrap.run("Other", "eve@other.example", None)).unwrap();
    let password = made.password.clone().unwrap();
    book.secret("Eve's password", password.expose_secret());
    book.token("Eve's PAT", made.token.expose_secret());
    book.token("Eve's JWT", made.refresh_jwt.expose_secret());
    book.place("Bootstrapped", format!("{made:?}"), &[]);
    let signed_in =
        runtime.block_on(services.sessions.sign_in("eve@other.example", password, Source::default())).unwrap();
    book.token("Eve's session", signed_in.token.as_ref().unwrap().expose_secret());
    book.place("SignedIn", format!("{signed_in:?}"), &[]);
    let asked = Asked::default();
    let exchanged = runtime.block_on(services.exchange.exchange(made.token.expose_secret(), &asked)).unwrap();
    book.token("Eve's access token", &exchanged.access);
    book.place("Exchanged", format!("{exchanged:?}"), &[]);
    book.place("Settings", format!("{:?}", services.settings()), &[]);
    formats(book);
    configuration(book);
}

fn formats(book: &mut Book) {
    let (random, now) = (SystemRandomness::default(), SystemClock.now());
    book.secret("a tag key", [0xA7; 32]);
    let format = CredentialFormat::new("acme_".to_owned(), "http://sts.example".to_owned(), TagKey::new(&[0xA7; 32]));
    book.place("CredentialFormat", format!("{format:?}"), &[]);
    for kind in [CredentialKind::Opaque, CredentialKind::Jwt, CredentialKind::Legacy] {
        let (id, owner) = (CredentialId::generate(now, &random), UserId::generate(now, &random));
        let issued = format.issue(kind, id, owner, (now, None), &random);
        let text = issued.text.expose_secret();
        book.token(&format!("issued {kind:?}"), text);
        book.place("Issued", format!("{issued:?}"), &[]);
        book.place("Presented", format!("{:?}", format.parse(text).unwrap()), &[]);
        let hash = SecretHash::of(text.as_bytes());
        book.secret("a hash's bytes", hash.as_bytes());
        book.place("SecretHash", format!("{hash:?}"), &[]);
    }
}

fn configuration(book: &mut Book) {
    book.secret("the password in a URL", PASSWORD);
    book.secret("the feed token", FEED_TOKEN);
    book.secret("what the receiver of traces wants", OTLP_HEADERS.trim_start_matches("x-key="));
    let config = |url: &str| {
        let flags = ["patmint", "--database-url", url, "--feed-token", FEED_TOKEN];
        let otlp = ["--otlp-endpoint", "http://127.0.0.1:1", "--otlp-headers", OTLP_HEADERS];
        let flags = Flags::parse_from(flags.into_iter().chain(otlp));
        Config::load(flags.options, None)
    };
    let urls = [
        format!("postgres://ada:{PASSWORD}@127.0.0.1:1/patmint"),
        format!("postgres:///patmint?host=127.0.0.1&port=1&password={PASSWORD}"),
    ];
    for url in urls {
        let config = config(&url).unwrap();
        book.place("Config", format!("{config:?} {:?} {}", config.database, config.database.url.describe()), &[]);
        let db = Database::new(&DatabaseSettings { url: config.database.url, connections: 1 });
        book.place("a database's URL", format!("{:?}", db.url()), &[]);
        let error = db.migrate().expect_err("nobody listens on port 1");
        book.place("an error of the database", format!("{error} {error:?}"), &[]);
    }
    let error = config(&format!("mysql://ada:{PASSWORD}@db/patmint")).expect_err("not a database of ours");
    book.place("an error of the configuration", format!("{error} {error:?}"), &[]);
    let settings = DatabaseSettings { url: format!("postgres://ada:{PASSWORD}@db/x").parse().unwrap(), connections: 1 };
    book.place("DatabaseSettings", format!("{settings:?}"), &[]);
}
