//! Lists in parts, newest first.

/// Which part of a list is wanted.
#[derive(Clone, Copy, Debug)]
pub struct Part {
    /// Only what has a number below this one.
    pub before: i64,
    /// The most of them.
    pub limit: i64,
}

impl Part {
    /// One more than wanted, to know whether there is a next part.
    pub(crate) fn and_one(self) -> i64 {
        self.limit.saturating_add(1)
    }
}

/// A part of a list.
#[derive(Debug)]
pub struct Paged<T> {
    /// What is on it.
    pub items: Vec<T>,
    /// Where the next part begins: below this number. `None` = this was the last one.
    pub next: Option<i64>,
}

impl<T> Paged<T> {
    /// The part that was wanted of `items`, which are up to one more.
    pub(crate) fn new(mut items: Vec<T>, part: Part, number: impl Fn(&T) -> i64) -> Self {
        let wanted = usize::try_from(part.limit).unwrap_or(usize::MAX);
        let has_more = items.len() > wanted;
        items.truncate(wanted);
        let next = items.last().map(number).filter(|_| has_more);
        Self { items, next }
    }
}
