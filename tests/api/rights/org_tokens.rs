use serde_json::json;

use super::{
    cast::{Call, Cast, at},
    table::{Cells, Row, row},
};

/// Everybody's tokens in Acme.
pub fn rows() -> Vec<Row> {
    const ADMINS: Cells = [401, 403, 200, 200, 404, 404, 403, 403, 403, 403];
    fn of(cast: &Cast, end: &str) -> Call {
        at(format!("/api/v1/orgs/acme/tokens/{}{end}", cast.foreign_token))
    }
    vec![
        row(("GET", "/api/v1/orgs/{org}/tokens", "Acme's"), |_, _| at("/api/v1/orgs/acme/tokens"), ADMINS),
        row(
            ("POST", "/api/v1/orgs/{org}/tokens", "a service account's"),
            |cast, _| {
                let body = json!({ "name": "new", "owner_id": cast.service_account() });
                at("/api/v1/orgs/acme/tokens").json(body)
            },
            [401, 403, 201, 201, 404, 404, 403, 403, 403, 403],
        ),
        row(("GET", "/api/v1/orgs/{org}/tokens/{id}", "the bystander's"), |cast, _| of(cast, ""), ADMINS),
        row(("GET", "/api/v1/orgs/{org}/tokens/{id}/usage", "the bystander's"), |cast, _| of(cast, "/usage"), ADMINS),
        row(
            ("DELETE", "/api/v1/orgs/{org}/tokens/{id}", "the bystander's"),
            |cast, _| of(cast, ""),
            [401, 403, 204, 204, 404, 404, 403, 403, 403, 403],
        ),
        row(
            ("POST", "/api/v1/orgs/{org}/revocations", "the bystander's"),
            |cast, _| at("/api/v1/orgs/acme/revocations").json(json!({ "ids": [cast.foreign_token] })),
            ADMINS,
        ),
    ]
}
