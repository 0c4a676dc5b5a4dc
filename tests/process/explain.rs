//! `patmint explain`: what became of a request.

use serde_json::json;

use crate::support::{Place, claims};

#[test]
fn a_refusal_and_a_change_are_explained_by_the_id_of_the_answer() {
    let place = Place::new();
    let owner = place.bootstrap();
    let server = place.serve();
    let client = server.client.clone();
    let id_of = |answer: &crate::support::Answer| answer.header("x-request-id").expect("an id").to_owned();
    let good = client.try_exchange(&owner.token).expect("an answer");
    let token = claims(&good)["client_id"].as_str().unwrap().to_owned();
    let leaked = json!({ "token": owner.token });
    let revoked = client.request("POST", "/api/v1/revocations").json(&leaked).send();
    let refused = client.try_exchange(&owner.token).expect("an answer");
    let unknown = client.try_exchange("unknown").expect("an answer");
    assert_eq!((refused.status, refused.text()), (401, unknown.text()), "strangers are told the same");
    server.stop();

    let explain = |id: &str| place.patmint(["explain", id]).run();
    let said = explain(&id_of(&refused)).good();
    for part in ["Refused       revoked: the token is revoked", "127.0.0.1", &token, "ada@acme.example", "Acme"] {
        assert!(said.contains(part), "no {part:?} in {said}");
    }
    let said = explain(&id_of(&revoked)).good();
    for part in ["Done          credential.revoke", "Via           possession", &token, "\"reason\":\"leaked\""] {
        assert!(said.contains(part), "no {part:?} in {said}");
    }
    assert!(!said.contains(&owner.token[20..40]));
    for id in [id_of(&unknown), id_of(&good)] {
        assert!(explain(&id).refusal().contains("nothing is known of this request"));
    }
    assert_eq!(explain("no-id").code, Some(2));
}
