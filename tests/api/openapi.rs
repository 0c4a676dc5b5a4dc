//! `/openapi.json` and `/docs`: what the server does, told to programs and to people. That each answer is as it is told is
//! held wherever a test asks (`support/documented.rs`).

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::support::{TestApp, documented::DOCUMENT};

/// An id that nobody has.
const NOBODY: &str = "0199aaaa-0000-7000-8000-000000000000";

/// Method, path and what is told of it, of all that a caller is needed for.
fn of_callers() -> Vec<(&'static str, &'static str, &'static Value)> {
    let paths = DOCUMENT["paths"].as_object().unwrap().iter();
    let all = paths.flat_map(|(path, methods)| {
        methods.as_object().unwrap().iter().map(move |(method, told)| (method.as_str(), path.as_str(), told))
    });
    all.filter(|(_, path, told)| path.starts_with("/api/v1") && !told["security"].as_array().unwrap().is_empty())
        .collect()
}

/// The path with Acme and ids in it.
fn filled(path: &str) -> String {
    let path = path.replace("{org}", "acme");
    ["{id}", "{user}"].iter().fold(path, |path, part| path.replace(part, NOBODY))
}

/// The names that follow "expected" in what went wrong.
fn expected(detail: &str) -> BTreeSet<String> {
    let names = detail.split_once("expected ").map_or("", |(_, names)| names).trim_start_matches("one of ");
    names
        .split([',', ' '])
        .map(|name| name.trim_matches('`').to_owned())
        .filter(|name| !name.is_empty() && name != "or")
        .collect()
}

#[test]
fn the_document_is_served_and_kept() {
    let app = TestApp::new();
    let first = app.get("/openapi.json").send();
    assert_eq!((first.status, first.header("content-type")), (200, Some("application/json")));
    assert_eq!(first.text(), patmint::http::openapi());
    assert_eq!(first.json()["openapi"], "3.1.0");
    let etag = first.header("etag").unwrap();
    let ask = |if_none_match: &str| app.get("/openapi.json").header("if-none-match", if_none_match).send();
    assert_eq!((ask(etag).status, ask(etag).text()), (304, String::new()));
    assert_eq!(ask("\"other\"").status, 200);
}

#[test]
fn the_parameters_of_a_list_are_those_that_are_told_of() {
    let app = TestApp::new();
    let session = app.ada.sign_in(&app);
    let lists = of_callers().into_iter().filter(|(_, _, told)| told.to_string().contains("\"cursor\""));
    for (_, path, told) in lists {
        let answer = app.get(&format!("{}?sesame=1", filled(path))).bearer(&session).send();
        assert_eq!((answer.status, answer.code().as_str()), (422, "invalid"), "{path}");
        let of_query = told["parameters"].as_array().unwrap().iter().filter(|parameter| parameter["in"] == "query");
        let told: BTreeSet<_> = of_query.map(|parameter| parameter["name"].as_str().unwrap().to_owned()).collect();
        assert_eq!(told, expected(answer.json()["detail"].as_str().unwrap()), "{path}");
    }
}

#[test]
fn the_members_of_a_body_are_those_that_are_told_of() {
    let app = TestApp::new();
    let session = app.ada.sign_in(&app);
    let mut count = 0;
    for (method, path, told) in of_callers() {
        let schema = &told["requestBody"]["content"]["application/json"]["schema"];
        let Some(reference) = schema["$ref"].as_str() else { continue };
        let schema = DOCUMENT.pointer(reference.strip_prefix('#').unwrap()).unwrap();
        let request = app.request(&method.to_uppercase(), &filled(path)).bearer(&session);
        let answer = request.json(&json!({ "sesame": 1 })).send();
        assert_eq!((answer.status, answer.code().as_str()), (422, "invalid"), "{method} {path}");
        let told: BTreeSet<_> = schema["properties"].as_object().unwrap().keys().cloned().collect();
        assert_eq!(told, expected(answer.json()["detail"].as_str().unwrap()), "{method} {path}");
        assert_eq!(schema["additionalProperties"], false, "{method} {path}");
        count += 1;
    }
    assert!(count >= 10, "{count} bodies");
}

#[test]
fn whoever_needs_no_session_is_told_so() {
    let app = TestApp::new();
    for (method, path, told) in of_callers() {
        let answer = app.request(&method.to_uppercase(), &filled(path)).json(&json!({})).send();
        let may_be_nobody = told["security"].as_array().unwrap().contains(&json!({}));
        assert_eq!(answer.status == 401, !may_be_nobody, "{method} {path}: {}", answer.text());
    }
}
