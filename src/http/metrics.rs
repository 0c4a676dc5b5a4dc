//! `GET /metrics`: how the server does, in Prometheus' text format, for those in the operator's networks.

use std::fmt::{Display, Write as _};

use actix_web::{HttpRequest, HttpResponse, http::header, web::Data};

use super::{
    app::App,
    client_address::client_address,
    openapi::{Operation, refusal},
    problem::Problem,
};
use crate::service::{BOUNDS, Counted, Durations, Rows, Snapshot};

const MEDIA_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

/// Everything that is counted.
pub(super) async fn get(app: Data<App>, request: HttpRequest) -> Result<HttpResponse, Problem> {
    if !is_admitted(&app, &request) {
        return Err(Problem::Forbidden("metrics are for the networks that the operator chose"));
    }
    let snapshot = app.services.monitor.snapshot().await;
    Ok(HttpResponse::Ok()
        .insert_header((header::CONTENT_TYPE, MEDIA_TYPE))
        .insert_header((header::CACHE_CONTROL, "no-store"))
        .body(text(&snapshot, app.feed_places.count())))
}

/// What is told of [`get`].
pub(super) fn get_told() -> Operation {
    Operation::new("operations", "get_metrics", "How the server does, for Prometheus")
        .described("For those in the networks that the operator chose.")
        .fails(&[refusal::FORBIDDEN])
        .answers_as::<String>(200, MEDIA_TYPE, "Prometheus' text format")
}

/// Whoever asks through a proxy that nobody named comes from who knows where, however near the proxy is.
fn is_admitted(app: &App, request: &HttpRequest) -> bool {
    let address = client_address(app, request);
    let is_inside = address.is_some_and(|it| app.settings.metrics_networks.iter().any(|network| network.contains(&it)));
    is_inside && !app.settings.proxies.is_unnamed(request)
}

/// Metrics as they are written.
struct Text(String);

impl Text {
    /// One metric: what it is, and its values, each with its labels.
    fn add<V: Display>(
        &mut self,
        (name, kind, help): (&str, &str, &str),
        samples: impl IntoIterator<Item = (String, V)>,
    ) {
        // Writing to a string does not fail.
        let _ = write!(self.0, "# HELP {name} {help}\n# TYPE {name} {kind}\n");
        for (labels, value) in samples {
            let _ = writeln!(self.0, "{name}{labels} {value}");
        }
    }

    fn one(&mut self, metric: (&str, &str, &str), value: impl Display) {
        self.add(metric, [(String::new(), value)]);
    }

    fn counted(&mut self, metric: (&str, &str, &str), label: &str, counted: Counted) {
        self.add(metric, counted.into_iter().map(|(word, count)| (format!("{{{label}=\"{word}\"}}"), count)));
    }

    fn histogram(&mut self, name: &str, help: &str, Durations { counts, sum }: &Durations) {
        let _ = write!(self.0, "# HELP {name} {help}\n# TYPE {name} histogram\n");
        let mut total = 0;
        for (place, count) in counts.iter().enumerate() {
            total += count;
            let bound = BOUNDS.get(place).map_or_else(|| "+Inf".to_owned(), |micros| seconds(*micros));
            let _ = writeln!(self.0, "{name}_bucket{{le=\"{bound}\"}} {total}");
        }
        let _ = write!(self.0, "{name}_sum {}\n{name}_count {total}\n", sum.as_secs_f64());
    }
}

fn seconds(micros: u64) -> String {
    std::time::Duration::from_micros(micros).as_secs_f64().to_string()
}

fn text(snapshot: &Snapshot, feed_waiters: usize) -> String {
    let mut text = Text(String::new());
    let version = format!("{{version=\"{}\"}}", env!("CARGO_PKG_VERSION"));
    text.add(("patmint_build_info", "gauge", "Which patmint this is."), [(version, 1)]);
    exchanges(&mut text, snapshot);
    following(&mut text, snapshot);
    text.one(("patmint_feed_waiters", "gauge", "Clients that wait for a revocation."), feed_waiters);
    let pool = snapshot.pool;
    let connections = [("busy", pool.open.saturating_sub(pool.idle)), ("idle", pool.idle)];
    text.add(
        ("patmint_database_connections", "gauge", "Connections to the database."),
        connections.map(|(state, count)| (format!("{{state=\"{state}\"}}"), count)),
    );
    text.one(("patmint_database_connections_limit", "gauge", "The most connections there may be."), pool.most);
    text.one(("patmint_database_statements_total", "counter", "Statements sent to the database."), snapshot.statements);
    text.counted(
        ("patmint_sign_ins_total", "counter", "Sign-ins, by how they ended."),
        "outcome",
        snapshot.sign_ins.clone(),
    );
    let help = "Whether jobs remove what is old; they do not while the clock may be wrong.";
    text.one(("patmint_cleanup_allowed", "gauge", help), u8::from(snapshot.may_clean_up));
    let help = "How far the database's clock is ahead of this machine's.";
    let ahead = std::time::Duration::from_millis(snapshot.clock_ahead.unsigned_abs()).as_secs_f64();
    text.one(("patmint_clock_ahead_seconds", "gauge", help), if snapshot.clock_ahead < 0 { -ahead } else { ahead });
    let help = "Rows that this server removed because of their age.";
    text.counted(("patmint_rows_removed_total", "counter", help), "table", snapshot.rows_removed.clone());
    if let Some(Rows { expiring, sessions, held_back, database_size }) = snapshot.rows {
        let help =
            "Tokens that a job would end, but so many at once that it waits for a second look; up to ten minutes old.";
        text.one(("patmint_tokens_held_back", "gauge", help), held_back);
        text.one(("patmint_sessions", "gauge", "Sessions of people who signed in; up to ten minutes old."), sessions);
        let help = "Tokens that are not revoked and end within 7 days; up to ten minutes old.";
        text.one(("patmint_tokens_expiring", "gauge", help), expiring);
        let help = "Bytes that the database takes without its log; up to ten minutes old.";
        text.one(("patmint_database_bytes", "gauge", help), database_size);
    }
    text.0
}

fn exchanges(text: &mut Text, snapshot: &Snapshot) {
    text.counted(
        ("patmint_exchanges_total", "counter", "Exchanges, by how they ended."),
        "outcome",
        snapshot.exchanges.clone(),
    );
    let help = "How long exchanges took, from the parsed request to the signed token.";
    text.histogram("patmint_exchange_duration_seconds", help, &snapshot.durations);
    text.counted(
        ("patmint_cache_lookups_total", "counter", "Where exchanges found the token: in memory, or in the database."),
        "result",
        snapshot.lookups.clone(),
    );
    text.one(("patmint_cache_entries", "gauge", "Tokens in memory."), snapshot.remembered);
    text.one(("patmint_cache_capacity", "gauge", "The most tokens in memory."), snapshot.capacity);
}

fn following(text: &mut Text, snapshot: &Snapshot) {
    text.one(
        ("patmint_list_head", "gauge", "The number up to which memory reflects the list of changes."),
        snapshot.head,
    );
    let help = "How long ago the last good look at that list began.";
    text.one(("patmint_list_age_seconds", "gauge", help), snapshot.age.as_secs_f64());
    let help = "Whether exchanges go by memory; if not, each reads the database.";
    text.one(("patmint_memory_trusted", "gauge", help), u8::from(snapshot.is_trusted));
}
