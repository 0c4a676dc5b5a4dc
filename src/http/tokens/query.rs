use std::str::FromStr;

use crate::{
    domain::{clock::Timestamp, credential::CredentialKind, ids::UserId, token_filter::TokenFilter, verdict::State},
    http::{
        openapi::{Parameter, shapes},
        paging::{DEFAULT_LIMIT, before, invalid},
        problem::Problem,
    },
    service::Listing,
};

/// The longest name there is, in characters.
const MAX_NAME: usize = 100;

/// The parameters of every list of tokens.
const COMMON: &str = "cursor, limit, state, name, kind, unused_since, expires_before, never_expires";

/// What is told of what restricts a list of tokens; `whose` is the parameter that only this list has.
pub(in crate::http) fn filters(whose: Parameter) -> [Parameter; 7] {
    [
        whose,
        Parameter::of::<State>("state", "Only those of which an exchange would say this now"),
        Parameter::of::<shapes::PartOfName>(
            "name",
            "Only those with this in their name; `A`–`Z` and `a`–`z` are the same",
        ),
        Parameter::of::<CredentialKind>("kind", "Only those of this kind"),
        Parameter::of::<Timestamp>("unused_since", "Only those neither used nor made at this time or later"),
        Parameter::of::<Timestamp>(
            "expires_before",
            "Only those that end before this time, by themselves or by the policy",
        ),
        Parameter::of::<bool>("never_expires", "`true`: only those without an end; `false`: only those with one"),
    ]
}

/// The parameter of an organization's list for what somebody made for others.
const CREATED_BY: &str = "created_by";

/// What is told of it.
pub(in crate::http) fn created_by() -> Parameter {
    Parameter::of::<UserId>(
        CREATED_BY,
        "Only those that this user made for others, service accounts: whoever leaves may have kept them",
    )
}

/// The parameters of a list.
#[derive(Debug)]
pub(in crate::http) struct Query<Id> {
    /// Whose tokens: the parameter that only this list has.
    pub(in crate::http) whose: Option<Id>,
    pub(in crate::http) listing: Listing,
}

fn parsed<T: FromStr>(member: &str, value: &str, problem: &str) -> Result<T, Problem> {
    value.parse().map_err(|_| invalid(member, problem))
}

impl<Id: FromStr> Query<Id> {
    /// Reads `text`; `whose` is the name of the parameter that only this list has.
    pub(in crate::http) fn parse(text: &str, whose: &str) -> Result<Self, Problem> {
        Self::parse_with(text, whose, false)
    }

    /// The same for an organization's list.
    pub(in crate::http) fn parse_of_organization(text: &str, whose: &str) -> Result<Self, Problem> {
        Self::parse_with(text, whose, true)
    }

    fn parse_with(text: &str, whose: &str, is_of_organization: bool) -> Result<Self, Problem> {
        let pairs: Vec<(String, String)> =
            serde_urlencoded::from_str(text).map_err(|_| invalid("query", "cannot be read"))?;
        let listing = Listing { filter: TokenFilter::default(), created_by: None, before: None, limit: DEFAULT_LIMIT };
        let mut query = Self { whose: None, listing };
        for (name, value) in pairs {
            if name == whose {
                query.whose = Some(parsed(&name, &value, "is not an id")?);
            } else if is_of_organization && name == CREATED_BY {
                query.listing.created_by = Some(parsed(&name, &value, "is not an id")?);
            } else if !read(&mut query.listing, &name, &value)? {
                let more = if is_of_organization { format!(", {CREATED_BY}") } else { String::new() };
                return Err(invalid("query", format!("has an unknown parameter; expected {whose}, {COMMON}{more}")));
            }
        }
        Ok(query)
    }
}

/// Takes in one parameter; `false` = no list has one of this name.
fn read(listing: &mut Listing, name: &str, value: &str) -> Result<bool, Problem> {
    let time = || parsed::<Timestamp>(name, value, "must be a time such as 2026-11-21T10:00:00Z");
    let filter = &mut listing.filter;
    match name {
        "cursor" => listing.before = Some(before(value).ok_or_else(|| invalid(name, "is none of ours"))?),
        "limit" => listing.limit = parsed(name, value, "must be 1 to 200")?,
        "state" => {
            let problem = "must be active, revoked, expired, stale or disallowed";
            filter.state = Some(parsed(name, value, problem)?);
        }
        "name" => filter.name = Some(part_of_name(value)?),
        "kind" => filter.kind = Some(parsed(name, value, "must be opaque, jwt or legacy")?),
        "unused_since" => filter.unused_since = Some(time()?),
        "expires_before" => filter.expires_before = Some(time()?),
        "never_expires" => filter.never_expires = Some(parsed(name, value, "must be true or false")?),
        _ => return Ok(false),
    }
    Ok(true)
}

fn part_of_name(value: &str) -> Result<String, Problem> {
    if !(1..=MAX_NAME).contains(&value.chars().count()) || value.contains(char::is_control) {
        return Err(invalid("name", "must have 1 to 100 characters, no control characters"));
    }
    Ok(value.to_owned())
}
