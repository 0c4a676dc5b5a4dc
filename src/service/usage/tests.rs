use secrecy::ExposeSecret as _;

use super::*;
use crate::{
    domain::{
        credential::LookupKey,
        ids::RequestId,
        list::{Entry, Target},
        random::SystemRandomness,
        source::Source,
        verdict::tests::standing,
    },
    service::{
        ExchangeError,
        authority::Caller,
        testing::{Replica, block_on},
    },
    store::{
        addresses::{self, AddressOfUse},
        refusals, usage as rows,
    },
};

const DAY: i64 = 86_400;

fn noon() -> Timestamp {
    "2026-11-22T12:00:00Z".parse().unwrap()
}

fn new_ids(count: usize) -> Vec<CredentialId> {
    let random = SystemRandomness::default();
    (0..count).map(|_| CredentialId::generate(noon(), &random)).collect()
}

fn usage() -> Usage {
    Usage::new(Arc::new(Memory::new(100_000)))
}

/// A credential that memory has.
fn remembered(usage: &Usage) -> Arc<Known> {
    let known = Arc::new(Known::new(standing()));
    usage.memory.offer(LookupKey::Id(known.id()), &known, 0);
    known
}

fn counts(usage: &Usage) -> Vec<(String, &'static str, i64)> {
    let batch = usage.unwritten();
    let mut counts: Vec<_> =
        batch.counts.iter().map(|((_, day, outcome), count)| (day.clone(), *outcome, *count)).collect();
    counts.sort();
    counts
}

#[test]
fn each_day_and_outcome_is_counted_apart() {
    let usage = usage();
    let (in_memory, elsewhere) = (remembered(&usage), Arc::new(Known::new(standing())));
    let (tomorrow, from) = (noon().plus_seconds(DAY), "::ffff:10.0.0.1".parse().ok());
    let source = Source { address: from, request_id: None };
    for known in [in_memory, elsewhere] {
        usage.note(&known, noon(), Source::default(), None);
        usage.note(&known, noon(), source, None);
        usage.note(&known, noon(), source, Some(Refusal::Expired));
        usage.note(&known, tomorrow, source, None);
        usage.note(&known, noon().plus_seconds(1), Source::default(), None);
        usage.note_use(known.id(), tomorrow.plus_seconds(1), from);
        assert_eq!(usage.last_use(known.id()), Some(tomorrow.plus_seconds(1)), "while it is in memory");
        assert!(usage.gather(usize::MAX));
        let expected = [("2026-11-22", "expired", 1), ("2026-11-22", GRANTED, 3), ("2026-11-23", GRANTED, 1)];
        assert_eq!(counts(&usage), expected.map(|(day, outcome, count)| (day.to_owned(), outcome, count)));
        let last = usage.unwritten().last_used[&known.id()].clone();
        assert_eq!(last, (tomorrow.plus_seconds(1), Some("10.0.0.1".to_owned())));
        assert_eq!(usage.last_use(known.id()), Some(tomorrow.plus_seconds(1)), "as long as it is not written");
        *usage.unwritten() = UsageBatch::default();
        assert!(!usage.gather(usize::MAX), "taken once");
    }
}

#[test]
fn what_memory_forgets_is_written_all_the_same() {
    let usage = usage();
    let forget: [fn(&Memory, CredentialId); 4] = [
        |memory, id| memory.forget(&[entry(Target::Credential(id))]),
        |memory, _| memory.forget(&[entry(Target::Unknown)]),
        |memory, _| memory.forget_all(),
        |memory, id| {
            let again = memory.get(LookupKey::Id(id)).map(|known| Known::new((*known).clone()));
            memory.offer(LookupKey::Id(id), &Arc::new(again.unwrap()), 0);
        },
    ];
    for forget in forget {
        let known = remembered(&usage);
        usage.note(&known, noon(), Source::default(), None);
        forget(&usage.memory, known.id());
        assert_eq!(usage.last_use(known.id()), Some(noon()));
        // By an exchange that found it before.
        usage.note(&known, noon().plus_seconds(1), Source::default(), None);
        assert_eq!(usage.last_use(known.id()), Some(noon().plus_seconds(1)));
        assert!(usage.gather(usize::MAX));
        assert_eq!(counts(&usage), [("2026-11-22".to_owned(), GRANTED, 2)]);
        *usage.unwritten() = UsageBatch::default();
    }
}

fn entry(target: Target) -> Entry {
    Entry { seq: 1, target, revokes: false, created_at: noon() }
}

