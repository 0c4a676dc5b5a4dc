//! A write that puts nothing on the list does not wait for the lock of all changes.

use diesel::connection::SimpleConnection as _;
use secrecy::ExposeSecret as _;

use super::{
    Expiry, ManageError, NewToken, ServiceAccountEdit, TokenEdit,
    testing::{Replica, block_on},
};
use crate::{
    domain::{
        credential::{CredentialKind, Permission},
        source::Source,
    },
    store::StoreError,
};

#[test]
fn signing_in_and_out_and_renaming_go_on_while_a_change_is_under_way() {
    let replica = Replica::new();
    if replica.db.url().sqlite_path().is_some() {
        // There is one lock for everything.
        return;
    }
    let (services, source) = (&replica.services, Source::default());
    let sign_in = || block_on(services.sessions.sign_in("ada@acme.example", replica.password.clone(), source));
    let caller_of = |token: &str| services.credentials.caller(token, source).unwrap();
    let caller = caller_of(sign_in().unwrap().token.unwrap().expose_secret());
    let account = block_on(services.service_accounts.create(&caller, "acme", "robot", None)).unwrap().user.id;

    let mut other = replica.db.own_connection().unwrap();
    let hold = "SET idle_in_transaction_session_timeout = 0; BEGIN; UPDATE list_head SET seq = seq";
    other.batch_execute(hold).unwrap();
    let session = caller_of(sign_in().expect("a sign-in").token.unwrap().expose_secret());
    let renamed = block_on(services.organizations.rename(&session, "acme", "Acme & Sons")).expect("an organization");
    assert_eq!(renamed.organization.name, "Acme & Sons");
    let edit = TokenEdit { name: Some("laptop".to_owned()), ..TokenEdit::default() };
    let seen = block_on(services.credentials.edit(&session, replica.credential_id(), edit)).expect("a token");
    assert_eq!(seen.record.description.name, "laptop");
    let edit = ServiceAccountEdit { name: Some("android".to_owned()), ..ServiceAccountEdit::default() };
    let edited = block_on(services.service_accounts.edit(&session, "acme", account, edit)).expect("an account");
    assert_eq!(edited.user.name, "android");
    block_on(services.sessions.sign_out(&session)).expect("a sign-out");
    let after = block_on(services.sessions.current(&session));
    assert!(matches!(after, Err(ManageError::Unauthenticated)), "{after:?}");

    // What raises the counter waits, and is refused in the end.
    let new = NewToken {
        name: "one more".to_owned(),
        kind: CredentialKind::Opaque,
        permission: Permission::Read,
        scopes: None,
        audiences: None,
        expiry: Expiry::ByPolicy,
    };
    let refused = block_on(services.credentials.create(&caller, None, new)).map(|_| ());
    assert!(matches!(refused, Err(ManageError::Store(StoreError::Unavailable(_)))), "{refused:?}");
    other.batch_execute("ROLLBACK").unwrap();
}
