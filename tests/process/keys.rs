//! `patmint keys` beside servers.

use std::{fs, os::unix::fs::PermissionsExt as _};

use patmint::domain::jws::{SigningAlgorithm, generate};
use serde_json::Value;

use crate::support::{Client, Place, Server, header};

fn published(client: &Client) -> Vec<String> {
    let jwks = client.get("/.well-known/jwks.json").json();
    jwks["keys"].as_array().unwrap().iter().map(|key| key["kid"].as_str().unwrap().to_owned()).collect()
}

/// The key that signs for `client`.
fn signer(client: &Client, token: &str) -> String {
    let answer = client.try_exchange(token).expect("an answer");
    header(&answer)["kid"].as_str().unwrap().to_owned()
}

#[test]
fn a_new_key_is_everywhere_when_the_command_has_ended() {
    let place = Place::new();
    let owner = place.bootstrap();
    let servers = [place.serve(), place.serve()];
    let clients = servers.each_ref().map(|server| &server.client);
    let old = signer(clients[0], &owner.token);

    let said = place.patmint(["keys", "rotate"]).run().good();
    let pending = said.split(' ').next().unwrap().to_owned();
    assert!(said.starts_with(&format!("{pending} is published; it signs from 2")), "{said}");
    for client in clients {
        assert_eq!(published(client), [pending.clone(), old.clone()]);
        assert_eq!(signer(client, &owner.token), old);
    }
    let said = place.patmint(["keys", "rotate", "--now"]).run().good();
    let new = said.strip_suffix(" signs now.\n").expect("said so").to_owned();
    for client in clients {
        assert_eq!(published(client), [new.clone(), pending.clone(), old.clone()]);
        assert_eq!(signer(client, &owner.token), new);
    }

    let unfit = place.patmint(["keys", "rotate", "--algorithm", "HS256"]).run();
    assert_eq!(unfit.code, Some(2), "that key could not be published");
    let chosen = place.patmint(["keys", "rotate", "--signing-algorithm", "EdDSA"]).run().good();
    let chosen = chosen.split(' ').next().unwrap().to_owned();

    let listed: Value = serde_json::from_str(&place.patmint(["keys", "list", "--json"]).run().good()).unwrap();
    let listed = listed["items"].as_array().unwrap();
    let shown: Vec<_> =
        listed.iter().map(|key| [&key["kid"], &key["stage"]].map(|value| value.as_str().unwrap())).collect();
    assert_eq!(listed[0]["algorithm"], "EdDSA");
    assert_eq!(shown, [[&*chosen, "pending"], [&*new, "signing"], [&*pending, "outgoing"], [&*old, "outgoing"]]);
    let text = place.patmint(["keys", "list"]).run().good();
    let lines: Vec<_> = text.lines().collect();
    assert_eq!(lines.len(), 4);
    assert!(lines[1].starts_with(&format!("{new}  ES256  signing   made 2")), "{text}");
}

#[test]
fn a_withdrawn_key_is_nowhere_when_the_command_has_ended() {
    let place = Place::new();
    let owner = place.bootstrap();
    let servers = [place.serve(), place.serve()];
    let old = signer(&servers[0].client, &owner.token);
    let said = place.patmint(["keys", "withdraw", &old]).run().good();
    let new = said.strip_suffix(" signs now.\n").and_then(|said| said.rsplit(' ').next()).expect("said so").to_owned();
    for Server { client, .. } in &servers {
        assert_eq!((published(client), signer(client, &owner.token)), (vec![new.clone()], new.clone()));
    }
    let again = place.patmint(["keys", "withdraw", &old]).run().good();
    assert_eq!(again, "The key was withdrawn already; nothing is changed.\n");
    let unknown = place.patmint(["keys", "withdraw", "nothing"]).run();
    assert_eq!(unknown.refusal(), "no signing key has this name (patmint keys list shows them)");
}

