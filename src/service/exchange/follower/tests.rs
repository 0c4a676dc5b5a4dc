use diesel::connection::SimpleConnection as _;

use crate::{
    domain::verdict::Refusal,
    service::{ExchangeError, testing::Replica},
    store::DbConnection,
};

#[test]
fn a_server_that_takes_no_writes_any_more_is_not_followed() {
    let replica = Replica::warm();
    let mut follower = replica.follower();
    follower.step().unwrap();
    let Some(connection @ DbConnection::Postgres(_)) = &mut follower.connection else { return };
    connection.batch_execute("SET default_transaction_read_only = on").unwrap();
    replica.revoke_without_waiting();
    follower.step().expect_err("it may be behind, and not know of the revocation");
    follower.step().expect("another connection leads to the primary");
    let outcome = replica.exchange();
    assert!(matches!(outcome, Err(ExchangeError::Refused(Refusal::Revoked))), "{outcome:?}");
}
