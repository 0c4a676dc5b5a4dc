//! Hostile bodies and how they are framed.

use super::generate::Dice;

/// The largest body that is read.
const LIMIT: usize = 64 * 1024;

/// A body and the headers about it.
#[derive(Default)]
pub struct Framed {
    pub headers: Vec<u8>,
    pub bytes: Vec<u8>,
    /// Whether the headers say something else of its length than is true.
    pub is_doubtful: bool,
}

const JSON: &str = "application/json";
const FORM: &str = "application/x-www-form-urlencoded";

/// A body for `route`, honestly framed or not.
pub fn framed(dice: &mut Dice, route: &str, marker: &str, is_honest: bool) -> Framed {
    let is_form =
        route.starts_with("/oauth") || (route.contains("token/refresh") && dice.percent(35)) || dice.percent(8);
    let mut body = if is_form { form(dice, marker) } else { json(dice, route, marker) };
    if dice.percent(4) {
        body = multipart(marker);
    }
    if dice.percent(5) {
        let cut = dice.below(body.len() + 1);
        body.truncate(cut);
    }
    let fitting = if is_form { FORM } else { JSON };
    if is_honest {
        let headers = format!("Content-Type: {fitting}\r\nContent-Length: {}\r\n", body.len());
        return Framed { headers: headers.into_bytes(), bytes: body, is_doubtful: false };
    }
    let mut headers =
        if dice.percent(75) { format!("Content-Type: {fitting}\r\n") } else { media_type(dice, fitting, marker) };
    if dice.percent(5) {
        let coding = dice.pick(&["gzip", "br", "deflate", "zstd", "identity", marker]);
        headers.extend(["Content-Encoding: ", coding, "\r\n"]);
    }
    if dice.percent(4) {
        let expected = dice.pick(&["100-continue", "100-Continue", "200-ok", marker]);
        headers.extend(["Expect: ", expected, "\r\n"]);
    }
    let (is_doubtful, framing, bytes) = frame(dice, body, marker);
    headers += &framing;
    Framed { headers: headers.into_bytes(), bytes, is_doubtful }
}

fn media_type(dice: &mut Dice, fitting: &str, marker: &str) -> String {
    match dice.below(8) {
        0 => String::new(),
        1 => format!("Content-Type: {fitting}; charset={marker}\r\n"),
        2 => format!("Content-Type: {fitting}; charset=utf-16\r\n"),
        3 => format!("Content-Type: {fitting}\r\nContent-Type: text/{marker}\r\n"),
        4 => format!("Content-Type: multipart/form-data; boundary={marker}\r\n"),
        5 => format!("Content-Type: {marker}\r\n"),
        6 => format!("Content-Type: \u{e9}{marker}; \u{7f}\r\n"),
        _ => format!(
            "Content-Type: {}\r\n",
            dice.pick(&["text/plain", "application/xml", "application/json5", "/", ";", JSON, FORM])
        ),
    }
}

fn frame(dice: &mut Dice, body: Vec<u8>, marker: &str) -> (bool, String, Vec<u8>) {
    if dice.percent(75) {
        return (false, format!("Content-Length: {}\r\n", body.len()), body);
    }
    let (headers, bytes) = misframed(dice, body, marker);
    (true, headers, bytes)
}

fn misframed(dice: &mut Dice, body: Vec<u8>, marker: &str) -> (String, Vec<u8>) {
    let length = body.len();
    let chunks =
        |size: &str, end: &str| [format!("{size}\r\n").as_bytes(), &body, format!("\r\n{end}").as_bytes()].concat();
    let chunked = "Transfer-Encoding: chunked\r\n".to_owned();
    match dice.below(15) {
        0 => (chunked, chunks(&format!("{length:x}"), "0\r\n\r\n")),
        1 => (chunked, chunks(&format!("{length:X};{marker}=\"x\""), &format!("0\r\n{marker}: x\r\n\r\n"))),
        2 => (chunked, chunks(marker, "0\r\n\r\n")),
        3 => (chunked, chunks("ffffffffffffffff", "")),
        4 => (chunked, chunks(&format!("{:x}", length + 1), "0\r\n\r\n")),
        5 => (chunked, chunks(&format!("{length:x}"), "")),
        6 => (format!("{chunked}Content-Length: {length}\r\n"), chunks(&format!("{length:x}"), "0\r\n\r\n")),
        7 => (format!("Transfer-Encoding: {marker}\r\n"), body),
        8 => (format!("Transfer-Encoding: chunked, {marker}\r\n"), body),
        9 => (format!("Content-Length: {}\r\n", length + 1 + dice.below(9999)), body),
        // The rest is then the next request.
        10 => (format!("Content-Length: {}\r\n", dice.below(length + 1)), body),
        11 => (
            format!(
                "Content-Length: {}\r\n",
                dice.pick(&["-1", "+5", "0x10", "99999999999999999999", "1e3", "", "5 5"])
            ),
            body,
        ),
        12 => (format!("Content-Length: {length}\r\nContent-Length: {}\r\n", length / 2), body),
        13 => (format!("Content-Length: {marker}\r\n"), body),
        _ => (String::new(), body),
    }
}

