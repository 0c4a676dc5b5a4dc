//! Traces, as a receiver of OTLP gets them.

use std::{
    fs,
    sync::atomic::{AtomicBool, Ordering::Relaxed},
    thread,
    time::Instant,
};

use opentelemetry_proto::tonic::trace::v1::{Span, Status, span::SpanKind, status::StatusCode};
use rcgen::generate_simple_self_signed;
use serde_json::json;

use crate::support::{Answer, Client, Mood, Place, Server, TraceReceiver, attribute, spans};

const TRACE: u128 = 0x0af7_6519_16cd_43dd_8448_eb21_1c80_319c;
const PARENT: u64 = 0xb7ad_6b71_6920_3331;

/// What the library calls the thread that sends; the system keeps 15 bytes of it.
const SENDER: &str = "OpenTelemetry.T";

fn serve<'a>(place: &Place, receiver: &TraceReceiver, more: impl IntoIterator<Item = &'a str>) -> Server {
    let serve = place.patmint(["serve", "--listen", "127.0.0.1:0"]).args(more);
    Server::of(serve.env("OTEL_EXPORTER_OTLP_ENDPOINT", &receiver.endpoint()).start())
}

fn exchange(client: &Client, token: &str, flags: &str) -> Answer {
    let request = client
        .request("POST", "/api/token/refresh")
        .header("traceparent", &format!("00-{TRACE:032x}-{PARENT:016x}-{flags}"));
    request.json(&json!({ "refresh": token })).send()
}

fn told(span: &Span, name: &str) -> Option<String> {
    attribute(&span.attributes, name)
}

/// The span of the request that was answered with `answer`.
fn span_of<'a>(spans: &'a [Span], answer: &Answer) -> &'a Span {
    let id = answer.header("x-request-id").expect("an id");
    let is_it = |span: &&Span| told(span, "patmint.request_id").as_deref() == Some(id);
    spans.iter().find(is_it).unwrap_or_else(|| panic!("no span of {id} in {spans:#?}"))
}

fn names_below<'a>(spans: &'a [Span], above: &Span) -> Vec<&'a str> {
    spans.iter().filter(|span| span.parent_span_id == above.span_id).map(|span| span.name.as_str()).collect()
}

