use std::sync::Arc;

use proptest::prelude::*;

use super::*;
use crate::domain::{
    clock::Timestamp,
    credential::{Audiences, Permission},
    scope::Scopes,
    standing::Standing,
    verdict::{Asked, Grant, judge, tests::standing},
};

const ISSUER: &str = "https://sts.example";

fn second(count: i64) -> Timestamp {
    "2026-01-01T00:00:00Z".parse::<Timestamp>().unwrap().plus_seconds(count)
}

fn scopes(list: &[&str]) -> Scopes {
    let list = list.iter().map(|scope| scope.parse().unwrap()).collect();
    Scopes::new(list, Permission::ReadWrite).unwrap()
}

fn audiences(list: &[&str]) -> Audiences {
    list.iter().map(ToString::to_string).collect::<Vec<_>>().into()
}

/// A change to a credential.
type Step<'a> = &'a dyn Fn(&mut Credential);

/// The effect of a step from `of` to what `step` makes of it, and of the step back.
fn there_and_back(of: Step<'_>, step: Step<'_>) -> [Effect; 2] {
    let mut before = standing().credential;
    of(&mut before);
    let mut after = before.clone();
    step(&mut after);
    [effect(&before, &after, ISSUER), effect(&after, &before, ISSUER)]
}

#[test]
fn what_is_as_it_was_is_unchanged() {
    assert_eq!(there_and_back(&|_| {}, &|_| {}), [Effect::Unchanged; 2]);
    assert_eq!(there_and_back(&|of| of.scopes = Some(scopes(&["a:1:get"])), &|_| {}), [Effect::Unchanged; 2]);
}

#[test]
fn each_part_narrows_one_way_and_widens_the_other() {
    let narrowing: [(Step<'_>, Step<'_>); 11] = [
        (&|_| {}, &|of| of.permission = Permission::Read),
        (&|_| {}, &|of| of.scopes = Some(scopes(&[]))),
        (&|of| of.permission = Permission::Read, &|of| of.scopes = Some(scopes(&["a:*:get"]))),
        (&|of| of.scopes = Some(scopes(&["a:1:get"])), &|of| of.scopes = Some(scopes(&[]))),
        (&|of| of.scopes = Some(scopes(&["a:1:get", "b:1:put"])), &|of| of.scopes = Some(scopes(&["b:1:put"]))),
        (&|of| of.scopes = Some(scopes(&["a:*:get"])), &|of| of.scopes = Some(scopes(&["a:1:get"]))),
        (&|of| of.scopes = Some(scopes(&["a:1:get"])), &|of| of.scopes = Some(scopes(&["eu/a:1:get"]))),
        (&|of| of.audiences = Some(audiences(&["a", "b"])), &|of| of.audiences = Some(audiences(&["b"]))),
        (&|of| of.audiences = Some(audiences(&["a", ISSUER])), &|of| of.audiences = None),
        (&|_| {}, &|of| of.expires_at = Some(second(60))),
        (&|of| of.expires_at = Some(second(60)), &|of| of.expires_at = Some(second(59))),
    ];
    for (number, (of, step)) in narrowing.into_iter().enumerate() {
        assert_eq!(there_and_back(of, step), [Effect::Narrowed, Effect::Widened], "{number}");
    }
}

#[test]
fn what_gives_the_same_in_other_words_takes_nothing() {
    let same: [(Step<'_>, Step<'_>); 3] = [
        (&|_| {}, &|of| of.audiences = Some(audiences(&[ISSUER]))),
        (&|of| of.audiences = Some(audiences(&["a", "b"])), &|of| of.audiences = Some(audiences(&["b", "a"]))),
        // Scopes say all; the permission only which of them there may be.
        (&|of| of.scopes = Some(scopes(&["a:1:get"])), &|of| of.permission = Permission::Read),
    ];
    for (number, (of, step)) in same.into_iter().enumerate() {
        assert_eq!(there_and_back(of, step), [Effect::Widened; 2], "{number}");
    }
}

#[test]
fn both_at_once_is_narrowing() {
    let expect = |of: Step<'_>, step: Step<'_>| assert_eq!(there_and_back(of, step), [Effect::Narrowed; 2]);
    expect(&|of| of.scopes = Some(scopes(&["a:1:get"])), &|of| of.scopes = Some(scopes(&["a:1:put"])));
    expect(&|of| of.audiences = Some(audiences(&["a"])), &|of| of.audiences = Some(audiences(&["b"])));
    expect(&|of| of.audiences = Some(audiences(&["a"])), &|of| of.audiences = None);
    expect(&|of| of.permission = Permission::Read, &|of| {
        (of.permission, of.expires_at) = (Permission::ReadWrite, Some(second(60)));
    });
}

fn some_credential() -> impl Strategy<Value = Credential> {
    let scope = "(eu/)?[ab]:[1*]:(get|put)";
    let (write, audience) = (any::<bool>(), prop::sample::subsequence(vec![ISSUER, "x", "y"], 1..=3));
    let scopes_of = prop::option::of(prop::collection::vec(scope, 0..4));
    (write, scopes_of, prop::option::of(audience), prop::option::of(100..103_i64)).prop_map(
        |(write, list, audience, end)| {
            let mut made = standing().credential;
            made.permission = if write { Permission::ReadWrite } else { Permission::Read };
            made.scopes = list.map(|list| scopes(&list.iter().map(String::as_str).collect::<Vec<_>>()));
            made.audiences = audience.map(|list| audiences(&list));
            made.expires_at = end.map(second);
            made
        },
    )
}

proptest! {
    /// What is not called narrowed refuses nothing that was granted, by the verdict itself, and gives no less.
    #[test]
    fn nothing_is_lost_unless_it_is_called_narrowed(
        before in some_credential(),
        after in some_credential(),
        asked in prop::option::of("(eu/)?[ab]:[1*]:(get|put)|read|write"),
        audience in prop::option::of(prop::sample::select(vec![ISSUER, "x", "y"])),
        at in 99..103_i64,
    ) {
        let mut from = standing();
        Arc::make_mut(&mut from.organization).policy.allowed_audiences = vec!["x".to_owned(), "y".to_owned()];
        let [from, to] = [&before, &after].map(|credential| Standing { credential: credential.clone(), ..from.clone() });
        let asked = Asked { scope: asked.as_deref(), audience, ..Asked::default() };
        let judged = |standing| judge(standing, ISSUER, second(at), &asked);
        if effect(&before, &after, ISSUER) != Effect::Narrowed && let Ok(had) = judged(&from) {
            let Ok(Grant { rights, expires_at, audience, .. }) = judged(&to) else {
                return Err(TestCaseError::fail("refused what was granted"));
            };
            prop_assert!(rights.include(&had.rights) && expires_at >= had.expires_at);
            prop_assert!(["x", "y", ISSUER].iter().all(|a| audience.contains(a) || !had.audience.contains(a)));
        }
    }
}
