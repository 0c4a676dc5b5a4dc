//! What the feed says and when: complete up to its head, as recent as it claims, and nothing without trust. Made like
//! `ordering_tests.rs`.

use std::{
    future::{Future, poll_fn},
    pin::pin,
    task::Poll,
    thread,
    time::Duration,
};

use super::{lapse, pause::Point};
use crate::{
    domain::{
        list::{Entry, Target},
        verdict::Refusal,
    },
    service::{
        Delta, ExchangeError, Feed, FeedError,
        change::{Actor, Change},
        testing::{MAX_STALENESS, Replica, block_on},
    },
    store::{
        StoreError,
        list::{self, Stamp},
    },
};

/// Longer than any test is let run: only what wakes ends such a wait.
const LONG: Duration = Duration::from_hours(1);

/// Runs `future` until it waits, then `f` on a thread of its own, then `future` to its end.
fn during<T>(future: impl Future<Output = T>, f: impl FnOnce() + Send) -> T {
    block_on(async {
        let mut future = pin!(future);
        let first = poll_fn(|context| Poll::Ready(future.as_mut().poll(context).is_pending()));
        assert!(first.await, "it does not wait");
        thread::scope(|scope| scope.spawn(f).join()).expect("no failure meanwhile");
        future.await
    })
}

/// The answer to a reader that waits for as long as it takes.
async fn waited(feed: &Feed, after: i64) -> Result<Delta, FeedError> {
    let request = feed.request(after);
    request.wait(LONG).await;
    request.answer().await
}

fn seqs(replica: &Replica, after: i64) -> Vec<i64> {
    replica.feed(after).unwrap().page.entries.iter().map(|entry| entry.seq).collect()
}

/// A change with one entry, which its maker does not wait for.
fn append(replica: &Replica, target: Target, revokes: bool) -> i64 {
    let append = move |connection: &mut _, Stamp { seq, now }| {
        list::append(connection, Entry { seq, target, revokes, created_at: now }).map(|()| seq)
    };
    block_on(replica.db.change::<_, StoreError>(replica.clock.clone(), append)).unwrap()
}

#[test]
fn r1_the_feed_has_an_entry_before_anybody_is_told_that_it_is_applied() {
    let replica = Replica::warm();
    let applied = replica.memory.applied();
    let revoke = append(&replica, Target::Unknown, true);
    replica.pauses.arm(Point::Listed);
    let follower = replica.follow_apart();
    replica.pauses.await_reached(Point::Listed);
    assert_eq!(replica.memory.applied(), applied);
    assert_eq!((seqs(&replica, applied), replica.feed(applied).unwrap().page.head), (vec![revoke], revoke));
    replica.pauses.release(Point::Listed);
    follower.join().unwrap();
}

#[test]
fn r1_the_age_counts_from_before_the_counter_was_read() {
    let replica = Replica::warm();
    replica.pauses.arm(Point::ListRead);
    let follower = replica.follow_apart();
    replica.pauses.await_reached(Point::ListRead);
    let revoke = append(&replica, Target::Unknown, true);
    replica.clock.pass(Duration::from_millis(300));
    replica.pauses.release(Point::ListRead);
    follower.join().unwrap();
    let delta = replica.feed(0).unwrap();
    assert!(delta.page.head < revoke, "the look began before it");
    assert_eq!(delta.age, Duration::from_millis(300));
}

#[test]
fn without_trust_there_is_no_answer() {
    let replica = Replica::warm();
    replica.feed(0).unwrap();
    replica.clock.pass(MAX_STALENESS);
    assert!(matches!(replica.feed(0), Err(FeedError::Following)));
    replica.follow();
    replica.feed(0).unwrap();
}

#[test]
fn who_waits_is_woken_by_what_revokes_alone() {
    let replica = Replica::warm();
    let head = replica.memory.applied();
    let mut revoke = 0;
    let delta = during(waited(&replica.services.feed, head), || {
        append(&replica, Target::Unknown, false);
        replica.follow();
        assert!(!replica.memory.feed.has_news(head));
        revoke = append(&replica, Target::Unknown, true);
        replica.follow();
    });
    let page = delta.unwrap().page;
    assert_eq!((page.entries.len(), page.head), (1, revoke));
}

