//! What became of a request, for whoever runs this installation: strangers get one equal answer to all that is refused.

use std::sync::Arc;

use super::core::Core;
use crate::{
    domain::{ids::RequestId, refused::Refused, standing::Record},
    store::{
        DbConnection, StoreError,
        audit::{self, Audited},
        refusals, standings,
    },
};

/// Explains requests.
pub struct Explanations {
    pub(crate) core: Arc<Core>,
}

/// What is known of a request.
#[derive(Debug)]
pub struct Explained {
    /// The token that was refused in it, if one was.
    pub refused: Option<RefusedToken>,
    /// What was done in it.
    pub done: Vec<Audited>,
}

/// A token that was refused.
#[derive(Debug)]
pub struct RefusedToken {
    /// How.
    pub refused: Refused,
    /// The token as it is now.
    pub record: Record,
}

impl Explanations {
    /// What is known of a request; `None` = nothing. What happened in the last seconds may not be written yet.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn of(&self, id: RequestId) -> Result<Option<Explained>, StoreError> {
        let read = move |connection: &mut DbConnection| {
            let refused = match refusals::in_request(connection, id)? {
                Some((credential, refused)) => {
                    let record = standings::record_by_id(connection, credential)?;
                    record.map(|record| RefusedToken { refused, record })
                }
                None => None,
            };
            Ok::<_, StoreError>(Explained { refused, done: audit::in_request(connection, id)? })
        };
        let explained = self.core.db.read(read).await?;
        Ok((explained.refused.is_some() || !explained.done.is_empty()).then_some(explained))
    }
}
