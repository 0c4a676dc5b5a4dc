use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

use serde_json::json;

use super::{
    Arguments, Stage,
    api::{Answered, Api},
    probe::{Probe, Probed},
    spread::spread,
};
use crate::{Failure, say};

/// Whoever is disabled.
const PERSON: &str = "disabled@trials.example";

/// What is changed, and what every exchange must find afterwards.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Change {
    /// A credential is revoked.
    Revoke,
    /// Its permission is narrowed to reading.
    Narrow,
    /// The policy allows its kind no more, and then again.
    Tighten,
    Relax,
    /// Its owner is disabled by a command, and then enabled.
    Disable,
    Enable,
}

/// In this order, so that what was taken away is given back.
const CHANGES: [Change; 8] = [
    Change::Revoke,
    Change::Narrow,
    Change::Tighten,
    Change::Relax,
    Change::Revoke,
    Change::Narrow,
    Change::Disable,
    Change::Enable,
];

impl Change {
    /// Whether an exchange goes by the state after the change. A 503 goes by none.
    fn is_reflected(self, probed: &Probed) -> bool {
        let scope = probed.claims.as_ref().and_then(|claims| claims["scope"].as_str());
        match (self, probed.status) {
            (_, 503) => true,
            (Self::Revoke | Self::Tighten | Self::Disable, status) => status == 401,
            (Self::Narrow, 200) => scope == Some("read"),
            (Self::Relax | Self::Enable, status) => status == 200,
            (Self::Narrow, _) => false,
        }
    }
}

#[derive(Default)]
struct Count {
    took: Vec<Duration>,
    before: usize,
    after: usize,
    unavailable: usize,
    wrong: usize,
}

/// Changes one thing after the other, with exchanges of what it is about under way on every server. Says whether none of
/// those that started after the answer went by the old state.
pub(super) async fn run(stage: &Stage, api: &mut Api, arguments: &Arguments) -> Result<bool, Failure> {
    say(&format!("{} changes on {} servers, each probed on all of them", arguments.changes, stage.servers.len()));
    let busy = stage.busy(arguments.load);
    let mut counts = BTreeMap::<Change, Count>::new();
    let persons = stage.seeder.person(PERSON).await?;
    let mut own = api.create().await?;
    for change in CHANGES.into_iter().cycle().take(arguments.changes) {
        if matches!(change, Change::Revoke | Change::Narrow | Change::Tighten) {
            own = api.create().await?;
        }
        let token = if matches!(change, Change::Disable | Change::Enable) { &persons } else { &own.token };
        let probe = Probe::start(&stage.addresses(), token).await?;
        let answered = make(change, stage, api, &own.id).await?;
        counts.entry(change).or_default().add(change, answered, &probe.end().await?);
    }
    for (change, Count { took, before, after, unavailable, wrong }) in &counts {
        say(&format!(
            "  {:8} {} times: answered after {}; {before} exchanges before the answer, {after} after it, of these \
             {unavailable} 503, {wrong} by the old state",
            format!("{change:?}"),
            took.len(),
            spread(took),
        ));
    }
    let all: Vec<_> = counts.values().flat_map(|count| count.took.iter().copied()).collect();
    say(&format!("  all changes: answered after {}; {} calls 503 and made again", spread(&all), api.busy));
    busy.end()?;
    Ok(counts.values().all(|count| count.wrong == 0))
}

async fn make(change: Change, stage: &Stage, api: &mut Api, id: &str) -> Result<Answered, Failure> {
    match change {
        Change::Revoke => api.revoke(id).await,
        Change::Narrow => api.narrow(id).await,
        Change::Tighten => api.policy(&json!({ "allowed_kinds": ["jwt"] })).await,
        Change::Relax => api.policy(&json!({ "allowed_kinds": ["jwt", "opaque"] })).await,
        Change::Disable | Change::Enable => {
            let begun = Instant::now();
            stage.seeder.set_disabled(PERSON, change == Change::Disable).await?;
            let at = Instant::now();
            Ok(Answered { at, after: at - begun })
        }
    }
}

impl Count {
    fn add(&mut self, change: Change, answered: Answered, probed: &[Probed]) {
        let (after, before): (Vec<&Probed>, Vec<&Probed>) =
            probed.iter().partition(|probed| probed.started >= answered.at);
        self.took.push(answered.after);
        self.before += before.len();
        self.after += after.len();
        self.unavailable += after.iter().filter(|probed| probed.status == 503).count();
        self.wrong += after.iter().filter(|probed| !change.is_reflected(probed)).count();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_starts_after_the_answer_is_held_to_it() {
        let at = Instant::now();
        let granted = |started, scope: &str| Probed { started, status: 200, claims: Some(json!({ "scope": scope })) };
        let refused = |started, status| Probed { started, status, claims: None };
        let early = at.checked_sub(Duration::from_millis(1)).unwrap();
        let wrong = |change: Change, probed: &[Probed]| {
            let mut count = Count::default();
            count.add(change, Answered { at, after: Duration::ZERO }, probed);
            assert_eq!(count.before + count.after, probed.len());
            count.wrong
        };
        assert_eq!(wrong(Change::Revoke, &[granted(early, "read"), refused(at, 401), refused(at, 503)]), 0);
        assert_eq!(wrong(Change::Revoke, &[granted(at, "read"), refused(at, 500)]), 2);
        assert_eq!(wrong(Change::Narrow, &[granted(early, "read write"), granted(at, "read")]), 0);
        assert_eq!(wrong(Change::Narrow, &[granted(at, "read write"), refused(at, 401)]), 2);
        assert_eq!(wrong(Change::Enable, &[refused(early, 401), granted(at, "read"), refused(at, 401)]), 1);
    }
}
