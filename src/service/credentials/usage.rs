use std::collections::BTreeMap;

use super::Credentials;
use crate::{
    domain::{ids::CredentialId, refused::Refused},
    service::{authority::Caller, error::ManageError},
    store::{
        DbConnection, StoreError,
        addresses::{self, AddressOfUse},
        refusals, usage,
    },
};

/// For how many days use is shown.
const DAYS: i64 = 90;

const SECONDS_A_DAY: i64 = 86_400;

/// How often a credential was presented on one day.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DayOfUse {
    /// The day (UTC), as `YYYY-MM-DD`.
    pub day: String,
    /// By how it ended: `granted`, or the reason of the refusal.
    pub outcomes: BTreeMap<String, i64>,
}

/// How a credential was used, as far as that is written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CredentialUsage {
    /// The last 90 days, newest first; those without any use are left out.
    pub days: Vec<DayOfUse>,
    /// The last addresses from which it was used, newest first.
    pub addresses: Vec<AddressOfUse>,
    /// The last refusals, newest first.
    pub refusals: Vec<Refused>,
}

impl Credentials {
    /// How one of the caller's credentials was used.
    ///
    /// # Errors
    /// As [`get`](Self::get).
    pub async fn usage(&self, caller: &Caller, id: CredentialId) -> Result<CredentialUsage, ManageError> {
        self.get(caller, id).await?;
        self.uses(id).await
    }

    /// The same of one credential of an organization, for its admins.
    ///
    /// # Errors
    /// As [`get_of`](Self::get_of).
    pub async fn usage_of(
        &self,
        caller: &Caller,
        organization: &str,
        id: CredentialId,
    ) -> Result<CredentialUsage, ManageError> {
        self.get_of(caller, organization, id).await?;
        self.uses(id).await
    }

    async fn uses(&self, id: CredentialId) -> Result<CredentialUsage, ManageError> {
        let since = self.core.clock.now().plus_seconds(-(DAYS - 1) * SECONDS_A_DAY).day();
        let read = move |connection: &mut DbConnection| {
            let days = by_day(usage::counts_of(connection, id, &since)?);
            let (addresses, refusals) = (addresses::of(connection, id)?, refusals::of(connection, id)?);
            Ok::<_, StoreError>(CredentialUsage { days, addresses, refusals })
        };
        Ok(self.core.db.read(read).await?)
    }
}

/// `counts` by day and outcome, the days in their order.
fn by_day(counts: Vec<(String, String, i64)>) -> Vec<DayOfUse> {
    let mut days: Vec<DayOfUse> = Vec::new();
    for (day, outcome, count) in counts {
        match days.last_mut() {
            Some(last) if last.day == day => {
                last.outcomes.insert(outcome, count);
            }
            Some(_) | None => days.push(DayOfUse { day, outcomes: BTreeMap::from([(outcome, count)]) }),
        }
    }
    days
}
