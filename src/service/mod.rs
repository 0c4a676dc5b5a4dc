//! What patmint does: decides and writes. Knows no HTTP.

mod authority;
mod background;
mod behind;
mod bootstrap;
mod change;
mod core;
mod credentials;
mod error;
mod exchange;
mod feed;
mod health;
mod invitations;
mod keys;
mod members;
mod names;
mod organizations;
mod paging;
mod passwords;
mod policies;
mod restored;
mod service_accounts;
mod sessions;
mod start;
mod status_list;
#[cfg(test)]
mod testing;
mod usage;
mod users;
mod watcher;

pub use self::core::{LARGEST_STALENESS, Settings};
pub use authority::{Caller, Proof};
pub use bootstrap::{Bootstrap, BootstrapError, Bootstrapped};
pub use credentials::{
    Credentials, DayOfUse, Expiry, HandedIn, Listing, MAX_IDS, MAX_OVERLAP, MAX_PAGE, NewToken, Page, Rotation, Seen,
    TokenEdit, Which,
};
pub use error::ManageError;
pub use exchange::{Exchange, ExchangeError, Exchanged, FeedPage};
pub use feed::{Delta, Feed, FeedError};
pub use health::{Health, NotReady};
pub use invitations::{Acceptance, Accepted, Invitations, NewInvitation, SeenInvitation};
pub use keys::{KeyRing, KeyRingError, Keys, RootKeyError, ShownKey, Withdrawn};
pub use members::{Member, MemberEdit, Members};
pub use organizations::{Founded, NewOrganization, Organizations, SeenOrganization};
pub use paging::{Paged, Part};
pub use policies::{Policies, Precondition};
pub use restored::{Restoration, Revoked};
pub use service_accounts::{ServiceAccountEdit, ServiceAccounts};
pub use sessions::{IDLE_TTL, MAX_TTL, Sessions, SignedIn};
pub use start::{Environment, Services, StartError};
pub use status_list::{StatusListError, StatusLists, TTL as STATUS_LIST_TTL};
pub use users::Users;

pub use crate::store::memberships::MemberFilter;
