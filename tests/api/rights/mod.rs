//! Who may do what: a row for each route, a cell for each caller. A route without a row is a failed test.

mod audited;
mod cast;
mod org_tokens;
mod table;
mod trail;

use std::collections::BTreeSet;

use cast::Cast;
use table::Row;

#[test]
fn each_route_has_its_row() {
    let rows = table::rows();
    let in_table: BTreeSet<_> = rows.iter().map(|row| (row.method, row.path)).collect();
    let routes: BTreeSet<_> = patmint::http::all_routes().into_iter().collect();
    assert_eq!(in_table, routes, "in the table, and in the server");
}

#[test]
fn each_caller_may_what_the_table_says() {
    let cast = Cast::new();
    let mut wrong = Vec::new();
    for row in table::rows() {
        let Row { method, path, of, request, expected } = row;
        // Those who may come last: what they do could change what others are told.
        let mut cells: Vec<_> = cast.callers.iter().zip(expected).collect();
        cells.sort_by_key(|(_, expected)| *expected < 300);
        for (caller, expected) in cells {
            let answer = cast.send(method, request(&cast, caller), caller);
            if answer.status != expected {
                let found = format!("{}, not {expected}: {}", answer.status, answer.text());
                wrong.push(format!("{method} {path} ({of}) by the {}: {found}", caller.name));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}
