use proptest::prelude::*;
use secrecy::ExposeSecret as _;

use super::*;
use crate::domain::{
    clock::Timestamp,
    random::{Randomness, SystemRandomness},
};

/// Randomness that a property test chooses.
struct Chosen(Vec<u8>);

impl Randomness for Chosen {
    fn fill(&self, bytes: &mut [u8]) {
        for (to, from) in bytes.iter_mut().zip(self.0.iter().cycle()) {
            *to = *from;
        }
    }
}

fn format(prefix: &str) -> CredentialFormat {
    CredentialFormat::new(prefix.to_owned(), "http://localhost".to_owned(), TagKey::new(&[7; 32]))
}

fn now() -> Timestamp {
    "2026-11-21T10:00:00Z".parse().unwrap()
}

fn issue(kind: CredentialKind, random: &dyn Randomness) -> (CredentialId, Issued) {
    let id = CredentialId::generate(now(), random);
    let owner = UserId::generate(now(), random);
    (id, format("patmint_").issue(kind, id, owner, (now(), None), random))
}

fn kinds() -> impl Strategy<Value = CredentialKind> {
    prop_oneof![Just(CredentialKind::Opaque), Just(CredentialKind::Jwt), Just(CredentialKind::Legacy)]
}

proptest! {
    #[test]
    fn what_is_issued_is_read_back(kind in kinds(), seed in prop::collection::vec(any::<u8>(), 1..64)) {
        let (id, issued) = issue(kind, &Chosen(seed));
        let presented = format("another_").parse(issued.text.expose_secret()).unwrap();
        prop_assert_eq!(presented.kind, kind);
        prop_assert!(presented.hash.matches(&issued.hash));
        match presented.key {
            LookupKey::Id(found) => prop_assert_eq!(found, id),
            LookupKey::Hash(hash) => prop_assert_eq!(&hash, issued.hash.as_bytes()),
        }
    }

    #[test]
    fn garbage_is_refused(text in ".{0,200}") {
        prop_assert!(format("patmint_").parse(&text).is_err());
    }

    #[test]
    fn bytes_behind_a_prefix_are_refused(body in "[0-9A-Za-z]{82}") {
        let text = format!("patmint_{body}");
        prop_assert!(format("patmint_").parse(&text).is_err());
    }
}

/// What comes of `text` when one character is another one, is left out, is written twice, or changes places with any
/// other.
fn mistakes(text: &str) -> Vec<String> {
    let characters: Vec<char> = text.chars().collect();
    let mut wrong = Vec::new();
    for at in 0..characters.len() {
        for other in "09AZaz_.-+/= \u{e9}5kQ".chars() {
            let mut changed = characters.clone();
            changed[at] = other;
            wrong.push(changed);
        }
        let mut shorter = characters.clone();
        shorter.remove(at);
        let mut longer = characters.clone();
        longer.insert(at, characters[at]);
        wrong.extend([shorter, longer]);
        for with in at + 1..characters.len() {
            let mut swapped = characters.clone();
            swapped.swap(at, with);
            wrong.push(swapped);
        }
    }
    wrong.into_iter().map(String::from_iter).filter(|wrong: &String| wrong != text).collect()
}

#[test]
fn no_mistyped_opaque_or_legacy_token_passes() {
    for kind in [CredentialKind::Opaque, CredentialKind::Legacy] {
        let (_, issued) = issue(kind, &SystemRandomness::default());
        let text = issued.text.expose_secret();
        for wrong in mistakes(text) {
            assert!(format("patmint_").parse(&wrong).is_err(), "{kind}: {wrong} passes for {text}");
        }
        assert!(format("patmint_").parse(text).is_ok());
    }
}

#[test]
fn a_mistyped_jwt_is_refused_or_does_not_match() {
    let (_, issued) = issue(CredentialKind::Jwt, &SystemRandomness::default());
    for wrong in mistakes(issued.text.expose_secret()) {
        let presented = format("patmint_").parse(&wrong);
        assert!(presented.is_err() || presented.is_ok_and(|presented| !presented.hash.matches(&issued.hash)));
    }
}

#[test]
fn another_installations_token_is_refused() {
    for kind in [CredentialKind::Opaque, CredentialKind::Jwt, CredentialKind::Legacy] {
        let (_, issued) = issue(kind, &SystemRandomness::default());
        let other = CredentialFormat::new("patmint_".to_owned(), String::new(), TagKey::new(&[8; 32]));
        assert!(other.parse(issued.text.expose_secret()).is_err(), "{kind}");
    }
}

#[test]
fn tokens_look_as_the_design_says() {
    let (_, opaque) = issue(CredentialKind::Opaque, &SystemRandomness::default());
    let (prefix, rest) = opaque.text.expose_secret().rsplit_once('_').unwrap();
    assert_eq!((prefix, rest.len()), ("patmint", 82));
    let (_, legacy) = issue(CredentialKind::Legacy, &SystemRandomness::default());
    assert_eq!(legacy.text.expose_secret().len(), 40);
    assert!(!format!("{opaque:?}").contains(rest), "Debug shows no secret");
}

#[test]
fn a_prefix_ends_in_an_underscore() {
    for good in ["patmint_", "_", "acme_pat_", "a-1_"] {
        assert!(is_prefix(good), "{good}");
    }
    for bad in ["", "patmint", "pat.mint_", "a b_", "\u{e9}_", "0123456789012345678901234567890123456789_"] {
        assert!(!is_prefix(bad), "{bad}");
    }
}
