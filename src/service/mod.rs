//! What patmint does: decides and writes. Knows no HTTP.

mod audit;
mod authority;
mod background;
mod behind;
#[cfg(test)]
mod beside_changes_tests;
mod bootstrap;
mod change;
mod core;
mod credentials;
mod database_clock;
mod doctor;
mod error;
mod exchange;
mod explain;
mod feed;
mod guesses;
mod health;
mod housekeeping;
mod idempotency;
mod invitations;
mod keys;
mod log_sample;
mod members;
mod metrics;
mod modes;
mod monitor;
mod names;
mod organizations;
mod paging;
mod passwords;
mod policies;
mod restored;
mod retention;
mod service_accounts;
mod services;
mod sessions;
mod start;
mod status_list;
mod stop;
#[cfg(test)]
mod testing;
mod usage;
mod users;
mod watcher;

pub use self::core::{LARGEST_STALENESS, Settings};
pub use audit::{Audit, AuditPage, AuditPart, AuditStart};
pub use authority::{Caller, Proof};
pub use bootstrap::{Bootstrap, BootstrapError, Bootstrapped};
pub use credentials::{
    CredentialUsage, Credentials, DayOfUse, Expiry, HandedIn, Listing, MAX_IDS, MAX_OVERLAP, MAX_PAGE, NewToken, Page,
    Rotation, Seen, TokenEdit, Which,
};
pub use doctor::{Doctor, Examined, Finding, Outcome};
pub use error::ManageError;
pub use exchange::{Exchange, ExchangeError, Exchanged, FeedPage};
pub use explain::{Explained, Explanations, RefusedToken};
pub use feed::{Delta, Feed, FeedError, FeedRequest};
pub use health::{Health, NotReady};
pub use invitations::{Acceptance, Accepted, Invitations, NewInvitation, SeenInvitation};
pub use keys::{KeyRing, KeyRingError, Keys, RootKeyError, ShownKey, Withdrawn};
pub(crate) use log_sample::LogSample;
pub use members::{Member, MemberEdit, Members};
pub use metrics::{BOUNDS, Counted, Durations};
pub(crate) use modes::FileModes;
pub use monitor::{EXPIRING_WITHIN, Monitor, Rows, Snapshot};
pub use organizations::{Founded, NewOrganization, Organizations, SeenOrganization};
pub use paging::{Paged, Part};
pub use policies::{Policies, Precondition};
pub use restored::{Restoration, Revoked};
pub use service_accounts::{ServiceAccountEdit, ServiceAccounts};
pub use services::Services;
pub use sessions::{IDLE_TTL, MAX_TTL, Sessions, SignedIn};
pub use start::{Environment, StartError, ensure_served};
pub use status_list::{StatusListError, StatusLists, TTL as STATUS_LIST_TTL};
pub use users::Users;

pub use crate::store::{
    addresses::AddressOfUse,
    audit::{AuditFilter, AuditPlace, Audited},
    memberships::MemberFilter,
};
