//! Credentials by the hundred thousand, straight into a database, made by patmint's own rules.

use std::{
    fs::OpenOptions,
    io::Write as _,
    os::unix::fs::OpenOptionsExt as _,
    path::{Path, PathBuf},
    sync::Arc,
};

use diesel::connection::SimpleConnection as _;
use patmint::{
    domain::{
        clock::{Clock as _, SystemClock, Timestamp},
        credential::{Credential, CredentialFormat, CredentialKind, Description, Permission},
        email::Email,
        ids::{CredentialId, OrganizationId, UserId},
        jws::SigningAlgorithm,
        membership::{Membership, Role, User, UserKind},
        random::SystemRandomness,
        retention::Retention,
    },
    service::{Environment, KeyRing, Services, Settings},
    store::{
        Database, DatabaseSettings, DbConnection, StoreError, credentials, memberships,
        numbers::{self, Numbered},
        users,
    },
};
use secrecy::{ExposeSecret as _, SecretString};

use self::copy::Block;
use crate::Failure;

mod copy;

/// The issuer of every server under trial.
pub const ISSUER: &str = "https://sts.example.com";

const PREFIX: &str = "patmint_";

/// How many are written in one transaction to SQLite; PostgreSQL takes all in one.
const BATCH: usize = 10_000;

/// What the seeder is told.
#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// An empty database; on PostgreSQL as a superuser
    #[arg(long, value_name = "URL")]
    database_url: String,
    /// The folder of the root key; one is made
    #[arg(long, value_name = "FOLDER")]
    keys_dir: PathBuf,
    /// How many opaque credentials
    #[arg(long, default_value_t = 0, value_name = "NUMBER")]
    opaque: usize,
    /// How many `jwt` credentials
    #[arg(long, default_value_t = 0, value_name = "NUMBER")]
    jwt: usize,
    /// How many of them each user has
    #[arg(long, default_value_t = 10, value_name = "NUMBER")]
    per_user: usize,
    /// The file for the tokens, one a line
    #[arg(long, value_name = "FILE")]
    tokens: PathBuf,
}

/// Fills a database and writes the tokens to a file that only its owner can read.
///
/// # Errors
/// If the database is not empty or cannot be used, or the file cannot be written.
pub async fn run(arguments: &Arguments) -> Result<(), Failure> {
    let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&arguments.tokens)?;
    let seeder = Seeder::new(&arguments.database_url, &arguments.keys_dir, arguments.per_user).await?;
    for (kind, count) in [(CredentialKind::Opaque, arguments.opaque), (CredentialKind::Jwt, arguments.jwt)] {
        for text in seeder.make(kind, count).await? {
            writeln!(file, "{text}")?;
        }
    }
    Ok(())
}

/// Fills one database.
pub struct Seeder {
    db: Database,
    services: Services,
    maker: Arc<Maker>,
    /// Who can sign in.
    pub owner: Owner,
}

/// Somebody with a password.
#[derive(Debug)]
pub struct Owner {
    /// The e-mail address.
    pub email: String,
    /// The password.
    pub password: SecretString,
}

struct Maker {
    format: CredentialFormat,
    random: SystemRandomness,
    organization_id: OrganizationId,
    per_user: usize,
}

/// What the services that fill a database go by.
pub(crate) fn settings() -> Settings {
    Settings {
        issuer: ISSUER.to_owned(),
        token_prefix: PREFIX.to_owned(),
        max_staleness: std::time::Duration::ZERO,
        cache_capacity: 0,
        key_lead: 900,
        key_rotation: 0,
        signing_algorithm: SigningAlgorithm::default(),
        retention: Retention::default(),
    }
}

