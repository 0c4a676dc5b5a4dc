//! Holds every answer that any test is given to the OpenAPI document: its status, its media type, its headers, and the
//! code of what went wrong.

use std::sync::LazyLock;

use serde_json::Value;

use super::Answer;

pub static DOCUMENT: LazyLock<Value> = LazyLock::new(|| serde_json::from_str(patmint::http::openapi()).expect("JSON"));

/// The document tells of this answer, and no browser finds anything else in it. What is said where there is no route is told of nowhere.
pub fn hold(method: &str, target: &str, answer: &Answer) {
    assert_eq!(answer.header("x-content-type-options"), Some("nosniff"), "{method} {target}");
    let path = target.split('?').next().unwrap_or_default();
    let asked = if method == "HEAD" { "GET" } else { method };
    let Some(told) = template(path).and_then(|told| told.get(asked.to_lowercase())) else { return };
    let told = resolved(&told["responses"][answer.status.to_string()]);
    let what = format!("{method} {path} -> {} {}", answer.status, answer.text());
    assert!(!told.is_null(), "the document does not tell of this status: {what}");
    for name in told["headers"].as_object().into_iter().flat_map(|headers| headers.keys()) {
        assert!(answer.headers.contains_key(name.as_str()), "the document tells of a header {name}: {what}");
    }
    let media = answer.header("content-type");
    let Some((wanted, content)) = told["content"].as_object().and_then(|content| content.iter().next()) else {
        assert!(answer.body.is_empty() && media.is_none(), "the document tells of no body: {what}");
        return;
    };
    assert_eq!(media, Some(wanted.as_str()), "{what}");
    for (member, rule) in content["schema"]["properties"].as_object().into_iter().flatten().filter(|_| method != "HEAD")
    {
        let (found, words) = (&answer.json()[member], &rule["enum"]);
        let is_told = words.as_array().is_none_or(|words| found.is_null() || words.contains(found));
        assert!(is_told, "the document tells of {words} as {member}: {what}");
    }
}

/// What is told of a path.
fn template(path: &str) -> Option<&'static Value> {
    let segments: Vec<_> = path.split('/').collect();
    let fits = |template: &str| {
        let parts: Vec<_> = template.split('/').collect();
        let is_same =
            |(part, segment): (&&str, &&str)| part == segment || (part.starts_with('{') && !segment.is_empty());
        parts.len() == segments.len() && parts.iter().zip(&segments).all(is_same)
    };
    // What stands there literally goes before what may be anything.
    let paths = DOCUMENT["paths"].as_object()?.iter().filter(|(template, _)| fits(template));
    paths.min_by_key(|(template, _)| template.matches('{').count()).map(|(_, told)| told)
}

/// What a `$ref` within the document means.
fn resolved(value: &'static Value) -> &'static Value {
    let pointer = value["$ref"].as_str().and_then(|reference| reference.strip_prefix('#'));
    pointer.and_then(|pointer| DOCUMENT.pointer(pointer)).unwrap_or(value)
}
