use std::{fmt, sync::Arc, time::Duration};

use opentelemetry::{
    Context, KeyValue,
    propagation::{Extractor, TextMapPropagator as _},
    trace::{SpanKind, Status, TraceContextExt as _, Tracer as _, TracerProvider as _},
};
use opentelemetry_sdk::{
    Resource,
    propagation::TraceContextPropagator,
    resource::TelemetryResourceDetector,
    trace::{BatchConfigBuilder, BatchSpanProcessor, Sampler, SdkTracer, SdkTracerProvider, Span, SpanLimits},
};
use secrecy::SecretString;

use super::export::Exporter;
use crate::domain::ids::RequestId;

/// The most spans that wait to be sent: a few MB. What comes on top is lost; no request ever waits for the receiver.
const MOST_WAITING: usize = 4096;

/// How many are sent together, before it is time.
const TOGETHER: usize = 512;

/// After how long they are sent, however few.
const SEND_EVERY: Duration = Duration::from_secs(1);

/// How long the last may take when the process ends.
const STOP_PATIENCE: Duration = Duration::from_secs(2);

/// Where traces go, and how many.
#[derive(Clone, Debug)]
pub struct TraceSettings {
    /// The address that they are posted to.
    pub endpoint: String,
    /// What is sent along, such as a token that the receiver wants.
    pub headers: Vec<(String, SecretString)>,
    /// What they say of this server: `service.name` and more.
    pub resource: Vec<(String, String)>,
    /// Which part of the requests is traced: 0 to 1.
    pub ratio: f64,
}

/// Makes spans, and has them sent by a thread of its own.
pub struct Tracing {
    provider: SdkTracerProvider,
    tracer: SdkTracer,
    ratio: f64,
}

impl Tracing {
    /// Begins to send.
    #[must_use]
    pub fn new(settings: &TraceSettings) -> Self {
        let batches = BatchConfigBuilder::default()
            .with_max_queue_size(MOST_WAITING)
            .with_max_export_batch_size(TOGETHER)
            .with_scheduled_delay(SEND_EVERY);
        let exporter = Exporter::new(settings);
        let sender = BatchSpanProcessor::builder(exporter).with_batch_config(batches.build()).build();
        let known = settings.resource.iter().cloned().map(|(name, value)| KeyValue::new(name, value));
        let resource =
            Resource::builder_empty().with_detector(Box::new(TelemetryResourceDetector)).with_attributes(known).build();
        let provider = SdkTracerProvider::builder()
            // Spans are made only of what is to be sent.
            .with_sampler(Sampler::AlwaysOn)
            // Whatever the environment says.
            .with_span_limits(SpanLimits::default())
            .with_resource(resource)
            .with_span_processor(sender)
            .build();
        Self { tracer: provider.tracer(env!("CARGO_PKG_NAME")), provider, ratio: settings.ratio }
    }

    /// Sends what waits, as far as the receiver takes it soon. Blocks for up to 2 s.
    pub fn stop(&self) {
        if let Err(error) = self.provider.shutdown_with_timeout(STOP_PATIENCE) {
            tracing::warn!(%error, "the last traces could not be sent");
        }
    }

    /// Whether the request `id` is among those that are traced. Goes by its id, which nobody else can choose.
    pub(crate) fn takes(&self, id: RequestId) -> bool {
        let [.., a, b, c, d] = *id.as_bytes();
        f64::from(u32::from_be_bytes([a, b, c, d])) < self.ratio * (f64::from(u32::MAX) + 1.0)
    }

    /// Begins the span of a request, below that of `caller` if there is one.
    pub(crate) fn begin(&self, name: &'static str, caller: Option<Caller>, known: Vec<KeyValue>) -> RequestSpan {
        let above = caller.map_or_else(Context::new, |caller| caller.0);
        let span = self.tracer.span_builder(name).with_kind(SpanKind::Server).with_attributes(known);
        let span = span.start_with_context(&self.tracer, &above);
        RequestSpan(Arc::new((self.tracer.clone(), Context::new().with_span(span))))
    }
}

/// The span of whoever sent a request, by their own account (W3C Trace Context).
pub(crate) struct Caller(Context);

impl Caller {
    /// By the header `traceparent`. `None` if it is not what it must be.
    pub(crate) fn of(traceparent: &str) -> Option<Self> {
        // The library takes a number with a sign too.
        if !traceparent.bytes().all(|byte| byte == b'-' || byte.is_ascii_hexdigit()) {
            return None;
        }
        let context = TraceContextPropagator::new().extract_with_context(&Context::new(), &Traceparent(traceparent));
        context.has_active_span().then_some(Self(context))
    }

    /// Whether they say that they keep their span.
    pub(crate) fn is_sampled(&self) -> bool {
        self.0.span().span_context().is_sampled()
    }
}

/// Not `tracestate`: it is others' text, of any length, and nothing that patmint asks would carry it on.
struct Traceparent<'a>(&'a str);

impl Extractor for Traceparent<'_> {
    fn get(&self, key: &str) -> Option<&str> {
        (key == "traceparent").then_some(self.0)
    }

    fn keys(&self) -> Vec<&str> {
        vec!["traceparent"]
    }
}

/// The span of a request that is traced. It ends when the request does.
#[derive(Clone)]
pub(crate) struct RequestSpan(Arc<(SdkTracer, Context)>);

impl RequestSpan {
    /// A span below it.
    pub(super) fn below(&self, name: &'static str) -> Span {
        let (tracer, context) = &*self.0;
        tracer.span_builder(name).start_with_context(tracer, context)
    }

    /// What is known only at the end: what it is called, and more.
    pub(crate) fn tell(&self, name: Option<String>, known: Vec<KeyValue>, is_defect: bool) {
        let span = self.0.1.span();
        span.set_attributes(known);
        if let Some(name) = name {
            span.update_name(name);
        }
        if is_defect {
            span.set_status(Status::error(""));
        }
    }
}

impl fmt::Debug for RequestSpan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("RequestSpan").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{
        clock::{Clock as _, SystemClock},
        random::SystemRandomness,
    };

    #[test]
    fn only_a_good_traceparent_counts() {
        let good = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
        assert!(Caller::of(good).unwrap().is_sampled());
        assert!(!Caller::of(&format!("{}0", &good[..54])).unwrap().is_sampled());
        let nobody = "00-00000000000000000000000000000000-b7ad6b7169203331-01";
        for bad in [
            "",
            "garbage",
            &good[..52],
            &good.to_uppercase(),
            &good.replacen("00", "ff", 1),
            &good.replace("-0a", "-+a"),
            nobody,
        ] {
            assert!(Caller::of(bad).is_none(), "{bad}");
        }
    }

    #[test]
    fn about_the_part_that_is_wanted_is_traced() {
        let taken = |ratio| {
            let settings = TraceSettings {
                endpoint: "http://127.0.0.1:9/v1/traces".to_owned(),
                headers: Vec::new(),
                resource: Vec::new(),
                ratio,
            };
            let (tracing, now, random) = (Tracing::new(&settings), SystemClock.now(), SystemRandomness::default());
            (0..1000).filter(|_| tracing.takes(RequestId::generate(now, &random))).count()
        };
        assert_eq!([taken(0.0), taken(1.0)], [0, 1000]);
        // Ten standard deviations to each side.
        assert!((340..660).contains(&taken(0.5)));
    }
}