impl Seeder {
    /// Prepares the database, which must be empty: schema, keys (their root in `keys_dir`), an organization and its owner.
    /// Each further user will have `per_user` credentials.
    ///
    /// # Errors
    /// If it is not empty, or cannot be used.
    pub async fn new(database_url: &str, keys_dir: &Path, per_user: usize) -> Result<Self, Failure> {
        let db = Database::new(&DatabaseSettings { url: database_url.parse()?, connections: 4 });
        db.migrate()?;
        let random = Arc::new(SystemRandomness::default());
        let outside = Environment { clock: Arc::new(SystemClock), random, db: db.clone() };
        let services = Services::for_command(settings(), keys_dir, outside.clone()).await?;
        let made = services.bootstrap.run("Trials", "owner@trials.example", None).await?;
        let keys = KeyRing::open(&outside, keys_dir, SigningAlgorithm::default()).await?;
        let maker = Maker {
            format: CredentialFormat::new(PREFIX.to_owned(), ISSUER.to_owned(), keys.tag().clone()),
            random: SystemRandomness::default(),
            organization_id: made.organization_id,
            per_user: per_user.max(1),
        };
        let owner = Owner { email: made.email.to_string(), password: made.password.unwrap_or_default() };
        Ok(Self { db, services, maker: Arc::new(maker), owner })
    }

    /// Makes `count` credentials of `kind` and says their texts.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn make(&self, kind: CredentialKind, count: usize) -> Result<Vec<String>, StoreError> {
        let is_sqlite = self.db.url().sqlite_path().is_some();
        let batch = if is_sqlite { BATCH } else { count };
        let mut texts = Vec::with_capacity(count);
        while texts.len() < count {
            let (maker, size) = (self.maker.clone(), batch.min(count - texts.len()));
            let batch = move |connection: &mut DbConnection, seq| maker.batch(connection, seq, kind, size);
            texts.extend(self.change(batch).await?);
        }
        self.change(|connection, _| analyze(connection)).await?;
        Ok(texts)
    }

    async fn change<T: Send + 'static>(
        &self,
        f: impl FnOnce(&mut DbConnection, i64) -> Result<T, StoreError> + Clone + Send + 'static,
    ) -> Result<T, StoreError> {
        self.db.change_at_length(Arc::new(SystemClock), move |connection, stamp| f(connection, stamp.seq)).await
    }

    /// A member with this e-mail address and an opaque credential; says its text.
    ///
    /// # Errors
    /// If the address is none or taken.
    pub async fn person(&self, email: &str) -> Result<String, Failure> {
        let (maker, email, now) = (self.maker.clone(), email.parse::<Email>()?, SystemClock.now());
        let make = move |connection: &mut DbConnection, seq| {
            let number = numbers::next(connection, Numbered::User)?;
            let owner_id = maker.user(connection, number, Some(email), now)?;
            let number = numbers::next(connection, Numbered::Credential)?;
            maker.credential(connection, (seq, number), (owner_id, CredentialKind::Opaque), now)
        };
        Ok(self.change(make).await?)
    }

    /// Disables or enables a user, as `patmint user` does: answers when every server goes by it.
    ///
    /// # Errors
    /// If there is no such user.
    pub async fn set_disabled(&self, email: &str, is_disabled: bool) -> Result<(), Failure> {
        let users = &self.services.users;
        let done = if is_disabled { users.disable(email).await? } else { users.enable(email).await? };
        if done { Ok(()) } else { Err("nothing was changed".into()) }
    }
}

/// What PostgreSQL finds out by itself within a minute (autovacuum): how many rows there are. Until then it plans for few.
fn analyze(connection: &mut DbConnection) -> Result<(), StoreError> {
    match connection {
        DbConnection::Postgres(connection) => Ok(connection.batch_execute("ANALYZE")?),
        DbConnection::Sqlite(_) => Ok(()),
    }
}

