use std::sync::Arc;

use super::{Credentials, Seen};
use crate::{
    domain::{
        ids::{OrganizationId, UserId},
        organization::Organization,
        token_filter::TokenFilter,
    },
    service::{
        authority::Caller,
        error::{ManageError, invalid},
    },
    store::token_lists::{self, Selection},
};

/// The most credentials on one page of a list.
pub const MAX_PAGE: i64 = 200;

/// How many are read at once where a page is not full yet.
const STEP: i64 = 250;

/// How often is read for one page.
const MOST_STEPS: usize = 8;

/// Which part of a list is asked for.
#[derive(Clone, Debug)]
pub struct Listing {
    /// Which credentials.
    pub filter: TokenFilter,
    /// Only those that this user made for others.
    pub created_by: Option<UserId>,
    /// Only those below this number.
    pub before: Option<i64>,
    /// The most on the page; 1 to [`MAX_PAGE`].
    pub limit: i64,
}

/// A page of a list, newest first. One that is not full is not always the last: of a long list on which the filter admits
/// few, only a part is looked at.
#[derive(Debug)]
pub struct Page {
    /// The credentials.
    pub items: Vec<Seen>,
    /// Where the next page begins: below this number. `None` = this was the last one.
    pub next: Option<i64>,
}

impl Credentials {
    /// The caller's credentials in one organization.
    ///
    /// # Errors
    /// [`ManageError`].
    pub async fn list(
        &self,
        caller: &Caller,
        organization: Option<OrganizationId>,
        listing: Listing,
    ) -> Result<Page, ManageError> {
        let authority = self.core.authenticate(caller).await?;
        authority.may_see_tokens()?;
        let organization = authority.organization(organization)?.1.clone();
        self.page(organization, Some(authority.user.id), listing).await
    }

    pub(super) async fn page(
        &self,
        organization: Arc<Organization>,
        owner: Option<UserId>,
        listing: Listing,
    ) -> Result<Page, ManageError> {
        let Listing { filter, created_by, before, limit } = listing;
        if !(1..=MAX_PAGE).contains(&limit) {
            return Err(invalid("limit", "must be 1 to 200"));
        }
        let wanted = usize::try_from(limit).unwrap_or(usize::MAX);
        let now = self.core.clock.now();
        let selection = Arc::new(Selection { organization, owner, created_by, filter, now });
        let (mut items, mut below) = (Vec::new(), before.unwrap_or(i64::MAX));
        // One more than asked for, to know whether there is a next page.
        let mut count = limit + 1;
        for _ in 0..MOST_STEPS {
            let asked = selection.clone();
            let rows = self.core.db.read(move |c| token_lists::page(c, &asked, below, count)).await?;
            let is_end = i64::try_from(rows.len()).unwrap_or(i64::MAX) < count;
            for record in rows {
                let seen = self.seen(record, now);
                let number = seen.record.standing.credential.number;
                if selection.filter.admits(&seen.record, seen.state, seen.effective_expires_at) {
                    if items.len() == wanted {
                        return Ok(Page { items, next: Some(below) });
                    }
                    items.push(seen);
                }
                below = number;
            }
            if is_end {
                return Ok(Page { items, next: None });
            }
            count = STEP;
        }
        Ok(Page { items, next: Some(below) })
    }
}
