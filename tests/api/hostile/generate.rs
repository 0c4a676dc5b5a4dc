//! Hostile requests, made from a seed and a number: the same every time.

use super::{body, head};
use crate::support::traces::Secrets;

/// `SplitMix64` (Steele, Lea, Flood 2014): small, and the same on every machine.
pub struct Dice(u64);

impl Dice {
    pub fn new(seed: u64, number: usize) -> Self {
        let mut dice = Self(seed ^ u64::try_from(number).unwrap().wrapping_mul(0x9E37_79B9_7F4A_7C15));
        dice.next();
        dice
    }

    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    /// 0 to `end` - 1.
    pub fn below(&mut self, end: usize) -> usize {
        usize::try_from(self.next() % u64::try_from(end).unwrap()).unwrap()
    }

    /// Happens in so many of a hundred cases.
    pub fn percent(&mut self, chance: usize) -> bool {
        self.below(100) < chance
    }

    pub fn pick<'a, T: ?Sized>(&mut self, from: &[&'a T]) -> &'a T {
        from[self.below(from.len())]
    }

    /// Letters and digits that nothing else has.
    pub fn word(&mut self) -> String {
        const DIGITS: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
        let digits = (0..18).map(|_| char::from(DIGITS[self.below(62)])).collect::<String>();
        format!("Zq{digits}")
    }
}

/// What the caller has to show for themselves.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Auth {
    /// Nothing good.
    None,
    Bearer(String),
    Cookie(String),
}

impl Auth {
    /// The header lines of a genuine caller.
    fn lines(&self) -> String {
        match self {
            Self::None => String::new(),
            Self::Bearer(token) => format!("Authorization: Bearer {token}\r\n"),
            Self::Cookie(token) => {
                format!("Cookie: patmint_session={token}\r\nSec-Fetch-Site: same-origin\r\n")
            }
        }
    }
}

/// A path of the server with the methods that it has there.
#[derive(Clone, Debug)]
pub struct Route {
    pub path: &'static str,
    pub methods: Vec<&'static str>,
}

/// One request as bytes, and what is known of it.
pub struct Sent {
    pub bytes: Vec<u8>,
    /// Not to be followed by another one on its connection.
    pub is_alone: bool,
    /// Where it begins and ends is not in doubt: it must have an answer.
    pub is_clear: bool,
    pub is_head: bool,
    pub method: String,
    /// The path of the route that it is about.
    pub route: &'static str,
    /// What must not come back.
    pub secrets: Secrets,
}

const METHODS: [&str; 11] =
    ["POST", "GET", "HEAD", "DELETE", "PATCH", "PUT", "OPTIONS", "TRACE", "CONNECT", "PROPFIND", ""];

/// Request `number` of the run.
pub fn request(seed: u64, number: usize, routes: &[Route], auth: &Auth) -> Sent {
    let mut dice = Dice::new(seed, number);
    let marker = dice.word();
    // Each route in turn, so that none gets less than its share.
    let route = &routes[number % routes.len()];
    let method = if dice.percent(70) { dice.pick(&route.methods) } else { dice.pick(&METHODS) };
    let method = match method {
        "" => marker.clone(),
        method => method.to_owned(),
    };
    // A request that is wrong everywhere is refused at its first fault; half of them are wrong in what is read last.
    let is_calm = dice.percent(50);
    let (target, head) = if is_calm {
        (head::calm_target(&mut dice, route.path, &marker), head::calm_headers(&mut dice))
    } else {
        let target = head::target(&mut dice, route.path, &marker);
        (target, head::headers(&mut dice, &marker, *auth == Auth::None))
    };
    let is_bodyless = ["GET", "HEAD"].contains(&method.as_str()) && dice.percent(85);
    let body =
        if is_bodyless { body::Framed::default() } else { body::framed(&mut dice, route.path, &marker, is_calm) };
    let is_new = is_calm || dice.percent(96);
    let version = if is_new { "HTTP/1.1" } else { dice.pick(&["HTTP/1.0", "HTTP/0.9", "HTTP/3", "http/1.1", ""]) };
    let is_clear = is_calm || !(head.is_alone || target.is_alone || body.is_doubtful);
    let is_alone = head.is_alone || !is_bodyless || !is_new || target.is_alone;
    let mut bytes = format!("{method} ").into_bytes();
    bytes.extend_from_slice(&target.bytes);
    bytes.extend_from_slice(format!(" {version}\r\n{}", auth.lines()).as_bytes());
    bytes.extend_from_slice(&head.bytes);
    bytes.extend_from_slice(&body.headers);
    bytes.extend_from_slice(b"\r\n");
    bytes.extend_from_slice(&body.bytes);
    let mut secrets = Secrets::default();
    secrets.add("the marker", &marker);
    if let Auth::Bearer(token) | Auth::Cookie(token) = auth {
        secrets.add("the caller's token", token);
    }
    Sent {
        bytes,
        is_alone,
        is_clear: is_clear && is_new,
        is_head: method == "HEAD",
        method,
        route: route.path,
        secrets,
    }
}
