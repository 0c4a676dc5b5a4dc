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
    store::token_lists::{self, Selection, Stretch},
};

/// The most credentials on one page of a list.
pub const MAX_PAGE: i64 = 200;

/// How many are read at once where a page is not full yet.
const STEP: i64 = 250;

/// How many credentials are looked at in one step, whatever the filter admits: a name that nobody has would otherwise be
/// looked for among millions. Few in tests, which have few.
const WINDOW: i64 = if cfg!(test) { 3 } else { 20_000 };

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
            let stretch = Stretch { below, limit: count, window: WINDOW };
            let found = self.core.db.read(move |c| token_lists::page(c, &asked, stretch)).await?;
            let is_full = i64::try_from(found.records.len()).unwrap_or(i64::MAX) == count;
            for record in found.records {
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
            match found.rest {
                Some(rest) => below = rest,
                None if is_full => {}
                None => return Ok(Page { items, next: None }),
            }
            count = STEP;
        }
        Ok(Page { items, next: Some(below) })
    }
}

#[cfg(test)]
mod tests {
    use secrecy::ExposeSecret as _;

    use super::*;
    use crate::{
        domain::source::Source,
        service::testing::{Replica, block_on},
    };

    #[test]
    fn a_page_looks_at_a_bounded_part_and_the_pages_together_at_all() {
        let replica = Replica::new();
        let most = i64::try_from(MOST_STEPS).unwrap() * WINDOW;
        // The two that there are get numbers so far apart that two pages lie between them, and others are in between.
        let columns = "organization_id, owner_id, kind, permission, created_at, created_seq";
        for number in 3..=2 * most + 2 {
            let hash = format!("{number:032}");
            let hash = match replica.db.url().sqlite_path() {
                Some(_) => format!("CAST('{hash}' AS BLOB)"),
                None => format!("convert_to('{hash}', 'UTF8')"),
            };
            replica.execute(&format!(
                "INSERT INTO credentials (id, number, name, secret_hash, {columns})
                 SELECT '0199aaaa-0000-7000-8000-{number:012}', {number}, 'other', {hash}, {columns}
                 FROM credentials WHERE number = 2"
            ));
        }
        let last = 2 * most + 3;
        replica.execute(&format!(
            "UPDATE credentials SET number = {last} WHERE number = 2;
             UPDATE credentials SET name = 'Needle' WHERE number IN (1, {last})"
        ));
        let services = &replica.services;
        let signed_in = services.sessions.sign_in("ada@acme.example", replica.password.clone(), Source::default());
        let signed_in = block_on(signed_in).unwrap().token.unwrap();
        let caller = services.credentials.caller(signed_in.expose_secret(), Source::default()).unwrap();
        let (mut before, mut found) = (None, Vec::new());
        loop {
            let filter = TokenFilter { name: Some("needle".to_owned()), ..TokenFilter::default() };
            let listing = Listing { filter, created_by: None, before, limit: 10 };
            let page = block_on(services.credentials.list_of(&caller, "acme", None, listing)).unwrap();
            found.push(page.items.iter().map(|seen| seen.record.standing.credential.number).collect::<Vec<_>>());
            before = page.next;
            if before.is_none() {
                break;
            }
        }
        assert_eq!(found, [vec![last], vec![], vec![1]]);
    }
}