#[test]
fn an_exchange_is_told_below_its_callers_span_and_without_a_secret() {
    let place = Place::new();
    let owner = place.bootstrap();
    let receiver = TraceReceiver::new(Mood::Good);
    let program = place.patmint(["serve", "--listen", "127.0.0.1:0", "--log", "trace"]);
    let program = program.env("OTEL_EXPORTER_OTLP_ENDPOINT", &receiver.endpoint());
    let program = program.env("OTEL_EXPORTER_OTLP_HEADERS", "authorization=Bearer%20collector-secret-5f1c");
    let program =
        program.env("OTEL_SERVICE_NAME", "tokens").env("OTEL_RESOURCE_ATTRIBUTES", "deployment.environment.name=test");
    let server = Server::of(program.start());

    let granted = exchange(&server.client, &owner.token, "01");
    assert_eq!(granted.status, 200);
    let access = granted.json()["access"].as_str().unwrap().to_owned();
    let refused = exchange(&server.client, "nobody-knows-this-one", "01");
    assert_eq!(refused.status, 401);
    let session = server.client.session(&owner);
    let made = server.client.create(&session)["token"].as_str().unwrap().to_owned();
    let nowhere = server.client.request("GET", "/nowhere-8d2e?token=query-secret-8d2e").send();
    let log = server.stop().stderr;

    let posted = receiver.posted();
    for one in &posted {
        let head = one.head.to_ascii_lowercase();
        assert!(head.starts_with("post /v1/traces http/1.1\r\n"), "{head}");
        assert!(head.contains("content-type: application/x-protobuf\r\n"), "{head}");
        assert!(one.head.contains("Bearer collector-secret-5f1c\r\n"), "{}", one.head);
        let secrets = [&owner.token, &owner.refresh_jwt, &owner.password, &access, &session, &made];
        let others = ["nobody-knows-this-one", "query-secret-8d2e", "nowhere-8d2e", &owner.email];
        for secret in secrets.into_iter().map(String::as_str).chain(others) {
            let is_there = one.body.windows(secret.len()).any(|window| window == secret.as_bytes());
            assert!(!is_there, "{secret} is sent");
        }
    }
    assert!(!log.contains("collector-secret-5f1c"), "{log}");
    assert!(log.contains("TRACE ") && !log.contains("TRACE ureq"), "what is sent is not written down");

    let (resources, spans): (Vec<_>, Vec<_>) = spans(&posted).into_iter().unzip();
    for (name, value) in [
        ("service.name", "tokens"),
        ("service.version", env!("CARGO_PKG_VERSION")),
        ("deployment.environment.name", "test"),
        ("telemetry.sdk.language", "rust"),
    ] {
        assert_eq!(attribute(&resources[0].attributes, name).as_deref(), Some(value), "{name}");
    }
    let span = span_of(&spans, &granted);
    assert_eq!((span.name.as_str(), span.kind()), ("POST /api/token/refresh", SpanKind::Server));
    assert_eq!((&span.trace_id[..], &span.parent_span_id[..]), (&TRACE.to_be_bytes()[..], &PARENT.to_be_bytes()[..]));
    let names = ["http.request.method", "http.route", "http.response.status_code", "url.scheme", "client.address"];
    let values = names.map(|name| told(span, name).unwrap_or_default());
    assert_eq!(values, ["POST", "/api/token/refresh", "200", "http", "127.0.0.1"]);
    assert_eq!(names_below(&spans, span), ["credential read"], "it was not in memory yet");

    let span = span_of(&spans, &refused);
    assert_eq!(told(span, "http.response.status_code").as_deref(), Some("401"));
    assert_eq!(names_below(&spans, span), [""; 0], "a forged token is refused without a look");
    let span = span_of(&spans, &nowhere);
    assert_eq!((span.name.as_str(), told(span, "http.route")), ("GET", None));
    let sign_in = spans.iter().find(|span| span.name == "POST /api/v1/session").expect("a span");
    let below = names_below(&spans, sign_in);
    for name in ["wait for a turn", "argon2", "database read", "database write"] {
        assert!(below.contains(&name), "{name} is not in {below:?}");
    }
    assert!(spans.iter().all(|span| told(span, "error.type").is_none()));
}

#[test]
fn who_waits_for_all_servers_is_told_so() {
    let place = Place::new();
    let owner = place.bootstrap();
    let receiver = TraceReceiver::new(Mood::Good);
    let server = serve(&place, &receiver, []);
    let session = server.client.session(&owner);
    let made = server.client.create(&session);
    let revoked = server.client.try_revoke(&session, made["id"].as_str().unwrap()).unwrap();
    server.stop();
    let spans: Vec<_> = spans(&receiver.posted()).into_iter().map(|(_, span)| span).collect();
    let span = span_of(&spans, &revoked);
    assert_eq!(span.name, "DELETE /api/v1/tokens/{id}");
    assert!(
        names_below(&spans, span).ends_with(&["change", "wait for all servers"]),
        "{:?}",
        names_below(&spans, span)
    );
}

#[test]
fn a_defect_is_told_as_one() {
    let place = Place::new();
    let owner = place.bootstrap();
    let receiver = TraceReceiver::new(Mood::Good);
    let server = serve(&place, &receiver, []);
    let session = server.client.session(&owner);
    place.look().execute("ALTER TABLE sessions RENAME TO lost");
    let answer = server.client.request("GET", "/api/v1/session").bearer(&session).send();
    place.look().execute("ALTER TABLE lost RENAME TO sessions");
    assert!(answer.status >= 500, "{}", answer.text());
    server.stop();
    let spans: Vec<_> = spans(&receiver.posted()).into_iter().map(|(_, span)| span).collect();
    let span = span_of(&spans, &answer);
    assert_eq!(told(span, "error.type"), Some(answer.status.to_string()));
    assert_eq!(span.status.as_ref().map(Status::code), Some(StatusCode::Error));
}

