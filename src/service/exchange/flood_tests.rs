//! Floods of what is no credential: nobody who has one may feel them.

use secrecy::ExposeSecret as _;

use super::ExchangeError;
use crate::{
    domain::{
        clock::Clock as _,
        credential::CredentialKind,
        ids::{CredentialId, UserId},
        random::SystemRandomness,
        verdict::Asked,
    },
    service::testing::{Outcome, Replica, block_on},
};

const KINDS: [CredentialKind; 3] = [CredentialKind::Opaque, CredentialKind::Jwt, CredentialKind::Legacy];

/// More than memory holds.
const FLOOD: usize = 150;

/// A credential with a right tag that no row knows, as one that was removed long ago.
fn unknown(replica: &Replica, kind: CredentialKind) -> String {
    let (now, random) = (replica.clock.now(), SystemRandomness::default());
    let (id, owner) = (CredentialId::generate(now, &random), UserId::generate(now, &random));
    replica.services.core().format.issue(kind, id, owner, (now, None), &random).text.expose_secret().to_owned()
}

/// The same with the tag changed: the last digit of a legacy credential, the last before the checksum of an opaque one,
/// the last of the `jti` of a JWT.
fn forged(replica: &Replica, kind: CredentialKind) -> String {
    use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
    let text = unknown(replica, kind);
    match kind {
        CredentialKind::Legacy => {
            let (rest, last) = text.split_at(text.len() - 1);
            format!("{rest}{}", if last == "0" { '1' } else { '0' })
        }
        CredentialKind::Opaque | CredentialKind::Unknown(_) => {
            let digits = &text[..text.len() - 6];
            let (rest, last) = digits.split_at(digits.len() - 1);
            let changed = format!("{rest}{}", if last == "0" { '1' } else { '0' });
            format!("{changed}{}", checksum(&changed))
        }
        CredentialKind::Jwt => {
            let [header, claims, signature] = text.split('.').collect::<Vec<_>>().try_into().unwrap();
            let mut claims: serde_json::Value =
                serde_json::from_slice(&URL_SAFE_NO_PAD.decode(claims).unwrap()).unwrap();
            let mut jti = URL_SAFE_NO_PAD.decode(claims["jti"].as_str().unwrap()).unwrap();
            *jti.last_mut().unwrap() ^= 1;
            claims["jti"] = URL_SAFE_NO_PAD.encode(jti).into();
            format!("{header}.{}.{signature}", URL_SAFE_NO_PAD.encode(claims.to_string()))
        }
    }
}

/// What anybody can compute: the CRC32 of a token in six digits.
fn checksum(text: &str) -> String {
    let mut rest = crc32fast::hash(text.as_bytes());
    let alphabet = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
    let mut digits = [b'0'; 6];
    for digit in digits.iter_mut().rev() {
        *digit = alphabet[usize::try_from(rest % 62).unwrap()];
        rest /= 62;
    }
    String::from_utf8(digits.to_vec()).unwrap()
}

fn exchange(replica: &Replica, text: &str) -> Outcome {
    block_on(replica.services.exchange.exchange(text, &Asked::default()))
}

#[test]
fn forged_credentials_never_reach_the_database() {
    let replica = Replica::warm();
    for kind in KINDS {
        let queries = replica.db.queries();
        for _ in 0..FLOOD {
            let outcome = exchange(&replica, &forged(&replica, kind));
            assert!(matches!(outcome, Err(ExchangeError::Unknown)), "{kind}: {outcome:?}");
        }
        assert_eq!(replica.db.queries(), queries, "{kind}");
        // Only the tag was wrong: the same with a right one is looked for.
        assert!(matches!(exchange(&replica, &unknown(&replica, kind)), Err(ExchangeError::Unknown)));
        assert!(replica.db.queries() > queries, "{kind}");
    }
}

#[test]
fn unknown_credentials_do_not_drive_the_good_ones_out_of_memory() {
    let replica = Replica::warm();
    for kind in KINDS {
        for _ in 0..FLOOD {
            let outcome = exchange(&replica, &unknown(&replica, kind));
            assert!(matches!(outcome, Err(ExchangeError::Unknown)), "{kind}: {outcome:?}");
        }
    }
    let queries = replica.db.queries();
    replica.exchange().expect("alive");
    assert_eq!(replica.db.queries(), queries, "it is still in memory");
}
