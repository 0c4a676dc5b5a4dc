//! JSON in which no object has a member twice. Of two, one program goes by the first and another by the last (RFC 8259
//! section 4): whoever stands in front of patmint would see another request than patmint does.

use std::{cell::Cell, fmt};

use serde::{
    Deserializer,
    de::{DeserializeSeed, Error, MapAccess, SeqAccess, Visitor},
};
use serde_json::{Map, Number, Value};

/// Why a text is not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum JsonError {
    /// It is no JSON.
    Malformed,
    /// An object in it has a member twice.
    RepeatedMember,
}

/// The value that `text` is, whole.
pub(super) fn parse(text: &[u8]) -> Result<Value, JsonError> {
    let is_repeated = Cell::new(false);
    let mut json = serde_json::Deserializer::from_slice(text);
    let value = Unique(&is_repeated).deserialize(&mut json);
    value
        .and_then(|value| json.end().map(|()| value))
        .map_err(|_| if is_repeated.get() { JsonError::RepeatedMember } else { JsonError::Malformed })
}

/// Reads a value, and notes whether it gave up because of a member that stands there twice.
#[derive(Clone, Copy)]
struct Unique<'a>(&'a Cell<bool>);

impl<'de> DeserializeSeed<'de> for Unique<'_> {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Unique<'_> {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        Ok(Number::from_f64(value).map_or(Value::Null, Value::Number))
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Value, A::Error> {
        let mut values = Vec::new();
        while let Some(value) = seq.next_element_seed(self)? {
            values.push(value);
        }
        Ok(Value::Array(values))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Value, A::Error> {
        let mut members = Map::new();
        while let Some(name) = map.next_key::<String>()? {
            if members.insert(name, map.next_value_seed(self)?).is_some() {
                self.0.set(true);
                return Err(A::Error::custom("a member stands there twice"));
            }
        }
        Ok(Value::Object(members))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_serde_json_reads_is_read_alike() {
        for text in [
            "null",
            "true",
            "-7",
            "18446744073709551615",
            "1e3",
            r#""a\u0000\ud83d\ude00""#,
            r#"[1, [], {"a": {"b": [2.5, null]}, "c": ""}]"#,
            r#"{"a": {"a": 1}, "b": [{"a": 1}, {"a": 2}], "A": 3}"#,
        ] {
            assert_eq!(parse(text.as_bytes()).unwrap(), serde_json::from_str::<Value>(text).unwrap(), "{text}");
        }
        for text in ["", "{", "{}{}", "sesame", r#"{"a": 1,}"#, "1e999", "\"\u{1}\"", r#"{"a": "\ud800"}"#] {
            assert_eq!(parse(text.as_bytes()), Err(JsonError::Malformed), "{text}");
        }
        assert_eq!(parse(b"\"\xff\""), Err(JsonError::Malformed));
        assert_eq!(parse("[".repeat(10_000).as_bytes()), Err(JsonError::Malformed), "too deep");
    }

    #[test]
    fn no_object_has_a_member_twice() {
        for text in [
            r#"{"a": 1, "a": 1}"#,
            r#"{"a": 1, "b": 2, "\u0061": null}"#,
            r#"{"a": {"b": 1, "b": 2}}"#,
            r#"[{}, {"a": [{"b": 1, "b": 2}]}]"#,
        ] {
            assert_eq!(parse(text.as_bytes()), Err(JsonError::RepeatedMember), "{text}");
        }
    }
}