#[test]
fn a_stranger_cannot_have_everything_traced() {
    let place = Place::new();
    let owner = place.bootstrap();
    let none = ["--trace-ratio", "0"];
    // Which passes on whatever it is sent.
    let behind_a_proxy = ["--trace-ratio", "0", "--trusted-proxies", "127.0.0.1"];
    for (more, flags, expected) in
        [(&none[..], "01", 0), (&behind_a_proxy[..], "01", 0), (&[][..], "01", 1), (&[][..], "00", 0)]
    {
        let receiver = TraceReceiver::new(Mood::Good);
        let server = serve(&place, &receiver, more.iter().copied());
        assert_eq!(exchange(&server.client, &owner.token, flags).status, 200);
        server.stop();
        let spans = spans(&receiver.posted());
        let requests = spans.iter().filter(|(_, span)| span.kind() == SpanKind::Server).count();
        assert_eq!(requests, expected, "{more:?} {flags}");
        assert!(expected > 0 || spans.is_empty(), "nothing else is told of what is not traced");
    }
}

#[test]
fn without_an_endpoint_nothing_is_traced() {
    let place = Place::new();
    let receiver = TraceReceiver::new(Mood::Good);
    let has_sender = |server: &Server| server.threads().iter().any(|name| name == SENDER);
    let traced = serve(&place, &receiver, []);
    traced.client.get("/livez");
    // It has its name when it sends.
    receiver.next();
    assert!(has_sender(&traced));
    traced.stop();
    let server = place.serve();
    server.client.get("/livez");
    assert!(!has_sender(&server));
    server.stop();
}

#[test]
fn over_tls_only_a_receiver_is_told_whose_certificate_is_trusted() {
    let place = Place::new();
    let made = generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let receiver = TraceReceiver::secured(&made);
    let file = place.folder().join("receiver.crt");
    fs::write(&file, made.cert.pem()).unwrap();
    let serve = || {
        let serve = place.patmint(["serve", "--listen", "127.0.0.1:0"]);
        serve.env("OTEL_EXPORTER_OTLP_ENDPOINT", &format!("https://localhost:{}", receiver.address.port()))
    };
    let mut strict = Server::of(serve().start());
    strict.client.get("/livez");
    strict.logs("cannot send traces");
    strict.stop();
    assert!(receiver.posted().is_empty());

    // OpenSSL's own variable for what the system trusts.
    let trusting = Server::of(serve().env("SSL_CERT_FILE", file.to_str().unwrap()).start());
    trusting.client.get("/livez");
    trusting.stop();
    assert_eq!(spans(&receiver.posted()).len(), 1);
}

#[test]
fn a_receiver_that_is_unwell_is_told_of_once() {
    let place = Place::new();
    let receiver = TraceReceiver::new(Mood::Unwell);
    let mut server = serve(&place, &receiver, []);
    server.client.get("/livez");
    let line = server.logs("cannot send traces");
    assert!(line.contains("WARN") && line.contains("503"), "{line}");
    // Each is a batch of its own: it is not sent before the one ahead of it is answered.
    for _ in 0..3 {
        server.client.get("/livez");
        assert!(receiver.next().head.starts_with("POST"));
    }
    receiver.becomes(Mood::Good);
    server.client.get("/livez");
    server.logs("traces are received again");
    let log = server.stop().stderr;
    assert_eq!(log.matches("cannot send traces").count(), 1, "{log}");
}

/// How long the end takes is told, not tested; without its bound the harness's patience would run out first.
#[test]
fn a_receiver_that_hangs_keeps_nobody() {
    let place = Place::new();
    let owner = place.bootstrap();
    let receiver = TraceReceiver::new(Mood::Hanging);
    let mut server = serve(&place, &receiver, []);
    let (client, is_full) = (server.client.clone(), AtomicBool::new(false));
    thread::scope(|scope| {
        // More than may wait to be sent.
        scope.spawn(|| {
            for _ in (0..1_000_000).take_while(|_| !is_full.load(Relaxed)) {
                assert_eq!(client.get("/livez").status, 200);
            }
        });
        server.logs("SpanDroppingStarted");
        is_full.store(true, Relaxed);
    });
    assert!(server.client.exchanges(&owner.token));
    let begun = Instant::now();
    let log = server.stop().stderr;
    println!("stopped in {:?} with a receiver that hangs", begun.elapsed());
    assert!(log.contains("the last traces could not be sent"), "{log}");
    assert_eq!(log.matches("SpanDroppingStarted").count(), 1, "{log}");
}
