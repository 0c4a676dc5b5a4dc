use std::{fs, path::Path};

use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair, date_time_ymd};
use tempfile::TempDir;

use super::*;
use crate::service::Outcome::{self, Good, Warning, Wrong};

fn parameters(names: &[&str], from: (i32, u8, u8), until: (i32, u8, u8)) -> CertificateParams {
    let mut parameters =
        CertificateParams::new(names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>()).unwrap();
    parameters.not_before = date_time_ymd(from.0, from.1, from.2);
    parameters.not_after = date_time_ymd(until.0, until.1, until.2);
    parameters
}

fn files(folder: &Path, certificates: &str, key: &KeyPair) -> TlsFiles {
    let files = TlsFiles { certificate: folder.join("tls.crt"), key: folder.join("tls.key") };
    fs::write(&files.certificate, certificates).unwrap();
    fs::write(&files.key, key.serialize_pem()).unwrap();
    files
}

/// What is found of a certificate at some moment.
fn judged(parameters: &CertificateParams, host: &str, now: &str) -> Finding {
    let (folder, key) = (TempDir::new().unwrap(), KeyPair::generate().unwrap());
    let made = parameters.self_signed(&key).unwrap();
    certificate(&files(folder.path(), &made.pem(), &key), Some(host), now.parse().unwrap())
}

#[test]
fn a_certificate_is_renewed_before_it_ends() {
    let of_a_year = || parameters(&["sts.example"], (2030, 1, 1), (2031, 1, 1));
    let of_six_days = || parameters(&["sts.example"], (2030, 1, 1), (2030, 1, 7));
    let of_old = || parameters(&["sts.example"], (1970, 1, 1), (2030, 1, 1));
    let cases: [(CertificateParams, &str, Outcome, &str); 11] = [
        (of_a_year(), "2029-12-31T23:59:59Z", Wrong, "counts only from 2030-01-01T00:00:00"),
        (of_a_year(), "2030-01-01T00:00:00Z", Good, "counts until 2031-01-01T00:00:00"),
        (of_a_year(), "2030-12-17T23:59:59Z", Good, "counts until"),
        (of_a_year(), "2030-12-18T00:00:00Z", Warning, "ends at 2031-01-01T00:00:00"),
        (of_a_year(), "2031-01-01T00:00:00Z", Warning, "ends at"),
        (of_a_year(), "2031-01-01T00:00:01Z", Wrong, "has ended at"),
        (of_six_days(), "2030-01-01T00:00:00Z", Good, "counts until"),
        (of_six_days(), "2030-01-04T23:00:00Z", Good, "counts until"),
        (of_six_days(), "2030-01-05T01:00:00Z", Warning, "ends at"),
        (of_old(), "2029-01-01T00:00:00Z", Good, "counts until"),
        (
            parameters(&["sts.example"], (2030, 1, 1), (9999, 12, 31)),
            "2090-01-01T00:00:00Z",
            Good,
            "counts until 9999-12-31",
        ),
    ];
    for (parameters, now, outcome, words) in cases {
        let found = judged(&parameters, "sts.example", now);
        assert!(found.outcome == outcome && found.message.contains(words), "{now}: {found:?}");
    }
}

#[test]
fn a_certificate_is_for_the_host_of_the_issuer() {
    let names = ["sts.example", "*.tokens.example", "127.0.0.1", "::1"];
    for (issuer, outcome) in [
        ("https://sts.example", Good),
        ("https://STS.example:8443/base", Good),
        ("https://a.tokens.example", Good),
        ("https://127.0.0.1:8080", Good),
        ("https://[::1]:8080/base", Good),
        ("https://[::1]", Good),
        ("https://other.example", Warning),
        ("https://tokens.example", Warning),
        ("https://127.0.0.2", Warning),
        ("https://[::2]:8080", Warning),
        ("https://_", Warning),
    ] {
        let found = judged(&parameters(&names, (2030, 1, 1), (2031, 1, 1)), host(issuer), "2030-06-01T00:00:00Z");
        assert_eq!(found.outcome, outcome, "{issuer}: {found:?}");
    }
}

#[test]
fn what_stands_above_the_certificate_ends_too() {
    let (folder, key, above) = (TempDir::new().unwrap(), KeyPair::generate().unwrap(), KeyPair::generate().unwrap());
    let mut authority = parameters(&[], (2030, 1, 1), (2030, 7, 1));
    authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let signed = authority.self_signed(&above).unwrap();
    let own = parameters(&["sts.example"], (2030, 1, 1), (2031, 1, 1));
    let own = own.signed_by(&key, &Issuer::from_params(&authority, &above)).unwrap();
    let files = files(folder.path(), &format!("{}{}", own.pem(), signed.pem()), &key);
    for (now, outcome) in
        [("2030-06-01T00:00:00Z", Good), ("2030-06-20T00:00:00Z", Warning), ("2030-08-01T00:00:00Z", Wrong)]
    {
        assert_eq!(certificate(&files, Some("sts.example"), now.parse().unwrap()).outcome, outcome, "{now}");
    }
}

#[test]
fn only_files_are_read() {
    let folder = TempDir::new().unwrap();
    let large = folder.path().join("large");
    fs::File::create(&large).unwrap().set_len((1 << 20) + 1).unwrap();
    for certificate in [Path::new("/dev/zero"), folder.path(), &large] {
        let files = TlsFiles { certificate: certificate.to_owned(), key: folder.path().join("tls.key") };
        let found = super::certificate(&files, None, "2030-01-01T00:00:00Z".parse().unwrap());
        assert!(found.outcome == Wrong && found.message.starts_with("cannot read"), "{found:?}");
    }
}
