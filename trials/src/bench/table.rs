use std::fmt::Write as _;

use super::{
    numbers::{grouped, mebibytes, median, short, times},
    result::{BenchResult, Crowd, List, Row, Start, Steady},
};

/// The whole result as Markdown.
pub(super) fn markdown(result: &BenchResult) -> String {
    let machine = &result.machine;
    let mut text = format!(
        "# Benchmark of {}\n\n\
         patmint {} on {}, {} × {}, Linux {}, load {} before it began. {} rounds of {} s for each server, in turns; medians. \
         The load generator shares the cores.\n\n",
        result.day,
        result.version,
        result.database,
        machine.cores,
        machine.processor,
        machine.kernel,
        machine.load_before,
        result.rounds,
        result.seconds,
    );
    if let Some([ours, limit]) = result.answer_bytes {
        let _ = write!(text, "An answer has {ours} bytes, one of the limit {limit}.\n\n");
    }
    if !result.rows.is_empty() {
        text.push_str("![CPU per exchange and exchanges a second, patmint and the limit](result.svg)\n\n");
    }
    rows(&mut text, &result.rows);
    steady(&mut text, &result.steady);
    crowds(&mut text, &result.crowds);
    starts(&mut text, &result.starts);
    lists(&mut text, &result.lists);
    for remark in &result.remarks {
        let _ = writeln!(text, "- {remark}");
    }
    text
}

/// A table, unless it has no lines; writing to a `String` cannot fail.
fn table(text: &mut String, title: &str, columns: &[&str], lines: impl Iterator<Item = Vec<String>>) {
    let mut lines = lines.peekable();
    if lines.peek().is_none() {
        return;
    }
    let _ = write!(text, "## {title}\n\n| {} |\n|{}\n", columns.join(" | "), "---|".repeat(columns.len()));
    for line in lines {
        let _ = writeln!(text, "| {} |", line.join(" | "));
    }
    text.push('\n');
}

fn rows(text: &mut String, rows: &[Row]) {
    let columns = [
        "credentials",
        "connections",
        "CPU µs per exchange (limit)",
        "ratio",
        "exchanges/s (limit)",
        "ratio",
        "p50 / p99 / p99.9 ms",
        "the limit's",
        "not 200 (limit)",
    ];
    let line = |row: &Row| {
        let (cpu, limit_cpu, cpu_ratio) = row.compared(|sample| sample.cpu_micros);
        let (rate, limit_rate, rate_ratio) = row.compared(|sample| sample.per_second);
        let latencies = [row.compared(|s| s.p50_ms), row.compared(|s| s.p99_ms), row.compared(|s| s.p999_ms)];
        vec![
            format!("{} {}", grouped(count(row.credentials)), row.what),
            row.connections.to_string(),
            format!("**{}** ({})", short(cpu), short(limit_cpu)),
            format!("**{}**", times(cpu_ratio)),
            format!("{} ({})", grouped(rate), grouped(limit_rate)),
            times(rate_ratio),
            latencies.map(|(ours, ..)| short(ours)).join(" / "),
            latencies.map(|(_, limit, _)| short(limit)).join(" / "),
            format!("{} ({})", row.other(), row.limit_other()),
        ]
    };
    table(text, "Exchanges, as fast as the connections can", &columns, rows.iter().map(line));
}

fn steady(text: &mut String, steady: &[Steady]) {
    let columns =
        ["exchanges at fixed moments", "p50 / p99 / p99.9 ms", "answered/s", "not 200", "sign-in p50 ms (not 201)"];
    let line = |one: &Steady| {
        let latencies = [one.median(|s| s.p50_ms), one.median(|s| s.p99_ms), one.median(|s| s.p999_ms)];
        let beside = if one.sign_ins > 0.0 { format!(", {}/s sign-ins beside", one.sign_ins) } else { String::new() };
        let sign_ins = match median(one.sign_in_p50_ms.clone()) {
            latency if latency.is_finite() => format!("{} ({})", short(latency), one.sign_in_other),
            _ => "–".to_owned(),
        };
        vec![
            format!("{}/s{beside}", grouped(one.rate)),
            latencies.map(short).join(" / "),
            grouped(one.median(|sample| sample.per_second)),
            one.samples.iter().map(|sample| sample.other).sum::<u64>().to_string(),
            sign_ins,
        ]
    };
    table(text, "Exchanges at fixed moments", &columns, steady.iter().map(line));
}

