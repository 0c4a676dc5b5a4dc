//! Schemas for people.

use std::fmt::Write as _;

use serde_json::Value;

use super::{each, escaped, list};

/// A text of the document, in HTML: what stands between backticks is code.
pub(super) fn explained(description: &Value) -> String {
    let description = escaped(description.as_str().unwrap_or_default());
    let parts = description.split('`').enumerate();
    parts.map(|(at, part)| if at % 2 == 1 { format!("<code>{part}</code>") } else { part.to_owned() }).collect()
}

/// What a value may be, in a few words.
pub(super) fn kind(schema: &Value) -> String {
    if let Some(name) = schema["$ref"].as_str().and_then(|reference| reference.rsplit('/').next()) {
        let name = escaped(name);
        return format!("<a href=\"#schema-{name}\">{name}</a>");
    }
    let any: Vec<_> = ["anyOf", "oneOf"].iter().flat_map(|word| list(&schema[*word])).map(kind).collect();
    if !any.is_empty() {
        return any.join(" or ");
    }
    let words: Vec<_> = list(&schema["enum"]).chain(schema.get("const")).map(word).collect();
    if !words.is_empty() {
        return words.join(" or ");
    }
    let types = schema["type"].as_str().into_iter().chain(list(&schema["type"]).filter_map(Value::as_str));
    let named = types.map(|name| if name == "array" { array(schema) } else { escaped(name) });
    let mut kind = named.collect::<Vec<_>>().join(" or ");
    if let Some(format) =
        schema["format"].as_str().filter(|format| !format.starts_with("int") && !format.starts_with("uint"))
    {
        let _ = write!(kind, " ({})", escaped(format));
    }
    for (member, words) in BOUNDS {
        if let Some(bound) = schema.get(member) {
            let _ = write!(kind, ", {words} {}", word(bound));
        }
    }
    kind
}

/// Bounds, and how they are read.
const BOUNDS: [(&str, &str); 8] = [
    ("minimum", "at least"),
    ("maximum", "at most"),
    ("minLength", "characters: at least"),
    ("maxLength", "characters: at most"),
    ("minItems", "items: at least"),
    ("maxItems", "items: at most"),
    ("pattern", "matching"),
    ("default", "unless said otherwise"),
];

fn array(schema: &Value) -> String {
    match kind(&schema["items"]) {
        items if items.is_empty() => "array".to_owned(),
        items => format!("array of {items}"),
    }
}

fn word(value: &Value) -> String {
    let word = value.as_str().map_or_else(|| value.to_string(), ToOwned::to_owned);
    format!("<code>{}</code>", escaped(&word))
}

/// What is in an object, or what something else may be.
pub(super) fn members(out: &mut String, schema: &Value) {
    let _ = write!(out, "<p>{}</p>", explained(&schema["description"]));
    if each(&schema["properties"]).next().is_none() || schema.get("$ref").is_some() {
        return alternatives(out, schema);
    }
    out.push_str("<table>");
    for (name, member) in each(&schema["properties"]) {
        let is_required = list(&schema["required"]).any(|required| required == name);
        let _ = write!(
            out,
            "<tr><td><code>{}</code></td><td>{}{}</td><td>{}</td></tr>",
            escaped(name),
            kind(member),
            if is_required { ", required" } else { "" },
            explained(&member["description"]),
        );
    }
    out.push_str("</table>");
}

/// Words with an explanation of each, or a few words for the whole.
fn alternatives(out: &mut String, schema: &Value) {
    let explained_words: Vec<_> = list(&schema["oneOf"]).filter(|word| word.get("description").is_some()).collect();
    if explained_words.is_empty() {
        let _ = write!(out, "<p>{}</p>", kind(schema));
        return;
    }
    out.push_str("<table>");
    for word in explained_words {
        let _ = write!(out, "<tr><td>{}</td><td>{}</td></tr>", kind(word), explained(&word["description"]));
    }
    out.push_str("</table>");
}
