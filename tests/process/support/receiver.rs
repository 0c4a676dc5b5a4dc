//! Whom traces are sent to: OTLP over HTTP, with OpenTelemetry's own messages.

use std::{
    io::{BufRead as _, BufReader, Read, Write},
    net::{SocketAddr, TcpListener},
    sync::{
        Arc, Mutex,
        mpsc::{self, Receiver, Sender},
    },
    thread,
};

use opentelemetry_proto::tonic::{
    collector::trace::v1::ExportTraceServiceRequest,
    common::v1::{KeyValue, any_value::Value},
    resource::v1::Resource,
    trace::v1::Span,
};
use prost::Message as _;
use rcgen::{CertifiedKey, KeyPair};
use tokio_rustls::rustls::{ServerConfig, ServerConnection, StreamOwned, crypto::aws_lc_rs};

use super::PATIENCE;

/// How the receiver answers.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Mood {
    Good,
    /// 503.
    Unwell,
    /// Not at all.
    Hanging,
}

/// A receiver, until the test ends.
pub struct TraceReceiver {
    pub address: SocketAddr,
    mood: Arc<Mutex<Mood>>,
    posted: Receiver<Posted>,
}

/// What it was sent at once.
pub struct Posted {
    /// The request line and the header lines.
    pub head: String,
    pub body: Vec<u8>,
}

impl TraceReceiver {
    pub fn new(mood: Mood) -> Self {
        Self::with(None, mood)
    }

    /// One that is asked over TLS, as `localhost`.
    pub fn secured(made: &CertifiedKey<KeyPair>) -> Self {
        let key = made.signing_key.serialize_der().try_into().unwrap();
        let config = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![made.cert.der().clone()], key);
        Self::with(Some(Arc::new(config.unwrap())), Mood::Good)
    }

    fn with(tls: Option<Arc<ServerConfig>>, mood: Mood) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let (address, mood) = (listener.local_addr().unwrap(), Arc::new(Mutex::new(mood)));
        let (send, posted) = mpsc::channel();
        let answers = mood.clone();
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (send, mood, tls) = (send.clone(), answers.clone(), tls.clone());
                thread::spawn(move || match tls {
                    Some(tls) => talk(StreamOwned::new(ServerConnection::new(tls).unwrap(), stream), &send, &mood),
                    None => talk(stream, &send, &mood),
                });
            }
        });
        Self { address, mood, posted }
    }

    pub fn endpoint(&self) -> String {
        format!("http://{}", self.address)
    }

    pub fn becomes(&self, mood: Mood) {
        *self.mood.lock().unwrap() = mood;
    }

    /// What comes next.
    pub fn next(&self) -> Posted {
        self.posted.recv_timeout(PATIENCE).expect("something is sent")
    }

    /// All that has come by now.
    pub fn posted(&self) -> Vec<Posted> {
        self.posted.try_iter().collect()
    }
}

fn talk(stream: impl Read + Write, send: &Sender<Posted>, mood: &Mutex<Mood>) {
    let mut reader = BufReader::new(stream);
    while let Some(posted) = read(&mut reader) {
        let mood = *mood.lock().unwrap();
        // Whoever listens may have heard enough.
        let _ = send.send(posted);
        let status = match mood {
            Mood::Good => "200 OK",
            Mood::Unwell => "503 Service Unavailable",
            Mood::Hanging => continue,
        };
        let answer = format!("HTTP/1.1 {status}\r\ncontent-type: application/x-protobuf\r\ncontent-length: 0\r\n\r\n");
        // A program that ends does not wait for it.
        let _ = reader.get_mut().write_all(answer.as_bytes());
    }
}

fn read(reader: &mut BufReader<impl Read>) -> Option<Posted> {
    let (mut head, mut length) = (String::new(), 0);
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line).ok()? == 0 {
            return None;
        }
        if line == "\r\n" {
            break;
        }
        if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
            length = value.trim().parse().expect("a length");
        }
        head.push_str(&line);
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    Some(Posted { head, body })
}

/// The spans in what was posted, with whom each tells of.
pub fn spans(posted: &[Posted]) -> Vec<(Resource, Span)> {
    let decoded = posted.iter().map(|one| ExportTraceServiceRequest::decode(one.body.as_slice()).expect("OTLP"));
    let of_one = |all: ExportTraceServiceRequest| {
        all.resource_spans.into_iter().flat_map(|of| {
            let resource = of.resource.expect("a resource");
            of.scope_spans.into_iter().flat_map(|of| of.spans).map(move |span| (resource.clone(), span))
        })
    };
    decoded.flat_map(of_one).collect()
}

/// The attribute `name`, as text.
pub fn attribute(attributes: &[KeyValue], name: &str) -> Option<String> {
    let found = attributes.iter().find(|attribute| attribute.key == name)?;
    let value = found.value.as_ref()?.value.as_ref()?;
    if let Value::IntValue(number) = value {
        return Some(number.to_string());
    }
    let Value::StringValue(text) = value else { panic!("neither text nor a number: {value:?}") };
    Some(text.clone())
}