#[test]
fn how_long_a_request_was_held_and_how_old_the_answer_is_end_together() {
    let replica = Replica::warm();
    let head = replica.memory.applied();
    let request = replica.services.feed.request(head);
    let wait = async {
        request.wait(LONG).await;
        request.answer().await
    };
    let delta = during(wait, || {
        replica.clock.pass(Duration::from_millis(250));
        append(&replica, Target::Unknown, true);
        replica.follow();
        replica.clock.pass(Duration::from_millis(30));
    });
    let delta = delta.unwrap();
    assert_eq!((delta.held, delta.age), (Duration::from_millis(280), Duration::from_millis(30)));
    assert!(delta.page.has_news && !delta.page.more);
}

#[test]
fn a_reader_between_two_servers_of_which_one_lags_hears_of_each_revocation_once() {
    let ahead = Replica::warm();
    let behind = ahead.warm_beside();
    let (mut after, mut heard, mut revoked) = (ahead.memory.applied(), Vec::new(), Vec::new());
    let mut hear = |delta: Delta| {
        assert!(delta.page.head >= after, "the server is not behind any more");
        heard.extend(delta.page.entries.iter().map(|entry| entry.seq));
        after = delta.page.head;
        after
    };
    let mut known = hear(ahead.feed(ahead.memory.applied()).unwrap());
    for _ in 0..30 {
        revoked.push(append(&ahead, Target::Unknown, true));
        ahead.follow();
        known = hear(ahead.feed(known).unwrap());
        let before = known;
        // The next answer is the other server's, which has not looked yet: it says nothing until it knows more.
        let none = behind.feed(known).unwrap().page;
        assert!(none.head < known && none.entries.is_empty() && !none.has_news, "{none:?}");
        let delta = during(waited(&behind.services.feed, known), || {
            behind.follow();
            assert_eq!(behind.memory.applied(), before);
            assert!(!behind.memory.feed.has_news(before), "caught up, and no more");
            revoked.push(append(&ahead, Target::Unknown, true));
            behind.follow();
        });
        known = hear(delta.unwrap());
        ahead.follow();
    }
    assert_eq!(heard, revoked);
}

#[test]
fn a_reader_that_waits_hears_of_a_withdrawn_key_before_it_is_answered_also_when_it_never_signed() {
    let replica = Replica::warm();
    let command = replica.command_beside();
    block_on(replica.presence.leave()).unwrap();
    let pending = block_on(command.services.keys.rotate(None, false)).unwrap().kid;
    replica.note();
    replica.follow();
    replica.note();
    let head = replica.memory.applied();
    let delta = during(waited(&replica.services.feed, head), || {
        replica.follow();
        assert!(!replica.memory.feed.has_news(head));
        // Nobody waits for this server, so that the test says when it looks.
        block_on(replica.presence.leave()).unwrap();
        block_on(command.services.keys.withdraw(&pending)).unwrap();
        replica.note();
        replica.follow();
    });
    let page = delta.unwrap().page;
    assert_eq!((page.withdrawn, page.entries, page.has_news), (vec![pending.clone()], Vec::new(), true));
    assert!(page.head > head);
    // A server that starts later knows it too.
    let later = replica.warm_beside();
    assert_eq!(later.feed(page.head).unwrap().page.withdrawn.first(), Some(&pending));
    replica.clock.advance(Duration::from_hours(24) - Duration::from_secs(1));
    replica.follow();
    replica.note();
    assert_eq!(replica.feed(0).unwrap().page.withdrawn, [pending]);
    replica.clock.advance(Duration::from_secs(1));
    replica.follow();
    assert_eq!(replica.feed(0).unwrap().page.withdrawn, Vec::<String>::new());
}

