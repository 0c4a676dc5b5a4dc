//! From where a request comes: the one place that says so. A connection tells the address of its other end; what a
//! header tells is believed only of a proxy that the operator trusts, and as far to the left as trusted proxies wrote it.

use std::{
    fmt,
    net::{IpAddr, SocketAddr},
    str::FromStr,
};

use actix_web::HttpRequest;
use ipnet::IpNet;
use serde::Deserialize;

use super::app::App;

/// In which header trusted proxies tell the client's address. Only this one is read: proxies pass on what they do not
/// know, so whoever likes could send the other.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
pub enum ProxyHeader {
    /// `X-Forwarded-For`, which most proxies write.
    #[default]
    #[serde(rename = "x-forwarded-for")]
    XForwardedFor,
    /// `Forwarded` (RFC 7239).
    #[serde(rename = "forwarded")]
    Forwarded,
}

/// No such header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UnknownProxyHeader;

impl fmt::Display for UnknownProxyHeader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("must be x-forwarded-for or forwarded")
    }
}

impl std::error::Error for UnknownProxyHeader {}

impl FromStr for ProxyHeader {
    type Err = UnknownProxyHeader;

    fn from_str(text: &str) -> Result<Self, UnknownProxyHeader> {
        match text {
            "x-forwarded-for" => Ok(Self::XForwardedFor),
            "forwarded" => Ok(Self::Forwarded),
            _ => Err(UnknownProxyHeader),
        }
    }
}

/// Whose word counts about the client's address.
#[derive(Clone, Debug, Default)]
pub struct TrustedProxies {
    /// Where these proxies are; none = nobody's word counts.
    pub networks: Vec<IpNet>,
    /// Where they write it.
    pub header: ProxyHeader,
}

/// The address of the client that sent this request; `None` if a trusted proxy does not say it in a way that can be read.
/// An unknown address is in no network.
pub(crate) fn client_address(app: &App, request: &HttpRequest) -> Option<IpAddr> {
    app.settings.proxies.client(request)
}

impl TrustedProxies {
    fn trusts(&self, address: IpAddr) -> bool {
        self.networks.iter().any(|network| network.contains(&address))
    }

    /// Whether a proxy that is not trusted says that it stands between.
    pub(super) fn is_unnamed(&self, request: &HttpRequest) -> bool {
        let says = |name| request.headers().contains_key(name);
        ["x-forwarded-for", "forwarded", "via", "x-real-ip"].into_iter().any(says)
            && !peer(request).is_some_and(|peer| self.trusts(peer))
    }

    fn client(&self, request: &HttpRequest) -> Option<IpAddr> {
        let peer = peer(request)?;
        if !self.trusts(peer) {
            return Some(peer);
        }
        let (name, node): (_, fn(&str) -> Option<IpAddr>) = match self.header {
            ProxyHeader::XForwardedFor => ("x-forwarded-for", address),
            ProxyHeader::Forwarded => ("forwarded", forwarded_for),
        };
        // Each proxy adds at the end who asked it: the first from there that is no trusted one is the client. What
        // stands before was written by nobody knows whom.
        let mut nearest = peer;
        let lines: Vec<_> = request.headers().get_all(name).collect();
        for line in lines.into_iter().rev() {
            let elements = line.as_bytes().rsplit(|byte| *byte == b',').map(<[u8]>::trim_ascii);
            for element in elements.filter(|element| !element.is_empty()) {
                // Each by itself: whatever bytes stand further to the left are not looked at.
                nearest = node(str::from_utf8(element).ok()?)?;
                if !self.trusts(nearest) {
                    return Some(nearest);
                }
            }
        }
        // Trusted throughout: the furthest of them asks on its own behalf.
        Some(nearest)
    }
}

fn peer(request: &HttpRequest) -> Option<IpAddr> {
    #[expect(clippy::disallowed_methods, reason = "this is the one place that looks at the peer")]
    let peer = request.peer_addr()?;
    Some(peer.ip().to_canonical())
}

