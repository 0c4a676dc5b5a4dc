//! The frame of every management change: counter, decision, change, list entries and audit row in one transaction, and
//! then the wait until no exchange goes by the old state any more.

use std::{sync::Arc, time::Duration};

use serde_json::Value;
use tokio::time;
use tracing::field::display;

use super::{
    core::LARGEST_STALENESS,
    exchange::{Bell, Memory, Pauses, Point, Presence},
};
use crate::{
    domain::{
        clock::{Clock, Timestamp},
        ids::{AuditId, CredentialId, OrganizationId, UserId},
        list::{Entry, Target},
        means::Means,
        membership::Membership,
        random::Randomness,
        source::Source,
    },
    store::{
        Database, DbConnection, StoreError,
        audit::{self, AuditRecord},
        list::{self, Stamp},
        notifications,
        replicas::{self, Replica},
    },
    trace::{self, timed},
};

/// How soon it is looked again whether the other servers have applied a change. Twice as long each time: they are told of it
/// at once where the database does so, and then it takes them some milliseconds.
const FIRST_LOOK: Duration = Duration::from_millis(1);

/// How often it is looked later on.
const LOOK_EVERY: Duration = Duration::from_millis(10);

/// Who makes a change, for the audit trail.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Actor {
    /// The user; `None` = whoever held the credential, the command line, or the server itself.
    pub(crate) user: Option<UserId>,
    /// The credential that stood for the user.
    pub(crate) credential: Option<CredentialId>,
    /// By what.
    pub(crate) means: Means,
    /// Where the request came from.
    pub(crate) source: Source,
}

impl Actor {
    /// Whoever is at the command line.
    pub(crate) const COMMAND: Self = Self::nobody(Means::Command);

    /// The server itself.
    pub(crate) const SERVER: Self = Self::nobody(Means::Server);

    const fn nobody(means: Means) -> Self {
        Self { user: None, credential: None, means, source: Source { address: None, request_id: None } }
    }
}

/// A change under way: holds the one lock of all changes.
pub(crate) struct Change<'a, L = Listing> {
    pub(crate) connection: &'a mut DbConnection,
    /// When it is made, by the database's clock.
    pub(crate) now: Timestamp,
    /// The number of the change.
    pub(crate) seq: i64,
    random: Arc<dyn Randomness>,
    listing: L,
}

/// What a change puts on the list.
pub(crate) struct Listing {
    /// Each further entry takes a number of its own, by the database's clock too.
    clock: Arc<dyn Clock>,
    /// The number of the last entry, or of what is waited for all the same.
    appended: Option<i64>,
}

/// A write that alters no verdict and no right: it has no number of its own, cannot put anything on the list, and takes
/// the locks of its rows only. Its `seq` is that of the last change.
pub(crate) type Write<'a> = Change<'a, ()>;

impl Change<'_> {
    /// Puts an entry on the list; `revokes` if it also ends access tokens that are out.
    pub(crate) fn append(&mut self, target: Target, revokes: bool) -> Result<(), StoreError> {
        // The first entry has the number of the change itself; each further one needs its own.
        let seq = if self.listing.appended.is_none() {
            self.seq
        } else {
            list::raise(self.connection, &*self.listing.clock)?.seq
        };
        self.listing.appended = Some(seq);
        list::append(self.connection, Entry { seq, target, revokes, created_at: self.now })
    }

    /// Makes every server read the keys again, which this change alters, before it is answered.
    pub(crate) fn renew_keys(&mut self) -> Result<(), StoreError> {
        self.listing.appended = self.listing.appended.or(Some(self.seq));
        list::note_change_of_keys(self.connection, self.seq)
    }

    /// Puts an entry on the list for each of `targets`, all of which end access tokens that are out.
    pub(crate) fn append_each(&mut self, targets: Vec<Target>) -> Result<(), StoreError> {
        let mut rest = targets.into_iter();
        let Some(first) = rest.next() else { return Ok(()) };
        self.append(first, true)?;
        let count = i64::try_from(rest.len()).unwrap_or(i64::MAX);
        if count > 0 {
            let last = list::raise_by(self.connection, count, &*self.listing.clock)?.seq;
            let created_at = self.now;
            let entry = |(seq, target)| Entry { seq, target, revokes: true, created_at };
            list::append_all(self.connection, (last - count + 1..).zip(rest).map(entry).collect())?;
            self.listing.appended = Some(last);
        }
        Ok(())
    }

    /// Nothing has to be changed, but the answer will say that it is so: whoever made it so may not have been answered yet.
    pub(crate) fn is_so_already(&mut self) {
        self.listing.appended = self.listing.appended.or(Some(self.seq));
    }
}

