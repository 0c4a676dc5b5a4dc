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
