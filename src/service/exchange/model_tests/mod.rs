//! An exhaustive model of the guarantee of revocation: one credential and its revocation, servers with their memory,
//! follower, noter and exchanges, a watcher, and time without end. With all rules nothing wrong can be reached; without
//! any one of them something can, and the shortest way to it is told (`cargo test model_tests -- --nocapture`).
//!
//! `feed.rs` is a model of its own: a service that follows the feed, and a database that loses what was committed last.
//!
//! What is named as in the code does what the code does. Left out here: a counter that goes back, and a row that vanishes
//! without the watcher; nobody waits for that server then until it finds out. So the trust that ends where a row is
//! found gone is no rule here: after a watcher it has run out before.

mod feed;
mod rule;
mod scenario;
mod search;
mod state;
mod steps;

use rule::Rule;
use scenario::{COMMAND, DATES, LOADS, ONE_SERVER, ROWS, Scenario, TWO_CHANGES, TWO_SERVERS, World};
use search::search;

/// That the rules suffice: nothing wrong can be reached.
#[track_caller]
fn assert_holds(scenario: &'static Scenario) {
    let found = search(&World { scenario, without: None });
    println!("{}: {} states", scenario.name, found.states);
    assert!(found.trace.is_none(), "{}:\n{}", scenario.name, found.trace.expect("a trace"));
    assert!(found.states >= scenario.at_least, "{}: only {} states", scenario.name, found.states);
}

#[test]
fn one_server_keeps_the_guarantee() {
    assert_holds(&ONE_SERVER);
}

#[test]
fn entries_that_end_keep_the_guarantee() {
    assert_holds(&DATES);
}

#[test]
fn exchanges_that_share_a_load_keep_the_guarantee() {
    assert_holds(&LOADS);
}

#[test]
fn two_changes_keep_the_guarantee() {
    assert_holds(&TWO_CHANGES);
}

#[test]
fn a_server_whose_row_comes_and_goes_keeps_the_guarantee() {
    assert_holds(&ROWS);
}

#[test]
fn two_servers_keep_the_guarantee() {
    assert_holds(&TWO_SERVERS);
}

#[test]
fn a_command_beside_two_servers_keeps_the_guarantee() {
    assert_holds(&COMMAND);
}

/// Where it shows that a rule is missing.
fn shown_by(rule: Rule) -> &'static Scenario {
    match rule {
        Rule::TimeBeforeCounter
        | Rule::ThePrimaryIsRead
        | Rule::CounterBeforeEntries
        | Rule::ForgetBeforeApplied
        | Rule::AppliedIsNoted
        | Rule::OnlyFollowerMovesApplied
        | Rule::ClocksAreNotSlower
        | Rule::BoundFromCommit => &TWO_CHANGES,
        Rule::SeenBeforeForget
        | Rule::TrustBeforeLookUp
        | Rule::RevBeforeLookUp
        | Rule::OffersAreChecked
        | Rule::OffersAreCheckedWithSeen
        | Rule::OffersAreCheckedUnderTheLock
        | Rule::CounterBeforeRow => &ONE_SERVER,
        Rule::AppliedBeforeTrust | Rule::JoinOnlyWhatIsNewEnough | Rule::JoinOnlyWhileTrusted => &LOADS,
        Rule::ForgetBehindPruned | Rule::ClockBeforeRev | Rule::EntriesOutliveTokens => &DATES,
        Rule::OwnMemoryIsAwaited => &TWO_SERVERS,
        Rule::EachServerIsAwaited | Rule::LargestBoundIsAwaited => &COMMAND,
        Rule::RowsAfterCommit
        | Rule::BeatsLimitTrust
        | Rule::BeatCountsFromBeforeTheWrite
        | Rule::RegisteringEndsFormerTrust
        | Rule::LooksBelongToARegistration
        | Rule::TrustEndsBeforeLeaving
        | Rule::WatcherTimesAfterReading
        | Rule::OnlyStillRowsAreRemoved => &ROWS,
    }
}

#[test]
fn every_rule_is_needed() {
    for rule in Rule::ALL {
        let scenario = shown_by(rule);
        let found = search(&World { scenario, without: Some(rule) });
        let trace = found.trace.unwrap_or_else(|| panic!("{rule:?} can be left out: {}", scenario.name));
        println!("without {rule:?} ({}, {} states):\n{trace}\n", scenario.name, found.states);
    }
}