/// `192.0.2.1`, `192.0.2.1:4711`, `2001:db8::1`, `[2001:db8::1]` or `[2001:db8::1]:4711`.
fn address(text: &str) -> Option<IpAddr> {
    let bare = text.strip_prefix('[').and_then(|text| text.strip_suffix(']')).unwrap_or(text);
    let address = bare.parse().ok().or_else(|| text.parse::<SocketAddr>().ok().map(|socket| socket.ip()));
    address.map(|address: IpAddr| address.to_canonical())
}

/// The `for` of a `forwarded-element` (RFC 7239 section 4): exactly one, and everything else well-formed too. A quoted
/// value may have a comma in it; what follows that has a quotation mark too many, and is not taken for an element.
fn forwarded_for(element: &str) -> Option<IpAddr> {
    let mut found = None;
    let mut rest = element;
    loop {
        let (name, value) = rest.split_once('=')?;
        let (value, after) = value_of(value)?;
        if !is_token(name) || (name.eq_ignore_ascii_case("for") && found.replace(value).is_some()) {
            return None;
        }
        match after.strip_prefix(';') {
            Some(more) => rest = more,
            None if after.is_empty() => break,
            None => return None,
        }
    }
    // `unknown` and `_hidden` are well-formed, and no address.
    address(found?)
}

/// A token or the inside of a quoted string, and what follows it. No address has anything to escape.
fn value_of(text: &str) -> Option<(&str, &str)> {
    if let Some(quoted) = text.strip_prefix('"') {
        return quoted.split_once('"').filter(|(inside, _)| !inside.contains('\\'));
    }
    let (value, after) = text.split_at(text.find(';').unwrap_or(text.len()));
    is_token(value).then_some((value, after))
}

/// A token of RFC 9110 section 5.6.2.
fn is_token(text: &str) -> bool {
    let is_part = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
    !text.is_empty() && text.bytes().all(is_part)
}

#[cfg(test)]
mod tests {
    use actix_web::{http::header::HeaderValue, test::TestRequest};

    use super::*;

    fn client(header: ProxyHeader, peer: &str, lines: &[(&str, &str)]) -> Option<String> {
        let networks = ["10.0.0.0/8", "2001:db8:1::/48"].map(|network| network.parse().unwrap()).into();
        let request = TestRequest::get().peer_addr(SocketAddr::new(peer.parse().unwrap(), 4711));
        let request = lines.iter().fold(request, |request, line| request.append_header(*line));
        let found = TrustedProxies { networks, header }.client(&request.to_http_request());
        found.map(|address| address.to_string())
    }

    fn said(value: &str) -> Option<String> {
        client(ProxyHeader::XForwardedFor, "10.0.0.1", &[("x-forwarded-for", value)])
    }

    fn forwarded(value: &str) -> Option<String> {
        client(ProxyHeader::Forwarded, "10.0.0.1", &[("forwarded", value)])
    }

    #[test]
    fn nobody_is_believed_but_a_trusted_proxy() {
        for header in [ProxyHeader::XForwardedFor, ProxyHeader::Forwarded] {
            let lines = [("x-forwarded-for", "192.0.2.1"), ("forwarded", "for=192.0.2.1")];
            for peer in ["11.0.0.1", "2001:db8:2::1"] {
                assert_eq!(client(header, peer, &lines).as_deref(), Some(peer));
            }
            for peer in ["10.0.0.1", "::ffff:10.0.0.1", "2001:db8:1::9"] {
                assert_eq!(client(header, peer, &lines).as_deref(), Some("192.0.2.1"), "{peer}");
            }
            assert_eq!(client(header, "10.0.0.1", &[]).as_deref(), Some("10.0.0.1"), "it asks on its own behalf");
        }
        let other = [("forwarded", "for=192.0.2.1")];
        assert_eq!(client(ProxyHeader::XForwardedFor, "10.0.0.1", &other).as_deref(), Some("10.0.0.1"));
        let other = [("x-forwarded-for", "192.0.2.1")];
        assert_eq!(client(ProxyHeader::Forwarded, "10.0.0.1", &other).as_deref(), Some("10.0.0.1"));
    }

