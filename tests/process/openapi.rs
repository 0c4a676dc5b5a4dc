//! `patmint openapi`.

use crate::support::Place;

#[test]
fn the_document_is_printed_and_nothing_else_happens() {
    let place = Place::new();
    let before = place.files();
    let printed = place.patmint(["openapi"]).run().good();
    assert_eq!(printed.trim_end(), patmint::http::openapi());
    assert_eq!(place.files(), before);
}
