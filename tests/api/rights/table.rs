use patmint::domain::membership::Role;
use serde_json::json;

use super::{
    cast::{Call, Caller, Cast, at},
    org_tokens, trail,
};

/// What each caller is answered: the stranger, a member, an admin and an owner of Acme, an operator who is in another
/// organization, an admin of another one; a read-only, a read-write and a scoped token, all three of somebody who is
/// owner and operator; a service account of Acme's.
pub type Cells = [u16; 10];

/// One request, and what each caller is answered.
pub struct Row {
    pub method: &'static str,
    pub path: &'static str,
    /// What of it: whose, or which.
    pub of: &'static str,
    /// A request as it should be.
    pub request: fn(&Cast, &Caller) -> Call,
    pub expected: Cells,
}

const ALL: Cells = [200; 10];

pub fn row(
    (method, path, of): (&'static str, &'static str, &'static str),
    request: fn(&Cast, &Caller) -> Call,
    expected: Cells,
) -> Row {
    Row { method, path, of, request, expected }
}

/// The whole table.
pub fn rows() -> Vec<Row> {
    let mut rows = open();
    rows.extend(session());
    rows.extend(users());
    rows.extend(own_tokens());
    rows.extend(org_tokens::rows());
    rows.extend(policy());
    rows.extend(trail::rows());
    rows.extend(members());
    rows.extend(invitations());
    rows.extend(service_accounts());
    rows.extend(organizations());
    rows
}

/// What anybody may, whoever they are.
fn open() -> Vec<Row> {
    const EXCHANGE: [&str; 4] = ["/api/token/refresh", "/api/token/refresh/", "/token/refresh", "/token/refresh/"];
    let exchange: [fn(&Cast, &Caller) -> Call; 4] = [
        |cast, _| at(EXCHANGE[0]).json(json!({ "refresh": cast.app.pat.text })),
        |cast, _| at(EXCHANGE[1]).json(json!({ "refresh": cast.app.pat.text })),
        |cast, _| at(EXCHANGE[2]).json(json!({ "refresh": cast.app.pat.text })),
        |cast, _| at(EXCHANGE[3]).json(json!({ "refresh": cast.app.pat.text })),
    ];
    let mut rows: Vec<Row> =
        EXCHANGE.into_iter().zip(exchange).map(|(path, request)| row(("POST", path, ""), request, ALL)).collect();
    rows.extend([
        row(("POST", "/oauth/revoke", ""), |_, _| at("/oauth/revoke").form("token", "unknown"), ALL),
        row(("GET", "/.well-known/jwks.json", ""), |_, _| at("/.well-known/jwks.json"), ALL),
        row(
            ("GET", "/.well-known/oauth-authorization-server", ""),
            |_, _| at("/.well-known/oauth-authorization-server"),
            ALL,
        ),
        row(("GET", "/revocations", ""), |_, _| at("/revocations?after=0"), ALL),
        row(("GET", "/statuslists/{n}", ""), |_, _| at("/statuslists/0"), ALL),
        row(
            ("POST", "/api/v1/revocations", ""),
            |_, _| at("/api/v1/revocations").json(json!({ "token": "unknown" })),
            [202; 10],
        ),
        row(("GET", "/openapi.json", ""), |_, _| at("/openapi.json"), ALL),
        row(("GET", "/docs", ""), |_, _| at("/docs"), ALL),
        row(("GET", "/invitations", ""), |_, _| at("/invitations"), ALL),
        row(("GET", "/invitations.js", ""), |_, _| at("/invitations.js"), ALL),
        row(("GET", "/livez", ""), |_, _| at("/livez"), ALL),
        row(("GET", "/readyz", ""), |_, _| at("/readyz"), ALL),
        row(("GET", "/metrics", "from the operator's networks"), |_, _| at("/metrics"), ALL),
        row(("GET", "/", ""), |_, _| at("/"), ALL),
        row(("OPTIONS", "/", ""), |_, _| at("/"), [204; 10]),
    ]);
    rows
}

fn session() -> Vec<Row> {
    const SESSION: &str = "/api/v1/session";
    const WHOAMI: &str = "/api/current-user/whoami";
    const SOMEBODY: Cells = [401, 200, 200, 200, 200, 200, 200, 200, 200, 200];
    vec![
        row(
            ("POST", SESSION, "the bystander's"),
            |cast, _| {
                let (email, password) = (&cast.bystander.email, &cast.bystander.password);
                at(SESSION).json(json!({ "email": email, "password": password }))
            },
            [201; 10],
        ),
        row(("GET", SESSION, ""), |_, _| at(SESSION), SOMEBODY),
        row(
            ("DELETE", SESSION, ""),
            |cast, caller| at(SESSION).anew(cast, caller),
            [401, 204, 204, 204, 204, 204, 403, 403, 403, 403],
        ),
        row(
            ("POST", "/api/v1/session/password", ""),
            |cast, caller| cast.as_somebody_new(caller, "/api/v1/session/password"),
            [401, 204, 204, 204, 204, 204, 403, 403, 403, 403],
        ),
        row(
            ("DELETE", "/api/v1/sessions", ""),
            |cast, caller| cast.as_somebody_new(caller, "/api/v1/sessions"),
            [401, 204, 204, 204, 204, 204, 403, 403, 403, 403],
        ),
        row(("GET", WHOAMI, ""), |_, _| at(WHOAMI), SOMEBODY),
    ]
}

fn users() -> Vec<Row> {
    const OPERATORS: Cells = [401, 403, 403, 403, 200, 403, 403, 403, 403, 403];
    fn one(cast: &Cast, what: &str) -> Call {
        at(format!("/api/v1/users/{}/{what}", cast.member(Role::Member)))
    }
    vec![
        row(("GET", "/api/v1/users", ""), |_, _| at("/api/v1/users"), OPERATORS),
        row(("POST", "/api/v1/users/{id}/disable", ""), |cast, _| one(cast, "disable"), OPERATORS),
        row(("POST", "/api/v1/users/{id}/enable", ""), |cast, _| one(cast, "enable"), OPERATORS),
        row(("POST", "/api/v1/users/{id}/reset-password", ""), |cast, _| one(cast, "reset-password"), OPERATORS),
        row(
            ("POST", "/api/v1/users/{id}/sign-out", ""),
            |cast, _| one(cast, "sign-out"),
            [401, 403, 403, 403, 204, 403, 403, 403, 403, 403],
        ),
    ]
}

fn own_tokens() -> Vec<Row> {
    const ALL_OWN: &str = "/api/v1/tokens";
    const ONE: &str = "/api/v1/tokens/{id}";
    const NOT_THERE: Cells = [401, 404, 404, 404, 404, 404, 404, 404, 404, 404];
    let own = |cast: &Cast, caller: &Caller| at(format!("{ALL_OWN}/{}", cast.token_of(caller)));
    let foreign = |cast: &Cast, _: &Caller| at(format!("{ALL_OWN}/{}", cast.foreign_token));
    vec![
        row(("GET", ALL_OWN, ""), |_, _| at(ALL_OWN), [401, 200, 200, 200, 200, 200, 200, 200, 403, 200]),
        row(
            ("POST", ALL_OWN, ""),
            |_, _| at(ALL_OWN).json(json!({ "name": "new" })),
            [401, 201, 201, 201, 201, 201, 403, 403, 403, 403],
        ),
        row(("GET", ONE, "one's own"), own, [401, 200, 200, 200, 200, 200, 200, 200, 403, 200]),
        row(("GET", ONE, "another's"), foreign, [401, 404, 404, 404, 404, 404, 404, 404, 403, 404]),
        row(
            ("PATCH", ONE, "one's own"),
            |cast, caller| at(format!("{ALL_OWN}/{}", cast.token_of(caller))).json(json!({ "name": "renamed" })),
            [401, 200, 200, 200, 200, 200, 403, 403, 403, 403],
        ),
        row(
            ("PATCH", ONE, "another's"),
            |cast, _| at(format!("{ALL_OWN}/{}", cast.foreign_token)).json(json!({ "name": "renamed" })),
            NOT_THERE,
        ),
        row(("DELETE", ONE, "one's own"), own, [401, 204, 204, 204, 204, 204, 403, 403, 403, 403]),
        row(("DELETE", ONE, "another's"), foreign, NOT_THERE),
        row(
            ("GET", "/api/v1/tokens/{id}/usage", "one's own"),
            |cast, caller| at(format!("{ALL_OWN}/{}/usage", cast.token_of(caller))),
            [401, 200, 200, 200, 200, 200, 200, 200, 403, 200],
        ),
        row(
            ("GET", "/api/v1/tokens/{id}/usage", "another's"),
            |cast, _| at(format!("{ALL_OWN}/{}/usage", cast.foreign_token)),
            [401, 404, 404, 404, 404, 404, 404, 404, 403, 404],
        ),
        row(
            ("POST", "/api/v1/tokens/{id}/rotate", "one's own"),
            |cast, caller| at(format!("{ALL_OWN}/{}/rotate", cast.token_of(caller))).json(json!({})),
            [401, 201, 201, 201, 201, 201, 403, 403, 403, 403],
        ),
        row(
            ("POST", "/api/v1/tokens/{id}/rotate", "another's"),
            |cast, _| at(format!("{ALL_OWN}/{}/rotate", cast.foreign_token)).json(json!({})),
            NOT_THERE,
        ),
    ]
}

fn policy() -> Vec<Row> {
    const POLICY: &str = "/api/v1/orgs/{org}/policy";
    const ADMINS: Cells = [401, 403, 200, 200, 404, 404, 403, 403, 403, 403];
    vec![
        row(("GET", POLICY, "Acme's"), |_, _| at("/api/v1/orgs/acme/policy"), ADMINS),
        row(
            ("PATCH", POLICY, "Acme's"),
            |_, _| at("/api/v1/orgs/acme/policy").json(json!({ "access_token_ttl": 600 })),
            ADMINS,
        ),
    ]
}

fn members() -> Vec<Row> {
    const ALL_MEMBERS: &str = "/api/v1/orgs/{org}/members";
    const ONE: &str = "/api/v1/orgs/{org}/members/{user}";
    const ADMINS: Cells = [401, 403, 200, 200, 404, 404, 403, 403, 403, 403];
    const OWNERS: Cells = [401, 403, 403, 200, 404, 404, 403, 403, 403, 403];
    fn one(cast: &Cast, role: Role) -> Call {
        at(format!("/api/v1/orgs/acme/members/{}", cast.member(role)))
    }
    vec![
        row(("GET", ALL_MEMBERS, "Acme's"), |_, _| at("/api/v1/orgs/acme/members"), ADMINS),
        row(
            ("PATCH", ONE, "a plain member's groups"),
            |cast, _| one(cast, Role::Member).json(json!({ "groups": ["a"] })),
            ADMINS,
        ),
        row(
            ("PATCH", ONE, "a plain member, to be owner"),
            |cast, _| one(cast, Role::Member).json(json!({ "role": "owner" })),
            OWNERS,
        ),
        row(
            ("PATCH", ONE, "an owner, to be none"),
            |cast, _| one(cast, Role::Owner).json(json!({ "role": "member" })),
            OWNERS,
        ),
        row(
            ("DELETE", ONE, "a plain member"),
            |cast, _| one(cast, Role::Member),
            [401, 403, 204, 204, 404, 404, 403, 403, 403, 403],
        ),
        row(
            ("DELETE", ONE, "an owner"),
            |cast, _| one(cast, Role::Owner),
            [401, 403, 403, 204, 404, 404, 403, 403, 403, 403],
        ),
        row(("DELETE", ONE, "oneself"), Cast::leaving, [401, 204, 204, 204, 404, 404, 403, 403, 403, 403]),
    ]
}

fn invitations() -> Vec<Row> {
    const ALL_INVITATIONS: &str = "/api/v1/orgs/{org}/invitations";
    const ONE: &str = "/api/v1/orgs/{org}/invitations/{id}";
    const ACCEPT: &str = "/api/v1/invitations/accept";
    const OF_ACME: &str = "/api/v1/orgs/acme/invitations";
    vec![
        row(("GET", ALL_INVITATIONS, "Acme's"), |_, _| at(OF_ACME), [401, 403, 200, 200, 404, 404, 403, 403, 403, 403]),
        row(
            ("POST", ALL_INVITATIONS, "an admin"),
            |_, _| at(OF_ACME).json(json!({ "email": "new@acme.example", "role": "admin" })),
            [401, 403, 201, 201, 404, 404, 403, 403, 403, 403],
        ),
        row(
            ("POST", ALL_INVITATIONS, "an owner"),
            |_, _| at(OF_ACME).json(json!({ "email": "new@acme.example", "role": "owner" })),
            [401, 403, 403, 201, 404, 404, 403, 403, 403, 403],
        ),
        row(
            ("DELETE", ONE, "an admin's"),
            |cast, _| at(format!("{OF_ACME}/{}", cast.invitation("admin").0)),
            [401, 403, 204, 204, 404, 404, 403, 403, 403, 403],
        ),
        row(
            ("DELETE", ONE, "an owner's"),
            |cast, _| at(format!("{OF_ACME}/{}", cast.invitation("owner").0)),
            [401, 403, 403, 204, 404, 404, 403, 403, 403, 403],
        ),
        row(
            ("POST", ACCEPT, "without its secret"),
            |_, _| at(ACCEPT).json(json!({ "token": "unknown", "password": "a password for it" })),
            [404; 10],
        ),
        row(
            ("POST", ACCEPT, "for an address without an account"),
            |cast, _| at(ACCEPT).json(json!({ "token": cast.invitation("member").1, "password": "a password for it" })),
            ALL,
        ),
        row(
            ("POST", ACCEPT, "for another's account"),
            |cast, _| at(ACCEPT).json(json!({ "token": cast.invitation_of_an_account() })),
            [409; 10],
        ),
    ]
}

fn service_accounts() -> Vec<Row> {
    const ALL_ACCOUNTS: &str = "/api/v1/orgs/{org}/service-accounts";
    const ONE: &str = "/api/v1/orgs/{org}/service-accounts/{id}";
    const OF_ACME: &str = "/api/v1/orgs/acme/service-accounts";
    const ADMINS: Cells = [401, 403, 200, 200, 404, 404, 403, 403, 403, 403];
    fn one(cast: &Cast, _: &Caller) -> Call {
        at(format!("{OF_ACME}/{}", cast.service_account()))
    }
    vec![
        row(("GET", ALL_ACCOUNTS, "Acme's"), |_, _| at(OF_ACME), ADMINS),
        row(
            ("POST", ALL_ACCOUNTS, "Acme's"),
            |_, _| at(OF_ACME).json(json!({ "name": "new" })),
            [401, 403, 201, 201, 404, 404, 403, 403, 403, 403],
        ),
        row(("GET", ONE, "Acme's"), one, ADMINS),
        row(
            ("PATCH", ONE, "Acme's"),
            |cast, caller| one(cast, caller).json(json!({ "name": "renamed", "groups": ["a"] })),
            ADMINS,
        ),
        row(("DELETE", ONE, "Acme's"), one, [401, 403, 204, 204, 404, 404, 403, 403, 403, 403]),
    ]
}

/// Last: the operator is in two organizations by it, and then there is no Acme any more.
fn organizations() -> Vec<Row> {
    const ALL_ORGS: &str = "/api/v1/orgs";
    const ONE: &str = "/api/v1/orgs/{org}";
    vec![
        row(("GET", ALL_ORGS, ""), |_, _| at(ALL_ORGS), [401, 200, 200, 200, 200, 200, 403, 403, 403, 403]),
        row(
            ("POST", ALL_ORGS, ""),
            |_, _| at(ALL_ORGS).json(json!({ "name": "New" })),
            [401, 403, 403, 403, 201, 403, 403, 403, 403, 403],
        ),
        row(("GET", ONE, "Acme"), |_, _| at("/api/v1/orgs/acme"), [401, 200, 200, 200, 200, 404, 403, 403, 403, 403]),
        row(
            ("PATCH", ONE, "Acme"),
            |_, _| at("/api/v1/orgs/acme").json(json!({ "name": "Acme & Sons" })),
            [401, 403, 200, 200, 404, 404, 403, 403, 403, 403],
        ),
        row(
            ("DELETE", ONE, "Acme"),
            |_, _| at("/api/v1/orgs/acme"),
            [401, 403, 403, 204, 404, 404, 403, 403, 403, 403],
        ),
    ]
}
