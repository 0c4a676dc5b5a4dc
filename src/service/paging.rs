//! Lists in parts, newest first.

/// Which part of a list is wanted. Lists go by a number, or by another place `P`.
#[derive(Clone, Copy, Debug)]
pub struct Part<P = i64> {
    /// Only what has a number below this one.
    pub before: P,
    /// The most of them.
    pub limit: i64,
}

impl<P> Part<P> {
    /// One more than wanted, to know whether there is a next part.
    pub(crate) fn and_one(&self) -> i64 {
        self.limit.saturating_add(1)
    }
}

/// A part of a list.
#[derive(Debug)]
pub struct Paged<T, P = i64> {
    /// What is on it.
    pub items: Vec<T>,
    /// Where the next part begins: below this number. `None` = this was the last one.
    pub next: Option<P>,
}

impl<T, P> Paged<T, P> {
    /// The part that was wanted of `items`, which are up to one more.
    pub(crate) fn new<B: Copy>(mut items: Vec<T>, part: Part<B>, number: impl Fn(&T) -> P) -> Self {
        let wanted = usize::try_from(part.limit).unwrap_or(usize::MAX);
        let has_more = items.len() > wanted;
        items.truncate(wanted);
        let next = items.last().map(number).filter(|_| has_more);
        Self { items, next }
    }
}
