//! The frame of every management change: counter, decision, change, list entries and audit row in one transaction, and
//! then the wait until no exchange goes by the old state any more.

use std::{net::IpAddr, sync::Arc, time::Duration};

use serde_json::Value;
use tokio::time;

use super::exchange::{Bell, Memory};
use crate::{
    domain::{
        clock::{Clock, Timestamp},
        ids::{AuditId, CredentialId, OrganizationId, UserId},
        list::{Entry, Target},
        random::Randomness,
    },
    store::{
        Database, DbConnection, StoreError,
        audit::{self, AuditRecord},
        list,
    },
};

/// Who makes a change, for the audit trail.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Actor {
    /// The user; `None` = whoever held the credential, or the command line.
    pub(crate) user: Option<UserId>,
    /// The credential that stood for the user.
    pub(crate) credential: Option<CredentialId>,
    /// Where the request came from.
    pub(crate) address: Option<IpAddr>,
}

/// A change under way: holds the one lock of all changes.
pub(crate) struct Change<'a> {
    pub(crate) connection: &'a mut DbConnection,
    pub(crate) now: Timestamp,
    /// The number of the change.
    pub(crate) seq: i64,
    random: Arc<dyn Randomness>,
    /// The number of the last entry.
    appended: Option<i64>,
}

impl Change<'_> {
    /// Puts an entry on the list; `revokes` if it also ends access tokens that are out.
    pub(crate) fn append(&mut self, target: Target, revokes: bool) -> Result<(), StoreError> {
        // The first entry has the number of the change itself; each further one needs its own.
        let seq = if self.appended.is_none() { self.seq } else { list::raise(self.connection)? };
        self.appended = Some(seq);
        list::append(self.connection, Entry { seq, target, revokes, created_at: self.now })
    }

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
            address: actor.address.map(|address| address.to_canonical().to_string()),
            detail: detail.map(Value::to_string),
        };
        audit::insert(self.connection, record)
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
}

impl Changes {
    /// Runs `f` as one change. Answers when memory reflects it, or can no longer be trusted.
    ///
    /// # Errors
    /// What `f` says; then nothing has changed.
    pub(crate) async fn run<T: Send + 'static, E: From<StoreError> + Send + 'static>(
        &self,
        f: impl FnOnce(&mut Change<'_>) -> Result<T, E> + Send + 'static,
    ) -> Result<T, E> {
        let (now, random) = (self.clock.now(), self.random.clone());
        let frame = move |connection: &mut DbConnection, seq: i64| {
            let mut change = Change { connection, now, seq, random, appended: None };
            let value = f(&mut change)?;
            Ok::<_, E>((value, change.appended))
        };
        let (value, appended) = self.db.change(frame).await?;
        if let Some(seq) = appended {
            self.settle(seq).await;
        }
        Ok(value)
    }

    async fn settle(&self, seq: i64) {
        let Some((memory, bell)) = &self.following else { return };
        bell.ring();
        // Past the bound memory is not believed any more: whoever asks then reads the database.
        let _ = time::timeout(self.max_staleness, memory.await_applied(seq)).await;
    }
}
