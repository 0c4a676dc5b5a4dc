//! `/docs`: the OpenAPI document for people. Made of the document itself, with no script, and nothing from elsewhere.

mod schema;

use std::{fmt::Write as _, sync::LazyLock};

use actix_web::HttpResponse;
use serde_json::{Map, Value};

use self::schema::{explained, kind, members};
use super::{page, policy};
use crate::http::openapi::{Operation, openapi, shapes};

const STYLE: &str = include_str!("docs.css");

/// Made once: it is the same for every request.
static PAGE: LazyLock<String> = LazyLock::new(|| {
    // We wrote it ourselves.
    let document: Value = serde_json::from_str(openapi()).unwrap_or_default();
    made_of(&document)
});

static POLICY: LazyLock<String> = LazyLock::new(|| policy(&PAGE, ""));

/// `GET /docs`.
pub(crate) async fn docs() -> HttpResponse {
    page(&PAGE, &POLICY)
}

/// What is told of [`docs`].
pub(crate) fn docs_told() -> Operation {
    Operation::new("operations", "docs", "This document for people").answers_as::<shapes::Text>(
        200,
        "text/html; charset=utf-8",
        "The page",
    )
}

/// Text in HTML.
fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

/// The text of a member, in HTML.
fn text(value: &Value, member: &str) -> String {
    escaped(value[member].as_str().unwrap_or_default())
}

/// What stands there (RFC 6901), if anything does.
fn at<'a>(value: &'a Value, pointer: &str) -> &'a Value {
    static NOTHING: Value = Value::Null;
    value.pointer(pointer).unwrap_or(&NOTHING)
}

fn each(value: &Value) -> impl Iterator<Item = (&String, &Value)> {
    value.as_object().into_iter().flat_map(Map::iter)
}

fn list(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}

/// The operations with this tag: path, method and what is told.
fn operations<'a>(document: &'a Value, tag: &'a Value) -> impl Iterator<Item = (&'a String, &'a String, &'a Value)> {
    let all = each(&document["paths"]);
    let all = all.flat_map(|(path, methods)| each(methods).map(move |(method, told)| (path, method, told)));
    all.filter(move |(_, _, told)| list(&told["tags"]).any(|own| *own == tag["name"]))
}

fn made_of(document: &Value) -> String {
    let (mut contents, mut body) = (String::new(), String::new());
    for tag in list(&document["tags"]) {
        let _ = write!(contents, "<strong>{}</strong><ul>", text(tag, "name"));
        let _ = write!(body, "<h2>{}</h2><p>{}.</p>", text(tag, "name"), explained(&tag["description"]));
        for (path, method, told) in operations(document, tag) {
            let id = text(told, "operationId");
            let _ = write!(contents, "<li><a href=\"#{id}\">{}</a></li>", explained(&told["summary"]));
            operation(&mut body, (path.as_str(), method.as_str()), document, told);
        }
        contents.push_str("</ul>");
    }
    contents.push_str("<strong>Who you are</strong><ul>");
    body.push_str("<h2>Who you are</h2><p>Is shown in one of these ways.</p>");
    for (name, scheme) in each(at(document, "/components/securitySchemes")) {
        let name = escaped(name);
        let _ = write!(contents, "<li><a href=\"#by-{name}\">{name}</a></li>");
        let _ = write!(
            body,
            "<section id=\"by-{name}\"><h3>{name}</h3><p>{}.</p></section>",
            explained(&scheme["description"])
        );
    }
    let _ = write!(contents, "</ul><strong>Schemas</strong><ul>");
    body.push_str("<h2>Schemas</h2>");
    for (name, schema) in each(at(document, "/components/schemas")) {
        let name = escaped(name);
        let _ = write!(contents, "<li><a href=\"#schema-{name}\">{name}</a></li>");
        let _ = write!(body, "<section id=\"schema-{name}\"><h3>{name}</h3>");
        members(&mut body, schema);
        body.push_str("</section>");
    }
    let info = &document["info"];
    format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<title>patmint: the HTTP interface</title>\n\
         <link rel=\"icon\" href=\"data:,\">\n<style>{STYLE}</style>\n</head>\n<body>\n<nav>{contents}</ul></nav>\n<main>\n\
         <h1>{} {}</h1>\n<p>{}</p>\n<p>For programs: <a href=\"/openapi.json\"><code>/openapi.json</code></a>.</p>\n{body}\n\
         </main>\n</body>\n</html>\n",
        text(info, "title"),
        text(info, "version"),
        explained(&info["description"]),
    )
}