impl<L> Change<'_, L> {
    /// Writes down who did what. `detail` holds no secret.
    pub(crate) fn record(
        &mut self,
        actor: Actor,
        action: &str,
        organization: Option<OrganizationId>,
        subject: Option<String>,
        detail: Option<&Value>,
    ) -> Result<(), StoreError> {
        let record = AuditRecord {
            id: AuditId::generate(self.now, &*self.random),
            seq: self.seq,
            created_at: self.now,
            organization_id: organization,
            actor_user_id: actor.user,
            actor_credential_id: actor.credential,
            action: action.to_owned(),
            subject_id: subject,
            address: actor.source.address.map(|address| address.to_canonical().to_string()),
            detail: detail.map(Value::to_string),
            request_id: actor.source.request_id,
            via: Some(actor.means),
        };
        audit::insert(self.connection, record)
    }

    /// Writes down what somebody does to their own account, in each organization that they are in: its admins want to know.
    /// For whoever is in none, with what belongs to no organization.
    pub(crate) fn record_own<'a>(
        &mut self,
        actor: Actor,
        action: &str,
        memberships: impl Iterator<Item = &'a Membership>,
        subject: &str,
    ) -> Result<(), StoreError> {
        let mut organizations: Vec<_> = memberships.map(|own| Some(own.organization_id)).collect();
        if organizations.is_empty() {
            organizations.push(None);
        }
        organizations.into_iter().try_for_each(|id| self.record(actor, action, id, Some(subject.to_owned()), None))
    }
}

/// Makes changes.
pub(crate) struct Changes {
    pub(crate) db: Database,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) random: Arc<dyn Randomness>,
    /// Absent where nothing is exchanged: on the command line.
    pub(crate) following: Option<(Arc<Memory>, Arc<Bell>)>,
    pub(crate) max_staleness: Duration,
    /// This server's row among the replicas.
    pub(crate) presence: Option<Arc<Presence>>,
    pub(crate) pauses: Pauses,
}

