use std::{
    future::{Future as _, poll_fn},
    pin::pin,
    task::Poll,
};

use tokio::runtime::{Builder, Runtime};

use super::*;
use crate::{
    service::{exchange::Point, testing::Replica},
    store::standings,
};

/// One thread, and what is spawned there goes on only while it waits for something.
fn runtime() -> Runtime {
    Builder::new_current_thread().enable_all().build().unwrap()
}

/// Asks, and goes away as soon as the list is being made.
async fn ask_and_hang_up(lists: &StatusLists) {
    let mut asked = pin!(lists.signed(0));
    let answer = poll_fn(|context| Poll::Ready(asked.as_mut().poll(context))).await;
    assert!(answer.is_pending(), "it is not made at once");
    assert!(lists.turn.try_lock().is_err());
}

/// Waits until none is being made, and lets what is spawned go on.
fn until_idle(runtime: &Runtime, lists: &StatusLists) {
    runtime.block_on(async { drop(lists.turn.lock().await) });
}

#[test]
fn it_is_there_for_the_next_when_whoever_asked_has_gone_away() {
    let (replica, runtime) = (Replica::new(), runtime());
    let lists = &replica.services.status_lists;
    runtime.block_on(ask_and_hang_up(lists));
    until_idle(&runtime, lists);
    let queries = replica.db.queries();
    assert!(runtime.block_on(lists.signed(0)).is_ok());
    assert_eq!(replica.db.queries(), queries);
}

#[test]
fn two_at_once_have_one_made() {
    let (replica, runtime) = (Replica::new(), runtime());
    let lists = &replica.services.status_lists;
    let queries = replica.db.queries();
    let first = runtime.block_on(lists.signed(0)).unwrap();
    let of_one = replica.db.queries();
    replica.clock.advance(Duration::from_secs(TTL.unsigned_abs()));
    let (one, other) = runtime.block_on(async { tokio::join!(lists.signed(0), lists.signed(0)) });
    let (one, other) = (one.unwrap(), other.unwrap());
    assert!(Arc::ptr_eq(&one, &other) && one != first);
    assert_eq!(replica.db.queries() - of_one, of_one - queries, "as many as for one");
}

#[test]
fn whoever_has_waited_long_enough_is_told_so() {
    let (replica, runtime) = (Replica::new(), runtime());
    let lists = &replica.services.status_lists;
    runtime.block_on(async {
        let turn = lists.turn.lock().await;
        let waited = lists.signed_within(Duration::ZERO, 0).await;
        assert!(matches!(waited, Err(StatusListError::Unfinished)), "{waited:?}");
        drop(turn);
        lists.signed(0).await.unwrap();
        let _turn = lists.turn.lock().await;
        lists.signed_within(Duration::ZERO, 0).await.expect("made already, and others may be made meanwhile");
    });
}

#[test]
fn a_read_that_nobody_waits_for_any_more_keeps_its_turn() {
    let (replica, runtime) = (Replica::new(), runtime());
    let lists = &replica.services.status_lists;
    replica.pauses.arm(Point::PieceBegun);
    let (own, pauses) = (lists.clone(), replica.pauses.clone());
    runtime.block_on(async {
        ask_and_hang_up(&own).await;
        task::spawn_blocking(move || pauses.await_reached(Point::PieceBegun)).await.unwrap();
    });
    // With it goes everything but what a thread is at.
    runtime.shutdown_background();
    assert!(lists.turn.try_lock().is_err());
    replica.pauses.release(Point::PieceBegun);
    until_idle(&self::runtime(), lists);
    assert!(lists.fresh(0).is_none());
}

#[test]
fn one_that_failed_is_made_anew() {
    let (replica, runtime) = (Replica::new(), runtime());
    let lists = &replica.services.status_lists;
    replica.execute("ALTER TABLE credentials RENAME TO others");
    let failed = runtime.block_on(lists.signed(0));
    assert!(matches!(failed, Err(StatusListError::Store(_))), "{failed:?}");
    replica.execute("ALTER TABLE others RENAME TO credentials");
    runtime.block_on(lists.signed(0)).unwrap();
}

#[test]
fn who_asks_for_what_there_is_not_waits_for_nothing() {
    let (replica, runtime) = (Replica::new(), runtime());
    let lists = &replica.services.status_lists;
    runtime.block_on(async {
        let _turn = lists.turn.lock().await;
        let none = lists.signed(1).await;
        assert!(matches!(none, Err(StatusListError::Unknown)), "{none:?}");
    });
}

#[test]
fn an_organization_is_read_once_for_all_its_credentials() {
    let (replica, runtime) = (Replica::new(), runtime());
    let all = replica.db.read::<_, StoreError>(|connection| standings::numbered(connection, 0, SIZE));
    let all = runtime.block_on(all).unwrap();
    assert!(all.len() > 1);
    assert!(all.windows(2).all(|two| Arc::ptr_eq(&two[0].organization, &two[1].organization)));
}

#[test]
fn a_list_whose_credentials_have_all_been_removed_costs_nothing() {
    let (replica, runtime) = (Replica::new(), runtime());
    let lists = &replica.services.status_lists;
    replica.execute(&format!("UPDATE numbers SET last = {} WHERE name = 'credential'", 2 * SIZE));
    runtime.block_on(lists.signed(0)).expect("the two that there are");
    runtime.block_on(lists.signed(2)).expect("not all of its places have been given out");
    for _ in 0..2 {
        let gone = runtime.block_on(lists.signed(1));
        assert!(matches!(gone, Err(StatusListError::Unknown)), "{gone:?}");
    }
    let queries = replica.db.queries();
    assert!(runtime.block_on(lists.signed(1)).is_err());
    assert_eq!(replica.db.queries(), queries, "that is known for good");
}

#[test]
fn lists_that_nobody_asks_for_any_more_are_forgotten() {
    let (replica, runtime) = (Replica::new(), runtime());
    let lists = &replica.services.status_lists;
    replica.execute(&format!("UPDATE numbers SET last = {SIZE} WHERE name = 'credential'"));
    runtime.block_on(lists.signed(0)).unwrap();
    replica.clock.advance(KEPT);
    runtime.block_on(lists.signed(1)).unwrap();
    assert_eq!(lists.made().keys().collect::<Vec<_>>(), [&1]);
}
