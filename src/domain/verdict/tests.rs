use std::sync::Arc;

use proptest::prelude::*;

use super::*;
use crate::domain::{
    credential::{CredentialKind, NEVER_SECONDS, Permission},
    digest::SecretHash,
    ids::{CredentialId, OrganizationId, UserId},
    organization::Organization,
    random::SystemRandomness,
    scope::Scopes,
    standing::Owner,
};

const ISSUER: &str = "https://sts.example";

fn start() -> Timestamp {
    "2026-01-01T00:00:00Z".parse().unwrap()
}

pub(crate) fn standing() -> Standing {
    let random = SystemRandomness::default();
    let organization_id = OrganizationId::generate(start(), &random);
    let owner_id = UserId::generate(start(), &random);
    Standing {
        credential: Credential {
            id: CredentialId::generate(start(), &random),
            number: 1,
            owner_id,
            kind: CredentialKind::Opaque,
            permission: Permission::ReadWrite,
            scopes: None,
            audiences: None,
            secret_hash: SecretHash::of(b"secret"),
            created_at: start(),
            created_seq: 10,
            expires_at: None,
            is_revoked: false,
            last_used_at: None,
        },
        owner: Owner { is_disabled: false, is_member: true, is_understood: true, revoked_seq: 0, groups: None },
        organization: Arc::new(Organization {
            id: organization_id,
            number: 1,
            slug: "acme".to_owned(),
            name: "Acme".to_owned(),
            policy: Policy::default(),
            policy_seq: 1,
            revoked_seq: 0,
            created_at: start(),
            ended_at: None,
        }),
    }
}

fn with_policy(mut standing: Standing, change: impl FnOnce(&mut Policy)) -> Standing {
    change(&mut Arc::make_mut(&mut standing.organization).policy);
    standing
}

fn refused(standing: &Standing, seconds: i64) -> Option<Refusal> {
    judge(standing, ISSUER, start().plus_seconds(seconds), &Asked::default()).err()
}

#[test]
fn a_plain_credential_is_granted_five_minutes_for_the_issuer() {
    let standing = standing();
    let grant = judge(&standing, ISSUER, start().plus_seconds(10), &Asked::default()).unwrap();
    assert_eq!(grant.expires_at - grant.issued_at, 300);
    assert_eq!(grant.audience, Audience::One(Cow::Borrowed(ISSUER)));
    assert_eq!(grant.rights, Rights::Unrestricted(Permission::ReadWrite));
}

