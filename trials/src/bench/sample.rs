use std::time::Duration;

use serde::Serialize;

use crate::{
    Failure,
    load::{Load, Report},
    server::Server,
};

/// One turn of one server.
#[derive(Clone, Copy, Debug, Serialize)]
pub(super) struct Sample {
    pub(super) per_second: f64,
    /// User and system time of the server's process over the answers.
    pub(super) cpu_micros: f64,
    pub(super) p50_ms: f64,
    pub(super) p99_ms: f64,
    pub(super) p999_ms: f64,
    /// Requests that were not answered with 200.
    pub(super) other: u64,
}

impl Sample {
    /// Lets `load` loose on `server`.
    pub(super) async fn take(server: &Server, load: Load) -> Result<Self, Failure> {
        let before = server.processor_time()?;
        let report = load.run().await?;
        Ok(Self::of(&report, server.processor_time()?.saturating_sub(before)))
    }

    #[expect(clippy::cast_precision_loss, reason = "nobody counts to 2^52 here")]
    pub(super) fn of(report: &Report, cpu: Duration) -> Self {
        Self {
            per_second: report.per_second(),
            cpu_micros: cpu.as_secs_f64() * 1e6 / report.answers() as f64,
            p50_ms: report.quantile_ms(0.5),
            p99_ms: report.quantile_ms(0.99),
            p999_ms: report.quantile_ms(0.999),
            other: report.other_than(200),
        }
    }
}
