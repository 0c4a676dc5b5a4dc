//! `/invitations`: the page that the link of an invitation opens. What it does in a browser is in `tests/browser`.

use serde_json::json;

use crate::support::TestApp;

#[test]
fn a_link_leads_to_it() {
    let app = TestApp::new();
    let body = json!({ "email": "bob@acme.example", "role": "member" });
    let made = app.post("/api/v1/orgs/acme/invitations").bearer(&app.ada.sign_in(&app)).json(&body).send().json();
    let (address, _) = made["link"].as_str().unwrap().split_once('#').unwrap();
    let path = address.strip_prefix(&app.issuer()).unwrap();
    let page = app.get(path).send();
    assert_eq!((page.status, page.header("content-type")), (200, Some("text/html; charset=utf-8")));
    assert_eq!(page.header("cache-control"), Some("public, max-age=300"));
}

#[test]
fn its_own_script_is_all_that_runs() {
    let app = TestApp::new();
    let page = app.get("/invitations").send();
    let policy = page.header("content-security-policy").unwrap();
    let rules: Vec<_> = policy.split("; ").collect();
    for rule in [
        "default-src 'none'",
        "script-src 'self'",
        "connect-src 'self'",
        "require-trusted-types-for 'script'",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
    ] {
        assert!(rules.contains(&rule), "{rule}: {policy}");
    }
    assert!(!policy.contains("unsafe") && !policy.contains('*'), "{policy}");
    assert_eq!(page.header("x-content-type-options"), Some("nosniff"));
    assert_eq!(page.header("referrer-policy"), Some("no-referrer"));

    let text = page.text();
    assert_eq!(text.matches("<script").count(), 1);
    assert!(
        text.contains("<script type=\"module\" src=\"invitations.js\"></script>"),
        "relative: a proxy may add a path"
    );
    let script = app.get("/invitations.js").send();
    assert_eq!((script.status, script.header("content-type")), (200, Some("text/javascript; charset=utf-8")));
    assert_eq!(script.header("x-content-type-options"), Some("nosniff"));
    assert!(!text.contains("://") && !script.text().contains("://"), "nothing is fetched from elsewhere");
}
