//! A running server notices what another process does on its database: once the change is answered, nothing that starts
//! afterwards goes by the old state any more.

use std::{
    sync::Arc,
    thread,
    time::{Duration, Instant},
};

use patmint::{
    domain::{
        clock::SystemClock,
        credential::{CredentialKind, Permission},
        jws::SigningAlgorithm,
        random::SystemRandomness,
        retention::Retention,
        source::Source,
    },
    service::{Caller, Environment, Expiry, NewToken, Services, Settings},
    store::{Database, DatabaseSettings},
};
use secrecy::ExposeSecret as _;
use tokio::runtime::{Builder, Runtime};

use crate::support::{Client, Owner, PATIENCE, Place};

/// `max_staleness` as it comes.
const BOUND: Duration = Duration::from_secs(1);

/// How often an exchange is tried once the first was refused.
const AFTERWARDS: usize = 200;

/// patmint's own services in this process, as a command has them.
struct Command {
    services: Services,
    caller: Caller,
    runtime: Runtime,
}

impl Command {
    fn new(place: &Place, owner: &Owner) -> Self {
        let runtime = Builder::new_current_thread().enable_all().build().unwrap();
        let settings = Settings {
            issuer: "http://127.0.0.1:8080".to_owned(),
            token_prefix: "patmint_".to_owned(),
            max_staleness: BOUND,
            cache_capacity: 10,
            key_lead: 900,
            key_rotation: 0,
            signing_algorithm: SigningAlgorithm::default(),
            retention: Retention::default(),
        };
        let (services, caller) = runtime.block_on(async {
            let db = Database::new(&DatabaseSettings { url: place.url().parse().unwrap(), connections: 2 });
            let outside =
                Environment { clock: Arc::new(SystemClock), random: Arc::new(SystemRandomness::default()), db };
            let services = Services::for_command(settings, &place.folder().join("keys"), outside).await.unwrap();
            let signed_in = services
                .sessions
                .sign_in(&owner.email, owner.password.clone().into(), Source::default())
                .await
                .unwrap();
            let session = signed_in.token.expect("a session begins");
            let caller = services.credentials.caller(session.expose_secret(), Source::default()).unwrap();
            (services, caller)
        });
        Self { services, caller, runtime }
    }

    /// A new credential: its id and its text.
    fn create(&self) -> (String, String) {
        let new = NewToken {
            name: "from another process".to_owned(),
            kind: CredentialKind::Opaque,
            permission: Permission::ReadWrite,
            scopes: None,
            audiences: None,
            expiry: Expiry::ByPolicy,
        };
        let (seen, text) = self.runtime.block_on(self.services.credentials.create(&self.caller, None, new)).unwrap();
        (seen.record.standing.credential.id.to_string(), text.expose_secret().to_owned())
    }

    fn revoke(&self, id: &str) {
        let id = id.parse().expect("an id");
        self.runtime.block_on(self.services.credentials.revoke(&self.caller, id)).unwrap();
    }
}

/// Exchanges until refused and beyond, while `revoke` runs here; checks that nothing was granted that started after the
/// revocation's answer, nor after the first refusal.
fn revoke_while_in_use(client: &Client, token: &str, revoke: impl FnOnce()) {
    assert!(client.exchanges(token), "alive, and in memory");
    let user = {
        let (client, token) = (client.with_own_connections(), token.to_owned());
        thread::spawn(move || {
            let begun = Instant::now();
            let mut last_granted = begun;
            loop {
                let start = Instant::now();
                if !client.exchanges(&token) {
                    break;
                }
                last_granted = start;
                assert!(begun.elapsed() < PATIENCE, "never refused");
            }
            for _ in 0..AFTERWARDS {
                assert!(!client.exchanges(&token), "granted again after a refusal");
            }
            last_granted
        })
    };
    revoke();
    let answered = Instant::now();
    let last_granted = user.join().expect("a user who is refused in time");
    let late = last_granted.saturating_duration_since(answered);
    assert!(late.is_zero(), "granted {late:?} after the answer");
}

#[test]
fn a_credential_made_by_another_process_is_exchanged_at_once() {
    let place = Place::new();
    let owner = place.bootstrap();
    let server = place.serve();
    let command = Command::new(&place, &owner);
    for _ in 0..20 {
        assert!(server.client.exchanges(&command.create().1));
    }
}

#[test]
fn a_revocation_by_another_process_is_waited_for() {
    let place = Place::new();
    let owner = place.bootstrap();
    let server = place.serve();
    let command = Command::new(&place, &owner);
    let made: Vec<_> = (0..5).map(|_| command.create()).collect();
    for (id, token) in made {
        revoke_while_in_use(&server.client, &token, || command.revoke(&id));
    }
    assert!(server.client.exchanges(&owner.token), "another credential lives on");
}

#[test]
fn a_revocation_through_one_server_waits_for_the_other() {
    let place = Place::new();
    let owner = place.bootstrap();
    let (one, other) = (place.serve(), place.serve());
    let session = one.client.session(&owner);
    for (revoker, user) in [(&one, &other), (&other, &one)] {
        let made = revoker.client.create(&session);
        let (id, token) = (made["id"].as_str().unwrap(), made["token"].as_str().unwrap());
        revoke_while_in_use(&user.client, token, || {
            assert_eq!(revoker.client.try_revoke(&session, id).expect("an answer").status, 204);
            assert!(!revoker.client.exchanges(token), "answered, and so at once where it was asked");
        });
    }
}

#[test]
fn a_password_reset_beside_a_server_ends_the_sessions() {
    let place = Place::new();
    let owner = place.bootstrap();
    let server = place.serve();
    let session = server.client.session(&owner);
    place.patmint(["user", "reset-password", "--email", &owner.email]).run().good();
    assert_eq!(server.client.try_create(&session).expect("an answer").status, 401);
    assert!(server.client.exchanges(&owner.token), "a password is not a token");
}

#[test]
fn a_user_disabled_beside_a_server_is_nobody_until_enabled() {
    let place = Place::new();
    let owner = place.bootstrap();
    let server = place.serve();
    let client = &server.client;
    let session = client.session(&owner);
    let user = |command: &str| place.patmint(["user", command, "--email", &owner.email]).run().good();
    for _ in 0..2 {
        revoke_while_in_use(client, &owner.token, || assert_eq!(user("disable"), "The user is disabled.\n"));
        assert!(!client.exchanges(&owner.refresh_jwt));
        assert_eq!(client.try_create(&session).expect("an answer").status, 401);
        let (right, wrong) = (client.sign_in(&owner.email, &owner.password), client.sign_in(&owner.email, "wrong"));
        assert_eq!((right.status, right.body), (401, wrong.body));
        assert_eq!(user("disable"), "The user was disabled already; nothing is changed.\n");
        assert_eq!(user("enable"), "The user is enabled.\n");
        assert!(client.exchanges(&owner.token), "as soon as the command has ended");
        assert!(client.exchanges(&owner.refresh_jwt));
        assert_eq!(client.try_create(&session).expect("an answer").status, 401, "a session does not come back");
    }
    assert_eq!(user("enable"), "The user was not disabled; nothing is changed.\n");
    let mut look = place.look();
    let actions = "SELECT action AS value FROM audit WHERE action LIKE 'user.%' ORDER BY seq";
    assert_eq!(look.texts(actions), ["user.disable", "user.enable", "user.disable", "user.enable"]);
    client.session(&owner);
}