    #[test]
    fn it_is_the_last_that_is_no_trusted_proxy() {
        for (value, expected) in [
            ("192.0.2.1", "192.0.2.1"),
            ("192.0.2.7, 192.0.2.1", "192.0.2.1"),
            ("10.9.9.9,192.0.2.1,10.0.0.2 , 10.0.0.3", "192.0.2.1"),
            ("garbage, 192.0.2.1, 10.0.0.2", "192.0.2.1"),
            ("\u{e9}, 192.0.2.1", "192.0.2.1"),
            (",, 192.0.2.1 ,", "192.0.2.1"),
            ("10.0.0.9, 10.0.0.2", "10.0.0.9"),
            ("192.0.2.1:4711", "192.0.2.1"),
            ("2001:DB8:2::1", "2001:db8:2::1"),
            ("[2001:db8:2::1]:4711, 2001:db8:1::1", "2001:db8:2::1"),
            ("::ffff:192.0.2.1", "192.0.2.1"),
        ] {
            assert_eq!(said(value).as_deref(), Some(expected), "{value}");
        }
        let request = TestRequest::get().peer_addr(SocketAddr::new("10.0.0.1".parse().unwrap(), 4711));
        let value = HeaderValue::from_bytes(b"192.0.2.7, \xff\xfe, 192.0.2.66").unwrap();
        let request = request.append_header(("x-forwarded-for", value)).to_http_request();
        let proxies = TrustedProxies { networks: vec!["10.0.0.0/8".parse().unwrap()], ..TrustedProxies::default() };
        assert_eq!(proxies.client(&request).map(|address| address.to_string()).as_deref(), Some("192.0.2.66"));
        let lines = [("x-forwarded-for", "192.0.2.7"), ("x-forwarded-for", "192.0.2.1, 10.0.0.2")];
        assert_eq!(client(ProxyHeader::XForwardedFor, "10.0.0.1", &lines).as_deref(), Some("192.0.2.1"));
    }

    #[test]
    fn garbage_is_no_address() {
        for value in ["garbage", "192.0.2.1, unknown", "192.0.2.1 10.0.0.2", "192.0.2.256", "1.2.3", "[::1", "\u{e9}"] {
            assert_eq!(said(value), None, "{value}");
        }
    }

    #[test]
    fn a_forwarded_element_is_read_strictly() {
        for (value, expected) in [
            ("for=192.0.2.1", "192.0.2.1"),
            ("For=\"192.0.2.1:4711\";proto=https;by=10.0.0.1", "192.0.2.1"),
            ("proto=http;for=\"[2001:db8:2::1]:4711\";host=\"a;b\"", "2001:db8:2::1"),
            ("for=192.0.2.7;host=\"x, for=192.0.2.8\", for=192.0.2.1, for=10.0.0.2", "192.0.2.1"),
            ("host=\u{e9}, for=192.0.2.1", "192.0.2.1"),
            // Whoever opens a quotation and hopes that what follows is swallowed.
            ("for=\"192.0.2.7, for=192.0.2.1", "192.0.2.1"),
        ] {
            assert_eq!(forwarded(value).as_deref(), Some(expected), "{value}");
        }
        for value in [
            "192.0.2.1",
            "for=unknown",
            "for=_hidden",
            "by=192.0.2.1",
            "for=192.0.2.1;for=192.0.2.2",
            "for=192.0.2.1;",
            "for =192.0.2.1",
            "for=\"192.0.2.1\"x",
            "for=[2001:db8:2::1]",
            // What a client named itself, quoted by an honest proxy, is no element.
            "for=192.0.2.1;host=\"x, for=192.0.2.8\"",
            "for=192.0.2.1;host=\"x, for=192.0.2.8;a=\"",
            "for=192.0.2.1;host=\"x, for=192.0.2.8;a=\";by=\"10.0.0.1\"",
        ] {
            assert_eq!(forwarded(value), None, "{value}");
        }
    }
}
