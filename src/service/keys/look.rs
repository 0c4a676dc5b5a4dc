use std::path::Path;

use super::{KeyRingError, opening, root::RootKeys, stored::Stored};
use crate::{
    domain::clock::{Clock, Timestamp},
    store::DbConnection,
};

/// What was seen of the keys.
pub(crate) struct SeenKeys {
    /// The `kid` of the one that signs.
    pub(crate) signer: String,
    /// How many are published.
    pub(crate) published: usize,
    /// A key that says that it was made later than now, and when.
    pub(crate) from_the_future: Option<(String, Timestamp)>,
    /// Whether the first line of `root.key` alone would not open all.
    pub(crate) needs_older_lines: bool,
}

/// Opens the keys, and changes nothing. `None` if there are none yet.
///
/// # Errors
/// See [`KeyRingError`].
pub(crate) fn look(
    connection: &mut DbConnection,
    folder: &Path,
    clock: &dyn Clock,
) -> Result<Option<SeenKeys>, KeyRingError> {
    let stored = Stored::read(connection)?;
    if stored.rows.is_empty() {
        return Ok(None);
    }
    let (roots, now) = (RootKeys::read(folder)?, clock.of_database(stored.now));
    opening::tag(&stored, &roots, folder)?;
    let signing = opening::signing(&stored, &roots, folder, now)?;
    let newest = roots.newest();
    Ok(Some(SeenKeys {
        signer: signing.schedule.signer(now).kid().to_owned(),
        published: signing.schedule.published(now).count(),
        from_the_future: stored
            .signing()
            .find(|key| key.withdrawn_at.is_none() && key.is_from_the_future(now))
            .map(|key| (key.kid.clone(), key.created_at)),
        needs_older_lines: stored.rows.iter().any(|key| !opening::opens(key, &newest)),
    }))
}
