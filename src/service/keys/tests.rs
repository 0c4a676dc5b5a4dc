//! What a change of the keys does to servers, on one database.

use std::{
    fs, iter,
    path::PathBuf,
    sync::{Arc, Barrier},
    thread::{self, JoinHandle},
    time::Duration,
};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use diesel::connection::SimpleConnection as _;

use super::{
    KeyRing, KeyRingError, Keys,
    root::RootKeys,
    sealing::{self, Label},
};
use crate::{
    domain::{clock::Clock as _, jws::SigningAlgorithm, list::Target, random::SystemRandomness, source::Source},
    service::{
        Environment, ManageError, NotReady,
        background::each_minute,
        credentials::StaleWalk,
        exchange::Point,
        testing::{KEY_LEAD, KEY_ROTATION, Replica, block_on},
        watcher::Watcher,
    },
    store::{
        DbConnection, StoreError,
        keys::{self, KeyPurpose, SealedKey},
    },
};

/// A change of the keys by a command, which is made and waits for the servers. It results in a new key.
struct Change {
    command: Replica,
    thread: JoinHandle<String>,
}

impl Change {
    fn begin(beside: &Replica, change: impl FnOnce(&Keys) -> String + Send + 'static) -> Self {
        let command = beside.command_beside();
        command.pauses.arm(Point::OthersBehind);
        let services = command.services.clone();
        let thread = thread::spawn(move || change(&services.keys));
        command.pauses.await_reached(Point::OthersBehind);
        Self { command, thread }
    }

    fn rotation(beside: &Replica, at_once: bool) -> Self {
        Self::begin(beside, move |keys| block_on(keys.rotate(None, at_once)).unwrap().kid)
    }

    fn withdrawal(beside: &Replica, kid: &str) -> Self {
        let kid = kid.to_owned();
        Self::begin(beside, move |keys| withdrawn(keys, &kid))
    }

    fn end(self, servers: &[&Replica]) -> String {
        for server in servers {
            server.follow();
            server.note();
        }
        self.command.pauses.release(Point::OthersBehind);
        self.thread.join().unwrap()
    }
}

/// Withdraws the key that signs; the one that does then.
fn withdrawn(keys: &Keys, kid: &str) -> String {
    let withdrawn = block_on(keys.withdraw(kid)).unwrap().expect("a key");
    withdrawn.successor().expect("it signs").to_owned()
}

fn seconds(seconds: i64) -> Duration {
    Duration::from_secs(seconds.unsigned_abs())
}

/// The key under which the server signs now.
fn signer(server: &Replica) -> String {
    let exchanged = server.exchange().expect("alive");
    jsonwebtoken::decode_header(&exchanged.access).unwrap().kid.unwrap()
}

/// The keys that the server publishes now.
fn published(server: &Replica) -> Vec<String> {
    let published = server.services.core().keys.published(server.clock.now());
    published.iter().map(|key| key.kid().to_owned()).collect()
}

#[test]
fn every_server_publishes_a_new_key_and_signs_with_it_at_the_same_moment() {
    let one = Replica::warm();
    let (other, old) = (one.warm_beside(), signer(&one));
    let rotation = Change::rotation(&one, false);
    assert!(!rotation.thread.is_finished(), "nobody publishes it");
    let new = rotation.end(&[&one, &other]);
    one.clock.advance(seconds(KEY_LEAD - 1));
    for server in [&one, &other] {
        assert_eq!((published(server), signer(server)), (vec![new.clone(), old.clone()], old.clone()));
    }
    one.clock.advance(seconds(1));
    for server in [&one, &other] {
        assert_eq!((published(server), signer(server)), (vec![new.clone(), old.clone()], new.clone()));
    }
    let started_now = one.beside();
    assert_eq!((published(&started_now), signer(&started_now)), (vec![new.clone(), old], new));
}

#[test]
fn memory_stays() {
    let server = Replica::warm();
    let new = Change::rotation(&server, true).end(&[&server]);
    let queries = server.db.queries();
    assert_eq!(signer(&server), new);
    assert_eq!(server.db.queries(), queries);
}

