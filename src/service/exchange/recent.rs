//! The last few things of each credential, and of all of them together no more than there is room for: whoever has
//! credentials can make these things by the thousand.

use std::collections::VecDeque;

use crate::domain::ids::CredentialId;

/// How many of each credential: as many as are kept in the database.
const EACH: usize = 20;

/// How many of all.
const ALL: usize = 128;

/// The last few things of each credential, oldest first.
#[derive(Debug)]
pub(crate) struct Recent<T>(VecDeque<(CredentialId, T)>);

impl<T> Default for Recent<T> {
    fn default() -> Self {
        Self(VecDeque::new())
    }
}

impl<T> Recent<T> {
    /// Takes out one thing of a credential.
    pub(super) fn take(&mut self, id: CredentialId, is_meant: impl Fn(&T) -> bool) -> Option<T> {
        let place = self.0.iter().position(|(of, thing)| *of == id && is_meant(thing))?;
        self.0.remove(place).map(|(_, thing)| thing)
    }

    /// Adds the newest. The oldest of the same credential gives up its place if that has enough, else the oldest of all.
    pub(super) fn push(&mut self, id: CredentialId, thing: T) {
        let is_own = |(of, _): &(CredentialId, T)| *of == id;
        if self.0.iter().filter(|one| is_own(one)).count() >= EACH {
            let oldest = self.0.iter().position(is_own);
            oldest.map(|place| self.0.remove(place));
        } else if self.0.len() >= ALL {
            self.0.pop_front();
        }
        self.0.push_back((id, thing));
    }
}

impl<T> IntoIterator for Recent<T> {
    type Item = (CredentialId, T);
    type IntoIter = std::collections::vec_deque::IntoIter<(CredentialId, T)>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{clock::Timestamp, random::SystemRandomness};

    fn new_id() -> CredentialId {
        let now: Timestamp = "2026-11-22T12:00:00Z".parse().unwrap();
        CredentialId::generate(now, &SystemRandomness::default())
    }

    fn of(recent: Recent<usize>, id: CredentialId) -> Vec<usize> {
        recent.into_iter().filter(|(of, _)| *of == id).map(|(_, thing)| thing).collect()
    }

    #[test]
    fn the_last_of_each_stay() {
        let (mut recent, [one, other]) = (Recent::default(), [new_id(), new_id()]);
        recent.push(other, 7);
        (0..EACH + 5).for_each(|number| recent.push(one, number));
        assert_eq!(recent.0.len(), EACH + 1);
        assert_eq!(recent.0.front(), Some(&(other, 7)));
        assert_eq!(of(recent, one), (5..EACH + 5).collect::<Vec<_>>());
    }

    #[test]
    fn of_all_together_there_are_no_more_than_there_is_room_for() {
        let (mut recent, last) = (Recent::default(), new_id());
        (0..ALL).for_each(|number| recent.push(new_id(), number));
        recent.push(last, ALL);
        assert_eq!((recent.0.len(), recent.0.front().map(|(_, thing)| *thing)), (ALL, Some(1)));
        assert_eq!(of(recent, last), [ALL]);
    }
}
