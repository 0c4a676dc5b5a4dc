//! Organizations.

use super::{clock::Timestamp, ids::OrganizationId, policy::Policy};

/// The longest name of an organization, in characters.
pub const MAX_NAME: usize = 100;

/// An organization.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Organization {
    /// `org` in access tokens.
    pub id: OrganizationId,
    /// A number for old APIs; never used again.
    pub number: i64,
    /// Its name in addresses.
    pub slug: String,
    /// Its name for people.
    pub name: String,
    /// The rules for its credentials.
    pub policy: Policy,
    /// The number on the list of the policy's last change: its version.
    pub policy_seq: i64,
    /// Credentials made before this number on the list are revoked; 0 = none.
    pub revoked_seq: i64,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it ended, if it did: for good.
    pub ended_at: Option<Timestamp>,
}

/// The address form of a name: lower-case letters and digits of ASCII, everything else one `-`. Empty if nothing is
/// left.
#[must_use]
pub fn slug(name: &str) -> String {
    let folded = name.to_lowercase();
    let words = folded.split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| !word.is_empty());
    let slug: String = words.collect::<Vec<_>>().join("-");
    slug.chars().take(63).collect::<String>().trim_end_matches('-').to_owned()
}

/// Whether `text` can be the address form of an organization: as [`slug`] makes them, and no id.
#[must_use]
pub fn is_slug(text: &str) -> bool {
    !text.is_empty() && slug(text) == text && text.parse::<OrganizationId>().is_err()
}

#[cfg(test)]
mod tests {
    use super::{is_slug, slug};

    #[test]
    fn a_slug_is_plain() {
        assert_eq!(slug("Acme & Söhne, Inc."), "acme-s-hne-inc");
        assert_eq!(slug("\u{65e5}\u{672c}"), "");
        assert_eq!(slug(&"a".repeat(100)).len(), 63);
    }

    #[test]
    fn an_address_means_one_organization() {
        let long = "a".repeat(63);
        for good in ["a", "acme", "acme-2", "0", &long] {
            assert!(is_slug(good), "{good}");
        }
        let (longer, id) = ("a".repeat(64), "0199aaaa-0000-7000-8000-000000000000");
        for bad in ["", "-", "a-", "-a", "a--b", "Acme", "a b", "s\u{f6}hne", "a/b", &longer, id] {
            assert!(!is_slug(bad), "{bad}");
        }
    }
}
