use diesel::connection::SimpleConnection as _;
use secrecy::ExposeSecret as _;

use super::*;
use crate::service::testing::{Replica, block_on};

#[test]
fn a_sign_in_under_way_does_not_survive_a_new_password() {
    let replica = Replica::new();
    let sessions = &replica.services.sessions;
    let checked = block_on(sessions.check("ada@acme.example", replica.password.clone(), None)).unwrap();
    block_on(sessions.reset_password("ada@acme.example", "a new password 1".into())).unwrap();
    let begun = block_on(sessions.begin(checked, Source::default()));
    assert!(matches!(begun, Err(ManageError::Unauthenticated)), "{begun:?}");
    let again = block_on(sessions.sign_in("ada@acme.example", "a new password 1".into(), Source::default())).unwrap();
    assert!(again.token.is_some_and(|token| token.expose_secret().starts_with("pms_")));
}

#[test]
fn a_sign_in_and_a_new_password_wait_for_each_other() {
    let replica = Replica::new();
    if replica.db.url().sqlite_path().is_some() {
        // There is one lock for everything.
        return;
    }
    let sessions = &replica.services.sessions;
    let checked = block_on(sessions.check("ada@acme.example", replica.password.clone(), None)).unwrap();
    let user = checked.user;
    let waits = |error: ManageError| matches!(error, ManageError::Store(StoreError::Unavailable(_)));
    let mut other = replica.db.own_connection().unwrap();
    other.batch_execute("SET idle_in_transaction_session_timeout = 0; BEGIN").unwrap();
    // Whoever signs in reads the password first, and then it must stay.
    users::hold(&mut other, user).unwrap();
    let reset = block_on(sessions.reset_password("ada@acme.example", "a new password 1".into()));
    assert!(waits(reset.unwrap_err()), "the sign-in is not over");
    block_on(sessions.sign_in("ada@acme.example", replica.password.clone(), Source::default()))
        .expect("sign-ins do not wait for each other");
    users::set_password(&mut other, user, &"another".into()).unwrap();
    assert!(
        waits(block_on(sessions.begin(checked, Source::default())).unwrap_err()),
        "the new password is not there yet"
    );
    other.batch_execute("ROLLBACK").unwrap();
}
