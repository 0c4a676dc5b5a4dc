//! Many who sign in at once: each password takes 19 MiB, of which there are few at a time, and nothing is kept.

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
    // What the first of everything takes is there then.
    server.client.session(&owner);
    let before = server.memory("VmRSS");
    let sign_in = || server.client.with_own_connections().sign_in(&owner.email, &owner.password).status;
    let statuses: Vec<_> = thread::scope(|scope| {
        let people: Vec<_> = (0..PEOPLE).map(|_| scope.spawn(sign_in)).collect();
        people.into_iter().map(|one| one.join().expect("an answer")).collect()
    });
    assert!(statuses.iter().all(|status| [201, 503].contains(status)), "{statuses:?}");
    assert!(statuses.iter().filter(|status| **status == 201).count() > 2, "{statuses:?}");
    await_the_last(&server);
    let (after, most) = (server.memory("VmRSS"), server.memory("VmHWM"));
    println!("KiB resident: {before} before, {most} at the most, {after} after");
    assert!(most < before + (AT_ONCE + 1) * ONE, "{before} KiB before, {most} at the most");
    assert!(after < before + ONE, "{before} KiB before, {after} after");
}

/// One that starved on a busy machine was answered by another, and goes on.
fn await_the_last(server: &Server) {
    let began = Instant::now();
    while server.threads().iter().any(|name| name.starts_with("behind-")) {
        assert!(began.elapsed() < PATIENCE, "{:?}", server.threads());
        server.client.alive().expect("it serves");
    }
}
