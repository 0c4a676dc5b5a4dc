//! What memory forgets when the list says that something has changed.

use super::{Memory, write};
use crate::domain::list::{Entry, Target};

/// How many entries about more than one credential are looked for one by one.
const MOST_BROAD: usize = 32;

impl Memory {
    /// Follower: forgets whomever these entries are about.
    pub(crate) fn forget(&self, entries: &[Entry]) {
        let mut broad = Vec::new();
        for Entry { target, .. } in entries {
            match target {
                Target::Credential(id) => {
                    if let Some((shard, hash)) = self.locate(*id) {
                        self.remove(&mut write(shard), hash, *id);
                    }
                }
                Target::Member(..) | Target::User(_) | Target::Organization(_) | Target::Unknown => broad.push(target),
            }
        }
        match broad.len() {
            0 => {}
            1..=MOST_BROAD => self.forget_all_of(&broad),
            // To look through all of memory for each takes longer than to fill it anew.
            _ => self.forget_all(),
        }
    }

    fn forget_all_of(&self, targets: &[&Target]) {
        for shard in &self.credentials {
            write(shard).retain(|known| {
                let (organization, owner) = (known.organization_id(), known.credential.owner_id);
                let is_meant = targets.iter().any(|target| target.matches(known.id(), organization, owner));
                if is_meant {
                    self.let_go(known);
                }
                !is_meant
            });
        }
    }

    /// Follower: forgets everything.
    pub(crate) fn forget_all(&self) {
        for shard in &self.credentials {
            let mut shard = write(shard);
            for known in shard.drain() {
                self.let_go(&known);
            }
        }
        write(&self.organizations).clear();
    }
}