#[test]
fn moments_are_by_the_databases_clock() {
    let server = Replica::warm();
    let new = Change::rotation(&server, false).end(&[&server]);
    let compare = |seconds| {
        server.clock.set_database_ahead(seconds);
        block_on(server.services.core().keys.clock().compare(&server.db)).unwrap();
        block_on(server.services.health.check())
    };
    for seconds in [60, -60] {
        assert!(compare(seconds).is_ok());
        assert_ne!(signer(&server), new);
    }
    for seconds in [61, -61] {
        let refused = compare(seconds);
        assert!(matches!(refused, Err(NotReady::Skew(millis)) if millis == seconds * 1000), "{refused:?}");
    }
    assert!(compare(KEY_LEAD).is_err());
    assert_eq!(signer(&server), new);
}

#[test]
fn a_server_that_cannot_open_a_key_follows_nothing_until_it_can() {
    let server = Replica::warm();
    let file: PathBuf = server.keys_dir().join("root.key");
    let before = fs::read_to_string(&file).unwrap();
    let renewed = format!("{}\n{before}", STANDARD.encode([7; 32]));
    fs::write(&file, &renewed).unwrap();
    let rotation = Change::rotation(&server, false);
    fs::write(&file, before).unwrap();
    let (applied, error) = (server.memory.applied(), server.follower().step().unwrap_err());
    assert!(matches!(error, KeyRingError::DoesNotOpen(_)), "{error}");
    assert_eq!(server.memory.applied(), applied);
    fs::write(&file, renewed).unwrap();
    let new = rotation.end(&[&server]);
    assert_eq!(published(&server)[0], new);
}

#[test]
fn a_withdrawn_key_is_gone_from_every_server_and_memory_stays() {
    let one = Replica::warm();
    let (other, old) = (one.warm_beside(), one.exchange().expect("alive"));
    let kid = signer(&one);
    let new = Change::withdrawal(&one, &kid).end(&[&one, &other]);
    for server in [&one, &other] {
        let queries = server.db.queries();
        assert_eq!((published(server), signer(server)), (vec![new.clone()], new.clone()));
        assert_eq!(server.db.queries(), queries);
        let told = server.feed(old.rev).unwrap().page.entries;
        assert!(matches!(*told, [entry] if entry.target == Target::Unknown && entry.seq > old.rev), "{told:?}");
        assert!(server.exchange().expect("alive").rev >= told[0].seq, "a new token is good");
    }
}

#[test]
fn a_server_that_reads_each_time_does_not_sign_with_a_withdrawn_key() {
    let server = Replica::new();
    let kid = signer(&server);
    block_on(server.presence.leave()).unwrap();
    let cost = || {
        let before = server.db.queries();
        let kid = signer(&server);
        (server.db.queries() - before, kid)
    };
    let (usual, _) = cost();
    let new = withdrawn(&server.command_beside().services.keys, &kid);
    let (first, signed_by) = cost();
    assert_eq!(signed_by, new, "though it has not followed");
    assert!(first > usual);
    assert_eq!(cost(), (usual, new), "the keys are known");
}

#[test]
fn what_somebody_else_signs_with_a_withdrawn_key_proves_nothing() {
    let server = Replica::following();
    let core = server.services.core();
    let stolen = core.keys.signing(server.clock.now());
    let own = server.exchange().expect("alive").access;
    let mut claims = core.signed_claims(&own).expect("ours").claims;
    claims.rev = i64::MAX;
    let forged = stolen.sign(&claims).unwrap();
    let before = server.services.credentials.caller(&forged, Source::default()).unwrap();
    assert!(block_on(core.authenticate(&before)).is_ok(), "until somebody notices");
    block_on(server.presence.leave()).unwrap();
    withdrawn(&server.command_beside().services.keys, stolen.kid());
    let refused = block_on(core.authenticate(&before)).err();
    assert!(matches!(refused, Some(ManageError::Unauthenticated)), "{refused:?}, though the server has not followed");
    assert!(server.services.credentials.caller(&forged, Source::default()).is_err());
}

#[test]
fn no_key_is_made_by_a_clock_that_may_be_wrong_and_one_that_was_keeps_none_from_being_made() {
    let server = Replica::following();
    block_on(server.presence.leave()).unwrap();
    let minute = || {
        block_on(each_minute(server.services.core(), &mut Watcher::default(), &mut StaleWalk::default()));
        server.follow();
        published(&server).len()
    };
    server.trust_clock();
    server.clock.jump(100 * KEY_ROTATION);
    assert_eq!(minute(), 1);
    server.clock.jump(-100 * KEY_ROTATION);
    assert_eq!(minute(), 1, "it is not old");
    server.execute("UPDATE sealed_keys SET created_at = '2028-11-21 10:00:00', activates_at = '2028-11-21 10:15:00'");
    assert_eq!(minute(), 2, "one that is to be made in two years");
    assert_eq!(minute(), 2);
}