#[test]
fn who_waits_costs_no_query() {
    let replica = Replica::warm();
    let (head, queries) = (replica.memory.applied(), replica.db.queries());
    during(waited(&replica.services.feed, head), || replica.services.feed.close()).unwrap();
    assert_eq!(replica.db.queries(), queries);
}

#[test]
fn who_waits_is_refused_when_the_follower_hangs_and_trust_has_ended() {
    let replica = Replica::warm();
    let head = replica.memory.applied();
    replica.pauses.arm(Point::ListRead);
    let follower = replica.follow_apart();
    replica.pauses.await_reached(Point::ListRead);
    let waits = async {
        tokio::select! {
            outcome = waited(&replica.services.feed, head) => outcome,
            never = lapse::tell(replica.memory.clone(), replica.clock.clone()) => match never {},
        }
    };
    let outcome = during(waits, || replica.clock.pass(MAX_STALENESS));
    assert!(matches!(outcome, Err(FeedError::Following)));
    replica.pauses.release(Point::ListRead);
    follower.join().unwrap();
}

#[test]
fn a_server_that_cannot_follow_any_more_refuses_those_who_wait() {
    let replica = Replica::new();
    let rename = |from: &str, to: &str| replica.execute(&format!("ALTER TABLE {from} RENAME TO {to}"));
    let outcome = block_on(async {
        let server = replica.start_real_server(&replica.keys_dir()).await.unwrap();
        let head = server.feed.request(0).answer().await.unwrap().page.head;
        rename("list_head", "lost");
        let outcome = waited(&server.feed, head).await;
        rename("lost", "list_head");
        server.shut_down().await.unwrap();
        outcome
    });
    assert!(matches!(outcome, Err(FeedError::Following)));
}

#[test]
fn after_a_restore_other_servers_forget_too_and_nothing_under_a_known_number_is_missed() {
    let one = Replica::warm();
    let other = one.warm_beside();
    let backup = one.memory.applied();
    let kept = append(&one, Target::Unknown, true);
    for replica in [&one, &other] {
        replica.follow();
        replica.exchange().expect("in memory anew");
    }
    let restore = move |connection: &mut _| {
        list::rewind(connection, backup)?;
        list::forget_after(connection, backup)
    };
    block_on(one.db.write(restore)).unwrap();
    one.follow();
    assert_eq!(seqs(&one, backup), [kept], "what services know is not taken back");
    // For this one the counter does not go back.
    let queries = other.db.queries();
    other.follow();
    other.exchange().expect("alive");
    assert!(other.db.queries() > queries, "memory was dropped");

    // Once more; this time somebody revokes before anybody looks, by a clock that is behind, and so under a number that
    // services have seen.
    block_on(one.db.write(restore)).unwrap();
    one.clock.jump(-1);
    let reused = append(&one, Target::Unknown, true);
    assert!(reused <= kept);
    one.follow();
    let last = *seqs(&one, kept).last().expect("all access tokens end");
    assert!(last > kept);
    assert_eq!(one.memory.applied(), last);
}

/// What was committed after the number `kept` is lost, as by a failover; a second later.
fn lose_after(replica: &Replica, kept: i64) {
    let lose = move |connection: &mut _| {
        list::rewind(connection, kept)?;
        list::forget_after(connection, kept)
    };
    block_on(replica.db.write(lose)).unwrap();
    replica.clock.jump(1);
}

#[test]
fn a_number_that_a_failover_lost_is_not_given_out_again() {
    let replica = Replica::warm();
    let kept = replica.memory.applied();
    let lost = append(&replica, Target::Unknown, false);
    replica.follow();
    replica.exchange().expect("in memory anew");
    lose_after(&replica, kept);
    // By another server, which did not see the one that is lost.
    replica.revoke_without_waiting();
    replica.disconnect_follower();
    replica.follow();
    assert!(replica.memory.applied() > lost);
    let outcome = replica.exchange();
    assert!(matches!(outcome, Err(ExchangeError::Refused(Refusal::Revoked))), "{outcome:?}");
}

