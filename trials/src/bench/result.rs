use std::collections::BTreeMap;

use patmint::domain::clock::{Clock as _, SystemClock};
use serde::Serialize;

use super::{
    Arguments,
    machine::Machine,
    numbers::{median, ratio},
    sample::Sample,
};
use crate::process::Memory;

/// All that was measured.
#[derive(Debug, Serialize)]
pub(super) struct BenchResult {
    pub(super) day: String,
    pub(super) version: &'static str,
    pub(super) machine: Machine,
    pub(super) database: &'static str,
    pub(super) rounds: u64,
    pub(super) seconds: f64,
    /// The bytes of the body of an answer: patmint's, the limit's; unless neither was asked.
    pub(super) answer_bytes: Option<[usize; 2]>,
    pub(super) rows: Vec<Row>,
    pub(super) starts: Vec<Start>,
    pub(super) steady: Vec<Steady>,
    pub(super) crowds: Vec<Crowd>,
    pub(super) lists: Vec<List>,
    /// What went wrong beside the measuring.
    pub(super) remarks: Vec<String>,
}

impl BenchResult {
    pub(super) fn new(arguments: &Arguments, database: &'static str) -> Self {
        Self {
            day: SystemClock.now().day(),
            version: env!("CARGO_PKG_VERSION"),
            machine: Machine::this(),
            database,
            rounds: arguments.rounds,
            seconds: arguments.seconds,
            answer_bytes: None,
            rows: Vec::new(),
            starts: Vec::new(),
            steady: Vec::new(),
            crowds: Vec::new(),
            lists: Vec::new(),
            remarks: Vec::new(),
        }
    }
}

/// patmint and the limit in turns.
#[derive(Debug, Serialize)]
pub(super) struct Row {
    pub(super) what: String,
    pub(super) credentials: usize,
    pub(super) connections: usize,
    pub(super) patmint: Vec<Sample>,
    pub(super) limit: Vec<Sample>,
}

/// What is taken of a sample.
pub(super) type Figure = fn(&Sample) -> f64;

impl Row {
    /// The medians of patmint and of the limit, and the ratio of both.
    pub(super) fn compared(&self, figure: Figure) -> (f64, f64, f64) {
        let [ours, limit] = [&self.patmint, &self.limit].map(|samples| samples.iter().map(figure).collect::<Vec<_>>());
        let ratio = ratio(&ours, &limit);
        (median(ours), median(limit), ratio)
    }

    /// Requests of patmint's that were not answered with 200.
    pub(super) fn other(&self) -> u64 {
        self.patmint.iter().map(|sample| sample.other).sum()
    }

    /// The same of the limit's.
    pub(super) fn limit_other(&self) -> u64 {
        self.limit.iter().map(|sample| sample.other).sum()
    }
}

/// A start with so many credentials in the database, and what memory they take.
#[derive(Debug, Serialize)]
pub(super) struct Start {
    pub(super) credentials: usize,
    /// From the start of the process to the first good answer of `/readyz`.
    pub(super) ready_ms: f64,
    /// The median over the first exchanges of credentials that are not in memory.
    pub(super) cold_ms: f64,
    pub(super) idle: Memory,
    /// After each credential was exchanged once.
    pub(super) touched: Memory,
    /// After all load.
    pub(super) loaded: Memory,
}

impl Start {
    /// What a credential in memory takes, in bytes of resident memory.
    #[expect(clippy::cast_precision_loss, reason = "no memory has 2^52 bytes")]
    pub(super) fn bytes_per_credential(&self) -> f64 {
        self.touched.rss.saturating_sub(self.idle.rss) as f64 / self.credentials as f64
    }
}

/// Many who sign in at the same moment, beside exchanges at fixed moments.
#[derive(Debug, Serialize)]
pub(super) struct Crowd {
    pub(super) rate: f64,
    pub(super) exchanges: Sample,
    /// How many sign-ins were answered with which status.
    pub(super) sign_ins: BTreeMap<u16, u64>,
    /// The longest that one of them waited for its answer.
    pub(super) longest_ms: f64,
    /// The most memory that the server ever had resident.
    pub(super) peak: u64,
}

/// A page of a list of tokens.
#[derive(Debug, Serialize)]
pub(super) struct List {
    pub(super) what: &'static str,
    /// How many the organization has.
    pub(super) credentials: usize,
    /// How many are on the page.
    pub(super) items: usize,
    pub(super) p50_ms: f64,
}

/// Exchanges at fixed moments.
#[derive(Debug, Serialize)]
pub(super) struct Steady {
    pub(super) rate: f64,
    /// Sign-ins a second beside them.
    pub(super) sign_ins: f64,
    pub(super) samples: Vec<Sample>,
    /// The latency of the sign-ins in each sample, the median.
    pub(super) sign_in_p50_ms: Vec<f64>,
    /// Sign-ins that were not answered with 201.
    pub(super) sign_in_other: u64,
}

impl Steady {
    pub(super) fn median(&self, figure: Figure) -> f64 {
        median(self.samples.iter().map(figure).collect())
    }
}
