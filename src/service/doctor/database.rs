use super::{Doctor, Finding};
use crate::{
    domain::clock::Timestamp,
    service::{
        database_clock::{MOST_SKEW, MUCH_SKEW},
        housekeeping::NEAR,
    },
    store::{
        DbConnection, StoreError, clock,
        compatibility::{self, Schema},
        inspect::{self, Postgres},
        mass_changes::{self, MassChange},
        replicas, time,
    },
};

const CLEANING: &str = "cleaning up";

/// What there is to say of the database, and whether it has what this program looks for.
pub(super) fn look(connection: &mut DbConnection, doctor: &Doctor<'_>) -> (Vec<Finding>, bool) {
    let mut findings = Vec::new();
    let is_usable = gather(connection, doctor, &mut findings).unwrap_or_else(|error| {
        findings.push(Finding::wrong("database", error.to_string(), "see the database's own log"));
        false
    });
    (findings, is_usable)
}

fn gather(connection: &mut DbConnection, doctor: &Doctor<'_>, findings: &mut Vec<Finding>) -> Result<bool, StoreError> {
    let name = doctor.database.url.describe();
    let server = inspect::postgres(connection)?;
    let version = server.as_ref().map(|server| format!(" (PostgreSQL {})", server.version)).unwrap_or_default();
    if let Some(damage) = inspect::damage(connection)? {
        let message = format!("{name} is damaged: {damage}");
        findings.push(Finding::wrong("database", message, "restore a backup, then patmint restored"));
        // What else is wrong may follow from that.
        return Ok(false);
    }
    findings.push(Finding::good("database", format!("{name} answers{version}")));
    let schema = compatibility::schema(connection)?;
    findings.push(of_schema(&schema));
    if let Some(said) = time::now(connection)? {
        findings.push(of_clocks(said.unix_millis() - doctor.clock.now().unix_millis()));
    }
    let is_usable = schema.can_be_served();
    if is_usable {
        let now = doctor.clock.of_database(time::now(connection)?);
        findings.push(of_cleaning(clock::trusted_at(connection)?, now));
        findings.extend(mass_changes::all(connection)?.iter().map(of_mass_change));
    }
    if let Some(server) = server {
        let servers = if is_usable { replicas::all(connection)?.len() } else { 0 };
        findings.extend(of_server(&server));
        findings.push(of_connections(&server, doctor.database.connections, servers.max(1)));
    }
    Ok(is_usable)
}

fn of_schema(schema: &Schema) -> Finding {
    if schema.can_be_served() {
        Finding::good("schema", schema.to_string())
    } else {
        Finding::wrong("schema", schema.to_string(), schema.advice())
    }
}

pub(super) fn of_clocks(ahead: i64) -> Finding {
    let message = format!("the database's clock is {ahead} ms ahead of this machine's");
    let advice = "set the clocks (NTP): signing keys change by them, and access tokens end by them";
    match ahead.abs() {
        0..=MUCH_SKEW => Finding::good("clock", message),
        ..=MOST_SKEW => Finding::warning("clock", message, advice),
        _ => Finding::wrong("clock", format!("{message}: /readyz fails"), advice),
    }
}

/// Whether jobs remove what is old, by the moment at which a server trusted the clock last.
pub(super) fn of_cleaning(trusted_at: Option<Timestamp>, now: Timestamp) -> Finding {
    let Some(trusted_at) = trusted_at else {
        let message = "no server has run for long enough to trust the clock: nothing that is old is removed yet";
        return Finding::good(CLEANING, message);
    };
    let late_by = now.unix_millis() - trusted_at.unix_millis();
    let message = format!("a server trusted the clock last at {trusted_at}, and it is {now} now");
    if late_by < -MOST_SKEW {
        let advice = "set the clocks (NTP): this one is behind, or another was ahead";
        Finding::wrong(CLEANING, format!("{message}: one of the two is wrong"), advice)
    } else if late_by > NEAR {
        let advice = "see that the clock is right: two hours after a server has started what is old is removed by it";
        Finding::warning(CLEANING, format!("{message}; no server ran since, or none could trust it"), advice)
    } else {
        Finding::good(CLEANING, "the clock is trusted, and what is old is removed by it")
    }
}

fn of_mass_change(MassChange { job, noticed_at, affected, active }: &MassChange) -> Finding {
    let message = format!(
        "the job `{job}` would end {affected} tokens of {active} at once; that was noticed at {noticed_at}, and waits for a day"
    );
    let advice = "see that the clock and the policies (stale_after) are right; a token that is used until then stays";
    Finding::warning(CLEANING, message, advice)
}

/// A server's settings that matter; those that are as they should be in one line.
pub(super) fn of_server(server: &Postgres) -> Vec<Finding> {
    let check = "PostgreSQL";
    let mut findings = Vec::new();
    if server.is_read_only {
        let advice = "name the primary in --database-url, or all hosts";
        findings.push(Finding::wrong(check, "it is a standby or read-only: nothing can be written", advice));
    }
    if !server.is_durable {
        let message =
            "fsync or full_page_writes is off: after a power cut revocations that were answered may be undone";
        findings.push(Finding::wrong(check, message, "turn both on"));
    }
    if !server.is_utf8() {
        let message =
            format!("the database's encoding is {}: it cannot keep every name, and is refused", server.encoding);
        let advice = "make one with ENCODING 'UTF8' TEMPLATE template0 and move the data there";
        findings.push(Finding::wrong(check, message, advice));
    }
    if server.standbys > 0 && !server.waits_for_standby {
        let message = "it has standbys, and commits wait for none: one that takes over may undo revocations";
        let advice = "name one that may take over in synchronous_standby_names, and fence the old primary";
        findings.push(Finding::warning(check, message, advice));
    }
    if server.is_superuser {
        let message = "patmint's role is a superuser";
        findings.push(Finding::warning(check, message, "give it a role that owns its database and nothing else"));
    }
    if !server.is_private {
        let message = "the connection goes over the network and is not encrypted";
        findings.push(Finding::warning(check, message, "sslmode=verify-full in --database-url"));
    }
    if findings.is_empty() {
        findings.push(Finding::good(check, "commits are durable; role and connection are as they should be"));
    }
    findings
}

/// `pool` is the most that one server has in its pool.
pub(super) fn of_connections(server: &Postgres, pool: u32, servers: usize) -> Finding {
    // Each has one more that follows the list; and commands are run beside them.
    let wanted =
        usize::try_from(pool).unwrap_or(usize::MAX).saturating_add(1).saturating_mul(servers).saturating_add(1);
    let allowed = usize::try_from(server.connections).unwrap_or_default();
    let message = format!("servers ({servers}) and a command may open {wanted} connections; {allowed} are allowed");
    let advice = "raise max_connections or the limit of role and database, or lower --database-connections";
    if wanted > allowed {
        Finding::warning("connections", message, advice)
    } else {
        Finding::good("connections", message)
    }
}
