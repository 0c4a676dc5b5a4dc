//! What may stand in the body, and what is said of what may not.

use serde_json::json;

use super::PATHS;
use crate::support::TestApp;

#[test]
fn each_body_that_is_not_right_is_told_why() {
    let app = TestApp::new();
    let field = |problem: &str| json!({ "refresh": [problem] }).to_string();
    let whole = |problem: &str| json!({ "non_field_errors": [problem] }).to_string();
    let not_a_dictionary = |found: &str| whole(&format!("Invalid data. Expected a dictionary, but got {found}."));
    let (required, json) = (field("This field is required."), "application/json");
    let form = "application/x-www-form-urlencoded";
    for (media_type, body, expected) in [
        (json, "{}", &required),
        (json, r#"{"token": "sesame"}"#, &required),
        (json, "", &required),
        (form, "", &required),
        (form, "token=sesame", &required),
        (json, r#"{"refresh": ""}"#, &field("This field may not be blank.")),
        (json, r#"{"refresh": " \t "}"#, &field("This field may not be blank.")),
        (form, "refresh=", &field("This field may not be blank.")),
        (json, r#"{"refresh": null}"#, &field("This field may not be null.")),
        (json, r#"{"refresh": true}"#, &field("Not a valid string.")),
        (json, r#"{"refresh": ["sesame"]}"#, &field("Not a valid string.")),
        (json, r#"{"refresh": {"sesame": 1}}"#, &field("Not a valid string.")),
        (json, r#"["sesame"]"#, &not_a_dictionary("list")),
        (json, "[]", &not_a_dictionary("list")),
        (json, r#""sesame""#, &not_a_dictionary("str")),
        (json, "7", &not_a_dictionary("int")),
        (json, "7.5", &not_a_dictionary("float")),
        (json, "true", &not_a_dictionary("bool")),
        (json, "null", &whole("No data provided")),
    ] {
        let answer = app.post("/api/token/refresh").text(media_type, body).send();
        assert_eq!((answer.status, &answer.text()), (400, expected), "{body}");
        assert!(answer.header("www-authenticate").is_none(), "{body}");
        assert_eq!(answer.header("content-type"), Some("application/json"), "{body}");
    }
}

#[test]
fn what_cannot_be_read_is_never_quoted() {
    let app = TestApp::new();
    for (media_type, body, status) in [
        ("application/json", "sesame", 400),
        ("application/json", "{\"refresh\": \"sesame\"", 400),
        ("application/json", "{\"refresh\": \"sesame\"} sesame", 400),
        ("application/json", "refresh=sesame", 400),
        ("text/plain", "sesame", 415),
        ("multipart/form-data; boundary=sesame", "--sesame", 415),
        ("application/xml", "<refresh>sesame</refresh>", 415),
        ("application/jsonsesame", "{}", 415),
    ] {
        let answer = app.post("/api/token/refresh").text(media_type, body).send();
        assert_eq!(answer.status, status, "{media_type} {body}");
        let members = answer.json();
        let detail = members["detail"].as_str().expect("a detail");
        assert!(!detail.is_empty() && !answer.text().contains("sesame"), "{media_type} {body}: {detail}");
        assert_eq!(members.as_object().unwrap().len(), 1, "only the detail");
    }
}

#[test]
fn a_member_that_stands_there_twice_is_refused() {
    let app = TestApp::new();
    let token = &app.pat.text;
    for (media_type, body) in [
        ("application/json", format!(r#"{{"refresh": "{token}", "refresh": "{token}"}}"#)),
        ("application/json", format!(r#"{{"refresh": "{token}", "r\u0065fresh": "sesame"}}"#)),
        ("application/json", format!(r#"{{"refresh": "{token}", "other": [{{"a": 1, "a": 1}}]}}"#)),
        ("application/x-www-form-urlencoded", format!("refresh={token}&refresh={token}")),
    ] {
        let answer = app.post("/api/token/refresh").text(media_type, &body).send();
        let expected = json!({ "detail": "The request names a member twice; send each once." });
        assert_eq!((answer.status, answer.json()), (400, expected), "{media_type}");
    }
}

#[test]
fn a_media_type_may_have_parameters_and_any_case() {
    let app = TestApp::new();
    let body = json!({ "refresh": app.pat.text }).to_string();
    for media_type in ["application/json; charset=utf-8", "Application/JSON", "application/json ;charset=UTF-8"] {
        assert_eq!(app.post("/api/token/refresh").text(media_type, &body).send().status, 200, "{media_type}");
    }
}

#[test]
fn space_around_a_credential_does_not_count() {
    let app = TestApp::new();
    let body = json!({ "refresh": format!("\n {}\t ", app.pat.text), "remember": ["me"] });
    assert_eq!(app.post("/api/token/refresh").json(&body).send().status, 200, "nor do members that nobody knows");
}

#[test]
fn a_body_has_64_kib_at_the_most() {
    let app = TestApp::new();
    let body = |length: usize| {
        let empty = json!({ "refresh": "" }).to_string().len();
        json!({ "refresh": "x".repeat(length - empty) }).to_string()
    };
    let send = |length| app.post("/api/token/refresh").text("application/json", &body(length)).send();
    assert_eq!(send(65_536).status, 401);
    let answer = send(65_537);
    assert_eq!(answer.status, 413);
    assert_eq!(answer.json(), json!({ "detail": "the request body is larger than 65536 bytes" }));
}

#[test]
fn only_post_is_allowed() {
    let app = TestApp::new();
    for path in PATHS {
        for method in ["GET", "PUT", "PATCH", "DELETE", "OPTIONS"] {
            let answer = app.request(method, path).send();
            assert_eq!(answer.status, 405, "{method} {path}");
            assert_eq!(answer.header("allow"), Some("POST"), "{method} {path}");
            assert_eq!(answer.json(), json!({ "detail": format!("Method \"{method}\" not allowed.") }));
        }
    }
    let answer = app.request("SESAME", "/api/token/refresh").send();
    assert_eq!((answer.status, answer.json()), (405, json!({ "detail": "Method not allowed." })));
}

#[test]
fn an_authorization_header_changes_nothing() {
    let app = TestApp::new();
    let revoked = app.ada.credential(&app, &json!({ "name": "gone" }));
    app.post("/api/v1/revocations").json(&json!({ "token": revoked.text })).send();
    let bearer = |token: &str| format!("Bearer {token}");
    for value in ["garbage", "Bearer garbage", "Token 7", "Basic !!!", &bearer(&revoked.text), &bearer(&app.pat.text)] {
        let send = |refresh: &str| {
            let request = app.post("/api/token/refresh").header("authorization", value);
            request.json(&json!({ "refresh": refresh })).send().status
        };
        assert_eq!((send(&app.jwt.text), send("garbage")), (200, 401), "{value}");
    }
}
