//! Hostile request targets and headers.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};

use super::generate::Dice;

/// A piece of a request.
pub struct Piece {
    pub bytes: Vec<u8>,
    /// Whether the server may close the connection over it.
    pub is_alone: bool,
}

impl Piece {
    fn new(text: impl Into<Vec<u8>>) -> Self {
        Self { bytes: text.into(), is_alone: false }
    }

    fn alone(text: impl Into<Vec<u8>>) -> Self {
        Self { bytes: text.into(), is_alone: true }
    }
}

/// `route` with something for its parameters, a changed form of it, or something else; perhaps a query.
pub fn target(dice: &mut Dice, route: &str, marker: &str) -> Piece {
    let filled = filled(dice, route, marker);
    let mut piece = if dice.percent(82) { Piece::new(filled) } else { bent(dice, &filled, marker) };
    if dice.percent(40) {
        piece.bytes.push(b'?');
        piece.bytes.extend_from_slice(query(dice, marker).as_bytes());
    }
    piece
}

/// `route` with something for its parameters.
pub fn calm_target(dice: &mut Dice, route: &str, marker: &str) -> Piece {
    let path = route.replace("{org}", "acme");
    Piece::new(filled(dice, &path, marker))
}

/// What a client sends that has read the manual.
pub fn calm_headers(dice: &mut Dice) -> Piece {
    Piece::new(format!("Host: sts.example\r\n{}", dice.pick(&["", "If-Match: *\r\n", "Accept: */*\r\n"])))
}

fn filled(dice: &mut Dice, route: &str, marker: &str) -> String {
    let parameter = |dice: &mut Dice, name: &str| match name {
        "org" if dice.percent(60) => "acme".to_owned(),
        "n" if dice.percent(30) => "0".to_owned(),
        "n" => format!("{}{}", dice.pick(&["4294967295", "99999999999999999999", "-1", "0x", "1e9", "%30"]), marker),
        "id" | "user" if dice.percent(30) => format!("01939b7e-0000-7000-8000-{:012x}", dice.next() >> 16),
        _ => format!(
            "{}{marker}",
            dice.pick(&["", "%00", "..%2f", "%2e%2e%2f", "'%20OR%201=1--", "%F0%9F%92%A9", "%ff", "%"])
        ),
    };
    let mut parts = route.split('{');
    let mut path = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let (name, rest) = part.split_once('}').expect("a parameter ends");
        path += &parameter(dice, name);
        path += rest;
    }
    path
}

fn bent(dice: &mut Dice, path: &str, marker: &str) -> Piece {
    match dice.below(14) {
        0 => Piece::new(format!("{path}/{marker}")),
        1 => Piece::new(format!("{path}%2f{marker}")),
        2 => Piece::new(format!("/{marker}/..{path}")),
        3 => Piece::new(format!("/%2e%2e/%2e{path}%00{marker}")),
        4 => Piece::new(format!("//{marker}{path}")),
        5 => Piece::new(format!("{path};{marker}=1")),
        6 => Piece::new(path.replace('a', "%61").replace('o', "%6F") + "//" + marker),
        7 => Piece::new(format!("{path}/{}{marker}", "a/".repeat(400))),
        8 => Piece::alone(format!("{path}{}{marker}", "%41".repeat(dice.below(40_000)))),
        9 => Piece::alone([path.as_bytes(), b"/\xc3\xa9\xff\x80", marker.as_bytes()].concat()),
        10 => Piece::alone([path.as_bytes(), b"/\0", marker.as_bytes()].concat()),
        11 => Piece::alone(format!("http://{marker}.example{path}")),
        12 => Piece::alone(format!("{path} {marker}")),
        _ => Piece::alone(
            dice.pick(&["*", "", marker, "\\", "?", "#", "http://", "://", "/%", "/%zz"]).to_owned() + marker,
        ),
    }
}

