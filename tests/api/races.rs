//! Revoke against exchange, on two threads, with a real follower and a real clock.

use std::{
    collections::HashMap,
    future::Future,
    sync::{
        Arc, Barrier,
        atomic::{AtomicBool, AtomicU64, Ordering::SeqCst},
        mpsc,
    },
    thread,
    time::Duration,
};

use patmint::{
    domain::{
        clock::SystemClock,
        credential::{CredentialKind, Permission},
        ids::CredentialId,
        jws::SigningAlgorithm,
        list::Target,
        random::SystemRandomness,
        retention::Retention,
        source::Source,
        verdict::Asked,
    },
    service::{Caller, Environment, ExchangeError, Expiry, NewToken, Services, Settings},
    store::{Database, DatabaseSettings, StoreError, list},
};
use secrecy::{ExposeSecret as _, SecretString};
use tokio::runtime;

use crate::support::TestDatabase;

/// Rounds in which an exchange was under way while the revoke was.
const OVERLAPPING: usize = 2_000;

/// The same with two servers, where each revoke waits for the other's follower.
const OVERLAPPING_APART: usize = 200;

fn block_on<T>(future: impl Future<Output = T>) -> T {
    runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(future)
}

/// What the exchanging thread saw of one round.
struct Seen {
    /// The `rev` of each access token.
    revs: Vec<i64>,
    /// Whether an exchange began before the revoke answered and ended after it began.
    overlapped: bool,
}

struct Round {
    id: CredentialId,
    token: SecretString,
}

/// Tells when things happened: each look is later than the one before.
#[derive(Default)]
struct Order(AtomicU64);

impl Order {
    fn now(&self) -> u64 {
        self.0.fetch_add(1, SeqCst)
    }
}

#[derive(Default)]
struct Revoke {
    order: Order,
    began: AtomicU64,
    answered: AtomicBool,
}

/// Exchanges until refused. Nothing that starts after the revoke has answered may succeed.
fn exchange_until_refused(services: &Services, round: &Round, revoke: &Revoke) -> Seen {
    let mut seen = Seen { revs: Vec::new(), overlapped: false };
    loop {
        let is_late = revoke.answered.load(SeqCst);
        let outcome = block_on(services.exchange.exchange(round.token.expose_secret(), &Asked::default()));
        let ended = revoke.order.now();
        let began = revoke.began.load(SeqCst);
        seen.overlapped |= !is_late && began > 0 && began < ended;
        match outcome {
            Ok(exchanged) => {
                assert!(!is_late, "an exchange that started after the revoke answered succeeded");
                seen.revs.push(exchanged.rev);
            }
            Err(ExchangeError::Refused(_)) => return seen,
            Err(other) => panic!("{other}"),
        }
    }
}

#[test]
fn no_exchange_outlives_the_answer_of_a_revoke() {
    race(OVERLAPPING, false);
}

#[test]
fn no_exchange_on_another_server_outlives_the_answer_of_a_revoke() {
    race(OVERLAPPING_APART, true);
}

/// Revokes on one server and exchanges on the same or another one, until the two met in `wanted` rounds.
fn race(wanted: usize, apart: bool) {
    let database = TestDatabase::new();
    let db = outside(&database).db;
    db.migrate().unwrap();
    let settings = Settings {
        issuer: "http://localhost".to_owned(),
        token_prefix: "patmint_".to_owned(),
        max_staleness: Duration::from_secs(1),
        cache_capacity: 1000,
        key_lead: 900,
        key_rotation: 0,
        signing_algorithm: SigningAlgorithm::default(),
        retention: Retention::default(),
    };
    let main = runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let keys = database.folder().join("keys");
    let server = || Arc::new(main.block_on(Services::for_server(settings.clone(), &keys, outside(&database))).unwrap());
    let services = server();
    let exchanging_on = if apart { server() } else { services.clone() };
    let made = main.block_on(services.bootstrap.run("Acme", "ada@acme.example", None)).unwrap();
    let password = made.password.unwrap();
    let signed_in = main.block_on(services.sessions.sign_in("ada@acme.example", password, Source::default())).unwrap();
    let session = signed_in.token.unwrap();
    let caller = services.credentials.caller(session.expose_secret(), Source::default()).unwrap();

    let (rounds, to_exchange) = mpsc::channel::<(Arc<Round>, Arc<Revoke>)>();
    let (report, reports) = mpsc::channel::<Seen>();
    let start = Arc::new(Barrier::new(2));
    let (their_services, their_start) = (exchanging_on.clone(), start.clone());
    let exchanging = thread::spawn(move || {
        for (round, revoke) in to_exchange {
            their_start.wait();
            report.send(exchange_until_refused(&their_services, &round, &revoke)).unwrap();
        }
    });

    let (mut overlapping, mut revs) = (0, HashMap::new());
    for number in 0..4 * wanted {
        let round = Arc::new(main.block_on(new_round(&services, &caller)));
        // Half of the rounds begin with the credential in memory, half with a load.
        if number % 2 == 0 {
            let warm = main.block_on(exchanging_on.exchange.exchange(round.token.expose_secret(), &Asked::default()));
            assert!(warm.is_ok(), "{warm:?}");
        }
        let revoke = Arc::new(Revoke::default());
        revoke.order.now();
        rounds.send((round.clone(), revoke.clone())).unwrap();
        start.wait();
        revoke.began.store(revoke.order.now(), SeqCst);
        main.block_on(services.credentials.revoke(&caller, round.id)).unwrap();
        revoke.answered.store(true, SeqCst);
        let seen = reports.recv().expect("the exchanging thread saw no fault");
        overlapping += usize::from(seen.overlapped);
        revs.insert(round.id, seen.revs);
        if overlapping == wanted {
            break;
        }
    }
    drop(rounds);
    exchanging.join().unwrap();
    assert_eq!(overlapping, wanted, "too few rounds in which the two met");

    let entries =
        main.block_on(db.read(|c| list::entries(c, 0, i64::MAX))).unwrap_or_else(|e: StoreError| panic!("{e}"));
    for entry in entries {
        let Target::Credential(id) = entry.target else { panic!("{entry:?}") };
        for rev in revs.remove(&id).expect("one entry for each round") {
            assert!(rev < entry.seq, "a token with rev {rev} is not revoked by entry {}", entry.seq);
        }
    }
    assert!(revs.is_empty(), "each revoke is on the list");
    for server in [services, exchanging_on] {
        main.block_on(server.shut_down()).unwrap();
    }
}

/// A server's surroundings, with connections of its own.
fn outside(database: &TestDatabase) -> Environment {
    let db = Database::new(&DatabaseSettings { url: database.url().parse().unwrap(), connections: 8 });
    Environment { clock: Arc::new(SystemClock), random: Arc::new(SystemRandomness::default()), db }
}

async fn new_round(services: &Services, caller: &Caller) -> Round {
    let new = NewToken {
        name: "race".to_owned(),
        kind: CredentialKind::Opaque,
        permission: Permission::ReadWrite,
        scopes: None,
        audiences: None,
        expiry: Expiry::ByPolicy,
    };
    let (seen, token) = services.credentials.create(caller, None, new).await.unwrap();
    Round { id: seen.record.standing.credential.id, token }
}