fn crowds(text: &mut String, crowds: &[Crowd]) {
    let columns = [
        "beside exchanges at",
        "sign-ins at once: how many got what",
        "longest of these ms",
        "exchanges p50 / p99 / p99.9 ms",
        "not 200",
        "peak RSS MiB",
    ];
    let line = |crowd: &Crowd| {
        let latencies = [crowd.exchanges.p50_ms, crowd.exchanges.p99_ms, crowd.exchanges.p999_ms];
        vec![
            format!("{}/s", grouped(crowd.rate)),
            crowd.sign_ins.iter().map(|(status, count)| format!("{count} × {status}")).collect::<Vec<_>>().join(", "),
            short(crowd.longest_ms),
            latencies.map(short).join(" / "),
            crowd.exchanges.other.to_string(),
            mebibytes(crowd.peak),
        ]
    };
    table(text, "A crowd that signs in", &columns, crowds.iter().map(line));
}

fn starts(text: &mut String, starts: &[Start]) {
    let columns = [
        "credentials",
        "start to ready ms",
        "first exchange of one, p50 ms",
        "RSS MiB idle / all touched / after load",
        "PSS MiB",
        "bytes per credential in memory",
    ];
    let line = |start: &Start| {
        let memory = [start.idle, start.touched, start.loaded];
        // A few thousand drown in what else the process takes for its first requests.
        let bytes = if start.credentials >= 10_000 { grouped(start.bytes_per_credential()) } else { "–".to_owned() };
        vec![
            grouped(count(start.credentials)),
            short(start.ready_ms),
            short(start.cold_ms),
            memory.map(|memory| mebibytes(memory.rss)).join(" / "),
            memory.map(|memory| mebibytes(memory.pss)).join(" / "),
            bytes,
        ]
    };
    table(text, "Start and memory", &columns, starts.iter().map(line));
}

fn lists(text: &mut String, lists: &[List]) {
    let columns = ["tokens in the organization", "page", "tokens on it", "p50 ms"];
    let line = |list: &List| {
        vec![grouped(count(list.credentials)), list.what.to_owned(), list.items.to_string(), short(list.p50_ms)]
    };
    table(text, "Lists of tokens", &columns, lists.iter().map(line));
}

#[expect(clippy::cast_precision_loss, reason = "a count of credentials")]
fn count(number: usize) -> f64 {
    number as f64
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bench::sample::Sample;

    fn sample(cpu_micros: f64) -> Sample {
        Sample { per_second: 20_000.0, cpu_micros, p50_ms: 1.0, p99_ms: 2.0, p999_ms: 30.0, other: 1 }
    }

    #[test]
    fn a_row_compares_with_the_limit_of_its_run() {
        let (what, credentials) = ("opaque".to_owned(), 1000);
        let (patmint, limit) =
            (vec![sample(60.0), sample(90.0), sample(66.0)], vec![sample(40.0), sample(60.0), sample(40.0)]);
        let mut text = String::new();
        rows(&mut text, &[Row { what, credentials, connections: 32, patmint, limit }]);
        let line = text.trim_end().lines().last().unwrap();
        assert_eq!(
            line,
            "| 1,000 opaque | 32 | **66.0** (40.0) | **1.50 ×** | 20,000 (20,000) | 1.00 × | 1.00 / 2.00 / 30.0 | \
             1.00 / 2.00 / 30.0 | 3 (3) |"
        );
        let columns = |line: &str| line.matches('|').count();
        assert!(
            text.lines().filter(|line| line.starts_with('|')).all(|other| columns(other) == columns(line)),
            "{text}"
        );
    }
}