#[test]
fn a_new_connection_goes_on_above_what_feed_readers_know() {
    let one = Replica::warm();
    let other = one.warm_beside();
    let kept = one.memory.applied();
    let lost = append(&one, Target::Unknown, true);
    one.follow();
    assert_eq!(seqs(&one, kept), [lost], "feed readers know it");
    lose_after(&one, kept);
    // The one that saw it is gone. Readers take no answer of the other one that is below what they know.
    other.disconnect_follower();
    other.follow();
    assert!(other.feed(lost).unwrap().page.head > lost);
    let head = other.memory.applied();
    other.follow();
    assert_eq!(other.memory.applied(), head, "once for each connection");
}

#[test]
fn a_server_forgets_what_a_failover_lost_though_another_one_has_raised_the_counter() {
    let one = Replica::warm();
    let other = one.warm_beside();
    let kept = one.memory.applied();
    append(&one, Target::Unknown, false);
    one.follow();
    one.exchange().expect("in memory anew");
    lose_after(&one, kept);
    // It did not see what is lost.
    other.disconnect_follower();
    other.follow();
    one.disconnect_follower();
    one.follow();
    let queries = one.db.queries();
    one.exchange().expect("alive");
    assert!(one.db.queries() > queries, "memory was dropped");
    let entries = one.feed(kept).unwrap().page.entries;
    assert_eq!(entries, [], "nothing under a number that services know is missed: access tokens live on");
    let head = one.memory.applied();
    one.disconnect_follower();
    one.follow();
    assert!(one.memory.applied() > head);
    let queries = one.db.queries();
    one.exchange().expect("alive");
    assert_eq!(one.db.queries(), queries, "nothing is lost: memory stays");
}

#[test]
fn a_server_notices_an_entry_under_a_number_that_it_took_for_read() {
    let replica = Replica::warm();
    let kept = replica.memory.applied();
    let raise_to =
        |floor: i64| block_on(replica.db.write(move |connection| list::raise_to(connection, floor))).unwrap();
    // Without an entry, as when a credential is made.
    raise_to(kept + 5);
    replica.follow();
    replica.exchange().expect("in memory");
    lose_after(&replica, kept);
    // The clock of the new primary is behind, and another server has raised the counter there.
    replica.clock.jump(-3600);
    replica.revoke_without_waiting();
    raise_to(kept + 9);
    replica.clock.jump(3600);
    replica.disconnect_follower();
    replica.follow();
    let outcome = replica.exchange();
    assert!(matches!(outcome, Err(ExchangeError::Refused(Refusal::Revoked))), "{outcome:?}");
}

#[test]
fn a_clock_behind_what_was_seen_gives_no_number_twice_unnoticed() {
    let replica = Replica::warm();
    let kept = replica.memory.applied();
    replica.clock.jump(3600);
    let lost = append(&replica, Target::Unknown, false);
    replica.follow();
    lose_after(&replica, kept);
    replica.clock.jump(-3600);
    let again = append(&replica, Target::Unknown, true);
    assert!(again < lost, "another server does not know better");
    replica.disconnect_follower();
    replica.follow();
    let entries = replica.feed(lost).unwrap().page.entries;
    assert!(matches!(*entries, [all] if all.seq > lost && all.target == Target::Unknown), "{entries:?}");
}

#[test]
fn a_change_under_a_number_that_was_seen_before_is_not_made() {
    let replica = Replica::new();
    let server = replica.real_server_beside();
    let seen = block_on(replica.db.read::<_, StoreError>(list::head)).unwrap().seq;
    let change = |change: &mut Change<'_>| {
        change.append(Target::Unknown, true)?;
        change.record(Actor::COMMAND, "test", None, None, None)?;
        Ok::<_, StoreError>(change.seq)
    };
    let rewind = |connection: &mut _| list::rewind(connection, 1);
    block_on(replica.db.write(rewind)).unwrap();
    // Either the follower was faster, or it is refused for now.
    match block_on(server.core().changes.run(change)) {
        Ok(seq) => assert!(seq > seen),
        Err(error) => assert!(matches!(error, StoreError::Busy), "{error}"),
    }
    block_on(server.shut_down()).unwrap();
}