#[test]
fn a_key_is_made_when_the_newest_is_old_enough() {
    let server = Replica::following();
    block_on(server.presence.leave()).unwrap();
    let old = signer(&server);
    let minute = || {
        server.trust_clock();
        block_on(each_minute(server.services.core(), &mut Watcher::default(), &mut StaleWalk::default()));
        server.follow();
        published(&server)
    };
    server.clock.advance(seconds(KEY_ROTATION - 1));
    assert_eq!(minute(), [&*old]);
    server.clock.advance(seconds(1));
    let made = minute();
    assert!(made.len() == 2 && made[1] == old, "{made:?}");
    assert_eq!(signer(&server), old, "services do not know it yet");
    server.clock.advance(seconds(KEY_LEAD));
    assert_eq!((minute(), signer(&server)), (made.clone(), made[0].clone()));
}

#[test]
fn of_many_servers_one_makes_it() {
    let servers: Vec<_> = {
        let first = Replica::new();
        block_on(first.presence.leave()).unwrap();
        let others: Vec<_> = (0..3).map(|_| first.beside()).collect();
        iter::once(first).chain(others).collect()
    };
    servers[0].clock.advance(seconds(KEY_ROTATION));
    let together = Barrier::new(servers.len());
    let rotate = |server: &Replica| {
        together.wait();
        usize::from(block_on(server.services.keys.rotate_if_due()).unwrap().is_some())
    };
    let made: usize = thread::scope(|scope| {
        let threads: Vec<_> = servers.iter().map(|server| scope.spawn(|| rotate(server))).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).sum()
    });
    assert_eq!(made, 1);
    servers[0].follow();
    assert_eq!(published(&servers[0]).len(), 2);
}

#[test]
fn resealed_keys_need_the_newest_root_key_alone() {
    let server = Replica::warm();
    let (file, kid) = (server.keys_dir().join("root.key"), signer(&server));
    let (new, old) = (STANDARD.encode([7; 32]), fs::read_to_string(&file).unwrap());
    let successor = Change::withdrawal(&server, &kid).end(&[&server]);
    let start = || {
        let (clock, random, db) = (server.clock.clone(), Arc::new(SystemRandomness::default()), server.db.clone());
        let outside = Environment { clock, random, db };
        block_on(KeyRing::open(&outside, &server.keys_dir(), SigningAlgorithm::default()))
    };
    fs::write(&file, format!("{new}\n{old}")).unwrap();
    let reseal = |keys: &Keys| block_on(keys.reseal()).unwrap().to_string();
    assert_eq!(Change::begin(&server, reseal).end(&[&server]), "3", "that of the tags, and two that sign");
    fs::write(&file, &old).unwrap();
    assert!(matches!(start(), Err(KeyRingError::DoesNotOpen(_))));
    fs::write(&file, &new).unwrap();
    let started = start().expect("all keys open");
    assert_eq!(started.signing(server.clock.now()).kid(), successor);
    let next = Change::rotation(&server, true).end(&[&server]);
    assert_eq!(signer(&server), next);
}

#[test]
fn a_key_for_something_new_is_left_alone_and_sealed_anew_with_the_others() {
    let server = Replica::warm();
    let (folder, kid) = (server.keys_dir(), signer(&server));
    let (file, newest) = (folder.join("root.key"), STANDARD.encode([7; 32]));
    let old = fs::read_to_string(&file).unwrap();
    let purpose = KeyPurpose::stored("webhook").unwrap();
    let label = || Label { kid: "hook", algorithm: "HS512", purpose };
    let sealed =
        sealing::seal(&RootKeys::read(&folder).unwrap(), &label(), b"secret", &SystemRandomness::default()).unwrap();
    let now = server.clock.now();
    let (activates_at, withdrawn_at) = (now, None);
    let hook = SealedKey {
        kid: "hook".to_owned(),
        purpose,
        algorithm: "HS512".to_owned(),
        sealed,
        created_at: now,
        activates_at,
        created_seq: i64::MAX,
        withdrawn_at,
    };
    block_on(server.db.write(move |connection| keys::insert(connection, hook))).unwrap();
    fs::write(&file, format!("{newest}\n{old}")).unwrap();
    let reseal = |keys: &Keys| block_on(keys.reseal()).unwrap().to_string();
    assert_eq!(Change::begin(&server, reseal).end(&[&server]), "3", "the tags', the one that signs, and the new one");
    assert_eq!((signer(&server), published(&server)), (kid.clone(), vec![kid]));
    fs::write(&file, &newest).unwrap();
    let stored = block_on(server.db.read(keys::all)).unwrap().into_iter().find(|key| key.kid == "hook").unwrap();
    let opened = sealing::open(&RootKeys::read(&folder).unwrap(), &label(), &stored.sealed);
    assert_eq!(opened.as_deref(), Ok(b"secret".as_slice()));
}