/// The members that an endpoint knows.
fn members(route: &str) -> &'static [&'static str] {
    match route {
        "/api/v1/session" => &["email", "password"],
        "/api/v1/session/password" => &["current_password", "new_password"],
        "/api/v1/tokens" => &[
            "name",
            "name",
            "kind",
            "permission",
            "scopes",
            "audiences",
            "expires_at",
            "expires_in",
            "organization_id",
        ],
        "/api/v1/tokens/{id}" => {
            &["name", "permission", "scopes", "audiences", "expires_at", "expires_in", "kind", "token"]
        }
        "/api/v1/tokens/{id}/rotate" => &["overlap", "after_use", "expires_at", "expires_in"],
        "/api/v1/revocations" => &["token"],
        "/api/v1/orgs/{org}/revocations" => &["ids", "owner_id", "created_before"],
        "/api/v1/orgs" => &["name", "slug"],
        "/api/v1/orgs/{org}" => &["name"],
        "/api/v1/orgs/{org}/members/{user}" => &["role", "groups"],
        "/api/v1/orgs/{org}/service-accounts" | "/api/v1/orgs/{org}/service-accounts/{id}" => &["name", "groups"],
        "/api/v1/orgs/{org}/invitations" => &["email", "role", "groups"],
        "/api/v1/invitations/accept" => &["token", "password", "name"],
        "/api/v1/orgs/{org}/policy" => &[
            "access_token_ttl",
            "token_max_ttl",
            "token_default_ttl",
            "require_expiry",
            "token_management",
            "allowed_kinds",
            "max_tokens_per_user",
            "stale_after",
            "default_audience",
            "allowed_audiences",
            "allowed_networks",
        ],
        _ => &["refresh", "refresh", "token", "scope", "audience"],
    }
}

fn json(dice: &mut Dice, route: &str, marker: &str) -> Vec<u8> {
    let known = members(route);
    let name = dice.pick(known);
    match dice.below(20) {
        0 => marker.as_bytes().to_vec(),
        1 => format!("\"{marker}\"").into_bytes(),
        2 => format!("[{{\"{name}\":\"{marker}\"}}]").into_bytes(),
        3 => format!("[\"{marker}\",\"{marker}\"]").into_bytes(),
        4 => format!("{{\"{name}\":\"{marker}\",\"{name}\":\"{marker}\"}}").into_bytes(),
        5 => {
            let depth = dice.below(30_000);
            format!("{{\"{name}\":{}\"{marker}\"", "[".repeat(depth)).into_bytes()
        }
        6 => {
            let depth = dice.below(200);
            format!("{{\"{name}\":{}\"{marker}\"{}}}", "{\"a\":".repeat(depth), "}".repeat(depth)).into_bytes()
        }
        7 => [format!("{{\"{name}\":\"").as_bytes(), b"\xff\xc0\x80\xed\xa0\x80", marker.as_bytes(), b"\"}"].concat(),
        8 => format!("{{\"{name}\":\"\0{marker}\"}}").into_bytes(),
        9 => format!("\u{feff}{{\"{name}\":\"{marker}\"}}").into_bytes(),
        10 => format!("{{\"{name}\":\"\\ud800{marker}\"}}").into_bytes(),
        11 => format!("{{\"{name}\":\"{marker}\",}} // {marker}").into_bytes(),
        12 => format!("{{\"{marker}\":1,\"`, expected `{marker}\":{{}}}}").into_bytes(),
        13 => {
            // Valid JSON of exactly this length.
            let length = LIMIT - 1 + dice.below(3);
            let frame = format!("{{\"{name}\":\"{marker}\"}}").len();
            format!("{{\"{name}\":\"{marker}{}\"}}", "x".repeat(length - frame)).into_bytes()
        }
        _ => object(dice, known, marker).into_bytes(),
    }
}

/// An object with members that mean something and values that do not.
fn object(dice: &mut Dice, known: &[&str], marker: &str) -> String {
    let count = if dice.percent(50) { known.len() } else { 1 + dice.below(3) };
    let mut text = String::new();
    for index in 0..count {
        let name = if dice.percent(97) { known[(index + dice.below(2)) % known.len()] } else { marker };
        let value = if dice.percent(60) { fitting(name, marker) } else { value(dice, marker) };
        if !text.contains(&format!("\"{name}\":")) {
            text.extend([if text.is_empty() { "" } else { "," }, "\"", name, "\":", &value]);
        }
    }
    format!("{{{text}}}")
}

