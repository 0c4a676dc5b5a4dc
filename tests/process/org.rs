//! `patmint org create` and `patmint org list`, beside a server.

use crate::support::Place;

/// What follows `label` in what a command said.
fn after<'a>(said: &'a str, label: &str) -> Option<&'a str> {
    said.lines().find_map(|line| line.strip_prefix(label)).map(str::trim)
}

#[test]
fn an_organization_is_founded_for_whoever_is_named() {
    let place = Place::new();
    let owner = place.bootstrap();
    let server = place.serve();
    let create = |args: &[&'static str]| place.patmint([&["org", "create"], args].concat()).run();

    let said = create(&["Beta & Co", "--owner", " Eve@Beta.example"]).good();
    assert_eq!((after(&said, "Slug"), said.contains("shown again")), (Some("beta-co"), true), "{said}");
    let password = after(&said, "Password").expect("a new account");
    assert_eq!(server.client.sign_in("eve@beta.example", password).status, 201);

    let said = create(&["Gamma", "--owner", "ada@acme.example", "--slug", "third"]).good();
    assert!(after(&said, "Password").is_none(), "she has one: {said}");
    let seen = server.client.sign_in(&owner.email, &owner.password).json();
    let slugs: Vec<_> = seen["memberships"].as_array().unwrap().iter().map(|own| &own["organization_slug"]).collect();
    assert_eq!(slugs, ["acme", "third"]);
    assert!(server.client.exchanges(&owner.token));

    let listed = place.patmint(["org", "list"]).run().good();
    let names: Vec<_> = listed.lines().map(|line| line.split_once("  ").expect("an id, and then").1).collect();
    assert_eq!(names, ["third  Gamma", "beta-co  Beta & Co", "acme  Acme"]);
    let mut look = place.look();
    let actions = "SELECT action AS value FROM audit WHERE action LIKE 'organization.c%' OR action = 'user.create' ORDER BY seq, action";
    assert_eq!(look.texts(actions), ["organization.create", "user.create", "organization.create"]);
}

#[test]
fn what_cannot_be_is_refused_in_one_line() {
    let place = Place::new();
    place.bootstrap();
    let refusal = |args: &[&'static str]| place.patmint([&["org", "create"], args].concat()).run().refusal().to_owned();
    assert!(refusal(&["ACME", "--owner", "eve@beta.example"]).contains("has or had this slug"));
    assert!(refusal(&["Beta", "--owner", "nobody"]).contains("--owner: is no e-mail address"));
    assert!(refusal(&["Beta", "--owner", "eve@beta.example", "--slug", "B"]).contains("slug: must have"));
    assert!(refusal(&["", "--owner", "eve@beta.example"]).contains("name: must have"));
    assert_eq!(place.look().count("users"), 1, "nobody was made for nothing");
}
