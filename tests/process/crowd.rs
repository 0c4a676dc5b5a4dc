//! Many who sign in at once: each password takes 19 MiB, of which there are few at a time, and none is kept for long.

use std::{thread, time::Instant};

use crate::support::{PATIENCE, Place, Server};

/// More than are let in (2 at work and 32 who wait).
const PEOPLE: usize = 60;

/// What argon2 takes for one password, in KiB.
const ONE: u64 = 19 * 1024;

/// The most of them at once: two on idle cores that starve, and two more beside them.
const AT_ONCE: u64 = 4;

#[test]
fn a_crowd_takes_bounded_memory_and_leaves_none_behind() {
    let place = Place::new();
    let owner = place.bootstrap();
    let server = place.serve();
    // At its start it hashes one password, of which it keeps nothing.
    let before = await_at_most(|| server.memory("VmHWM") - ONE / 2, &server);
    let sign_in = || server.client.with_own_connections().sign_in(&owner.email, &owner.password).status;
    let statuses: Vec<_> = thread::scope(|scope| {
        let people: Vec<_> = (0..PEOPLE).map(|_| scope.spawn(sign_in)).collect();
        people.into_iter().map(|one| one.join().expect("an answer")).collect()
    });
    assert!(statuses.iter().all(|status| [201, 503].contains(status)), "{statuses:?}");
    assert!(statuses.iter().filter(|status| **status == 201).count() > 2, "{statuses:?}");
    await_the_last(&server);
    let most = server.memory("VmHWM");
    assert!(most < before + (AT_ONCE + 1) * ONE, "{before} KiB before, {most} at the most");
    let after = await_at_most(|| before + ONE / 2, &server);
    println!("KiB resident: {before} before, {most} at the most, {after} after");
}

/// Waits until the server has no more than `most` KiB of memory, and returns how much it has.
fn await_at_most(most: impl Fn() -> u64, server: &Server) -> u64 {
    let began = Instant::now();
    loop {
        let (most, now) = (most(), server.memory("VmRSS"));
        if now <= most {
            return now;
        }
        assert!(began.elapsed() < PATIENCE, "{now} KiB are kept");
        // Answered when a second is over: nothing is revoked.
        let head = server.client.get("/revocations?after=0").json()["head"].clone();
        server.client.get(&format!("/revocations?after={head}&wait=1"));
    }
}

/// One that starved on a busy machine was answered by another, and goes on.
fn await_the_last(server: &Server) {
    let began = Instant::now();
    while server.threads().iter().any(|name| name.starts_with("behind-")) {
        assert!(began.elapsed() < PATIENCE, "{:?}", server.threads());
        server.client.alive().expect("it serves");
    }
}
