//! The document, put together from what is told of each route.

use std::collections::BTreeMap;

use actix_web::http::Method;
use schemars::{Schema, SchemaGenerator, generate::SchemaSettings};
use serde_json::{Map, Value, json};

use super::{
    operation::{Access, Answer, Body, Errors, Operation, SchemaOf},
    parameter::{Parameter, Place},
    refusal::{self, Refusal},
    shapes,
};

/// What belongs together, in the order in which it is shown.
const TAGS: [(&str, &str); 12] = [
    ("exchange", "A long-lived token in, an access token out"),
    ("services", "For services that verify access tokens on their own"),
    ("sessions", "Signing in, and one's own password"),
    ("tokens", "One's own tokens"),
    ("organizations", "Organizations and their policy"),
    ("members", "Who is in an organization, and invitations into it"),
    ("service accounts", "Members that are programs"),
    ("organization tokens", "Everybody's tokens in an organization, for its admins"),
    ("audit", "Who did what"),
    ("users", "For operators"),
    ("leaks", "For whoever holds a token that must die"),
    ("operations", "For whoever runs it"),
];

/// Schemas of what is read and of what is written, with the names that they have in both.
struct Schemas {
    read: SchemaGenerator,
    written: SchemaGenerator,
    /// Answers to what fails, by name.
    responses: BTreeMap<String, Value>,
}

