//! The ways in which a request can fail. Codes are stable: programs go by them.

/// One of them.
#[derive(Clone, Copy)]
pub(crate) struct Refusal {
    pub(super) status: u16,
    pub(super) code: &'static str,
    pub(super) meaning: &'static str,
}

const fn refusal(status: u16, code: &'static str, meaning: &'static str) -> Refusal {
    Refusal { status, code, meaning }
}

/// A member of the body, or a parameter, is wrong.
pub(crate) const INVALID: Refusal = refusal(422, "invalid", "a member or parameter is wrong; `detail` names it");

/// Of every body in JSON.
pub(crate) const OF_JSON: [Refusal; 6] = [
    refusal(400, "malformed_json", "the body is not JSON, or has a member twice"),
    refusal(400, "body_broken", "the body broke off"),
    refusal(408, "body_too_slow", "the body took longer than 10 seconds"),
    refusal(413, "body_too_large", "the body is larger than 65,536 bytes"),
    refusal(415, "unsupported_media_type", "the body is not declared as `application/json`"),
    INVALID,
];

pub(crate) const INVALID_QUERY: Refusal = refusal(400, "invalid_query", "a parameter is wrong; `detail` names it");
pub(crate) const UNAUTHENTICATED: Refusal =
    refusal(401, "unauthenticated", "nothing was shown, or nothing that is alive");
pub(crate) const SIGN_IN_FAILED: Refusal =
    refusal(401, "sign_in_failed", "e-mail address and password do not belong to an account");
pub(crate) const FEED_TOKEN_REQUIRED: Refusal =
    refusal(401, "feed_token_required", "the operator set a feed token, and it was not shown");
pub(crate) const FORBIDDEN: Refusal =
    refusal(403, "forbidden", "the caller may not; a token may not do what needs a session");
pub(crate) const CROSS_SITE: Refusal =
    refusal(403, "cross_site", "the session's cookie came with a request from another site");
pub(crate) const NOT_FOUND: Refusal =
    refusal(404, "not_found", "there is no such thing, or it is not the caller's to know");
pub(crate) const TOKEN_LIMIT_REACHED: Refusal =
    refusal(409, "token_limit_reached", "the user has as many active tokens as the policy allows");
pub(crate) const TOKEN_REVOKED: Refusal = refusal(409, "token_revoked", "the token is revoked");
pub(crate) const TOKEN_ROTATED: Refusal = refusal(409, "token_rotated", "the token was rotated already");
pub(crate) const PREDECESSOR_ALIVE: Refusal =
    refusal(409, "predecessor_alive", "the token that this one replaced is still good");
pub(crate) const IDEMPOTENCY_IN_PROGRESS: Refusal =
    refusal(409, "idempotency_in_progress", "a request with this `Idempotency-Key` still runs");
pub(crate) const IDEMPOTENCY_KEY_REUSED: Refusal =
    refusal(422, "idempotency_key_reused", "an earlier request with this `Idempotency-Key` asked for something else");
pub(crate) const INVITATION_WITHDRAWN: Refusal =
    refusal(409, "invitation_withdrawn", "what an earlier request with this `Idempotency-Key` made was withdrawn");
pub(crate) const NOT_UNDERSTOOD: Refusal =
    refusal(409, "not_understood", "a newer patmint wrote it, and only a server of that version understands it");
pub(crate) const SLUG_TAKEN: Refusal = refusal(409, "slug_taken", "an organization has or had this slug");
pub(crate) const LAST_OWNER: Refusal = refusal(409, "last_owner", "the organization would have no owner left");
pub(crate) const LAST_OPERATOR: Refusal = refusal(409, "last_operator", "there would be no operator left");
pub(crate) const NO_PASSWORD: Refusal = refusal(409, "no_password", "only a person has a password");
pub(crate) const ALREADY_MEMBER: Refusal = refusal(409, "already_member", "whoever is meant is a member already");
pub(crate) const INVITATION_ACCEPTED: Refusal = refusal(409, "invitation_accepted", "the invitation was accepted");
pub(crate) const SIGN_IN_REQUIRED: Refusal =
    refusal(409, "sign_in_required", "whoever has the invited address has an account and must be signed in with it");
pub(crate) const PRECONDITION_FAILED: Refusal = refusal(412, "precondition_failed", "it has changed since it was read");
pub(crate) const PRECONDITION_REQUIRED: Refusal = refusal(428, "precondition_required", "`If-Match` is missing");
pub(crate) const TOO_MANY_ATTEMPTS: Refusal = refusal(
    429,
    "too_many_attempts",
    "too many wrong passwords from here or for this account, whether this one is right",
);
pub(crate) const INTERNAL: Refusal = refusal(500, "internal", "a defect; `request_id` finds the log line");
pub(crate) const UNAVAILABLE: Refusal = refusal(
    503,
    "unavailable",
    "the database does not answer, or too many ask at once; `request_id` finds the log line",
);

/// Of the exchange and its like, in words of Django REST framework.
pub(crate) const MALFORMED: Refusal = refusal(400, "", "the body or a member of it is wrong");
pub(crate) const TOKEN_NOT_VALID: Refusal =
    refusal(401, "token_not_valid", "the credential is dead, unknown or malformed: all alike");
pub(crate) const NOT_AUTHENTICATED: Refusal = refusal(401, "", "nothing was shown, or nothing that is alive");
pub(crate) const TOO_SLOW: Refusal = refusal(408, "", "the body took longer than 10 seconds");
pub(crate) const TOO_LARGE: Refusal = refusal(413, "", "the body is larger than 65,536 bytes");
pub(crate) const MEDIA_TYPE: Refusal = refusal(415, "", "the body is neither JSON nor a form");

/// Of `/oauth/…`.
pub(crate) const INVALID_REQUEST: [Refusal; 3] = [
    refusal(400, "invalid_request", "the form or its parameter `token` is missing, repeated or cannot be read"),
    refusal(408, "invalid_request", "the body took longer than 10 seconds"),
    refusal(413, "invalid_request", "the body is larger than 65,536 bytes"),
];
pub(crate) const UNSUPPORTED_TOKEN_TYPE: Refusal =
    refusal(400, "unsupported_token_type", "access tokens are not revoked here");
pub(crate) const TEMPORARILY_UNAVAILABLE: Refusal =
    refusal(503, "temporarily_unavailable", "the database does not answer");