/// What an honest client could send.
fn fitting(member: &str, marker: &str) -> String {
    let text = match member {
        "kind" => "opaque",
        "permission" => "read",
        "expires_at" => "2027-01-01T00:00:00Z",
        "email" => "ada@acme.example",
        "role" => "admin",
        "scopes" => return format!("[{{\"entity_type\":\"{marker}\",\"entity_id\":\"*\",\"operation\":\"read\"}}]"),
        "access_token_ttl" => return "600".to_owned(),
        "require_expiry" => return "false".to_owned(),
        "allowed_kinds" => return "[\"jwt\",\"opaque\"]".to_owned(),
        "expires_in" | "audiences" | "organization_id" | "token_max_ttl" | "default_audience" => {
            return "null".to_owned();
        }
        _ => marker,
    };
    format!("\"{text}\"")
}

fn value(dice: &mut Dice, marker: &str) -> String {
    match dice.below(26) {
        0 => "null".to_owned(),
        1 => "true".to_owned(),
        2 => dice.pick(&["1e400", "-1e400", "1e-999", "0.1", "-0", "1e18"]).to_owned(),
        3 => dice
            .pick(&["9223372036854775807", "-9223372036854775808", "18446744073709551615", "9".repeat(400).as_str()])
            .to_owned(),
        4 => dice.pick(&["60", "300", "2147483648", "31536000000", "9000000000000", "-1", "0"]).to_owned(),
        5 => "[]".to_owned(),
        6 => "{}".to_owned(),
        7 => format!("[\"{marker}\"]"),
        8 => format!("{{\"{marker}\":\"{marker}\"}}"),
        9 => format!("[{{\"entity_type\":\"{marker}\",\"entity_id\":\"*\",\"operation\":\"{marker}\"}}]"),
        10 => format!("[{{\"entity_type\":\"\\u0000{marker}\",\"entity_id\":{{}},\"operation\":7,\"{marker}\":1}}]"),
        11 => format!("\"\\u0000{marker}\""),
        12 => format!("\"{}{marker}\"", "\\u00e9".repeat(dice.below(5000))),
        13 => format!("\"' OR '1'='1' -- {marker}\""),
        14 => format!("\"${{jndi:ldap://{marker}/}}{{{{7*7}}}}%s%n{{}}\""),
        15 => format!("\"\\\"\\\\\\r\\nSet-Cookie: {marker}=1\""),
        16 => format!("\"<script>{marker}</script>\\u202e\\u2028\""),
        17 => format!("\"{marker}@{marker}.example\""),
        18 => format!("\"2026-13-45T99:99:99{marker}\""),
        19 => dice
            .pick(&[
                "\"9999-12-31T23:59:59Z\"",
                "\"+262142-12-31T23:59:59Z\"",
                "\"-262143-01-01T00:00:00Z\"",
                "\"0000-00-00\"",
            ])
            .to_owned(),
        20 => format!("\"patmint_{}{marker}\"", "0".repeat(62)),
        21 => format!("\"eyJhbGciOiJub25lIn0.{}.{marker}\"", "A".repeat(dice.below(4000))),
        22 => format!("[{}\"{marker}\"]", format!("\"{marker}\",").repeat(dice.below(2000))),
        23 => dice
            .pick(&["\"opaque\"", "\"jwt\"", "\"legacy\"", "\"read\"", "\"read_write\"", "\"::/0\"", "\"\"", "\" \""])
            .to_owned(),
        24 => format!("\"ada@acme.example{marker}\""),
        _ => format!("\"{marker}\""),
    }
}

fn form(dice: &mut Dice, marker: &str) -> Vec<u8> {
    let name = dice.pick(&["token", "token", "token", "refresh", "refresh", "grant_type", marker]);
    match dice.below(12) {
        0 => format!("{name}=%{marker}").into_bytes(),
        1 => format!("{name}=%ff%fe%00{marker}").into_bytes(),
        2 => format!("{name}={marker}&{name}={marker}").into_bytes(),
        3 => format!("&&==&={marker}&{name}").into_bytes(),
        4 => [format!("{name}={marker}").as_bytes(), b"\xff\x00\xc3"].concat(),
        5 => format!("{name}={marker}&").repeat(1 + dice.below(900)).into_bytes(),
        6 => format!(
            "{name}={marker}{}",
            "x".repeat((LIMIT - 1 + dice.below(3)).saturating_sub(name.len() + 1 + marker.len()))
        )
        .into_bytes(),
        7 => format!("{name}=patmint_{}{marker}&token_type_hint={marker}", "0".repeat(62)).into_bytes(),
        8 => format!("{name}=eyJhbGciOiJFUzI1NiIsInR5cCI6ImF0K2p3dCJ9.{marker}.{marker}").into_bytes(),
        9 => format!("{name}[]={marker}&{name}[a]={marker}").into_bytes(),
        _ => format!("{name}={marker}&scope={marker}&audience={marker}").into_bytes(),
    }
}

fn multipart(marker: &str) -> Vec<u8> {
    format!(
        "--{marker}\r\nContent-Disposition: form-data; name=\"refresh\"; filename=\"../{marker}\"\r\n\r\n{marker}\r\n--{marker}--\r\n"
    )
    .into_bytes()
}
