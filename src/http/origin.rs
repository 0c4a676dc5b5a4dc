//! Whether a request comes from this site's own pages. A browser sends the cookie along with any; a cookie alone must
//! change nothing (OWASP's "verifying origin", with Fetch Metadata where there is some).

use actix_web::{HttpRequest, http::header};

/// Whether the page that made the request is ours. `issuer` is our address as people know it.
pub(super) fn is_own(request: &HttpRequest, issuer: &str) -> bool {
    let text = |name: &str| request.headers().get(name).map(|value| value.to_str().unwrap_or_default());
    if let Some(site) = text("sec-fetch-site") {
        return site == "same-origin";
    }
    let Some(origin) = text(header::ORIGIN.as_str()) else { return false };
    let host = text(header::HOST.as_str()).unwrap_or_default();
    let scheme = issuer.split("://").next().unwrap_or_default();
    origin == origin_of(issuer) || (!host.is_empty() && origin == format!("{scheme}://{host}"))
}

/// Scheme and authority of a URL.
pub(super) fn origin_of(url: &str) -> &str {
    let authority = url.find("://").map_or(0, |at| at + 3);
    let end = url.get(authority..).and_then(|rest| rest.find('/')).map_or(url.len(), |at| authority + at);
    url.get(..end).unwrap_or(url)
}

#[cfg(test)]
mod tests {
    use actix_web::test::TestRequest;

    use super::*;

    #[test]
    fn only_our_own_pages_count() {
        let issuer = "https://sts.example/base";
        let own = |headers: &[(&str, &str)]| {
            let request = headers.iter().fold(TestRequest::post(), |request, header| request.append_header(*header));
            is_own(&request.to_http_request(), issuer)
        };
        assert!(own(&[("origin", "https://sts.example")]));
        assert!(own(&[("origin", "https://10.0.0.1:8443"), ("host", "10.0.0.1:8443")]));
        assert!(own(&[("sec-fetch-site", "same-origin")]));
        assert!(!own(&[("sec-fetch-site", "same-site"), ("origin", "https://sts.example")]));
        assert!(!own(&[("origin", "https://evil.example"), ("host", "sts.example")]));
        assert!(!own(&[("origin", "http://sts.example"), ("host", "sts.example")]));
        assert!(!own(&[("origin", "null")]));
        assert!(!own(&[]));
    }
}
