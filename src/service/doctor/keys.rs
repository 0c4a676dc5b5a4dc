use super::{Doctor, Finding};
use crate::{
    service::keys::{self, KeyRingError},
    store::DbConnection,
};

const CHECK: &str = "keys";

/// Whether the root key opens the keys in the database; and the name of the one that signs.
pub(super) fn look(connection: &mut DbConnection, doctor: &Doctor<'_>) -> (Finding, Option<String>) {
    match keys::look(connection, doctor.keys_dir, doctor.clock) {
        Ok(None) => (Finding::good(CHECK, "there are none yet; the first start makes them"), None),
        Ok(Some(seen)) => {
            let message = format!("root.key opens them; {} signs, {} are published", seen.signer, seen.published);
            let finding = if let Some((kid, at)) = seen.from_the_future {
                let message = format!("{message}; {kid} was made at {at}, which is to come: a clock is wrong, or was");
                Finding::warning(
                    CHECK,
                    message,
                    "set the clocks; patmint keys withdraw takes away a key that is not needed",
                )
            } else if seen.needs_older_lines {
                let message = format!("{message}; some are sealed under an older line of root.key");
                Finding::warning(CHECK, message, "patmint keys reseal, then remove the older lines")
            } else {
                Finding::good(CHECK, message)
            };
            (finding, Some(seen.signer))
        }
        Err(error) => (Finding::wrong(CHECK, error.to_string(), advice(&error)), None),
    }
}

fn advice(error: &KeyRingError) -> &'static str {
    match error {
        KeyRingError::Root(_) | KeyRingError::DoesNotOpen(_) => {
            "put the root.key there that belongs to this database; without it every credential has to be issued anew"
        }
        KeyRingError::Store(_) => "see the database's own log",
        KeyRingError::UnknownAlgorithm { .. } => "use the newer patmint that made the key, or withdraw it there",
        KeyRingError::Damaged(_)
        | KeyRingError::NotAPrivateKey
        | KeyRingError::Known(_)
        | KeyRingError::Withdrawn(_)
        | KeyRingError::NotMade => "restore a backup of the database, then patmint restored",
    }
}
