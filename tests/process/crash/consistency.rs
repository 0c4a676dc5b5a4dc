//! What must hold in the database whenever a server has come up on it.

use super::ledger::Ledger;
use crate::support::{Look, Place};

/// The list's head, from one start to the next.
#[derive(Default)]
pub struct Heads {
    last: i64,
}

impl Heads {
    /// It never goes back, and no token that came out goes by a number that it has not reached.
    pub fn check(&mut self, place: &Place, highest_rev: i64) {
        let head = place.look().number("SELECT seq AS value FROM list_head");
        assert!(head > self.last, "{head} after {}", self.last);
        assert!(head > highest_rev, "{head}, and a token went by {highest_rev}");
        self.last = head;
    }
}

/// Rows that should not be. Where the database itself would refuse them, this shows that it does.
const NONE_OF: [(&str, &str); 12] = [
    (
        "credentials of no member",
        "credentials c LEFT JOIN memberships m ON m.organization_id = c.organization_id AND m.user_id = c.owner_id \
         WHERE m.user_id IS NULL",
    ),
    ("members who are nobody", "memberships m LEFT JOIN users u ON u.id = m.user_id WHERE u.id IS NULL"),
    ("members of nothing", "memberships m LEFT JOIN organizations o ON o.id = m.organization_id WHERE o.id IS NULL"),
    ("sessions of nobody", "sessions s LEFT JOIN users u ON u.id = s.user_id WHERE u.id IS NULL"),
    ("usage of nothing", "usage_counts n LEFT JOIN credentials c ON c.id = n.credential_id WHERE c.id IS NULL"),
    ("entries beyond the head", "list_entries WHERE seq > (SELECT seq FROM list_head)"),
    ("credentials from beyond the head", "credentials WHERE created_seq > (SELECT seq FROM list_head)"),
    ("numbers beyond the last", "credentials WHERE number > (SELECT last FROM numbers WHERE name = 'credential')"),
    ("changes with one number", "(SELECT seq FROM audit GROUP BY seq HAVING count(*) > 1) AS twice"),
    (
        "revoked ones without an entry",
        "credentials c LEFT JOIN list_entries e ON e.credential_id = c.id WHERE c.revoked_at IS NOT NULL AND e.seq IS NULL",
    ),
    (
        "entries of what is not revoked",
        "list_entries e JOIN credentials c ON e.credential_id = c.id WHERE c.revoked_at IS NULL AND e.revokes",
    ),
    (
        "entries without an audit row of their number",
        "list_entries e LEFT JOIN audit a ON a.seq = e.seq WHERE a.id IS NULL",
    ),
];

pub fn check(place: &Place) {
    let mut look = place.look();
    for (what, rows) in NONE_OF {
        assert_eq!(look.count(rows), 0, "{what}");
    }
    // Each change and its audit row are one transaction.
    let recorded = |look: &mut Look, action: &str| look.count(&format!("audit WHERE action = '{action}'"));
    let created = look.count("credentials");
    assert_eq!(recorded(&mut look, "credential.create") + 2, created, "two are of bootstrap");
    let revoked = look.count("credentials WHERE revoked_at IS NOT NULL");
    assert_eq!(recorded(&mut look, "credential.revoke"), revoked);
    assert_eq!(look.count("list_entries WHERE credential_id IS NOT NULL"), revoked);
    if !place.is_postgres() {
        let sound = look.texts("SELECT integrity_check AS value FROM pragma_integrity_check");
        assert_eq!(sound, ["ok"]);
        assert_eq!(look.count("pragma_foreign_key_check"), 0);
    }
}

/// What was answered with a number still has it.
pub fn check_numbers(place: &Place, ledger: &Ledger) {
    let mut look = place.look();
    for (number, id) in ledger.numbers() {
        let stored = look.number(&format!("SELECT number AS value FROM credentials WHERE id = '{id}'"));
        assert_eq!(stored, number, "{id}");
    }
}
