//! `POST /api/token/refresh`: a credential in, an access token out. Refusals in simplejwt's shape.

use actix_web::{
    HttpRequest, HttpResponse,
    http::header::{self, HeaderValue},
    web::{Data, Payload},
};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde_json::{Map, Value};

use super::{
    app::App,
    body::{self, BodyError, Media},
    detail::Detail,
    json_value,
    openapi::{Errors, Operation, refusal},
    request_id::source,
};
use crate::domain::verdict::Asked;

/// The members that count.
struct Request {
    /// There may be white space around it.
    refresh: String,
    scope: Option<String>,
    audience: Option<String>,
}

/// An access token.
#[derive(JsonSchema)]
#[schemars(rename = "AccessToken")]
struct Answer {
    /// A JWT (RFC 9068).
    access: String,
}

impl Answer {
    /// As JSON. In a JWT there is nothing to escape (RFC 7515 section 3.1), and to look for it takes longer than to find the
    /// credential.
    fn json(&self) -> String {
        ["{\"access\":\"", &self.access, "\"}"].concat()
    }
}

/// `{"refresh": …, "scope"?: …, "audience"?: …}` → 200 `{"access": …}`.
pub(super) async fn post(app: Data<App>, request: HttpRequest, payload: Payload) -> Result<HttpResponse, Detail> {
    let members = members(Media::of(&request), &body::read(payload).await?)?;
    let Request { refresh, scope, audience } = Request::new(members)?;
    let asked = Asked { source: source(&app, &request), scope: scope.as_deref(), audience: audience.as_deref() };
    let exchanged = app.services.exchange.exchange(refresh.trim(), &asked).await?;
    Ok(HttpResponse::Ok()
        .insert_header((header::CACHE_CONTROL, HeaderValue::from_static("no-store")))
        .insert_header((header::PRAGMA, HeaderValue::from_static("no-cache")))
        .insert_header((header::CONTENT_TYPE, HeaderValue::from_static("application/json")))
        .body(Answer { access: exchanged.access }.json()))
}

fn whole(problem: &'static str) -> Detail {
    Detail::Member { member: "non_field_errors", problem }
}

/// The members of the body, however it is written.
fn members(media: Media, body: &[u8]) -> Result<Map<String, Value>, Detail> {
    match media {
        // Nothing at all is an empty form.
        _ if body.is_empty() && media != Media::Other => Ok(Map::new()),
        Media::Json => match json_value::parse(body)? {
            Value::Object(members) => Ok(members),
            Value::Array(_) => Err(whole("Invalid data. Expected a dictionary, but got list.")),
            Value::String(_) => Err(whole("Invalid data. Expected a dictionary, but got str.")),
            Value::Bool(_) => Err(whole("Invalid data. Expected a dictionary, but got bool.")),
            Value::Number(number) if number.is_f64() => {
                Err(whole("Invalid data. Expected a dictionary, but got float."))
            }
            Value::Number(_) => Err(whole("Invalid data. Expected a dictionary, but got int.")),
            Value::Null => Err(whole("No data provided")),
        },
        Media::Form => {
            let pairs = body::form(body).ok_or(BodyError::Broken)?;
            let mut members = Map::new();
            let mut insert = |(name, value)| members.insert(name, Value::String(value));
            if pairs.into_iter().any(|pair| insert(pair).is_some()) {
                return Err(Detail::RepeatedMember);
            }
            Ok(members)
        }
        Media::Unnamed | Media::Other => Err(BodyError::MediaType.into()),
    }
}

impl Request {
    fn new(mut members: Map<String, Value>) -> Result<Self, Detail> {
        let wrong = |problem| Detail::Member { member: "refresh", problem };
        let refresh = match members.remove("refresh") {
            None => return Err(wrong("This field is required.")),
            Some(Value::Null) => return Err(wrong("This field may not be null.")),
            Some(Value::String(text)) if text.trim().is_empty() => return Err(wrong("This field may not be blank.")),
            Some(Value::String(text)) => text,
            // Django REST framework makes text of a number; no credential is one.
            Some(Value::Number(_)) => return Err(Detail::TokenNotValid),
            Some(Value::Bool(_) | Value::Array(_) | Value::Object(_)) => return Err(wrong("Not a valid string.")),
        };
        let mut optional = |member| match members.remove(member) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::String(text)) => Ok(Some(text)),
            Some(_) => Err(Detail::Member { member, problem: "Not a valid string." }),
        };
        Ok(Self { refresh, scope: optional("scope")?, audience: optional("audience")? })
    }
}

/// What is told of [`post`].
pub(super) fn post_told() -> Operation {
    Operation::new("exchange", "exchange", "Exchange a long-lived token for an access token")
        .described(
            "`scope` and `audience` can only ask for less. Errors have the shape that clients of Django REST framework and \
             simplejwt know.",
        )
        .with_errors(Errors::Django)
        .reads_as(&["application/json", "application/x-www-form-urlencoded"], body)
        .fails(&[refusal::MALFORMED, refusal::TOKEN_NOT_VALID, refusal::MEDIA_TYPE])
        .fails(&[refusal::TOO_SLOW, refusal::TOO_LARGE, refusal::INTERNAL, refusal::UNAVAILABLE])
        .answers::<Answer>(200, "The access token")
}

fn body(_: &mut SchemaGenerator) -> Schema {
    json_schema!({
        "type": "object",
        "required": ["refresh"],
        "properties": {
            "refresh": { "type": "string", "pattern": r"\S", "description": "The token" },
            "scope": { "type": ["string", "null"], "description": "RFC 6749 section 3.3" },
            "audience": { "type": ["string", "null"], "description": "Whom the access token is for" },
        },
    })
}
