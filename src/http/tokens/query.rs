use crate::{
    domain::ids::OrganizationId,
    http::{paging::before, problem::Problem},
};

const DEFAULT_LIMIT: i64 = 50;

/// The parameters of a list.
#[derive(Debug)]
pub(super) struct Query {
    pub(super) organization_id: Option<OrganizationId>,
    pub(super) before: Option<i64>,
    pub(super) limit: i64,
}

fn invalid(member: &str, problem: &str) -> Problem {
    Problem::Invalid { member: member.to_owned(), problem: problem.to_owned() }
}

impl Query {
    pub(super) fn parse(text: &str) -> Result<Self, Problem> {
        let pairs: Vec<(String, String)> =
            serde_urlencoded::from_str(text).map_err(|_| invalid("query", "cannot be read"))?;
        let mut query = Self { organization_id: None, before: None, limit: DEFAULT_LIMIT };
        for (name, value) in pairs {
            match name.as_str() {
                "organization_id" => {
                    query.organization_id = Some(value.parse().map_err(|_| invalid(&name, "is not an id"))?);
                }
                "cursor" => query.before = Some(before(&value).ok_or_else(|| invalid(&name, "is none of ours"))?),
                "limit" => query.limit = value.parse().map_err(|_| invalid(&name, "must be 1 to 200"))?,
                _ => return Err(invalid("query", "has an unknown parameter; expected organization_id, cursor, limit")),
            }
        }
        Ok(query)
    }
}
