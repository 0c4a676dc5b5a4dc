//! What patmint does, seen from outside: the tree of the tests is the tree of the URLs. Each test has a server and a
//! database of its own; `PATMINT_TEST_DATABASE` chooses the engine (see `support/database.rs`).

#![expect(unreachable_pub, reason = "a test binary has no outside; pub reads better than pub(crate) everywhere")]
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "what the helpers of a test do not find is a failed test, as in the tests themselves"
)]

mod support;

mod api_token_refresh;
mod api_v1_audit;
mod api_v1_orgs;
mod api_v1_orgs_audit;
mod api_v1_orgs_invitations;
mod api_v1_orgs_members;
mod api_v1_orgs_policy;
mod api_v1_orgs_revocations;
mod api_v1_orgs_service_accounts;
mod api_v1_orgs_tokens;
mod api_v1_revocations;
mod api_v1_session;
mod api_v1_sessions;
mod api_v1_tokens;
mod api_v1_users;
mod audit;
mod compat_label_studio;
mod hints;
mod hostile;
mod idempotency;
mod invitations;
mod keys;
mod metrics;
mod newer_version;
mod oauth_revoke;
mod openapi;
mod operations;
mod proxies;
mod races;
mod request_ids;
mod revocations;
mod rights;
mod status_lists;
mod usage;
mod user_disable;
mod verifier;
mod well_known;
