use std::collections::BTreeMap;

use super::Credentials;
use crate::{
    domain::ids::CredentialId,
    service::{authority::Caller, error::ManageError},
    store::usage,
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

impl Credentials {
    /// How one of the caller's credentials was used in the last 90 days, newest day first, as far as that is written. Days
    /// without any use are left out.
    ///
    /// # Errors
    /// As [`get`](Self::get).
    pub async fn usage(&self, caller: &Caller, id: CredentialId) -> Result<Vec<DayOfUse>, ManageError> {
        self.get(caller, id).await?;
        self.days_of(id).await
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
    ) -> Result<Vec<DayOfUse>, ManageError> {
        self.get_of(caller, organization, id).await?;
        self.days_of(id).await
    }

    async fn days_of(&self, id: CredentialId) -> Result<Vec<DayOfUse>, ManageError> {
        let since = self.core.clock.now().plus_seconds(-(DAYS - 1) * SECONDS_A_DAY).day();
        let counts = self.core.db.read(move |connection| usage::counts_of(connection, id, &since)).await?;
        let mut days: Vec<DayOfUse> = Vec::new();
        for (day, outcome, count) in counts {
            match days.last_mut() {
                Some(last) if last.day == day => {
                    last.outcomes.insert(outcome, count);
                }
                Some(_) | None => days.push(DayOfUse { day, outcomes: BTreeMap::from([(outcome, count)]) }),
            }
        }
        Ok(days)
    }
}
