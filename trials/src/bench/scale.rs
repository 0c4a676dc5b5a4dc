//! How a server fares with ten times as many credentials: its start, its memory, an exchange that finds its credential in
//! memory, one that does not, and the pages of lists.

use std::{
    fmt::Write as _,
    fs,
    path::{Path, PathBuf},
    sync::Arc,
    time::{Duration, Instant},
};

use patmint::domain::credential::CredentialKind;
use secrecy::ExposeSecret as _;
use serde_json::json;

use super::{
    lists::{Page, Session, queries},
    numbers::{grouped, mebibytes, median},
};
use crate::{
    Failure,
    load::{Connection, Length, Load, Order, Pace, Report, Requests, request},
    say,
    seed::Seeder,
    server::{Server, keys_dir},
};

/// How often each page is asked for after the first time.
const PAGES: usize = 20;

/// How much dearer an exchange may be with the most credentials than with the fewest.
const DEARER: f64 = 1.2;

/// What is measured.
#[derive(Clone, Debug, clap::Args)]
pub struct ScaleArguments {
    /// The program
    #[arg(long, value_name = "FILE", default_value = "target/release/patmint")]
    patmint: PathBuf,
    /// An empty PostgreSQL database, as a superuser
    #[arg(long, value_name = "URL")]
    database_url: String,
    /// How many credentials, from few to many
    #[arg(long, value_delimiter = ',', default_value = "1000000,10000000", value_name = "NUMBER")]
    credentials: Vec<usize>,
    /// How many of them are exchanged
    #[arg(long, default_value_t = 50_000, value_name = "NUMBER")]
    exchanged: usize,
    /// How many times hits and misses are measured, in turns of as many exchanges each
    #[arg(long, default_value_t = 5, value_name = "NUMBER")]
    rounds: usize,
    /// The file for the result, as Markdown [default: standard error only]
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
}

/// What was measured with so many credentials.
struct Row {
    credentials: usize,
    made_in: Duration,
    ready_after: Duration,
    memory_at_start: u64,
    memory_after: u64,
    hit: Cost,
    miss: Cost,
    /// Of each list: what, the first page's time and the median of the others, in milliseconds, and how many it shows.
    lists: Vec<(&'static str, f64, f64, usize)>,
}

/// What an exchange costs: medians of the rounds.
#[derive(Clone, Copy)]
struct Cost {
    cpu_micros: f64,
    p50_ms: f64,
    p99_ms: f64,
}

/// Measures with each number of credentials, and compares.
///
/// # Errors
/// If something cannot be measured, or an exchange is too dear with the most of them.
pub async fn run(arguments: &ScaleArguments) -> Result<(), Failure> {
    let folder = tempfile::tempdir()?;
    let program = fs::canonicalize(&arguments.patmint)?;
    let seeder = Seeder::new(&arguments.database_url, &keys_dir(folder.path()), 10).await?;
    let (mut rows, mut texts) = (Vec::new(), Vec::new());
    for count in arguments.credentials.iter().copied() {
        say(&format!("making credentials: {}", counted(count)));
        let began = Instant::now();
        texts.extend(seeder.make(CredentialKind::Opaque, count.saturating_sub(texts.len())).await?);
        let made_in = began.elapsed();
        say(&format!("  made in {made_in:.1?}"));
        let row = measured(arguments, (&program, folder.path()), &seeder, &texts, made_in).await?;
        rows.push(row);
    }
    let text = markdown(&rows);
    say(&text);
    if let Some(out) = &arguments.out {
        fs::write(out, &text)?;
    }
    let [Some(few), Some(many)] = [rows.first(), rows.last()] else { return Err("nothing is measured".into()) };
    let ratios = [many.hit.cpu_micros / few.hit.cpu_micros, many.miss.p50_ms / few.miss.p50_ms];
    match ratios.iter().find(|ratio| **ratio > DEARER) {
        Some(ratio) => Err(format!("an exchange costs {ratio:.2} times as much, {DEARER} are allowed").into()),
        None => Ok(()),
    }
}

async fn measured(
    arguments: &ScaleArguments,
    (program, folder): (&Path, &Path),
    seeder: &Seeder,
    texts: &[String],
    made_in: Duration,
) -> Result<Row, Failure> {
    let server = Server::patmint(program, folder, &arguments.database_url, &[]).await?;
    let memory_at_start = server.memory()?.rss;
    let (mut hits, mut misses) = (Vec::new(), Vec::new());
    for round in 0..arguments.rounds {
        say(&format!("  exchanging, round {}", round + 1));
        let chosen = Arc::new(Requests::exchanges(chosen(texts, arguments.exchanged, (round, arguments.rounds))));
        // The first time none of them is in memory, the second time all are.
        misses.push(cost(&server, &chosen, 1).await?);
        hits.push(cost(&server, &chosen, 1).await?);
    }
    let memory_after = server.memory()?.rss;
    let lists = lists(&server, seeder).await?;
    let ready_after = server.ready_after;
    server.stop()?;
    Ok(Row {
        credentials: texts.len(),
        made_in,
        ready_after,
        memory_at_start,
        memory_after,
        hit: Cost::median(&hits),
        miss: Cost::median(&misses),
        lists,
    })
}

/// So many texts from all over, others in each round.
fn chosen(texts: &[String], count: usize, (round, rounds): (usize, usize)) -> Vec<String> {
    let step = (texts.len() / (count * rounds).max(1)).max(1);
    texts.iter().skip(round * step).step_by(step * rounds).take(count).cloned().collect()
}

/// Each of the requests once.
async fn cost(server: &Server, requests: &Arc<Requests>, connections: usize) -> Result<Cost, Failure> {
    let before = server.processor_time()?;
    let load = Load {
        address: server.address,
        requests: requests.clone(),
        order: Order::Rotation,
        connections,
        pace: Pace::Closed,
        warm_up: Duration::ZERO,
        length: Length::Requests(u64::try_from(requests.len()).unwrap_or(u64::MAX)),
    };
    let report = load.run().await?;
    if report.other_than(200) > 0 {
        return Err(format!("{} of {} exchanges were not granted", report.other_than(200), report.answers()).into());
    }
    Ok(Cost::of(&report, server.processor_time()?.saturating_sub(before)))
}

impl Cost {
    #[expect(clippy::cast_precision_loss, reason = "nobody counts to 2^52 here")]
    fn of(report: &Report, cpu: Duration) -> Self {
        let cpu_micros = cpu.as_secs_f64() * 1e6 / report.answers() as f64;
        Self { cpu_micros, p50_ms: report.quantile_ms(0.5), p99_ms: report.quantile_ms(0.99) }
    }