#[test]
fn a_signing_key_of_a_new_algorithm_stops_the_server_and_says_why() {
    let server = Replica::warm();
    let kid = signer(&server);
    let sql = format!("UPDATE sealed_keys SET algorithm = 'ML-DSA-44' WHERE kid = '{kid}'");
    let change = move |connection: &mut DbConnection| {
        connection.batch_execute(&sql).map_err(|error| StoreError::Query(error.to_string()))
    };
    block_on(server.db.write(change)).unwrap();
    let (clock, random, db) = (server.clock.clone(), Arc::new(SystemRandomness::default()), server.db.clone());
    let outside = Environment { clock, random, db };
    let Err(error) = block_on(KeyRing::open(&outside, &server.keys_dir(), SigningAlgorithm::default())) else {
        panic!("it starts")
    };
    assert!(error.to_string().contains("is for ML-DSA-44, which this patmint does not know"), "{error}");
}

#[test]
fn a_key_made_beside_a_reseal_is_sealed_under_the_newest_root_key() {
    let server = Replica::warm();
    let file = server.keys_dir().join("root.key");
    let (new, old) = (STANDARD.encode([7; 32]), fs::read_to_string(&file).unwrap());
    let command = server.command_beside();
    command.pauses.arm(Point::Changing);
    command.pauses.arm(Point::OthersBehind);
    let services = command.services.clone();
    let rotation = thread::spawn(move || block_on(services.keys.rotate(None, true)).unwrap().kid);
    command.pauses.await_reached(Point::Changing);
    fs::write(&file, format!("{new}\n{old}")).unwrap();
    let reseal = |keys: &Keys| block_on(keys.reseal()).unwrap().to_string();
    assert_eq!(Change::begin(&server, reseal).end(&[&server]), "2");
    fs::write(&file, new).unwrap();
    command.pauses.release(Point::Changing);
    command.pauses.await_reached(Point::OthersBehind);
    server.follow();
    server.note();
    command.pauses.release(Point::OthersBehind);
    assert_eq!(signer(&server), rotation.join().unwrap());
}

#[test]
fn an_exported_key_signs_elsewhere() {
    let (one, other) = (Replica::warm(), Replica::warm());
    let first = signer(&one);
    for algorithm in SigningAlgorithm::ALL {
        let rotate = move |keys: &Keys| block_on(keys.rotate(Some(algorithm), true)).unwrap().kid;
        let kid = Change::begin(&one, rotate).end(&[&one]);
        let pem = block_on(one.services.keys.export(None)).unwrap().expect("the one that signs");
        let import = move |keys: &Keys| block_on(keys.import(&pem, true)).unwrap().kid;
        assert_eq!(Change::begin(&other, import).end(&[&other]), kid);
        assert_eq!([signer(&one), signer(&other)], [kid.clone(), kid]);
    }
    let keys = &one.services.keys;
    let before = block_on(keys.export(Some(first.clone()))).unwrap().expect("an older one");
    let known = block_on(keys.import(&before, true));
    assert!(matches!(known, Err(KeyRingError::Known(ref kid)) if *kid == first), "{known:?}");
    assert!(block_on(keys.export(Some("nothing".to_owned()))).unwrap().is_none());
    Change::begin(&one, {
        let kid = first.clone();
        move |keys| format!("{:?}", block_on(keys.withdraw(&kid)).unwrap())
    })
    .end(&[&one]);
    let withdrawn = block_on(keys.export(Some(first.clone())));
    assert!(matches!(withdrawn, Err(KeyRingError::Withdrawn(ref kid)) if *kid == first));
}