/// The document that tells of these routes: path, method and what is told of it.
pub(super) fn of(routes: Vec<(&'static str, Method, Operation)>) -> Value {
    let settings = || {
        SchemaSettings::draft2020_12().with(|settings| {
            settings.definitions_path = "/components/schemas".into();
            settings.meta_schema = None;
        })
    };
    let mut schemas = Schemas {
        read: settings().for_deserialize().into_generator(),
        written: settings().for_serialize().into_generator(),
        responses: BTreeMap::new(),
    };
    let mut paths: BTreeMap<&str, BTreeMap<String, Value>> = BTreeMap::new();
    let mut seen: BTreeMap<&str, u32> = BTreeMap::new();
    for (path, method, operation) in routes {
        // The same operation at another address gets a number.
        let times = seen.entry(operation.id).and_modify(|times| *times += 1).or_insert(1);
        let id = if *times == 1 { operation.id.to_owned() } else { format!("{}_{times}", operation.id) };
        let told = schemas.operation(&method, &id, operation);
        paths.entry(path).or_default().insert(method.as_str().to_lowercase(), told);
    }
    let tags: Vec<_> =
        TAGS.iter().map(|(name, description)| json!({ "name": name, "description": description })).collect();
    let mut document = json!({
        "openapi": "3.1.0",
        "info": {
            "title": "patmint",
            "description": "A self-hosted security token service: long-lived tokens in, five-minute JWTs out.",
            "version": env!("CARGO_PKG_VERSION"),
            "license": { "name": "MIT OR Apache-2.0", "identifier": "MIT OR Apache-2.0" },
        },
        "servers": [{ "url": "/" }],
        "tags": tags,
        "paths": paths,
        "components": {
            "schemas": schemas.definitions(),
            "responses": schemas.responses,
            "securitySchemes": security_schemes(),
        },
    });
    without_null_defaults(&mut document);
    document
}

impl Schemas {
    fn operation(&mut self, method: &Method, id: &str, operation: Operation) -> Value {
        let Operation { tag, summary, description, access, parameters, body, answers, errors, mut refusals, .. } =
            operation;
        if !method.is_safe() && matches!(access, Access::Caller | Access::PerhapsCaller) {
            refusals.push(refusal::CROSS_SITE);
        }
        let mut responses: BTreeMap<String, Value> =
            answers.iter().map(|answer| (answer.status.to_string(), self.answer(answer))).collect();
        responses.extend(self.refused(errors, &refusals));
        let parameters: Vec<_> = parameters.iter().map(|parameter| self.parameter(parameter)).collect();
        let mut told = Map::from_iter([
            ("operationId".to_owned(), json!(id)),
            ("tags".to_owned(), json!([tag])),
            ("summary".to_owned(), json!(summary)),
            ("responses".to_owned(), json!(responses)),
            ("security".to_owned(), security(access)),
        ]);
        if !description.is_empty() {
            told.insert("description".to_owned(), json!(description));
        }
        if !parameters.is_empty() {
            told.insert("parameters".to_owned(), json!(parameters));
        }
        if let Some(body) = body {
            told.insert("requestBody".to_owned(), self.body(&body));
        }
        Value::Object(told)
    }

    fn body(&mut self, Body { media, schema }: &Body) -> Value {
        let schema = schema(&mut self.read);
        let content: Map<_, _> = media.iter().map(|media| ((*media).to_owned(), json!({ "schema": schema }))).collect();
        json!({ "required": true, "content": content })
    }

    fn parameter(&mut self, parameter: &Parameter) -> Value {
        let Parameter { place, name, description, required, schema } = parameter;
        let (place, required) = match place {
            Place::Path => ("path", true),
            Place::Query => ("query", *required),
            Place::Header => ("header", *required),
        };
        let schema = schema(&mut self.read);
        json!({ "in": place, "name": name, "description": description, "required": required, "schema": schema })
    }

    fn answer(&mut self, Answer { status: _, description, body, headers }: &Answer) -> Value {
        let mut told = Map::from_iter([("description".to_owned(), json!(description))]);
        if let Some((media, schema)) = body {
            told.insert("content".to_owned(), json!({ *media: { "schema": schema(&mut self.written) } }));
        }
        if !headers.is_empty() {
            let headers = headers.iter().map(|(name, what)| ((*name).to_owned(), header(what))).collect();
            told.insert("headers".to_owned(), headers);
        }
        Value::Object(told)
    }

    /// What is answered when it fails, by status; what several routes answer is told once.
    fn refused(&mut self, errors: Errors, refusals: &[Refusal]) -> BTreeMap<String, Value> {
        let mut by_status: BTreeMap<u16, BTreeMap<&str, &str>> = BTreeMap::new();
        for Refusal { status, code, meaning } in refusals {
            by_status.entry(*status).or_default().insert(code, meaning);
        }
        let of_status = |(status, codes): (u16, BTreeMap<&str, &str>)| {
            let name = name_of(errors, status, &codes);
            let told = self.refusal(errors, status, &codes);
            self.responses.insert(name.clone(), told);
            (status.to_string(), json!({ "$ref": format!("#/components/responses/{name}") }))
        };
        by_status.into_iter().map(of_status).collect()
    }

    fn refusal(&mut self, errors: Errors, status: u16, codes: &BTreeMap<&str, &str>) -> Value {
        let (media, shape, member): (_, SchemaOf, _) = match errors {
            Errors::Problem => ("application/problem+json", SchemaGenerator::subschema_for::<shapes::Problem>, "code"),
            Errors::Django => ("application/json", SchemaGenerator::subschema_for::<shapes::Detail>, "code"),
            Errors::OAuth => ("application/json", SchemaGenerator::subschema_for::<shapes::OAuthError>, "error"),
        };
        let mut schema: Schema = shape(&mut self.written);
        let known: Vec<_> = codes.keys().filter(|code| !code.is_empty()).collect();
        if !known.is_empty() {
            schema.insert("properties".to_owned(), json!({ member: { "enum": known } }));
        }
        let explained = |(code, meaning): (&&str, &&str)| match *code {
            "" => (*meaning).to_owned(),
            code => format!("`{code}`: {meaning}"),
        };
        let description = codes.iter().map(explained).collect::<Vec<_>>().join("; ");
        let content = json!({ media: { "schema": schema } });
        let headers = match status {
            401 => json!({ "WWW-Authenticate": header("How to show who you are (RFC 9110)") }),
            429 | 503 => json!({ "Retry-After": header("In how many seconds to try again") }),
            _ => json!({}),
        };
        json!({ "description": description, "content": content, "headers": headers })
    }

    /// The schemas that have a name.
    fn definitions(&mut self) -> Map<String, Value> {
        let mut definitions = self.read.take_definitions(true);
        for (name, schema) in self.written.take_definitions(true) {
            definitions.insert(name, schema);
        }
        definitions
    }
}

/// The name of an answer that several routes give.
fn name_of(errors: Errors, status: u16, codes: &BTreeMap<&str, &str>) -> String {
    let shape = match errors {
        Errors::Problem => "problem",
        Errors::Django => "detail",
        Errors::OAuth => "oauth",
    };
    let codes = codes.keys().filter(|code| !code.is_empty()).copied().collect::<Vec<_>>().join("-or-");
    if codes.is_empty() { format!("{status}-{shape}") } else { format!("{status}-{shape}-{codes}") }
}

fn header(description: &str) -> Value {
    json!({ "description": description, "required": true, "schema": { "type": "string" } })
}

/// Any one of these, each alone.
fn security(access: Access) -> Value {
    match access {
        Access::Anybody => json!([]),
        Access::Caller => json!([{ "bearer": [] }, { "session": [] }, { "legacy": [] }]),
        Access::PerhapsCaller => json!([{}, { "bearer": [] }, { "session": [] }]),
        Access::Feed => json!([{}, { "feed": [] }]),
    }
}

fn security_schemes() -> Value {
    json!({
        "bearer": {
            "type": "http",
            "scheme": "bearer",
            "description": "The secret of a session, any credential, or an access token whose audience is the issuer",
        },
        "session": {
            "type": "apiKey",
            "in": "cookie",
            "name": "patmint_session",
            "description": "The cookie that signing in sets (`__Host-patmint_session` over TLS). It changes nothing in a request from \
                            another site",
        },
        "legacy": {
            "type": "apiKey",
            "in": "header",
            "name": "Authorization",
            "description": "`Token` and a legacy credential",
        },
        "feed": { "type": "http", "scheme": "bearer", "description": "The feed token, if the operator set one" },
    })
}

/// A member that may be left out is not `null` by that.
fn without_null_defaults(value: &mut Value) {
    match value {
        Value::Object(members) => {
            members.retain(|name, value| name != "default" || !value.is_null());
            members.values_mut().for_each(without_null_defaults);
        }
        Value::Array(items) => items.iter_mut().for_each(without_null_defaults),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

#[cfg(test)]
mod tests;
