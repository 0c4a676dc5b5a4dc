//! Places to wait for revocations: a bounded number in all, and for each client. Otherwise the idle connections of one
//! stranger take all places, and services learn of revocations by asking again and again.

use std::{
    collections::HashMap,
    net::IpAddr,
    sync::{Mutex, MutexGuard, PoisonError},
};

use ipnet::IpNet;

use crate::domain::source::client_network;

/// Who asks for a place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Waiter {
    /// A holder of the feed token.
    Trusted,
    /// A client at this address; `None` = an unknown one, and all of these share the places of one client.
    Anybody(Option<IpAddr>),
}

/// `None` = all clients whose address is unknown.
type Client = Option<IpNet>;

#[derive(Debug, Default)]
struct Taken {
    all: usize,
    by_client: HashMap<Client, usize>,
}

/// The places.
#[derive(Debug)]
pub(super) struct FeedPlaces {
    limit: usize,
    limit_per_client: usize,
    taken: Mutex<Taken>,
}

/// A taken place; free again when dropped.
#[derive(Debug)]
pub(super) struct FeedPlace<'a> {
    places: &'a FeedPlaces,
    /// Absent for those that are not counted.
    client: Option<Client>,
}

impl FeedPlaces {
    pub(super) fn new(limit: usize, limit_per_client: usize) -> Self {
        Self { limit, limit_per_client, taken: Mutex::default() }
    }

    fn taken(&self) -> MutexGuard<'_, Taken> {
        // No code panics while it holds this.
        self.taken.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A place, if one is free for this client.
    pub(super) fn take(&self, waiter: Waiter) -> Option<FeedPlace<'_>> {
        let client = match waiter {
            Waiter::Trusted => None,
            Waiter::Anybody(address) => Some(address.map(client_network)),
        };
        let mut taken = self.taken();
        let own = client.and_then(|client| taken.by_client.get(&client)).copied().unwrap_or_default();
        if taken.all >= self.limit || own >= self.limit_per_client {
            return None;
        }
        taken.all += 1;
        if let Some(client) = client {
            taken.by_client.insert(client, own + 1);
        }
        Some(FeedPlace { places: self, client })
    }

    /// How many are taken.
    pub(super) fn count(&self) -> usize {
        self.taken().all
    }
}

impl Drop for FeedPlace<'_> {
    fn drop(&mut self) {
        let mut taken = self.places.taken();
        taken.all = taken.all.saturating_sub(1);
        let Some(client) = self.client else { return };
        if let Some(count) = taken.by_client.get_mut(&client) {
            *count = count.saturating_sub(1);
            if *count == 0 {
                // Otherwise a client with many addresses makes this grow for ever.
                taken.by_client.remove(&client);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(address: &str) -> Waiter {
        Waiter::Anybody(Some(address.parse().unwrap()))
    }

    #[test]
    fn one_client_does_not_take_the_places_of_others() {
        let places = FeedPlaces::new(6, 2);
        let held: Vec<_> = [at("192.0.2.1"), at("192.0.2.1"), at("2001:db8::1"), at("2001:db8::ffff:1")]
            .map(|waiter| places.take(waiter).expect("free"))
            .into();
        for waiter in [at("192.0.2.1"), at("::ffff:192.0.2.1"), at("2001:db8::9")] {
            assert!(places.take(waiter).is_none(), "{waiter:?}");
        }
        let others = [at("192.0.2.2"), at("2001:db8:0:1::1")].map(|waiter| places.take(waiter).expect("free"));
        assert_eq!(places.count(), 6);
        assert!(places.take(at("192.0.2.3")).is_none(), "nothing is left");
        drop(others);
        drop(held);
        assert_eq!((places.count(), places.taken().by_client.len()), (0, 0));
    }

    #[test]
    fn unknown_addresses_share_and_holders_of_the_token_are_not_counted() {
        let places = FeedPlaces::new(4, 1);
        let unknown = places.take(Waiter::Anybody(None)).expect("free");
        assert!(places.take(Waiter::Anybody(None)).is_none());
        let holders = [(); 3].map(|()| places.take(Waiter::Trusted).expect("free"));
        assert!(places.take(Waiter::Trusted).is_none(), "nothing is left");
        drop(unknown);
        drop(holders);
        assert!(places.take(Waiter::Anybody(None)).is_some());
    }
}
