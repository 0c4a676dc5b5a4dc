use proptest::prelude::*;
use serde_json::json;

use super::*;

fn scopes(list: &[&str]) -> Scopes {
    let list = list.iter().map(|scope| scope.parse().unwrap()).collect();
    Scopes::new(list, Permission::ReadWrite).unwrap()
}

#[test]
fn a_scope_is_read_as_it_is_written() {
    for text in ["dataset:12:read", "eu/dataset:*:write", "file:a/b:c.txt:get"] {
        assert_eq!(text.parse::<Scope>().unwrap().to_string(), text);
    }
    for text in ["", "a", "a:b", ":b:c", "a:b:", "a b:c:d", "a:\"b\":c", "x/y/z:1:read"] {
        assert_eq!(text.parse::<Scope>(), Err(ScopeError::Malformed), "{text}");
    }
}

#[test]
fn rights_travel_grouped_by_entity() {
    let scopes = scopes(&["dataset:12:write", "dataset:12:read", "eu/model:*:get"]);
    assert_eq!(
        serde_json::to_value(scopes.authorization_details()).unwrap(),
        json!([
            {"type": "dataset", "identifier": "12", "actions": ["read", "write"]},
            {"type": "model", "domain": "eu", "actions": ["get"]},
        ])
    );
}

#[test]
fn a_request_narrows_and_never_widens() {
    let all = || Rights::Unrestricted(Permission::ReadWrite);
    let read = || Rights::Unrestricted(Permission::Read);
    assert_eq!(all().narrowed("read"), Some(read()));
    assert_eq!(all().narrowed("write"), Some(all()));
    assert_eq!(read().narrowed("read write"), None);
    assert_eq!(read().narrowed("dataset:1:delete"), None);
    assert_eq!(read().narrowed(""), None);
    assert_eq!(read().narrowed("something"), None);
    let one = scopes(&["dataset:*:read"]);
    let own = || Rights::new(Permission::ReadWrite, Some(&one));
    assert_eq!(own().narrowed("dataset:1:read"), Some(Rights::Restricted(Cow::Owned(scopes(&["dataset:1:read"])))));
    assert_eq!(own().narrowed("read"), None);
    assert_eq!(own().narrowed("dataset:1:write"), None);
    let nothing = scopes(&[]);
    assert_eq!(Rights::new(Permission::ReadWrite, Some(&nothing)).narrowed("dataset:1:read"), None);
}

#[test]
fn a_read_credential_names_no_operation_that_writes() {
    let delete = vec!["dataset:1:delete".parse().unwrap()];
    assert_eq!(Scopes::new(delete, Permission::Read), Err(ScopeError::NotSafe));
}

proptest! {
    #[test]
    fn narrowing_stays_within(
        own in prop::option::of(prop::collection::vec("(eu/)?[ab]:[1*]:(read|write)", 0..4)),
        write: bool,
        asked in prop::collection::vec("(eu/)?[ab]:[1*]:(read|write)|read|write", 0..3),
    ) {
        let permission = if write { Permission::ReadWrite } else { Permission::Read };
        let own = own.map(|list| scopes(&list.iter().map(String::as_str).collect::<Vec<_>>()));
        let rights = Rights::new(permission, own.as_ref());
        if let Some(narrowed) = rights.clone().narrowed(&asked.join(" ")) {
            prop_assert!(rights.include(&narrowed));
        }
    }
}