impl Maker {
    fn batch(
        &self,
        connection: &mut DbConnection,
        seq: i64,
        kind: CredentialKind,
        size: usize,
    ) -> Result<Vec<String>, StoreError> {
        let now = SystemClock.now();
        let people = numbers::block(connection, Numbered::User, size.div_ceil(self.per_user))?;
        let mut numbers = numbers::block(connection, Numbered::Credential, size)?;
        if let DbConnection::Postgres(connection) = connection {
            let (first_person, first_number) = (*people.start(), *numbers.start());
            return self.copy(connection, &Block { seq, kind, first_person, first_number, size });
        }
        let mut texts = Vec::with_capacity(size);
        for person in people {
            let owner_id = self.user(connection, person, None, now)?;
            for number in numbers.by_ref().take(self.per_user) {
                texts.push(self.credential(connection, (seq, number), (owner_id, kind), now)?);
            }
        }
        Ok(texts)
    }

    fn credential(
        &self,
        connection: &mut DbConnection,
        (seq, number): (i64, i64),
        (owner_id, kind): (UserId, CredentialKind),
        now: Timestamp,
    ) -> Result<String, StoreError> {
        let id = CredentialId::generate(now, &self.random);
        let issued = self.format.issue(kind, id, owner_id, (now, None), &self.random);
        let credential = Credential {
            id,
            number,
            owner_id,
            kind,
            permission: Permission::ReadWrite,
            scopes: None,
            audiences: None,
            secret_hash: issued.hash,
            created_at: now,
            created_seq: seq,
            expires_at: None,
            is_revoked: false,
            last_used_at: None,
        };
        let new = (credential, Description::new(format!("trial {number}")));
        credentials::insert(connection, new, self.organization_id, Some(owner_id))?;
        Ok(issued.text.expose_secret().to_owned())
    }

    fn user(
        &self,
        connection: &mut DbConnection,
        number: i64,
        email: Option<Email>,
        now: Timestamp,
    ) -> Result<UserId, StoreError> {
        let id = UserId::generate(now, &self.random);
        let user = User {
            id,
            number,
            kind: if email.is_some() { UserKind::Person } else { UserKind::ServiceAccount },
            email,
            name: format!("Trial {number}"),
            operator_since: None,
            disabled_at: None,
            revoked_seq: 0,
            created_at: now,
        };
        users::insert(connection, user, None)?;
        let membership = Membership {
            organization_id: self.organization_id,
            user_id: id,
            role: Role::Member,
            groups: None,
            created_at: now,
            ended_at: None,
            revoked_seq: 0,
        };
        memberships::insert(connection, membership)?;
        Ok(id)
    }
}

#[cfg(test)]
mod tests {
    use patmint::store::standings;

    use super::*;
    use crate::test_database::TestDatabase;

    /// What the seeder made is what patmint would have made: it is read, found and numbered.
    #[tokio::test]
    async fn seeded_credentials_are_real_ones() {
        let test = TestDatabase::new();
        let (url, folder) = (test.url(), test.folder());
        let seeder = Seeder::new(&url, folder, 2).await.unwrap();
        let mut texts = seeder.make(CredentialKind::Opaque, 5).await.unwrap();
        texts.extend(seeder.make(CredentialKind::Jwt, 1).await.unwrap());
        let mut owners = Vec::new();
        // Bootstrap made the numbers 1 and 2.
        for (text, number) in texts.iter().zip(3..) {
            let presented = seeder.maker.format.parse(text).unwrap();
            let record = seeder.db.read(move |c| standings::record_by_key(c, presented.key)).await;
            let record = record.unwrap().unwrap();
            assert!(record.standing.credential.secret_hash.matches(&presented.hash));
            assert_eq!(record.standing.credential.number, number);
            owners.push(record.owner.number);
        }
        assert_eq!(owners, [2, 2, 3, 3, 4, 5]);
        let last = seeder.db.read(|c| numbers::last(c, Numbered::Credential)).await.unwrap();
        assert_eq!(last, 8, "the next one gets 9");
        assert!(Seeder::new(&url, folder, 2).await.is_err(), "not into what is in use");
    }
}