impl Changes {
    /// Runs `f` as one change. Answers when the memory of every server reflects it, or can no longer be trusted. `f` is
    /// cloned and runs again if PostgreSQL aborts the transaction.
    ///
    /// # Errors
    /// What `f` says; then nothing has changed.
    pub(crate) async fn run<T: Send + 'static, E: From<StoreError> + Send + 'static>(
        &self,
        f: impl FnOnce(&mut Change<'_>) -> Result<T, E> + Clone + Send + 'static,
    ) -> Result<T, E> {
        let frame = self.frame(f);
        self.pauses.at(Point::Changing);
        let (value, appended) = timed("change", self.db.change(self.clock.clone(), frame)).await?;
        if let Some(seq) = appended {
            timed("wait for all servers", self.settle(seq)).await;
        }
        Ok(value)
    }

    /// Runs `f` in a transaction beside all changes: for what alters no verdict and no right. What it decides on it holds by
    /// locks of the rows. Like [`run`](Self::run), it may run `f` again.
    ///
    /// # Errors
    /// As [`run`](Self::run).
    pub(crate) async fn write<T: Send + 'static, E: From<StoreError> + Send + 'static>(
        &self,
        f: impl FnOnce(&mut Write<'_>) -> Result<T, E> + Clone + Send + 'static,
    ) -> Result<T, E> {
        let (now, random) = (self.clock.now(), self.random.clone());
        let write = move |connection: &mut DbConnection| {
            let seq = list::head(connection)?.seq;
            f(&mut Change { connection, now, seq, random, listing: () })
        };
        self.db.write(write).await
    }

    /// The same as [`run`](Self::run) for a change that may take minutes, in which nobody else can make one: for commands only.
    ///
    /// # Errors
    /// As [`run`](Self::run).
    pub(crate) async fn run_at_length<T: Send + 'static, E: From<StoreError> + Send + 'static>(
        &self,
        f: impl FnOnce(&mut Change<'_>) -> Result<T, E> + Clone + Send + 'static,
    ) -> Result<T, E> {
        let change = self.db.change_at_length(self.clock.clone(), self.frame(f));
        let (value, appended) = timed("change", change).await?;
        if let Some(seq) = appended {
            timed("wait for all servers", self.settle(seq)).await;
        }
        Ok(value)
    }

    /// `f` between the counter and what it appended.
    fn frame<T, E: From<StoreError>, F: FnOnce(&mut Change<'_>) -> Result<T, E> + Clone>(
        &self,
        f: F,
    ) -> impl FnOnce(&mut DbConnection, Stamp) -> Result<(T, Option<i64>), E> + Clone + use<T, E, F> {
        let (clock, random) = (self.clock.clone(), self.random.clone());
        let seen = self.following.as_ref().map_or(0, |(memory, _)| memory.seen());
        move |connection, Stamp { seq, now }| {
            if seq <= seen {
                // A restored backup, or a failover to a database whose clock is behind what was seen: the follower sees to it
                // that no number comes again, and then it works.
                return Err(StoreError::Busy.into());
            }
            let mut change = Change { connection, now, seq, random, listing: Listing { clock, appended: None } };
            let value = f(&mut change)?;
            if change.listing.appended.is_some() {
                notifications::notify(change.connection)?;
            }
            Ok((value, change.listing.appended))
        }
    }

    /// Waits until no exchange that starts from now on goes by what was before the change `seq`, on any server.
    pub(crate) async fn settle(&self, seq: i64) {
        let committed_at = self.clock.since_boot();
        if let Some((memory, bell)) = &self.following {
            bell.ring();
            // Past the bound memory is not believed any more: whoever asks then reads the database.
            let _ = time::timeout(self.max_staleness, memory.await_applied(seq)).await;
        }
        // For as long as nobody can say whom to wait for: the most that there can be.
        let (mut bound, mut is_told) = (LARGEST_STALENESS, false);
        let mut pause = FIRST_LOOK;
        loop {
            // After the commit: a server that is not there yet has not looked yet either, and will see the change.
            match self.largest_bound_behind(seq).await {
                Ok(None) => return,
                Ok(Some(largest)) => bound = largest,
                Err(error) if !is_told => {
                    let request_id = trace::request_id().map(display);
                    tracing::warn!(request_id, %error, "cannot see whether the other servers have applied a change");
                    is_told = true;
                }
                Err(_) => {}
            }
            self.pauses.at(Point::OthersBehind);
            if self.clock.since_boot() >= committed_at + bound {
                return;
            }
            time::sleep(pause).await;
            pause = (pause * 2).min(LOOK_EVERY);
        }
    }

    /// The largest bound of the other servers that have not applied `seq`; `None` if all have.
    async fn largest_bound_behind(&self, seq: i64) -> Result<Option<Duration>, StoreError> {
        // Its own memory was waited for above.
        let own = self.presence.as_ref().and_then(|presence| presence.id());
        // The rows first: then nothing that they have applied can be above the head, unless a failover lost it, and then
        // it says nothing of the change. When another server has raised the counter meanwhile, a lost number may also
        // lie between the change and the head: whoever noted it is not waited for, and goes by the old until its follower
        // looks again, for about 100 ms.
        let rows_and_head =
            |connection: &mut _| Ok::<_, StoreError>((replicas::all(connection)?, list::head(connection)?));
        let (rows, head) = self.db.read(rows_and_head).await?;
        let has_applied = |row: &Replica| (seq..=head.seq).contains(&row.applied);
        let behind = rows.iter().filter(|row| Some(row.id) != own && !has_applied(row));
        Ok(behind.map(Replica::max_staleness).max())
    }
}
