use std::collections::BTreeSet;

use super::*;
use crate::http::{all_routes, openapi::openapi, routes};

fn document() -> Value {
    serde_json::from_str(openapi()).unwrap()
}

fn operations(document: &Value) -> impl Iterator<Item = (&String, &String, &Value)> {
    let paths = document["paths"].as_object().unwrap().iter();
    paths
        .flat_map(|(path, methods)| methods.as_object().unwrap().iter().map(move |(method, told)| (path, method, told)))
}

fn refs<'a>(value: &'a Value, found: &mut BTreeSet<&'a str>) {
    match value {
        Value::Object(members) => {
            found.extend(members.get("$ref").and_then(Value::as_str));
            members.values().for_each(|value| refs(value, found));
        }
        Value::Array(items) => items.iter().for_each(|value| refs(value, found)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

#[test]
fn each_route_is_told_of_and_nothing_else() {
    let document = document();
    let told: BTreeSet<_> =
        operations(&document).map(|(path, method, _)| (method.to_uppercase(), path.clone())).collect();
    let routes: BTreeSet<_> =
        all_routes().into_iter().map(|(method, path)| (method.to_owned(), path.to_owned())).collect();
    assert_eq!(told, routes, "in the document, and in the server");
}

#[test]
fn each_part_of_a_path_is_told_of() {
    let document = document();
    for (path, method, told) in operations(&document) {
        let none = Vec::new();
        let parameters = told["parameters"].as_array().unwrap_or(&none);
        let in_path = parameters.iter().filter(|parameter| parameter["in"] == "path");
        let named: BTreeSet<_> = in_path.map(|parameter| parameter["name"].as_str().unwrap()).collect();
        let parts: BTreeSet<_> = path.split('/').filter_map(|part| part.strip_prefix('{')?.strip_suffix('}')).collect();
        assert_eq!(named, parts, "{method} {path}");
    }
}

#[test]
fn what_is_referred_to_is_there_and_the_other_way_round() {
    let document = document();
    let mut found = BTreeSet::new();
    refs(&document, &mut found);
    let components = document["components"].as_object().unwrap();
    let named = ["schemas", "responses"].into_iter().flat_map(|kind| {
        components[kind].as_object().unwrap().keys().map(move |name| format!("#/components/{kind}/{name}"))
    });
    let named: Vec<_> = named.collect();
    assert_eq!(found, named.iter().map(String::as_str).collect());
    for (_, _, told) in operations(&document) {
        let tag = told["tags"][0].as_str().unwrap();
        assert!(TAGS.iter().any(|(name, _)| *name == tag), "{tag}");
    }
    let ids: BTreeSet<_> = operations(&document).map(|(_, _, told)| told["operationId"].as_str()).collect();
    assert_eq!(ids.len(), operations(&document).count(), "each has a name of its own");
}

#[test]
fn no_name_stands_for_two_schemas() {
    let settings = || SchemaSettings::draft2020_12().with(|settings| settings.definitions_path = "/s".into());
    let (mut read, mut written) =
        (settings().for_deserialize().into_generator(), settings().for_serialize().into_generator());
    for (_, _, operation) in routes::operations() {
        operation.body.iter().for_each(|body| drop((body.schema)(&mut read)));
        operation.parameters.iter().for_each(|parameter| drop((parameter.schema)(&mut read)));
        let bodies = operation.answers.iter().filter_map(|answer| answer.body);
        bodies.for_each(|(_, schema)| drop(schema(&mut written)));
    }
    let written = written.take_definitions(true);
    for (name, schema) in read.take_definitions(true) {
        assert!(written.get(&name).is_none_or(|other| *other == schema), "{name}");
        assert!(!name.ends_with(|last: char| last.is_ascii_digit()), "{name} is a second one of that name");
    }
    assert!(written.keys().all(|name| !name.ends_with(|last: char| last.is_ascii_digit())), "{written:?}");
}

#[test]
fn it_is_the_same_each_time() {
    let again = serde_json::to_string_pretty(&of(routes::operations())).unwrap();
    assert_eq!(again, openapi());
}
