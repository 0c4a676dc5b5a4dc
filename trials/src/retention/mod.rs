//! Three years in the life of a database, with the retention job and without: what its tables hold in the end.
//!
//! Rows are made straight in the database, month by month, as many as the tokens would make; after each month the clock is
//! moved and the real job runs until it finds nothing more.

mod clock;
mod months;
mod sizes;

use std::{
    fmt::Write as _,
    fs,
    path::{Path, PathBuf},
    sync::Arc,
    time::{Duration, Instant},
};

use diesel::connection::SimpleConnection as _;
use patmint::{
    domain::random::SystemRandomness,
    service::{Environment, Services},
    store::{Database, DatabaseSettings, DbConnection},
};

use self::{clock::MovedClock, months::Months, sizes::Size};
use crate::{Failure, say, seed};

/// How many months pass.
const MONTHS: i64 = 36;

/// What the trial is told.
#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// A PostgreSQL on which two databases may be made; SQLite is tried anyway
    #[arg(long, value_name = "URL")]
    database_url: Option<String>,
    /// How many tokens are alive at any time
    #[arg(long, default_value_t = 100_000, value_name = "NUMBER")]
    tokens: i64,
    /// The file for the result, in Markdown
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
}

/// How a database did.
struct Outcome {
    sizes: Vec<Size>,
    /// How often the job ran, how many rows it removed, and how long it took in all.
    job: (u32, usize, Duration),
}

/// Tries it on both databases and writes a table.
///
/// # Errors
/// If a database cannot be used, or the file not be written.
pub async fn run(arguments: &Arguments) -> Result<(), Failure> {
    let mut text = format!(
        "{} tokens at any time, each used on one day of a month, a twelfth replaced each month, {MONTHS} months; \
         retention periods as they are by default.\n",
        arguments.tokens
    );
    let folder = tempfile::tempdir()?;
    let mut places =
        vec![("SQLite", ["without", "with"].map(|name| format!("sqlite://{}/{name}.db", folder.path().display())))];
    if let Some(url) = &arguments.database_url {
        places.push(("PostgreSQL", made_databases(url)?));
    }
    for (engine, [without, with]) in places {
        say(&format!("{engine}, without the job"));
        let without = let_time_pass(&without, &folder.path().join("keys"), arguments.tokens, false).await?;
        say(&format!("{engine}, with the job"));
        let with = let_time_pass(&with, &folder.path().join("keys"), arguments.tokens, true).await?;
        describe(&mut text, engine, &without, &with)?;
    }
    match &arguments.out {
        Some(path) => fs::write(path, text)?,
        None => say(&text),
    }
    Ok(())
}

/// Two new databases beside the one that `url` names.
fn made_databases(url: &str) -> Result<[String; 2], Failure> {
    let db = Database::new(&DatabaseSettings { url: url.parse()?, connections: 1 });
    let mut connection = db.own_connection()?;
    connection.batch_execute("SET statement_timeout = 0")?;
    let (server, _) = url.rsplit_once('/').ok_or("no database in the URL")?;
    let made = ["retention_without", "retention_with"];
    for name in made {
        connection.batch_execute(&format!("DROP DATABASE IF EXISTS {name}"))?;
        connection.batch_execute(&format!("CREATE DATABASE {name}"))?;
    }
    Ok(made.map(|name| format!("{server}/{name}")))
}

async fn let_time_pass(url: &str, keys_dir: &Path, tokens: i64, has_job: bool) -> Result<Outcome, Failure> {
    let db = Database::new(&DatabaseSettings { url: url.parse()?, connections: 4 });
    db.migrate()?;
    // Each database has keys of its own.
    let keys_dir =
        keys_dir.join(if has_job { "with" } else { "without" }).join(if url.starts_with("sqlite") { "s" } else { "p" });
    fs::create_dir_all(&keys_dir)?;
    let clock = Arc::new(MovedClock::default());
    let outside = Environment { clock: clock.clone(), random: Arc::new(SystemRandomness::default()), db: db.clone() };
    let services = Services::for_command(seed::settings(), &keys_dir, outside).await?;
    services.bootstrap.run("Trials", "owner@trials.example", None).await?;
    let mut connection = db.own_connection()?;
    if matches!(connection, DbConnection::Postgres(_)) {
        connection.batch_execute("SET statement_timeout = 0; SET synchronous_commit = off")?;
    }
    let (mut months, mut job) = (Months::new(tokens), (0, 0, Duration::ZERO));
    for month in 0..MONTHS {
        months.pass(&mut connection, &clock)?;
        if has_job {
            let started = Instant::now();
            loop {
                job.0 += 1;
                match services.remove_old().await? {
                    0 => break,
                    rows => job.1 += rows,
                }
            }
            job.2 += started.elapsed();
        }
        if matches!(connection, DbConnection::Postgres(_)) {
            // As PostgreSQL does by itself many times in a month (autovacuum): removed rows make room for new ones.
            connection.batch_execute("VACUUM ANALYZE")?;
        }
        if month % 12 == 11 {
            say(&format!("  {} months", month + 1));
        }
    }
    let sizes = sizes::of(&mut connection)?;
    Ok(Outcome { sizes, job })
}

fn describe(text: &mut String, engine: &str, without: &Outcome, with: &Outcome) -> Result<(), Failure> {
    writeln!(text, "\n### {engine}\n\n| table | rows without | MiB | rows with | MiB |\n|---|---|---|---|---|")?;
    let mut sums = [0; 4];
    for (without, with) in without.sizes.iter().zip(&with.sizes) {
        writeln!(
            text,
            "| `{}` | {} | {:.1} | {} | {:.1} |",
            without.table,
            without.rows,
            mebibytes(without.bytes),
            with.rows,
            mebibytes(with.bytes)
        )?;
        for (sum, value) in sums.iter_mut().zip([without.rows, without.bytes, with.rows, with.bytes]) {
            *sum += value;
        }
    }
    let [rows_without, without, rows_with, bytes_with] = sums;
    writeln!(
        text,
        "| all | {rows_without} | {:.1} | {rows_with} | {:.1} |",
        mebibytes(without),
        mebibytes(bytes_with)
    )?;
    let (runs, rows, took) = with.job;
    let each = took.as_secs_f64() * 1e6 / f64::from(u32::try_from(rows.max(1)).unwrap_or(u32::MAX));
    writeln!(text, "\nThe job removed {rows} rows in {runs} runs, {each:.0} µs a row.")?;
    Ok(())
}

#[expect(clippy::cast_precision_loss, reason = "shown with one decimal")]
fn mebibytes(bytes: i64) -> f64 {
    bytes as f64 / f64::from(1 << 20)
}
