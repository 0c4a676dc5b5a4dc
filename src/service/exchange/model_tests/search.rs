//! The search through every state that can be reached, the nearest first.

use std::{
    fmt,
    hash::{BuildHasherDefault, Hash, Hasher},
};

use indexmap::IndexMap;

use super::state::State;

/// What is searched.
pub(super) trait Model {
    /// Everything that is somewhere at one moment.
    type State: Copy + Eq + Hash;

    /// Where it may begin.
    fn beginnings(&self) -> impl Iterator<Item = Self::State>;

    /// What is wrong with a state, if it must never be reached.
    fn broken(&self, state: &Self::State) -> Option<String>;

    /// Everything that can happen in a state.
    fn steps(&self, state: &Self::State, next: &mut Next<Self::State>);
}

/// One thing that happens.
#[derive(Clone, Copy, Debug)]
pub(super) struct Step {
    pub(super) who: &'static str,
    /// Which of two.
    pub(super) which: Option<usize>,
    pub(super) does: &'static str,
}

/// What can happen next.
pub(super) struct Next<S = State>(Vec<(Step, S)>);

impl<S> Next<S> {
    pub(super) fn add(&mut self, who: &'static str, which: Option<usize>, does: &'static str, state: S) {
        self.0.push((Step { who, which, does }, state));
    }
}

/// How something that must never happen came about.
#[derive(Debug)]
pub(super) struct Trace {
    pub(super) broken: String,
    pub(super) steps: Vec<Step>,
}

/// What the search found.
#[derive(Debug)]
pub(super) struct Found {
    pub(super) states: usize,
    /// The shortest way to something that must never happen.
    pub(super) trace: Option<Trace>,
}

/// From which state, by its place, and by what a state was first reached.
type Origin = Option<(usize, Step)>;

type Reached<S> = IndexMap<S, Origin, BuildHasherDefault<Quick>>;

/// Without defence against chosen keys, which nobody chooses here: most of the time goes into this.
#[derive(Default)]
struct Quick(u64);

impl Hasher for Quick {
    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.write_u8(*byte);
        }
    }

    fn write_u8(&mut self, byte: u8) {
        self.0 = (self.0.rotate_left(5) ^ u64::from(byte)).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    }

    fn write_isize(&mut self, discriminant: isize) {
        self.write_u8(discriminant.to_le_bytes()[0]);
    }

    fn finish(&self) -> u64 {
        self.0 ^ (self.0 >> 32)
    }
}

pub(super) fn search<M: Model>(model: &M) -> Found {
    let mut reached: Reached<M::State> = model.beginnings().map(|state| (state, None)).collect();
    let mut place = 0;
    let mut next = Next(Vec::new());
    while let Some((state, _)) = reached.get_index(place) {
        let state = *state;
        if let Some(broken) = model.broken(&state) {
            return Found { states: reached.len(), trace: Some(trace(&reached, place, broken)) };
        }
        model.steps(&state, &mut next);
        for (step, state) in next.0.drain(..) {
            reached.entry(state).or_insert(Some((place, step)));
        }
        place += 1;
    }
    Found { states: reached.len(), trace: None }
}

fn trace<S>(reached: &Reached<S>, mut place: usize, broken: String) -> Trace {
    let mut steps = Vec::new();
    while let Some((_, Some((origin, step)))) = reached.get_index(place) {
        steps.push(*step);
        place = *origin;
    }
    steps.reverse();
    Trace { broken, steps }
}

impl fmt::Display for Trace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for Step { who, which, does } in &self.steps {
            let which = which.map(|which| format!(" {}", which + 1)).unwrap_or_default();
            writeln!(f, "  {who}{which} {does}")?;
        }
        write!(f, "  {}", self.broken)
    }
}
