//! What can be a key, and what is kept of it.

use diesel::{QueryableByName, RunQueryDsl as _, sql_query, sql_types::BigInt};
use patmint::{
    domain::clock::Clock as _,
    store::{DbConnection, idempotency_keys},
};
use serde_json::json;

use super::{TOKENS, count, keyed, made, refused};
use crate::support::{TestApp, days};

#[test]
fn it_has_1_to_255_visible_characters_bare_or_in_quotes() {
    let app = TestApp::new();
    let session = app.ada.sign_in(&app);
    let (body, before) = (json!({ "name": "laptop" }), count(&app, &session));
    let longest = "k".repeat(255);
    for key in ["k", &longest, "\"quoted\"", "8e03978e-40d5-43dd-bc93-6894a57f9324", "!#$%&'()*+,/:;<=>?@[\\]^`{|}~"] {
        made(&keyed(&app, &session, TOKENS, key, &body));
    }
    assert_eq!(count(&app, &session), before + 5);
    let longer = format!("{longest}k");
    for key in ["", "two words", "\"open", "\"a\\b\"", "\"\"", &longer] {
        let answer = keyed(&app, &session, TOKENS, key, &body);
        assert_eq!(refused(&answer), (422, "invalid".to_owned()), "{key}");
        let detail = answer.json()["detail"].as_str().unwrap().to_owned();
        assert!(detail.starts_with("Idempotency-Key must be one key of 1 to 255 visible ASCII characters"), "{detail}");
    }
    let twice = app.post(TOKENS).bearer(&session).header("idempotency-key", "a").header("idempotency-key", "a");
    assert_eq!(refused(&twice.json(&body).send()), (422, "invalid".to_owned()));
    assert_eq!(count(&app, &session), before + 5, "none of these made anything");
}

#[derive(QueryableByName)]
struct Counted {
    #[diesel(sql_type = BigInt)]
    rows: i64,
}

fn rows(connection: &mut DbConnection) -> i64 {
    sql_query("SELECT count(*) AS rows FROM idempotency_keys").get_result::<Counted>(connection).unwrap().rows
}

#[test]
fn it_is_forgotten_after_a_day() {
    let app = TestApp::new();
    let session = app.ada.sign_in(&app);
    for number in 0..3 {
        made(&keyed(&app, &session, TOKENS, &format!("key-{number}"), &json!({ "name": "laptop" })));
    }
    let mut connection = app.db.own_connection().unwrap();
    let before = app.clock.now();
    app.clock.advance(days(1));
    made(&keyed(&app, &app.ada.sign_in(&app), TOKENS, "today's", &json!({ "name": "laptop" })));
    assert_eq!(rows(&mut connection), 4);
    assert!(!idempotency_keys::prune(&mut connection, before).unwrap());
    assert_eq!(rows(&mut connection), 4, "not of the same moment");
    assert!(!idempotency_keys::prune(&mut connection, app.clock.now()).unwrap());
    assert_eq!(rows(&mut connection), 1);
}
