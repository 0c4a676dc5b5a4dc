use super::*;
use crate::domain::{
    list::{Entry, Target},
    verdict::tests::standing,
};

#[test]
fn a_full_memory_keeps_what_is_in_use() {
    let memory = Memory::new(SHARDS * 16);
    let used: Vec<_> = (0..SHARDS * 4).map(|_| offered(&memory, &new_known())).collect();
    for _ in 0..SHARDS * 40 {
        for key in used.iter().step_by(16) {
            memory.get(*key);
        }
        offered(&memory, &new_known());
    }
    let kept = used.iter().step_by(16).filter(|key| memory.get(**key).is_some()).count();
    assert!(kept >= 12, "{kept} of 16 credentials in use are left");
    let in_all: usize = memory.credentials.iter().map(|shard| read(shard).len()).sum();
    assert!(in_all <= SHARDS * 16, "{in_all} are too many");
}

#[test]
fn an_entry_makes_memory_forget_whom_it_is_about() {
    let targets: [fn(&Standing) -> Target; 5] = [
        |known| Target::Credential(known.credential.id),
        |known| Target::Member(known.organization.id, known.credential.owner_id),
        |known| Target::User(known.credential.owner_id),
        |known| Target::Organization(known.organization.id),
        |_| Target::Unknown,
    ];
    for target in targets {
        let (memory, known) = (Memory::new(100), new_known());
        let (key, other) = (offered(&memory, &known), offered(&memory, &new_known()));
        let target = target(&known);
        memory.forget(&[Entry { seq: 1, target, revokes: true, created_at: known.credential.created_at }]);
        assert!(memory.get(key).is_none(), "{target:?}");
        assert_eq!(memory.get(other).is_some(), target != Target::Unknown, "{target:?}");
    }
}

#[test]
fn credentials_of_one_organization_share_it() {
    let memory = Memory::new(100);
    let first = standing();
    let mut second = Standing { organization: Arc::new((*first.organization).clone()), ..first.clone() };
    let mut changed = first.clone();
    Arc::make_mut(&mut changed.organization).policy_seq += 1;
    memory.share_organization(&mut first.clone());
    memory.share_organization(&mut second);
    assert!(Arc::ptr_eq(&first.organization, &second.organization));
    memory.share_organization(&mut changed);
    assert_ne!(changed.organization, first.organization, "what differs is not taken for the same");
}

fn new_known() -> Arc<Known> {
    Arc::new(Known::new(standing()))
}

fn offered(memory: &Memory, known: &Arc<Known>) -> LookupKey {
    let key = LookupKey::Id(known.id());
    memory.offer(key, known, 0);
    key
}
