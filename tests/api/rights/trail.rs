use super::{
    cast::at,
    table::{Row, row},
};

/// Who may read the audit trail.
pub fn rows() -> Vec<Row> {
    vec![
        row(
            ("GET", "/api/v1/orgs/{org}/audit", "Acme's"),
            |_, _| at("/api/v1/orgs/acme/audit"),
            [401, 403, 200, 200, 200, 404, 403, 403, 403, 403],
        ),
        row(
            ("GET", "/api/v1/audit", "what belongs to no organization"),
            |_, _| at("/api/v1/audit"),
            [401, 403, 403, 403, 200, 403, 403, 403, 403, 403],
        ),
    ]
}
