use super::*;
use crate::test_clock::ManualClock;

struct Site {
    clock: Arc<ManualClock>,
    guesses: Guesses,
}

impl Site {
    fn new() -> Self {
        let clock = Arc::new(ManualClock::default());
        Self { guesses: Guesses::new(clock.clone()), clock }
    }

    fn way(&self, account: &str, address: &str) -> Way {
        self.guesses.sign_in(account, address.parse().ok())
    }

    /// Guesses; says for how many seconds one has to wait instead.
    fn guess(&self, account: &str, address: &str, is_right: bool) -> Option<u64> {
        let way = self.way(account, address);
        let looked = self.guesses.look(way);
        match self.guesses.begin(way) {
            Ok(guess) => {
                assert!(looked.is_ok());
                guess.settle(&if is_right { Ok(()) } else { Err(ManageError::Unauthenticated) });
                None
            }
            Err(ManageError::Slowed(wait)) => {
                assert!(matches!(looked, Err(ManageError::Slowed(as_well)) if as_well == wait));
                Some(wait.as_secs())
            }
            Err(other) => panic!("{other}"),
        }
    }

    fn wrong(&self, account: &str, address: &str) -> Option<u64> {
        self.guess(account, address, false)
    }

    fn right(&self, account: &str, address: &str) -> Option<u64> {
        self.guess(account, address, true)
    }
}

#[test]
fn an_address_is_slowed_whatever_the_accounts() {
    let site = Site::new();
    for number in 0..20 {
        assert_eq!(site.wrong(&format!("{number}"), "192.0.2.1"), None);
    }
    for account in ["ada", "0", "unheard of"] {
        assert_eq!([site.wrong(account, "192.0.2.1"), site.right(account, "192.0.2.1")], [Some(30); 2]);
        assert_eq!(site.wrong(account, "::ffff:192.0.2.1"), Some(30), "the same address");
    }
    assert_eq!(site.right("ada", "192.0.2.2"), None, "another one");
    for pause in [30, 60, 60, 60] {
        site.clock.pass(Duration::from_secs(pause));
        assert_eq!(site.wrong("ada", "192.0.2.1"), None);
    }
    assert_eq!(site.wrong("ada", "192.0.2.1"), Some(60), "no longer than that: others may share it");
}

#[test]
fn a_network_of_one_ipv6_client_is_one_address() {
    let site = Site::new();
    for number in 0..20 {
        assert_eq!(site.wrong(&format!("{number}"), &format!("2001:db8:0:1::{number}")), None);
    }
    assert_eq!(site.wrong("ada", "2001:db8:0:1:ffff::1"), Some(30));
    assert_eq!(site.wrong("ada", "2001:db8:0:2::1"), None);
}

#[test]
fn those_whose_address_is_unknown_are_one() {
    let site = Site::new();
    for number in 0..20 {
        assert_eq!(site.wrong(&format!("{number}"), "unknown"), None);
    }
    assert_eq!([site.wrong("ada", "unknown"), site.wrong("ada", "192.0.2.1")], [Some(30), None]);
}

#[test]
fn an_account_is_slowed_wherever_from_but_for_where_its_owner_signs_in() {
    let site = Site::new();
    assert_eq!(site.right("ada", "198.51.100.1"), None);
    for number in 0..20 {
        assert_eq!(site.wrong("ada", &format!("192.0.2.{number}")), None);
    }
    for (number, pause) in [30, 60, 120, 240, 480, 900, 900].into_iter().enumerate() {
        assert_eq!(site.wrong("ada", &format!("203.0.113.{number}")), Some(pause));
        assert_eq!(site.right("ada", "198.51.100.1"), None, "the owner");
        assert_eq!(site.right("bob", &format!("203.0.113.{number}")), None, "somebody else");
        site.clock.pass(Duration::from_secs(pause));
        assert_eq!(site.wrong("ada", &format!("203.0.113.{number}")), None);
    }
    site.clock.pass(Duration::from_mins(15));
    assert_eq!(site.right("ada", "203.0.113.99"), None, "one try: the owner somewhere else");
    assert_eq!(site.wrong("ada", "203.0.113.100"), None, "a right one changes nothing for others");
    assert_eq!(site.wrong("ada", "203.0.113.101"), Some(900));
    assert_eq!(site.right("ada", "203.0.113.99"), None, "from now on the owner is known there");
}

#[test]
fn where_the_owner_signs_in_guesses_are_counted_too() {
    let site = Site::new();
    assert_eq!(site.right("ada", "198.51.100.1"), None);
    for _ in 0..20 {
        assert_eq!(site.wrong("ada", "198.51.100.1"), None);
    }
    assert_eq!(site.right("ada", "198.51.100.1"), Some(30));
    assert_eq!(site.right("ada", "192.0.2.1"), None, "that was not about elsewhere");
}

#[test]
fn right_ones_do_not_wash_wrong_ones_away() {
    let site = Site::new();
    for number in 0..20 {
        assert_eq!(site.right("eve", "192.0.2.1"), None, "an account of their own");
        assert_eq!(site.wrong(&format!("{number}"), "192.0.2.1"), None);
    }
    assert_eq!([site.right("eve", "192.0.2.1"), site.wrong("ada", "192.0.2.1")], [Some(30); 2]);
}

#[test]
fn a_guess_whose_answer_nobody_waits_for_was_wrong_and_one_without_an_answer_was_none() {
    let site = Site::new();
    let way = site.way("ada", "192.0.2.1");
    for _ in 0..100 {
        site.guesses.begin(way).unwrap().settle(&Err::<(), _>(ManageError::Busy));
    }
    for _ in 0..20 {
        drop(site.guesses.begin(way).unwrap());
    }
    assert!(matches!(site.guesses.look(way), Err(ManageError::Slowed(_))));
}

#[test]
fn whoever_has_a_session_is_slowed_by_nobody_else() {
    let site = Site::new();
    let user = UserId::generate(site.clock.now(), &crate::domain::random::SystemRandomness::default());
    let own = site.guesses.own(user);
    for _ in 0..20 {
        assert_eq!(site.wrong("ada", "192.0.2.1"), None);
    }
    for _ in 0..20 {
        site.guesses.begin(own).unwrap().settle(&Err::<(), _>(ManageError::Unauthenticated));
    }
    assert!(site.guesses.begin(own).is_err());
    assert_eq!(site.right("bob", "192.0.2.2"), None);
}

#[test]
fn a_flood_does_not_fill_memory() {
    let site = Site::new();
    for number in 0..120_000_u32 {
        let address = IpAddr::from(std::net::Ipv6Addr::from(u128::from(number) << 64));
        let way = site.guesses.sign_in(&number.to_string(), Some(address));
        site.guesses.begin(way).unwrap().settle(&Err::<(), _>(ManageError::Unauthenticated));
    }
    let lanes = site.guesses.lanes();
    assert!(lanes.addresses.len() <= 2 * HALF && lanes.accounts.len() <= 2 * HALF);
    assert_eq!(lanes.known.len(), 0);
}
