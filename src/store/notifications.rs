//! A hint from PostgreSQL that the list has grown (`NOTIFY`, `LISTEN`), so that servers look at once and not when their next
//! look is due. Nothing depends on it: it gets lost in a failover, behind a pooler that shares connections, and whenever the
//! connection breaks.

use diesel::{PgConnection, connection::SimpleConnection as _};

use super::{
    connection::{DbConnection, run},
    error::StoreError,
};

/// Names the channel in both statements. A channel belongs to one database.
const NOTIFY: &str = "NOTIFY patmint_list";
const LISTEN: &str = "LISTEN patmint_list";

/// Tells all listeners when the transaction under way has been committed. SQLite knows no such thing.
///
/// # Errors
/// [`StoreError`].
pub fn notify(connection: &mut DbConnection) -> Result<(), StoreError> {
    match connection {
        DbConnection::Postgres(connection) => run(connection.batch_execute(NOTIFY)),
        DbConnection::Sqlite(_) => Ok(()),
    }
}

/// A connection that is told.
pub struct Listener(PgConnection);

impl Listener {
    /// Listens on `connection`; `None` where there is nothing to hear.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn on(connection: DbConnection) -> Result<Option<Self>, StoreError> {
        match connection {
            DbConnection::Postgres(mut connection) => {
                run(connection.batch_execute(LISTEN))?;
                Ok(Some(Self(connection)))
            }
            DbConnection::Sqlite(_) => Ok(None),
        }
    }

    /// Whether it was told anything since it was last asked. Reads what has arrived, and neither waits nor asks the server.
    ///
    /// # Errors
    /// [`StoreError`] if the connection is broken.
    pub fn was_told(&mut self) -> Result<bool, StoreError> {
        let mut was_told = false;
        for notification in self.0.notifications_iter() {
            run(notification)?;
            was_told = true;
        }
        Ok(was_told)
    }
}