#[test]
fn a_batch_is_bounded_and_every_credential_has_its_turn() {
    let replica = Replica::new();
    let usage = usage();
    let in_memory: Vec<_> = (0..3 * BATCH).map(|_| remembered(&usage)).collect();
    let elsewhere = new_ids(3 * BATCH);
    for known in &in_memory {
        usage.note(known, noon(), Source::default(), None);
    }
    for id in &elsewhere {
        usage.note_use(*id, noon(), None);
    }
    let waits = |id: CredentialId| usage.last_use(id) == Some(noon());
    let mut batches = 0;
    loop {
        let waiting: Vec<_> = in_memory.iter().filter(|known| waits(known.id())).collect();
        let loose: Vec<_> = elsewhere.iter().filter(|id| waits(**id)).collect();
        if waiting.is_empty() && loose.is_empty() {
            break;
        }
        assert!(batches < 5, "some never have their turn");
        block_on(usage.flush_some(&replica.db)).unwrap();
        let written: Vec<_> = waiting.into_iter().filter(|known| !waits(known.id())).collect();
        let loose: Vec<_> = loose.into_iter().filter(|id| !waits(**id)).collect();
        let bound = BATCH + BATCH / 4;
        assert!(written.len() <= bound && loose.len() <= bound, "{} and {}", written.len(), loose.len());
        // Used again, which must not keep others from their turn.
        for known in written {
            usage.note(known, noon().plus_seconds(1), Source::default(), None);
        }
        for id in loose {
            usage.note_use(*id, noon().plus_seconds(1), None);
        }
        batches += 1;
    }
    assert!(batches >= 3, "{batches} batches");
}

#[test]
fn a_flood_of_refusals_is_written_as_the_last_few_of_each() {
    let replica = Replica::warm();
    let (id, random) = (replica.credential_id(), SystemRandomness::default());
    let refuse = |usage: &Usage, id, second| {
        let at = noon().plus_seconds(second);
        let request_id = Some(RequestId::generate(at, &random));
        usage.refused(id, at, Refusal::Expired, Source { address: None, request_id });
        request_id
    };
    let read = || block_on(replica.db.read(move |connection| refusals::of(connection, id))).unwrap();
    // Two servers, one of which writes late what was earlier.
    let (usage, late) = (usage(), self::usage());
    for second in 0..10 {
        refuse(&late, id, second);
    }
    // Others, of whom no more are kept than there is room for.
    for other in new_ids(2000) {
        for second in 0..100 {
            refuse(&usage, other, second);
        }
    }
    // Last, so that none of those takes its place.
    let all: Vec<_> = (5..2000).filter_map(|second| refuse(&usage, id, second)).collect();
    let last: Vec<_> = all.into_iter().rev().take(20).collect();
    usage.gather(usize::MAX);
    assert!(usage.unwritten().refusals.len() <= BATCH + BATCH / 4, "{}", usage.unwritten().refusals.len());
    let mut of_this = 0;
    while usage.gather(usize::MAX) {
        of_this += usage.unwritten().refusals.values().filter(|(of, _)| *of == id).count();
        while block_on(usage.write_part(&replica.db)).unwrap() {}
    }
    assert_eq!(of_this, 20);
    let written = || read().iter().map(|refused| refused.request_id).collect::<Vec<_>>();
    assert_eq!(written(), last);
    block_on(late.flush_some(&replica.db)).unwrap();
    assert_eq!(written(), last, "what is older has no place");
    assert_eq!(read().first().map(|refused| refused.at), Some(noon().plus_seconds(1999)));
}

fn from(last: u8) -> Source {
    Source { address: Some([10, 0, 0, last].into()), request_id: None }
}

/// Address, first and last use in seconds after noon, and exchanges.
fn addresses_of(replica: &Replica, id: CredentialId) -> Vec<(String, i64, i64, i64)> {
    let found = block_on(replica.db.read(move |connection| addresses::of(connection, id))).unwrap();
    let since = |at: Timestamp| at.unix_seconds() - noon().unix_seconds();
    let shown = |one: AddressOfUse| (one.address, since(one.first_used_at), since(one.last_used_at), one.exchanges);
    found.into_iter().map(shown).collect()
}

fn write_all(replica: &Replica, usage: &Usage) {
    while usage.gather(usize::MAX) {
        while block_on(usage.write_part(&replica.db)).unwrap() {}
    }
}

