//! JSON bodies: an object, with the members that are known and no others. Errors name members, never values.

use std::{fmt, marker::PhantomData};

use actix_web::{
    HttpRequest,
    web::{Bytes, Payload},
};
use serde::{
    Deserialize, Deserializer,
    de::{DeserializeOwned, MapAccess, Visitor, value::MapAccessDeserializer},
};

use super::{
    body::{self, BodyError, Media},
    json_value::{self, JsonError},
    problem::Problem,
};

/// A value that was written as an object. serde takes an array for a struct; we do not.
pub(super) struct Object<T>(pub(super) T);

struct ObjectVisitor<T>(PhantomData<T>);

impl<'de, T: Deserialize<'de>> Visitor<'de> for ObjectVisitor<T> {
    type Value = Object<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Object<T>, A::Error> {
        T::deserialize(MapAccessDeserializer::new(map)).map(Object)
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Object<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(ObjectVisitor(PhantomData))
    }
}

/// For a member that may be left out, but not be `null`.
pub(super) fn given<'de, D: Deserializer<'de>, T: Deserialize<'de>>(deserializer: D) -> Result<Option<T>, D::Error> {
    T::deserialize(deserializer).map(Some)
}

impl From<JsonError> for Problem {
    fn from(error: JsonError) -> Self {
        match error {
            JsonError::Malformed => Self::MalformedJson,
            JsonError::RepeatedMember => Self::RepeatedMember,
        }
    }
}

/// The body of a request, as JSON.
pub(super) async fn read<T: DeserializeOwned>(request: &HttpRequest, payload: Payload) -> Result<T, Problem> {
    parse(&bytes(request, payload).await?)
}

/// The body of a request that is declared as JSON.
pub(super) async fn bytes(request: &HttpRequest, payload: Payload) -> Result<Bytes, Problem> {
    if Media::of(request) != Media::Json {
        return Err(Problem::Body(BodyError::MediaType));
    }
    Ok(body::read(payload).await?)
}

/// What a body says.
pub(super) fn parse<T: DeserializeOwned>(body: &[u8]) -> Result<T, Problem> {
    let parsed: Result<Object<T>, _> = serde_path_to_error::deserialize(json_value::parse(body)?);
    parsed.map(|Object(value)| value).map_err(|error| explain(&error))
}

fn explain(error: &serde_path_to_error::Error<serde_json::Error>) -> Problem {
    let member = error.path().to_string();
    let member = if member == "." { "request".to_owned() } else { member };
    // serde's own words; those that follow are the names in our own types, the rest may be the caller's.
    let text = error.inner().to_string();
    if let Some(rest) = text.strip_prefix("missing field `") {
        let name = rest.split('`').next().unwrap_or_default().to_owned();
        return Problem::Invalid { member: name, problem: "is required".to_owned() };
    }
    if text.starts_with("unknown field") {
        let known = text.rsplit_once("`, expected ").map(|(_, known)| known.split(" at line").next().unwrap_or(known));
        let problem = known
            .map_or("has an unknown member".to_owned(), |known| format!("has an unknown member; expected {known}"));
        return Problem::Invalid { member: "request".to_owned(), problem };
    }
    Problem::Invalid { member, problem: "has the wrong type or is none of the values allowed".to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::scope::Scope;

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    #[expect(dead_code, reason = "only read by serde")]
    struct Body {
        name: String,
        #[serde(default)]
        kind: Option<crate::domain::credential::CredentialKind>,
        #[serde(default)]
        scope: Option<Scope>,
    }

    fn problem(body: &str) -> (String, String) {
        let error = parse::<Body>(body.as_bytes()).unwrap_err();
        if let Problem::Invalid { member, problem } = error {
            return (member, problem);
        }
        (String::new(), format!("{error:?}"))
    }

    #[test]
    fn what_is_no_text_is_no_json() {
        for body in [&b"{\"name\": \"\xff\"}"[..], br#"{"name": "\ud800"}"#] {
            assert!(matches!(parse::<Body>(body), Err(Problem::MalformedJson)), "{body:?}");
        }
    }

    #[test]
    fn a_member_that_stands_there_twice_is_refused_wherever_it_is() {
        for body in
            [r#"{"name": "a", "name": "a"}"#, r#"{"name": "a", "scope": {"entity_type": "a", "entity_type": "b"}}"#]
        {
            assert!(matches!(parse::<Body>(body.as_bytes()), Err(Problem::RepeatedMember)), "{body}");
        }
    }

    #[test]
    fn errors_name_the_member_and_quote_nothing() {
        assert_eq!(problem("{}"), ("name".to_owned(), "is required".to_owned()));
        assert_eq!(problem(r#"{"name": ["sesame"]}"#).0, "name");
        assert_eq!(problem(r#"{"name": "a", "kind": "sesame"}"#).0, "kind");
        assert_eq!(problem(r#"{"name": "a", "kind": 7}"#).0, "kind");
        assert_eq!(problem(r#"{"name": null}"#).0, "name");
        assert_eq!(problem(r#"{"name": "a", "scope": {"entity_type": 7}}"#).0, "scope.entity_type");
        assert_eq!(problem(r#"["sesame"]"#).0, "request");
        for body in [
            r#"{"name": "a", "sesame": 1}"#,
            r#"{"name": "a", "sesame`, expected sesame": 1}"#,
            r#"{"name": "a", "scope": {"sesame": 1}}"#,
            r#"{"name": "a", "kind": "sesame"}"#,
            r#"{"name": {"sesame": 1}}"#,
            r#"{"name": "a", "name": "sesame"}"#,
            r#""sesame""#,
            "sesame",
            r#"{"name": "sesame""#,
            r#"{"name": "a"} sesame"#,
        ] {
            let (member, problem) = problem(body);
            assert!(!member.contains("sesame") && !problem.contains("sesame"), "{body}: {member} {problem}");
        }
    }
}