#[test]
fn a_key_from_a_file_signs() {
    let place = Place::new();
    let owner = place.bootstrap();
    let server = place.serve();
    let der = generate(SigningAlgorithm::Rs256).expect("a key");
    fs::write(place.folder().join("own.pem"), pem::encode(&pem::Pem::new("PRIVATE KEY", der))).unwrap();
    let said = place.patmint(["keys", "import", "own.pem", "--now"]).run().good();
    assert_eq!(said, format!("{} signs now.\n", signer(&server.client, &owner.token)));
    let refused = place.patmint(["keys", "import", "nothing.pem"]).run();
    assert!(refused.refusal().starts_with("cannot open the file nothing.pem: "), "{refused:?}");
}

#[test]
fn a_key_goes_to_another_installation() {
    let (place, other) = (Place::new(), Place::new());
    let (owner, other_owner) = (place.bootstrap(), other.bootstrap());
    let (server, other_server) = (place.serve(), other.serve());
    let kid = signer(&server.client, &owner.token);

    let public: Value = serde_json::from_str(&place.patmint(["keys", "export"]).run().good()).unwrap();
    assert_eq!(public, server.client.get("/.well-known/jwks.json").json());

    let pem = place.patmint(["keys", "export", "--private", "-"]).run();
    assert_eq!(pem.stderr, "");
    let said = other.patmint(["keys", "import", "--now", "-"]).input(&pem.good()).run().good();
    assert_eq!(said, format!("{kid} signs now.\n"));
    assert_eq!(signer(&other_server.client, &other_owner.token), kid);

    let file = place.folder().join("own.pem");
    let to_file = ["keys", "export", "--kid", &kid, "--private", "own.pem"];
    let said = place.patmint(to_file).run();
    assert_eq!((said.stderr.as_str(), said.code), ("", Some(0)));
    assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    let pem = fs::read_to_string(&file).unwrap();
    assert!(pem.starts_with("-----BEGIN PRIVATE KEY-----\n") && !pem.contains('\r'));
    let again = place.patmint(to_file).run();
    assert!(again.refusal().starts_with("cannot open the file own.pem: File exists"), "{again:?}");
    assert_eq!(fs::read_to_string(&file).unwrap(), pem);
    let known = place.patmint(["keys", "import", "own.pem"]).run();
    assert_eq!(known.refusal(), format!("this key is there already: {kid}"));
    let unknown = place.patmint(["keys", "export", "--kid", "nothing", "--private", "nothing.pem"]).run();
    assert_eq!(unknown.refusal(), "no signing key has this name (patmint keys list shows them)");
    assert!(!place.folder().join("nothing.pem").exists());
    assert_eq!(
        place.patmint(["keys", "export", "--kid", &kid]).run().code,
        Some(2),
        "it is not asked for the private key"
    );
    let exports = place.look().texts("SELECT subject_id AS value FROM audit WHERE action = 'key.export'");
    assert_eq!(exports, [kid.as_str(), &kid]);

    place.patmint(["keys", "withdraw", &kid]).run().good();
    let refused = place.patmint(["keys", "export", "--kid", &kid, "--private", "-"]).run();
    assert_eq!(refused.refusal(), format!("this key is withdrawn and is handed out no more: {kid}"));
    let back = place.patmint(["keys", "import", "own.pem"]).run();
    assert_eq!(back.refusal(), format!("this key is there already: {kid}"), "it does not come back");
}

#[test]
fn the_root_key_is_changed_beside_a_server() {
    let place = Place::new();
    let owner = place.bootstrap();
    let server = place.serve();
    let file = place.folder().join("keys/root.key");
    let (new, old) = ("BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc=\n", fs::read_to_string(&file).unwrap());
    fs::write(&file, format!("{new}{old}")).unwrap();
    let said = place.patmint(["keys", "reseal"]).run().good();
    assert_eq!(said, "2 keys are sealed under the first line of root.key; no other line is needed now.\n");
    fs::write(&file, new).unwrap();
    let said = place.patmint(["keys", "rotate", "--now"]).run().good();
    assert_eq!(said, format!("{} signs now.\n", signer(&server.client, &owner.token)));
    assert!(place.serve().client.exchanges(&owner.token));
    fs::write(&file, old).unwrap();
    let refused = place.patmint(["keys", "list"]).run();
    assert!(refused.refusal().contains("does not open the keys"), "{refused:?}");
}