fn query(dice: &mut Dice, marker: &str) -> String {
    let mut text = String::new();
    for _ in 0..=dice.below(4) {
        let name =
            dice.pick(&["limit", "cursor", "organization_id", "after", "wait", "scope", "refresh", marker, "", "%ff"]);
        let value = match dice.below(12) {
            0 => dice
                .pick(&["9223372036854775807", "-9223372036854775808", "18446744073709551616", "-1", "0", "1e3"])
                .to_owned(),
            // A cursor of the right length that nobody gave out.
            1 => URL_SAFE_NO_PAD.encode(dice.next().to_be_bytes()),
            2 => "f_________8".to_owned(),
            3 => format!("%00{marker}"),
            4 => format!("%ff%fe{marker}"),
            5 => format!("%{marker}"),
            6 => format!("{}{marker}", "9".repeat(dice.below(3000))),
            7 => format!("{marker}&amp;{marker}"),
            8 => format!("1'%20UNION%20SELECT%20{marker}--"),
            9 => format!("01939b7e-0000-7000-8000-{:012x}", dice.next() >> 16),
            10 => "5".to_owned(),
            _ => marker.to_owned(),
        };
        text.extend([if text.is_empty() { "" } else { "&" }, name, "=", &value]);
    }
    text
}

/// Header lines but those about the body.
pub fn headers(dice: &mut Dice, marker: &str, is_stranger: bool) -> Piece {
    let mut piece = host(dice, marker);
    for index in 0..dice.below(4) {
        // Broken ones end the request before it is read; most shall come further.
        let line = if index == 0 && dice.percent(12) { broken(dice, marker) } else { header(dice, marker) };
        piece.bytes.extend_from_slice(&line.bytes);
        piece.bytes.extend_from_slice(b"\r\n");
        piece.is_alone |= line.is_alone;
    }
    if is_stranger && dice.percent(50) {
        let line = if dice.percent(70) { authorization(dice, marker) } else { cookie(dice, marker) };
        piece.bytes.extend_from_slice(line.as_bytes());
        piece.bytes.extend_from_slice(b"\r\n");
    }
    piece
}

fn host(dice: &mut Dice, marker: &str) -> Piece {
    match dice.below(80) {
        0 => Piece::alone(""),
        1 => Piece::alone(format!("Host: a\r\nHost: {marker}\r\n")),
        2 => Piece::alone(format!("Host: {marker}/?@\r\n")),
        3 => Piece::alone([b"Host: \xff", marker.as_bytes(), b"\r\n"].concat()),
        4 => Piece::new(format!("Host: {marker}.example\r\n")),
        _ => Piece::new("Host: sts.example\r\n"),
    }
}

fn header(dice: &mut Dice, marker: &str) -> Piece {
    let tag = format!(
        "{}{marker}{}",
        dice.pick(&["\"", "W/\"", "", "\"\"", "*, "]),
        dice.pick(&["\"", "", "\", \"1\"", ",,,"])
    );
    match dice.below(15) {
        0 => Piece::new(format!("If-Match: {tag}")),
        1 => Piece::new(format!("If-None-Match: {tag}")),
        2 => Piece::new(format!(
            "If-Match: {}",
            dice.pick(&["*", "\"-1\"", "\"99999999999999999999\"", "\"1\", W/\"2\"", ""])
        )),
        3 => Piece::new(format!("If-None-Match: *, {marker}")),
        4 => Piece::new(format!("Origin: http://{marker}.example")),
        5 => Piece::new(format!("Sec-Fetch-Site: {}", dice.pick(&["same-origin", "cross-site", marker]))),
        6 => Piece::new(format!("X-Forwarded-For: {marker}, 127.0.0.1\r\nForwarded: for={marker};host={marker}")),
        7 => Piece::new(format!("X-Forwarded-Host: {marker}\r\nX-Forwarded-Proto: {marker}\r\nX-Request-Id: {marker}")),
        8 => Piece::new(format!("X-HTTP-Method-Override: {}", dice.pick(&["DELETE", "PATCH", marker]))),
        9 => {
            Piece::new(format!("Accept: {marker}/*;q=x\r\nAccept-Language: {marker}\r\nAccept-Encoding: {marker}, br"))
        }
        10 => Piece::new(format!("Range: bytes={marker}-\r\nUser-Agent: {marker}")),
        11 => Piece::new(format!("X-Long: {}{marker}", "x".repeat(dice.below(6000)))),
        12 => Piece::new([b"X-Bytes: \xe9\xff\x80", marker.as_bytes()].concat()),
        13 => {
            let escaped = format!("\"{marker}\\\"\"");
            let key = dice.pick(&[marker, "one", "\"one\"", &escaped, "\"", "\"\\\"", "", "a b"]);
            Piece::new(format!("Idempotency-Key: {key}"))
        }
        _ => Piece::new(format!("Referer: http://{marker}@{marker}/?{marker}#{marker}")),
    }
}