fn operation(out: &mut String, (path, method): (&str, &str), document: &Value, told: &Value) {
    let _ = write!(
        out,
        "<section id=\"{}\"><h3><span class=\"method\">{}</span> <code>{}</code></h3><p>{}</p><p>{}</p>",
        text(told, "operationId"),
        escaped(&method.to_uppercase()),
        escaped(path),
        explained(&told["summary"]),
        explained(&told["description"]),
    );
    let _ = write!(out, "<p class=\"note\">{}</p>", who(&told["security"]));
    if list(&told["parameters"]).next().is_some() {
        out.push_str("<h4>Parameters</h4><table>");
        for parameter in list(&told["parameters"]) {
            let needed = if parameter["required"] == true { ", required" } else { "" };
            let _ = write!(
                out,
                "<tr><td><code>{}</code></td><td>{}{needed}</td><td>{}</td><td>{}</td></tr>",
                text(parameter, "name"),
                text(parameter, "in"),
                kind(&parameter["schema"]),
                explained(&parameter["description"]),
            );
        }
        out.push_str("</table>");
    }
    for (media, content) in each(at(told, "/requestBody/content")) {
        let _ = write!(out, "<h4>Body: <code>{}</code></h4>", escaped(media));
        let schema = &content["schema"];
        if schema.get("$ref").is_some() {
            let _ = write!(out, "<p>{}</p>", kind(schema));
        }
        members(out, resolved(document, schema));
    }
    out.push_str("<h4>Answers</h4><table>");
    for (status, answer) in each(&told["responses"]) {
        row(out, status, resolved(document, answer));
    }
    out.push_str("</table></section>");
}

/// An answer.
fn row(out: &mut String, status: &str, answer: &Value) {
    let media = each(&answer["content"]).map(|(media, content)| match kind(&content["schema"]) {
        named if named.starts_with("<a") => format!("{named} <span class=\"note\">{}</span>", escaped(media)),
        _ => escaped(media),
    });
    let media: Vec<_> = media.collect();
    let headers: Vec<_> = each(&answer["headers"]).map(|(name, _)| format!("<code>{}</code>", escaped(name))).collect();
    let headers =
        if headers.is_empty() { String::new() } else { format!(" <span class=\"note\">{}</span>", headers.join(", ")) };
    let _ = write!(
        out,
        "<tr><td>{}</td><td>{}{headers}</td><td>{}</td></tr>",
        escaped(status),
        explained(&answer["description"]),
        media.join(", "),
    );
}

/// What a `$ref` within the document means.
fn resolved<'a>(document: &'a Value, value: &'a Value) -> &'a Value {
    let pointer = value["$ref"].as_str().and_then(|reference| reference.strip_prefix('#'));
    pointer.and_then(|pointer| document.pointer(pointer)).unwrap_or(value)
}

/// Who may come.
fn who(security: &Value) -> String {
    let ways = list(security).map(|way| each(way).map(|(name, _)| name.as_str()).collect::<Vec<_>>().join(" and "));
    let named = |way: String| match escaped(&way) {
        way if way.is_empty() => "anybody".to_owned(),
        way => format!("<a href=\"#by-{way}\">{way}</a>"),
    };
    let ways: Vec<_> = ways.map(named).collect();
    if ways.is_empty() { "For anybody".to_owned() } else { format!("For: {}", ways.join(", ")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everything_is_on_the_page() {
        let document: Value = serde_json::from_str(openapi()).unwrap();
        let count = list(&document["tags"]).flat_map(|tag| operations(&document, tag)).count();
        assert_eq!(count, crate::http::all_routes().len());
        assert_eq!(PAGE.matches("<span class=\"method\">").count(), count);
        for (name, _) in each(&document["components"]["schemas"]) {
            assert!(PAGE.contains(&format!("<section id=\"schema-{name}\">")), "{name}");
        }
        assert!(!PAGE.contains("://"), "nothing is fetched from elsewhere");
        let links = PAGE.match_indices("href=\"#").map(|(at, _)| PAGE[at + 7..].split('"').next().unwrap());
        for link in links {
            assert!(PAGE.contains(&format!("id=\"{link}\"")), "{link}");
        }
    }

    #[test]
    fn nothing_is_taken_for_markup() {
        let document = serde_json::json!({
            "tags": [{ "name": "<b>", "description": "`<i>`" }],
            "paths": { "/<p>": { "get": { "tags": ["<b>"], "operationId": "\"><u>", "summary": "<s>" } } },
        });
        let page = made_of(&document);
        assert!(["<b>", "<i>", "/<p>", "<u>", "<s>"].iter().all(|markup| !page.contains(markup)), "{page}");
        assert!(page.contains("<code>&lt;i&gt;</code>"), "{page}");
    }
}
