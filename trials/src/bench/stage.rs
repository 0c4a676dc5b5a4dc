use std::{fs, path::Path, process::Command, sync::Arc, time::Duration};

use patmint::domain::credential::CredentialKind;
use secrecy::ExposeSecret as _;
use serde_json::json;
use tempfile::TempDir;

use super::{Arguments, result::Row, sample::Sample};
use crate::{
    Failure,
    load::{Length, Load, Order, Pace, Requests},
    say,
    seed::{Owner, Seeder},
    server::{Server, keys_dir},
};

/// The beginning of a turn that is not counted: connections are made, and caches of the processor fill.
const WARM_UP: Duration = Duration::from_millis(300);

/// Where all of it takes place: a filled database and what is sent.
pub(super) struct Stage {
    pub(super) arguments: Arguments,
    /// Opaque credentials.
    pub(super) opaque: Arc<Requests>,
    /// `jwt` credentials, as many as the first opaque ones.
    pub(super) jwt: Arc<Requests>,
    /// The owner's sign-in.
    pub(super) sign_in: Arc<Requests>,
    database_url: String,
    folder: TempDir,
    seeder: Seeder,
    texts: Vec<String>,
}

impl Stage {
    pub(super) async fn set(arguments: Arguments) -> Result<Self, Failure> {
        let folder = tempfile::tempdir()?;
        let default = || format!("sqlite://{}/bench.db", folder.path().display());
        let database_url = arguments.database_url.clone().unwrap_or_else(default);
        let seeder = Seeder::new(&database_url, &keys_dir(folder.path()), arguments.per_user).await?;
        let jwt = seeder.make(CredentialKind::Jwt, arguments.credentials.first().copied().unwrap_or(1)).await?;
        fs::write(folder.path().join("jwt"), jwt.join("\n"))?;
        let body = json!({ "email": seeder.owner.email, "password": seeder.owner.password.expose_secret() });
        Ok(Self {
            opaque: Arc::new(Requests::exchanges(Vec::new())),
            jwt: Arc::new(Requests::exchanges(jwt)),
            sign_in: Arc::new(Requests::post("/api/v1/session", body.to_string())),
            arguments,
            database_url,
            folder,
            seeder,
            texts: Vec::new(),
        })
    }

    pub(super) fn database_name(&self) -> &'static str {
        if self.database_url.starts_with("sqlite:") { "SQLite" } else { "PostgreSQL" }
    }

    /// Makes opaque credentials until there are `count`.
    pub(super) async fn grow(&mut self, count: usize) -> Result<(), Failure> {
        say(&format!("making credentials: {count}"));
        let more = count.saturating_sub(self.texts.len());
        self.texts.extend(self.seeder.make(CredentialKind::Opaque, more).await?);
        fs::write(self.folder.path().join("opaque"), self.texts.join("\n"))?;
        self.opaque = Arc::new(Requests::exchanges(self.texts.clone()));
        Ok(())
    }

    /// Who can sign in.
    pub(super) fn owner(&self) -> &Owner {
        &self.seeder.owner
    }

    /// How many credentials there are, of both kinds.
    pub(super) fn credentials(&self) -> usize {
        self.opaque.len() + self.jwt.len()
    }

    pub(super) async fn patmint(&self, settings: &[&str]) -> Result<Server, Failure> {
        let beside = || std::env::current_exe().map(|own| own.with_file_name("patmint"));
        let program = self.arguments.patmint.clone().map_or_else(beside, fs::canonicalize)?;
        Server::patmint(&program, self.folder.path(), &self.database_url, settings).await
    }

    pub(super) async fn limit(&self) -> Result<Server, Failure> {
        let mut command = Command::new(std::env::current_exe()?);
        let tokens = |name: &str| Path::new(self.folder.path()).join(name);
        command.args(["limit", "--tokens"]).arg(tokens("opaque")).arg("--tokens").arg(tokens("jwt"));
        Server::start(command, self.folder.path(), "limit.log").await
    }

    /// A turn of one server.
    pub(super) fn turn(&self, server: &Server, requests: &Arc<Requests>, connections: usize, seed: u64) -> Load {
        Load {
            address: server.address,
            requests: requests.clone(),
            order: Order::Random(seed),
            connections,
            pace: Pace::Closed,
            warm_up: WARM_UP,
            length: Length::For(WARM_UP + self.arguments.turn()),
        }
    }

    /// Lets both servers take turns. Who is first changes with each round.
    pub(super) async fn row(
        &self,
        what: &str,
        [patmint, limit]: [&Server; 2],
        requests: &Arc<Requests>,
        connections: usize,
    ) -> Result<Row, Failure> {
        say(&format!("measuring: {what}, {connections} connections"));
        let (what, credentials) = (what.to_owned(), requests.len());
        let mut row = Row { what, credentials, connections, patmint: Vec::new(), limit: Vec::new() };
        for round in 0..self.arguments.rounds {
            let turn = |server| Sample::take(server, self.turn(server, requests, connections, round << 40));
            if round % 2 == 0 {
                row.patmint.push(turn(patmint).await?);
                row.limit.push(turn(limit).await?);
            } else {
                row.limit.push(turn(limit).await?);
                row.patmint.push(turn(patmint).await?);
            }
        }
        Ok(row)
    }
}
