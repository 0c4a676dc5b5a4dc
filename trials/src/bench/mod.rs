//! The benchmark: a release server beside the limit of the machine, in turns, in one run.

mod lists;
mod machine;
mod numbers;
mod plot;
mod result;
mod sample;
mod scale;
mod series;
mod stage;
mod table;

use std::{fs, path::PathBuf, time::Duration};

pub use self::scale::{ScaleArguments, run as scale};
use self::{result::BenchResult, stage::Stage};
use crate::{Failure, say};

/// What is measured.
#[derive(Clone, Copy, Debug, Eq, PartialEq, clap::ValueEnum)]
enum Series {
    /// Exchanges that memory answers, start and memory
    Memory,
    /// Exchanges that read the database
    Database,
    /// Exchanges at fixed moments, with and without sign-ins beside
    Steady,
    /// A crowd that signs in
    Crowd,
    /// Lists of tokens
    Lists,
}

/// What the benchmark is told.
#[derive(Clone, Debug, clap::Args)]
pub struct Arguments {
    /// The program to measure [default: the patmint beside this program]
    #[arg(long, value_name = "FILE")]
    patmint: Option<PathBuf>,
    /// An empty database [default: an SQLite file in a scratch folder]
    #[arg(long, value_name = "URL")]
    database_url: Option<String>,
    /// Only these [default: all]
    #[arg(long, value_delimiter = ',', value_name = "SERIES")]
    only: Vec<Series>,
    /// How many connections
    #[arg(long, value_delimiter = ',', default_value = "32,128", value_name = "NUMBERS")]
    connections: Vec<usize>,
    /// How many credentials
    #[arg(long, value_delimiter = ',', default_value = "1000,100000", value_name = "NUMBERS")]
    credentials: Vec<usize>,
    /// How many of them each user has
    #[arg(long, default_value_t = 10, value_name = "NUMBER")]
    per_user: usize,
    /// How often patmint and the limit take turns
    #[arg(long, default_value_t = 5, value_name = "NUMBER")]
    rounds: u64,
    /// How long one turn takes
    #[arg(long, default_value_t = 4.0, value_name = "SECONDS")]
    seconds: f64,
    /// Exchanges a second where they come at fixed moments
    #[arg(long, default_value_t = 5000.0, value_name = "NUMBER")]
    rate: f64,
    /// The folder for result.md, result.json and result.svg
    #[arg(long, overrides_with = "out", value_name = "FOLDER")]
    out: PathBuf,
}

impl Arguments {
    fn wants(&self, series: Series) -> bool {
        self.only.is_empty() || self.only.contains(&series)
    }

    fn turn(&self) -> Duration {
        Duration::from_secs_f64(self.seconds)
    }
}

/// Measures, and writes what came of it.
///
/// # Errors
/// If a server does not come up, the database is not empty, or a file cannot be written.
pub async fn run(mut arguments: Arguments) -> Result<(), Failure> {
    arguments.credentials.sort_unstable();
    arguments.credentials.retain(|count| *count > 0);
    if arguments.credentials.is_empty() || arguments.connections.is_empty() || arguments.rounds == 0 {
        return Err("there is nothing to measure: no credentials, no connections or no rounds".into());
    }
    if arguments.only == [Series::Lists] && arguments.credentials.iter().all(|count| *count < lists::LISTED) {
        return Err(format!("lists are measured with {} credentials or more", lists::LISTED).into());
    }
    fs::create_dir_all(&arguments.out)?;
    let mut stage = Stage::set(arguments.clone()).await?;
    let mut result = BenchResult::new(&arguments, stage.database_name());
    for (place, count) in arguments.credentials.iter().enumerate() {
        if arguments.wants(Series::Lists) && *count >= lists::LISTED && result.lists.is_empty() {
            stage.grow(lists::LISTED).await?;
            lists::run(&stage, &mut result).await?;
        }
        stage.grow(*count).await?;
        if arguments.wants(Series::Memory) {
            series::in_memory(&stage, &mut result, place == 0).await?;
        }
    }
    if arguments.wants(Series::Database) {
        series::from_database(&stage, &mut result).await?;
    }
    if arguments.wants(Series::Steady) {
        series::steady(&stage, &mut result).await?;
    }
    if arguments.wants(Series::Crowd) {
        series::crowd(&stage, &mut result).await?;
    }
    let write = |name: &str, text: &str| fs::write(arguments.out.join(name), text);
    write("result.json", &serde_json::to_string_pretty(&result)?)?;
    write("result.md", &table::markdown(&result))?;
    if !result.rows.is_empty() {
        plot::svg(&result.rows, &arguments.out.join("result.svg"))?;
    }
    say(&format!("wrote {}", arguments.out.join("result.md").display()));
    Ok(())
}