#[test]
fn each_objection_refuses_and_has_its_state() {
    let expect = |standing: Standing, refusal, state_then| {
        assert_eq!(refused(&standing, 100), Some(refusal));
        assert_eq!(state(&standing, ISSUER, start().plus_seconds(100)), state_then);
    };
    let mut revoked = standing();
    revoked.credential.is_revoked = true;
    // Revoked outranks everything else that stands against it.
    revoked.credential.expires_at = Some(start());
    expect(revoked, Refusal::Revoked, State::Revoked);
    let mut expired = standing();
    expired.credential.expires_at = Some(start().plus_seconds(100));
    expect(expired, Refusal::Expired, State::Expired);
    expect(with_policy(standing(), |p| p.token_max_ttl = Some(100)), Refusal::Expired, State::Expired);
    expect(with_policy(standing(), |p| p.stale_after = 100), Refusal::Stale, State::Stale);
    let mut disabled = standing();
    disabled.owner.is_disabled = true;
    expect(disabled, Refusal::UserDisabled, State::Disallowed);
    let mut ended = standing();
    ended.owner.is_member = false;
    expect(ended, Refusal::MembershipEnded, State::Disallowed);
    let mut newer = [standing(), standing(), standing()];
    newer[0].credential.kind = CredentialKind::stored("macaroon").unwrap();
    newer[1].credential.permission = Permission::stored("append").unwrap();
    newer[2].credential.scopes =
        serde_json::from_str(r#"[{"entity_type":"a","entity_id":"*","operation":"b","label":"c"}]"#).unwrap();
    for newer in newer {
        // The policy may allow a kind that is not known either.
        let kind = newer.credential.kind;
        let newer = with_policy(newer, |policy| policy.allowed_kinds.push(kind));
        expect(newer, Refusal::NotUnderstood, State::Disallowed);
    }
    expect(with_policy(standing(), |p| p.allowed_kinds.clear()), Refusal::KindDisallowed, State::Disallowed);
    let mut elsewhere = standing();
    elsewhere.credential.audiences = Some(vec!["https://api.example".to_owned()].into());
    expect(elsewhere, Refusal::AudienceDisallowed, State::Disallowed);
}

#[test]
fn a_bulk_revocation_ends_what_was_made_before_it() {
    for created_seq in [9, 10, 11] {
        let mut at_owner = standing();
        at_owner.credential.created_seq = created_seq;
        let mut at_organization = at_owner.clone();
        at_owner.owner.revoked_seq = 10;
        Arc::make_mut(&mut at_organization.organization).revoked_seq = 10;
        for standing in [at_owner, at_organization] {
            assert_eq!(refused(&standing, 1), (created_seq < 10).then_some(Refusal::Revoked));
        }
    }
}

#[test]
fn use_keeps_a_credential_from_going_stale() {
    let mut used = with_policy(standing(), |p| p.stale_after = 86_400);
    used.credential.last_used_at = Some(start().plus_seconds(86_000));
    assert_eq!(refused(&used, 86_400), None);
    assert_eq!(refused(&used, 86_000 + 86_400), Some(Refusal::Stale));
}

#[test]
fn an_access_token_outlives_its_credential_by_less_than_a_second() {
    let mut short = standing();
    short.credential.expires_at = Some(start().plus_seconds(100));
    let grant = judge(&short, ISSUER, start().plus_seconds(40), &Asked::default()).unwrap();
    assert_eq!(grant.expires_at, start().plus_seconds(100).unix_seconds());
    short.credential.expires_at = Some("2026-01-01T00:00:00.000001Z".parse().unwrap());
    let grant = judge(&short, ISSUER, start(), &Asked::default()).unwrap();
    assert_eq!(grant.expires_at - grant.issued_at, 1);
}

#[test]
fn networks_bind_the_request() {
    let office = with_policy(standing(), |p| p.allowed_networks = vec!["10.0.0.0/8".parse().unwrap()]);
    let from = |address: &str| {
        let source = Source { address: Some(address.parse().unwrap()), ..Source::default() };
        let asked = Asked { source, ..Asked::default() };
        judge(&office, ISSUER, start(), &asked).err()
    };
    assert_eq!(from("10.1.2.3"), None);
    assert_eq!(from("::ffff:10.1.2.3"), None);
    assert_eq!(from("192.168.1.1"), Some(Refusal::NetworkDisallowed));
    assert_eq!(refused(&office, 0), Some(Refusal::NetworkDisallowed), "an unknown address is outside");
    assert_eq!(state(&office, ISSUER, start()), State::Active, "a state is judged without a request");
}

#[test]
fn an_audience_can_be_chosen_among_ones_own() {
    let mut two = with_policy(standing(), |p| p.allowed_audiences = vec!["b".to_owned(), "c".to_owned()]);
    two.credential.audiences = Some(vec![ISSUER.to_owned(), "b".to_owned(), "gone".to_owned()].into());
    let ask = |audience| {
        let asked = Asked { audience, ..Asked::default() };
        judge(&two, ISSUER, start(), &asked).map(|grant| grant.audience)
    };
    assert_eq!(ask(None), Ok(Audience::Many(vec![Cow::Borrowed(ISSUER), Cow::Borrowed("b")])));
    assert_eq!(ask(Some("b")), Ok(Audience::One(Cow::Borrowed("b"))));
    for other in ["c", "gone", ""] {
        assert_eq!(ask(Some(other)), Err(Refusal::AudienceExceeded));
    }
}

#[test]
fn a_restricted_credential_keeps_to_its_scopes() {
    let mut scoped = standing();
    let scope = vec!["dataset:*:read".parse().unwrap()];
    scoped.credential.scopes = Some(Scopes::new(scope, Permission::ReadWrite).unwrap());
    let asked = |scope| Asked { scope: Some(scope), ..Asked::default() };
    assert!(judge(&scoped, ISSUER, start(), &asked("dataset:7:read")).is_ok());
    assert_eq!(judge(&scoped, ISSUER, start(), &asked("read")), Err(Refusal::ScopeExceeded));
}

fn policies() -> impl Strategy<Value = Policy> {
    (60_i64..400, prop::option::of(60_i64..1000), 86_400_i64..90_000, any::<[bool; 3]>(), any::<bool>()).prop_map(
        |(access_token_ttl, token_max_ttl, stale_after, [opaque, jwt, office], audience)| Policy {
            access_token_ttl,
            token_max_ttl,
            stale_after,
            allowed_kinds: [(opaque, CredentialKind::Opaque), (jwt, CredentialKind::Jwt)]
                .into_iter()
                .filter_map(|(allowed, kind)| allowed.then_some(kind))
                .collect(),
            allowed_networks: if office { vec!["10.0.0.0/8".parse().unwrap()] } else { Vec::new() },
            allowed_audiences: if audience { vec!["b".to_owned()] } else { Vec::new() },
            ..Policy::default()
        },
    )
}

/// A policy that is in no respect laxer than both.
fn strictest(a: &Policy, b: &Policy) -> Policy {
    let mut strict = a.clone();
    strict.access_token_ttl = a.access_token_ttl.min(b.access_token_ttl);
    strict.token_max_ttl = [a.token_max_ttl, b.token_max_ttl].into_iter().flatten().min();
    strict.stale_after = a.stale_after.min(b.stale_after);
    strict.allowed_kinds.retain(|kind| b.allowed_kinds.contains(kind));
    strict.allowed_audiences.retain(|audience| b.allowed_audiences.contains(audience));
    if strict.allowed_networks.is_empty() {
        strict.allowed_networks.clone_from(&b.allowed_networks);
    }
    strict
}

proptest! {
    #[test]
    fn expiry_never_exceeds_a_bound(policy in policies(), own in prop::option::of(-10_i64..2000), now in 0_i64..2000) {
        let mut standing = with_policy(standing(), |p| *p = policy.clone());
        standing.credential.expires_at = own.map(|seconds| start().plus_seconds(seconds));
        let end = effective_expiry(&standing.credential, &policy);
        for bound in [standing.credential.expires_at, policy.token_max_ttl.map(|ttl| start().plus_seconds(ttl))] {
            prop_assert!(bound.is_none() || end <= bound && end.is_some());
        }
        let now = start().plus_seconds(now);
        if let Ok(grant) = judge(&standing, ISSUER, now, &Asked::default()) {
            prop_assert!(end.is_none_or(|end| grant.expires_at <= end.unix_seconds_rounded_up()));
            prop_assert!(grant.expires_at <= now.unix_seconds() + policy.access_token_ttl);
            prop_assert!(grant.expires_at > now.unix_seconds());
        }
    }

    #[test]
    fn each_end_is_exact_to_the_microsecond(
        life in 1_i64..5_000_000,
        now in 0_i64..6_000_000,
        bound in prop::sample::select(vec![Refusal::Expired, Refusal::Stale]),
    ) {
        let at = |micros: i64| Timestamp::from_unix_micros(start().unix_micros() + micros).unwrap();
        let (mut standing, end, now) = (standing(), at(life), at(now));
        if bound == Refusal::Stale {
            standing = with_policy(standing, |p| p.stale_after = 60);
            standing.credential.last_used_at = Some(end.plus_seconds(-60));
        } else {
            standing.credential.expires_at = Some(end);
        }
        match judge(&standing, ISSUER, now, &Asked::default()) {
            Err(refusal) => {
                prop_assert_eq!(refusal, bound);
                prop_assert!(now >= end);
            }
            Ok(grant) => {
                prop_assert!(now < end && grant.issued_at < grant.expires_at);
                let dead = Timestamp::from_unix_micros(grant.expires_at * 1_000_000).unwrap();
                prop_assert!(bound == Refusal::Stale || (end <= dead && dead < end.plus_seconds(1)));
            }
        }
    }

    #[test]
    fn a_stricter_policy_grants_nothing_that_a_laxer_one_refused(
        lax in policies(),
        other in policies(),
        own in prop::option::of(0_i64..2000),
        jwt: bool,
        audience: bool,
        inside: bool,
        now in prop_oneof![0_i64..2000, 86_000_i64..91_000],
    ) {
        let mut standing = standing();
        standing.credential.expires_at = own.map(|seconds| start().plus_seconds(seconds));
        standing.credential.kind = if jwt { CredentialKind::Jwt } else { CredentialKind::Opaque };
        standing.credential.audiences = audience.then(|| vec!["b".to_owned()].into());
        let address = if inside { "10.0.0.1" } else { "192.168.0.1" }.parse().ok();
        let asked = Asked { source: Source { address, ..Source::default() }, ..Asked::default() };
        let now = start().plus_seconds(now);
        let strict = with_policy(standing.clone(), |p| *p = strictest(&lax, &other));
        let lax = with_policy(standing, |p| *p = lax);
        match (judge(&lax, ISSUER, now, &asked), judge(&strict, ISSUER, now, &asked)) {
            (Err(_), strict) => prop_assert!(strict.is_err()),
            (Ok(lax), Ok(strict)) => prop_assert!(strict.expires_at <= lax.expires_at),
            (Ok(_), Err(_)) => {}
        }
    }

    #[test]
    fn no_time_makes_the_verdict_overflow(now in -NEVER_SECONDS..NEVER_SECONDS * 100) {
        let standing = standing();
        let _ = judge(&standing, ISSUER, start().plus_seconds(now), &Asked::default());
    }
}
