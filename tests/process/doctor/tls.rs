//! What it says of the files of TLS. When certificates end is tried beside the code.

use std::fs;

use rcgen::{CertificateParams, KeyPair, date_time_ymd, generate_simple_self_signed};

use super::{findings, set_mode, wrong};
use crate::support::{Place, Program};

fn doctor(place: &Place) -> Program {
    doctor_of("https://localhost:1", place)
}

fn doctor_of(issuer: &str, place: &Place) -> Program {
    super::doctor(place).args(["--issuer", issuer, "--tls-cert", "tls.crt", "--tls-key", "tls.key"])
}

#[test]
fn tls_files_that_are_not_right() {
    let place = Place::new();
    place.bootstrap();
    let (certificate, key) = (place.folder().join("tls.crt"), place.folder().join("tls.key"));
    let made = generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    fs::write(&certificate, made.cert.pem()).unwrap();
    fs::write(&key, made.signing_key.serialize_pem()).unwrap();
    set_mode(&key, 0o640);
    for check in ["TLS certificate", "TLS key file"] {
        assert!(findings(doctor(&place)).iter().any(|found| found["check"] == check && found["outcome"] == "good"));
    }
    let warned = findings(doctor_of("https://127.0.0.1:1", &place));
    let of_names = warned.iter().find(|found| found["check"] == "TLS certificate").unwrap();
    assert!(of_names["outcome"] == "warning" && of_names["message"].to_string().contains("127.0.0.1"), "{of_names}");

    // Others must get as far as the file.
    set_mode(place.folder(), 0o755);
    set_mode(&key, 0o644);
    wrong(doctor(&place), "TLS key file", "others on this machine can read");
    set_mode(&key, 0o602);
    wrong(doctor(&place), "TLS key file", "others on this machine can replace");
    set_mode(&key, 0o600);

    let mut old = CertificateParams::new(["localhost".to_owned()]).unwrap();
    (old.not_before, old.not_after) = (date_time_ymd(2020, 1, 1), date_time_ymd(2021, 1, 1));
    fs::write(&certificate, old.self_signed(&made.signing_key).unwrap().pem()).unwrap();
    wrong(doctor(&place), "TLS certificate", "has ended at 2021-01-01");
    let of_another = old.self_signed(&KeyPair::generate().unwrap()).unwrap().pem();
    fs::write(&certificate, of_another).unwrap();
    wrong(doctor(&place), "TLS certificate", "cannot be used");
    fs::write(&certificate, "garbage").unwrap();
    wrong(doctor(&place), "TLS certificate", "has no certificate in PEM");
    fs::remove_file(&certificate).unwrap();
    wrong(doctor(&place), "TLS certificate", "cannot read");
}