/// Header lines that HTTP forbids, that ask for another protocol, or that are too much.
fn broken(dice: &mut Dice, marker: &str) -> Piece {
    match dice.below(10) {
        0 => Piece::alone(format!("X-Long: {}{marker}", "x".repeat(dice.below(140_000)))),
        1 => Piece::alone(format!("X-{marker}: 1\r\n").repeat(1 + dice.below(150)) + "X-Last: 1"),
        2 => Piece::alone(format!("{}: {marker}", dice.pick(&["X Y", "X\u{e9}", "", " X", "X\t", "(x)", ":"]))),
        3 => Piece::alone(format!("X-Fold: a\r\n {marker}")),
        4 => Piece::alone([b"X-Nul: a\0", marker.as_bytes()].concat()),
        5 => Piece::alone(format!("X-Line: a\n{marker}: b\rX: c")),
        6 => Piece::alone(format!("Connection: {}\r\nUpgrade: {marker}", dice.pick(&["close", "upgrade", marker]))),
        7 => Piece::alone(format!("Upgrade: {}\r\nConnection: Upgrade", dice.pick(&["websocket", "h2c", marker]))),
        8 => Piece::alone(marker),
        _ => Piece::alone(format!("TE: {marker}\r\nTrailer: {marker}\r\nHTTP2-Settings: {marker}")),
    }
}

fn authorization(dice: &mut Dice, marker: &str) -> String {
    let jwt = |header: &str| {
        let claims =
            format!("{{\"jti\":\"{marker}\",\"token_type\":\"refresh\",\"exp\":99999999999,\"sub\":\"{marker}\"}}");
        format!("{}.{}.{marker}", URL_SAFE_NO_PAD.encode(header), URL_SAFE_NO_PAD.encode(claims))
    };
    let token = match dice.below(10) {
        0 => format!("patmint_{marker}"),
        1 => format!("patmint_{}{marker}", "0".repeat(62)),
        2 => format!("pms_{}{marker}", "0".repeat(44)),
        3 => jwt(r#"{"alg":"none","typ":"at+jwt"}"#),
        4 => jwt(r#"{"alg":"HS256","typ":"refresh+jwt"}"#),
        5 => jwt(&format!(r#"{{"alg":"ES256","typ":"at+jwt","kid":"{marker}","jku":"http://{marker}/"}}"#)),
        6 => format!("{}{marker}", "0".repeat(20)),
        7 => format!("{}{marker}", "a.".repeat(dice.below(2000))),
        8 => format!("{marker},{marker} \"{marker}"),
        _ => marker.to_owned(),
    };
    let scheme = dice.pick(&[
        "Bearer",
        "bearer",
        "BEARER",
        "Token",
        "Basic",
        "Digest",
        "Negotiate",
        "DPoP",
        "",
        marker,
        "Bearer Bearer",
    ]);
    match dice.below(8) {
        0 => format!("Authorization: {scheme}{token}"),
        1 => format!("Authorization: {scheme}  {token}  "),
        2 => format!("Authorization: {scheme} {token}\r\nAuthorization: Bearer {marker}"),
        3 => format!("Authorization: {scheme} \u{e9}\u{1f4a9}{token}"),
        _ => format!("Authorization: {scheme} {token}"),
    }
}

fn cookie(dice: &mut Dice, marker: &str) -> String {
    let name = dice.pick(&["patmint_session", "__Host-patmint_session", "PATMINT_SESSION", "", marker]);
    let value = match dice.below(6) {
        0 => format!("pms_{}{marker}", "0".repeat(44)),
        1 => format!("\"{marker}"),
        2 => format!("%00%ff{marker}%"),
        3 => format!("{marker}; {name}={marker};;;=;{marker}"),
        4 => format!("{}{marker}", "c".repeat(5000)),
        _ => marker.to_owned(),
    };
    format!("Cookie: {name}={value}")
}
