use percent_encoding::percent_decode_str;
use secrecy::{ExposeSecret as _, SecretString};

use super::{
    Options,
    checked::is_address,
    error::{ConfigError, invalid},
};
use crate::trace::TraceSettings;

/// What the requests have of their own.
const RESERVED: [&str; 8] = [
    "connection",
    "content-encoding",
    "content-length",
    "content-type",
    "expect",
    "host",
    "transfer-encoding",
    "upgrade",
];

const SERVICE_NAME: &str = "patmint";

/// Where traces go, if the operator names an endpoint. Without one the variables that other programs read too are not
/// looked at; one that is empty says nothing, as everywhere with OpenTelemetry.
pub(super) fn settings(options: &Options) -> Result<Option<TraceSettings>, ConfigError> {
    let ratio = options.trace_ratio.unwrap_or(1.0);
    if !(0.0..=1.0).contains(&ratio) {
        return Err(invalid("trace_ratio", "must be 0 to 1"));
    }
    let Some(endpoint) = not_empty(options.otlp_endpoint.as_deref()) else { return Ok(None) };
    if !is_address(endpoint) {
        return Err(invalid(
            "otlp_endpoint",
            "must be an http:// or https:// address without user, query and fragment",
        ));
    }
    let headers = options.otlp_headers.as_ref().map_or("", |headers| headers.expose_secret());
    let headers = headers_of(headers).ok_or_else(|| {
        invalid("otlp_headers", "must be NAME=VALUE with commas between them, the values percent-encoded")
    })?;
    let resource = pairs(options.otlp_resource.as_deref().unwrap_or_default()).ok_or_else(|| {
        invalid("otlp_resource", "must be NAME=VALUE with commas between them, the values percent-encoded")
    })?;
    Ok(Some(TraceSettings {
        endpoint: format!("{}/v1/traces", endpoint.trim_end_matches('/')),
        headers,
        resource: described(not_empty(options.otlp_service_name.as_deref()), resource),
        ratio,
    }))
}

fn not_empty(text: Option<&str>) -> Option<&str> {
    text.filter(|text| !text.is_empty())
}

/// The attributes of this server, each once.
fn described(service_name: Option<&str>, mut resource: Vec<(String, String)>) -> Vec<(String, String)> {
    let mut add = |name: &str, value: Option<&str>, otherwise: &str| {
        if value.is_some() {
            resource.retain(|(other, _)| other != name);
        }
        if !resource.iter().any(|(other, _)| other == name) {
            resource.push((name.to_owned(), value.unwrap_or(otherwise).to_owned()));
        }
    };
    add("service.name", service_name, SERVICE_NAME);
    add("service.version", None, env!("CARGO_PKG_VERSION"));
    resource
}

fn headers_of(text: &str) -> Option<Vec<(String, SecretString)>> {
    let is_name = |name: &str| {
        name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_')
            && !RESERVED.iter().any(|reserved| name.eq_ignore_ascii_case(reserved))
    };
    let is_value = |value: &str| value.bytes().all(|byte| byte == b' ' || byte.is_ascii_graphic());
    let header = |(name, value): (String, String)| {
        (is_name(&name) && is_value(&value)).then(|| (name, SecretString::from(value)))
    };
    pairs(text)?.into_iter().map(header).collect()
}

/// The members of a list in the form of W3C Baggage, in which OpenTelemetry has them written.
fn pairs(text: &str) -> Option<Vec<(String, String)>> {
    let members = text.split(',').map(str::trim).filter(|member| !member.is_empty());
    let pair = |member: &str| {
        let (name, value) = member.split_once('=')?;
        let (name, value) = (name.trim(), percent_decode_str(value.trim()).decode_utf8().ok()?);
        (!name.is_empty()).then(|| (name.to_owned(), value.into_owned()))
    };
    members.map(pair).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn options(endpoint: &str) -> Options {
        Options { otlp_endpoint: Some(endpoint.to_owned()), ..Options::default() }
    }

    fn pair(name: &str, value: &str) -> (String, String) {
        (name.to_owned(), value.to_owned())
    }

    #[test]
    fn without_an_endpoint_there_are_no_traces() {
        for endpoint in [None, Some(String::new())] {
            let others =
                Options { otlp_headers: Some("garbage".into()), otlp_resource: Some("garbage".into()), ..options("") };
            assert!(settings(&Options { otlp_endpoint: endpoint, ..others }).unwrap().is_none());
        }
    }

    #[test]
    fn the_path_of_the_traces_is_appended() {
        for (endpoint, expected) in [
            ("http://collector:4318", "http://collector:4318/v1/traces"),
            ("https://collector.example/otlp/", "https://collector.example/otlp/v1/traces"),
        ] {
            assert_eq!(settings(&options(endpoint)).unwrap().unwrap().endpoint, expected);
        }
    }

    #[test]
    fn what_is_wrong_is_named_and_not_shown() {
        let good = "http://collector:4318";
        for (options, setting) in [
            (options("collector:4317"), "otlp_endpoint"),
            (options("https://ada:hunter2@collector"), "otlp_endpoint"),
            (Options { otlp_headers: Some("hunter2".into()), ..options(good) }, "otlp_headers"),
            (Options { otlp_headers: Some("a b=hunter2".into()), ..options(good) }, "otlp_headers"),
            (Options { otlp_headers: Some("a=hunter2,Content-Length=0".into()), ..options(good) }, "otlp_headers"),
            (Options { otlp_headers: Some("a=hunter2%0d%0a".into()), ..options(good) }, "otlp_headers"),
            (Options { otlp_resource: Some("hunter2".to_owned()), ..options(good) }, "otlp_resource"),
            (Options { trace_ratio: Some(1.1), ..options(good) }, "trace_ratio"),
            (Options { trace_ratio: Some(f64::NAN), ..options("") }, "trace_ratio"),
        ] {
            let error = settings(&options).unwrap_err();
            assert!(matches!(error, ConfigError::Invalid { setting: named, .. } if named == setting), "{error}");
            assert!(!error.to_string().contains("hunter2"), "{error}");
        }
    }

    #[test]
    fn headers_are_read_as_written_and_do_not_print() {
        let otlp_headers = Some("authorization=Bearer%20abc+/==, x-scope=1%2C2,".into());
        let settings = settings(&Options { otlp_headers, ..options("http://collector") }).unwrap().unwrap();
        let read: Vec<_> = settings.headers.iter().map(|(name, value)| pair(name, value.expose_secret())).collect();
        assert_eq!(read, [pair("authorization", "Bearer abc+/=="), pair("x-scope", "1,2")]);
        assert!(!format!("{settings:?}").contains("abc"));
    }

    #[test]
    fn the_name_of_the_service_is_the_one_that_is_set_first() {
        let version = pair("service.version", env!("CARGO_PKG_VERSION"));
        let named = |service_name: Option<&str>, resource: &str| described(service_name, pairs(resource).unwrap());
        assert_eq!(named(None, ""), [pair("service.name", "patmint"), version.clone()]);
        assert_eq!(named(None, "service.name=sts"), [pair("service.name", "sts"), version.clone()]);
        let both = [pair("deployment.environment.name", "test"), pair("service.name", "tokens"), version];
        assert_eq!(named(Some("tokens"), "service.name=sts,deployment.environment.name=test"), both);
    }
}
