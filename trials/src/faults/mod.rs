//! Faults: what may go wrong around a patmint is made to go wrong, and what its callers see is counted.

pub(crate) mod asked;
mod clock;
mod cluster;
mod descriptors;
mod disk;
mod feed;
mod follower;
mod forwarder;
pub(crate) mod http;
mod ledger;
mod migration;
mod moving;
mod nodes;
mod outage;
mod patroni;
mod postgres;
mod revoker;
mod rolling;
mod running;
mod scene;
mod skew;
pub(crate) mod stage;
mod standby;
mod together;
mod traffic;

use std::{path::PathBuf, time::Instant};

use self::stage::Stage;
use crate::{Failure, say};

/// What is told to the faults.
#[derive(Clone, Debug, clap::Args)]
pub struct Arguments {
    /// Which ones [default: all]
    #[arg(value_name = "NAME")]
    names: Vec<String>,
    /// Only those that take a few seconds
    #[arg(long)]
    quick: bool,
    /// The program [default: the patmint beside this program]
    #[arg(long, value_name = "FILE")]
    patmint: Option<PathBuf>,
    /// A PostgreSQL on which databases may be made [default: SQLite files in scratch folders]
    #[arg(long, value_name = "URL", requires_all = ["postgres_data", "postgres_bin"])]
    postgres_url: Option<String>,
    /// Its data folder
    #[arg(long, value_name = "FOLDER")]
    postgres_data: Option<PathBuf>,
    /// The folder of its programs
    #[arg(long, value_name = "FOLDER")]
    postgres_bin: Option<PathBuf>,
}

/// On which database a fault can be made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum On {
    Both,
    Sqlite,
    Postgres,
}

struct Fault {
    name: &'static str,
    is_quick: bool,
    on: On,
    run: fn(&Stage) -> Result<String, Failure>,
}

const FAULTS: [Fault; 20] = [
    Fault { name: "start-together", is_quick: true, on: On::Both, run: together::run },
    Fault { name: "kill-migration", is_quick: true, on: On::Both, run: migration::run },
    Fault { name: "descriptors", is_quick: true, on: On::Both, run: descriptors::run },
    Fault { name: "full-disk", is_quick: true, on: On::Sqlite, run: disk::run },
    Fault { name: "clock-jumps", is_quick: true, on: On::Both, run: clock::run },
    Fault { name: "feed-follows", is_quick: true, on: On::Both, run: feed::run },
    Fault { name: "postgres-restart", is_quick: true, on: On::Postgres, run: outage::restart },
    Fault { name: "postgres-down", is_quick: false, on: On::Postgres, run: outage::down },
    Fault { name: "postgres-hangs", is_quick: false, on: On::Postgres, run: outage::hangs },
    Fault { name: "rolling-restart", is_quick: false, on: On::Postgres, run: rolling::run },
    Fault { name: "clock-skew", is_quick: false, on: On::Postgres, run: skew::run },
    Fault { name: "standby-lags", is_quick: false, on: On::Postgres, run: standby::lags },
    Fault { name: "standby-behind-name", is_quick: false, on: On::Postgres, run: standby::behind_name },
    Fault { name: "failover-synchronous", is_quick: false, on: On::Postgres, run: standby::synchronous },
    Fault { name: "failover-asynchronous", is_quick: false, on: On::Postgres, run: standby::asynchronous },
    Fault { name: "failover-numbers", is_quick: false, on: On::Postgres, run: standby::numbers },
    Fault { name: "patroni-killed", is_quick: false, on: On::Postgres, run: patroni::killed },
    Fault { name: "patroni-switched-over", is_quick: false, on: On::Postgres, run: patroni::switched_over },
    Fault { name: "patroni-cut-off", is_quick: false, on: On::Postgres, run: patroni::cut_off },
    Fault { name: "patroni-hangs", is_quick: false, on: On::Postgres, run: patroni::hangs },
];

/// Makes each of the faults, also after one has failed, and says what came of it.
///
/// # Errors
/// If there is no such fault, or something was not as it must be.
pub fn run(arguments: &Arguments) -> Result<(), Failure> {
    let known = |name: &String| FAULTS.iter().any(|fault| fault.name == name);
    if let Some(name) = arguments.names.iter().find(|name| !known(name)) {
        let names = FAULTS.map(|fault| fault.name).join(", ");
        return Err(format!("there is no fault '{name}'; there are {names}").into());
    }
    let database = if arguments.postgres_url.is_some() { On::Postgres } else { On::Sqlite };
    let mut failed = Vec::new();
    for fault in FAULTS {
        let is_meant = arguments.names.is_empty() || arguments.names.iter().any(|name| name == fault.name);
        let is_possible = fault.on == On::Both || fault.on == database;
        if !is_meant || !is_possible || (arguments.quick && !fault.is_quick) {
            continue;
        }
        let began = Instant::now();
        match Stage::new(arguments).and_then(|stage| (fault.run)(&stage)) {
            Ok(counted) => say(&format!("{} ({:.1?}): {counted}", fault.name, began.elapsed())),
            Err(error) => {
                say(&format!("{}: FAILED: {error}", fault.name));
                failed.push(fault.name);
            }
        }
    }
    if failed.is_empty() { Ok(()) } else { Err(format!("not as it must be: {}", failed.join(", ")).into()) }
}

/// What must be so.
pub(crate) fn ensure(is_so: bool, otherwise: impl FnOnce() -> String) -> Result<(), Failure> {
    if is_so { Ok(()) } else { Err(otherwise().into()) }
}