#[test]
fn use_is_counted_by_address_wherever_it_is_gathered() {
    let replica = Replica::new();
    let usage = usage();
    for known in [remembered(&usage), Arc::new(Known::new(standing()))] {
        // To and fro, over midnight, and once without an address.
        for (address, second) in [(1, 0), (2, 1), (1, 2), (1, 3), (3, 4), (2, 5), (2, DAY)] {
            usage.note(&known, noon().plus_seconds(second), from(address), None);
        }
        usage.note(&known, noon().plus_seconds(DAY + 1), Source::default(), None);
        usage.note_use(known.id(), noon().plus_seconds(DAY + 2), from(4).address);
        write_all(&replica, &usage);
        let of = |last: u8, times: (i64, i64), exchanges| (format!("10.0.0.{last}"), times.0, times.1, exchanges);
        let (four, two) = (of(4, (DAY + 2, DAY + 2), 0), of(2, (DAY, DAY), 3));
        assert_eq!(addresses_of(&replica, known.id()), [four, two, of(3, (4, 4), 1), of(1, (3, 3), 3)]);
        usage.note(&known, noon().plus_seconds(DAY + 3), from(3), None);
        write_all(&replica, &usage);
        assert_eq!(addresses_of(&replica, known.id()).first(), Some(&of(3, (4, DAY + 3), 2)));
        let id = known.id();
        let counted = block_on(replica.db.read(move |connection| rows::counts_of(connection, id, ""))).unwrap();
        let granted = |day: &str, count| (day.to_owned(), GRANTED.to_owned(), count);
        assert_eq!(counted, [granted("2026-11-23", 3), granted("2026-11-22", 6)]);
    }
}

#[test]
fn of_many_addresses_the_last_twenty_stay() {
    let replica = Replica::new();
    let usage = usage();
    let known = remembered(&usage);
    // Some are written while others are there already; one that is used again stays.
    for part in [1..=15_u8, 16..=25, 3..=3, 26..=90] {
        for last in part {
            usage.note(&known, noon().plus_seconds(i64::from(last)), from(last), None);
        }
        write_all(&replica, &usage);
    }
    let found = addresses_of(&replica, known.id());
    let expected: Vec<_> = (71..=90_i64).rev().map(|last| (format!("10.0.0.{last}"), last, last, 1)).collect();
    assert_eq!(found, expected);
}

#[test]
fn refusals_that_are_written_twice_are_there_once() {
    let replica = Replica::warm();
    let (id, usage) = (replica.credential_id(), usage());
    let request_id = Some(RequestId::generate(noon(), &SystemRandomness::default()));
    usage.refused(id, noon(), Refusal::Stale, Source { address: None, request_id });
    usage.gather(usize::MAX);
    let batch = UsageBatch { refusals: usage.unwritten().refusals.clone(), ..UsageBatch::default() };
    for _ in 0..2 {
        let batch = batch.clone();
        block_on(replica.db.write(move |connection| rows::write(connection, &batch))).unwrap();
    }
    let found = block_on(replica.db.read(move |connection| refusals::of(connection, id))).unwrap();
    assert_eq!(found.iter().map(|refused| Some(refused.request_id)).collect::<Vec<_>>(), [request_id]);
}

#[test]
fn the_later_use_stays_and_counts_add_up() {
    let replica = Replica::warm();
    let id = replica.credential_id();
    let later = noon().plus_seconds(60);
    for (at, count) in [(later, 2), (noon(), 3)] {
        let usage = usage();
        (0..count).for_each(|_| usage.memory.loose_use.note(id, Use { at, from: None, granted: 1 }));
        // Of others there are no rows: the counts are kept, the last use has no place.
        for other in new_ids(20) {
            usage.note_use(other, at, None);
        }
        usage.gather(usize::MAX);
        while block_on(usage.write_part(&replica.db)).unwrap() {}
        assert_eq!(usage.last_use(id), None);
    }
    let read = move |connection: &mut _| {
        let record = crate::store::standings::record_by_id(connection, id)?.unwrap();
        Ok::<_, StoreError>((record.standing.credential.last_used_at, rows::counts_of(connection, id, "")?))
    };
    let (last_used_at, counts) = block_on(replica.db.read(read)).unwrap();
    assert_eq!(last_used_at, Some(later));
    assert_eq!(counts, [("2026-11-22".to_owned(), GRANTED.to_owned(), 5)]);
}

#[test]
fn use_that_is_not_written_yet_counts_whatever_memory_has_forgotten() {
    let replica = Replica::warm();
    let core = replica.services.core();
    let proof = core.proof(replica.token.expose_secret()).unwrap();
    replica.clock.jump(200 * DAY);
    replica.exchange().expect("used in time");
    replica.memory.forget_all();
    // 400 days after the use that is written.
    replica.clock.jump(200 * DAY);
    let caller = Caller { proof, source: Source::default(), idempotency_key: None };
    block_on(core.authenticate(&caller)).map(drop).expect("used in time");
    replica.memory.forget_all();
    replica.clock.jump(200 * DAY);
    replica.exchange().expect("used in time");
    replica.memory.forget_all();
    replica.clock.jump(366 * DAY);
    assert!(matches!(replica.exchange(), Err(ExchangeError::Refused(Refusal::Stale))));
}