    fn median(all: &[Self]) -> Self {
        let of = |figure: fn(&Self) -> f64| median(all.iter().map(figure).collect());
        Self { cpu_micros: of(|one| one.cpu_micros), p50_ms: of(|one| one.p50_ms), p99_ms: of(|one| one.p99_ms) }
    }
}

/// The owner reads a page of each list: the first time, and then again and again.
async fn lists(server: &Server, seeder: &Seeder) -> Result<Vec<(&'static str, f64, f64, usize)>, Failure> {
    let mut connection = Connection::open(server.address).await?;
    let owner = &seeder.owner;
    let body = json!({ "email": owner.email, "password": owner.password.expose_secret() }).to_string();
    let answer = connection.send(&request("POST", "/api/v1/session", "", &body)).await?;
    let session: Session = serde_json::from_slice(answer.body)?;
    let headers = format!("authorization: Bearer {}\r\n", session.session_token);
    let mut all = Vec::new();
    for (what, query) in queries(&session.user.id) {
        let request = request("GET", &format!("/api/v1/orgs/trials/tokens{query}"), &headers, "");
        let (mut took, mut items) = (Vec::new(), 0);
        for _ in 0..=PAGES {
            let began = Instant::now();
            let answer = connection.send(&request).await?;
            took.push(began.elapsed().as_secs_f64() * 1000.0);
            let page: Page = serde_json::from_slice(answer.body).map_err(|_| format!("{what}: {}", answer.status))?;
            items = page.items.len();
        }
        let first = took.remove(0);
        all.push((what, first, median(took), items));
    }
    Ok(all)
}

#[expect(clippy::cast_precision_loss, reason = "nobody counts to 2^52 here")]
fn counted(count: usize) -> String {
    grouped(count as f64)
}

/// A table of all, and one of the lists. Writing to a `String` cannot fail.
fn markdown(rows: &[Row]) -> String {
    let mut text = String::from(
        "| credentials | made in | start to ready | memory at the start | memory after the exchanges | hit: CPU | hit: p50 | \
         hit: p99 | miss: CPU | miss: p50 | miss: p99 |\n|---|---|---|---|---|---|---|---|---|---|---|\n",
    );
    for row in rows {
        let cost = |cost: Cost| format!("{:.1} µs | {:.3} ms | {:.3} ms", cost.cpu_micros, cost.p50_ms, cost.p99_ms);
        let _ = writeln!(
            text,
            "| {} | {:.0} s | {:.2} s | {} MiB | {} MiB | {} | {} |",
            counted(row.credentials),
            row.made_in.as_secs_f64(),
            row.ready_after.as_secs_f64(),
            mebibytes(row.memory_at_start),
            mebibytes(row.memory_after),
            cost(row.hit),
            cost(row.miss),
        );
    }
    text.push_str("\n| list | credentials | items | first page | again |\n|---|---|---|---|---|\n");
    for row in rows {
        for (what, first, again, items) in &row.lists {
            let credentials = counted(row.credentials);
            let _ = writeln!(text, "| {what} | {credentials} | {items} | {first:.1} ms | {again:.1} ms |");
        }
    }
    text
}
