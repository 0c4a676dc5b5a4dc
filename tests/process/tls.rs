//! TLS by the server itself, with certificates that are made here.

use std::{
    fs,
    io::{self, Read as _, Write as _},
    net::{SocketAddr, TcpStream},
    sync::Arc,
};

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use rcgen::{CertifiedKey, KeyPair, generate_simple_self_signed};
use serde_json::{Value, json};
use tokio_rustls::rustls::{
    ClientConfig, ClientConnection, ProtocolVersion, RootCertStore, Stream, crypto::aws_lc_rs, version,
};

use crate::support::{PATIENCE, Place, Program, Running};

const FILES: [&str; 4] = ["--tls-cert", "tls.crt", "--tls-key", "tls.key"];

fn certificate() -> CertifiedKey<KeyPair> {
    generate_simple_self_signed(["localhost".to_owned()]).unwrap()
}

fn write(place: &Place, certificate: &str, key: &str) {
    fs::write(place.folder().join("tls.crt"), certificate).unwrap();
    fs::write(place.folder().join("tls.key"), key).unwrap();
}

fn install(place: &Place, made: &CertifiedKey<KeyPair>) {
    write(place, &made.cert.pem(), &made.signing_key.serialize_pem());
}

fn serve(place: &Place) -> (Running, SocketAddr) {
    let mut running = place.patmint(["serve", "--listen", "127.0.0.1:0"]).args(FILES).start();
    let said = running.err.line_with("listening on https://");
    let line = said.unwrap_or_else(|| panic!("it does not come up: {}", running.err.read_to_end()));
    let (_, rest) = line.split_once("listening on https://").unwrap();
    let address = rest.split_whitespace().next().unwrap().parse().expect("an address");
    (running, address)
}

/// Asks over TLS, trusting nothing but this certificate; the whole answer.
fn ask(address: SocketAddr, trusted: &CertifiedKey<KeyPair>, request: &str, body: &Value) -> io::Result<String> {
    let mut roots = RootCertStore::empty();
    roots.add(trusted.cert.der().clone()).unwrap();
    let config = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_protocol_versions(&[&version::TLS13, &version::TLS12])
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    let mut connection = ClientConnection::new(Arc::new(config), "localhost".try_into().unwrap()).unwrap();
    let mut socket = TcpStream::connect(address)?;
    socket.set_read_timeout(Some(PATIENCE))?;
    let body = if body.is_null() { String::new() } else { body.to_string() };
    let mut stream = Stream::new(&mut connection, &mut socket);
    write!(
        stream,
        "{request} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\ncontent-type: application/json\r\n\
         content-length: {}\r\n\r\n{body}",
        body.len()
    )?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    assert_eq!(connection.protocol_version(), Some(ProtocolVersion::TLSv1_3));
    Ok(answer)
}

fn is_alive(address: SocketAddr, trusted: &CertifiedKey<KeyPair>) -> bool {
    ask(address, trusted, "GET /livez", &Value::Null).is_ok_and(|answer| answer.starts_with("HTTP/1.1 200"))
}

#[test]
fn everything_goes_over_tls() {
    let (place, made) = (Place::new(), certificate());
    let owner = place.bootstrap();
    install(&place, &made);
    let (running, address) = serve(&place);
    let answer = ask(address, &made, "POST /api/token/refresh", &json!({ "refresh": owner.token })).unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    assert!(head.starts_with("HTTP/1.1 200"), "{answer}");
    let access = serde_json::from_str::<Value>(body).unwrap()["access"].as_str().unwrap().to_owned();
    let claims = URL_SAFE_NO_PAD.decode(access.split('.').nth(1).unwrap()).unwrap();
    let claims: Value = serde_json::from_slice(&claims).unwrap();
    assert_eq!(claims["iss"], format!("https://{address}"), "where it listens");
    let body = json!({ "email": owner.email, "password": owner.password });
    let answer = ask(address, &made, "POST /api/v1/session", &body).unwrap();
    let cookie = answer.lines().find(|line| line.to_lowercase().starts_with("set-cookie: ")).unwrap();
    assert!(cookie.contains(" __Host-patmint_session=") && cookie.contains("; Secure"), "{cookie}");

    assert!(!is_alive(address, &certificate()), "another server's certificate");
    let mut plain = TcpStream::connect(address).unwrap();
    plain.set_read_timeout(Some(PATIENCE)).unwrap();
    plain.write_all(b"GET /livez HTTP/1.1\r\nhost: localhost\r\n\r\n").unwrap();
    let mut answer = Vec::new();
    let _ = plain.read_to_end(&mut answer);
    assert!(!answer.starts_with(b"HTTP"), "{}", answer.escape_ascii());

    running.terminate();
    assert_eq!(running.finish().code, Some(0));
}

#[test]
fn a_new_certificate_needs_no_restart() {
    let (place, old, new) = (Place::new(), certificate(), certificate());
    install(&place, &old);
    let (mut running, address) = serve(&place);
    assert!(is_alive(address, &old) && !is_alive(address, &new));
    for (certificate, key) in [
        ("", new.signing_key.serialize_pem()),
        (&*new.cert.pem(), old.signing_key.serialize_pem()),
        ("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", new.signing_key.serialize_pem()),
    ] {
        write(&place, certificate, &key);
        running.hang_up();
        assert!(running.err.line_with("goes on with the certificate it has").is_some());
        assert!(is_alive(address, &old));
    }
    install(&place, &new);
    running.hang_up();
    assert!(running.err.line_with("new connections get the new certificate").is_some());
    assert!(is_alive(address, &new) && !is_alive(address, &old));
    running.terminate();
    assert_eq!(running.finish().code, Some(0));
}

#[test]
fn files_that_cannot_be_used_are_refused_before_anything_is_made() {
    let (place, made, other) = (Place::new(), certificate(), certificate());
    let serve = || Program::new(place.folder()).args(["serve", "--listen", "127.0.0.1:0"]);
    let refused = |program: Program, words: &[&str]| {
        let finished = program.run();
        let line = finished.refusal();
        println!("{line}");
        assert!(words.iter().all(|word| line.contains(word)), "{words:?} in {line}");
    };
    refused(serve().args(FILES), &["tls.crt", "cannot read"]);
    let (certificate, key) = (made.cert.pem(), made.signing_key.serialize_pem());
    for (certificate, key, words) in [
        ("", &*key, &["tls.crt", "certificate"][..]),
        ("garbage", &key, &["tls.crt", "certificate"]),
        (&certificate, "", &["tls.key", "private key"]),
        (&certificate, &certificate, &["tls.key", "private key"]),
        (&certificate, &other.signing_key.serialize_pem(), &["tls.crt", "tls.key", "cannot be used"]),
    ] {
        write(&place, certificate, key);
        refused(serve().args(FILES), words);
    }
    install(&place, &made);
    refused(serve().args(["--tls-cert", "tls.crt"]), &["tls_key", "tls_cert"]);
    refused(serve().args(["--tls-key", "tls.key"]), &["tls_key", "tls_cert"]);
    refused(serve().args(FILES).args(["--issuer", "http://sts.example"]), &["issuer", "https://"]);
    assert_eq!(place.files(), ["tls.crt", "tls.key"]);
}
