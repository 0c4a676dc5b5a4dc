use super::*;

#[test]
fn flags_win_over_the_file() {
    let flags = Options { listen: Some("127.0.0.1:1".to_owned()), ..Options::default() };
    let file = Options {
        listen: Some("127.0.0.1:2".to_owned()),
        token_prefix: Some("acme_".to_owned()),
        ..Options::default()
    };
    let config = Config::new(flags.or(file)).unwrap();
    assert_eq!((config.listen.as_str(), config.token_prefix.as_str()), ("127.0.0.1:1", "acme_"));
    assert!(config.migrate);
}

#[test]
fn a_wrong_value_is_named_and_not_shown() {
    let secret = "mysql://ada:hunter2@db".to_owned();
    let error = Config::new(Options { database_url: Some(secret), ..Options::default() }).unwrap_err().to_string();
    assert!(error.starts_with("database_url") && !error.contains("hunter2"), "{error}");
    for (options, setting) in [
        (Options { issuer: Some("sts.example".to_owned()), ..Options::default() }, "issuer"),
        (Options { tls_cert: Some("a".into()), ..Options::default() }, "tls_key"),
        (Options { tls_key: Some("a".into()), ..Options::default() }, "tls_cert"),
        (
            Options {
                tls_cert: Some("a".into()),
                tls_key: Some("b".into()),
                issuer: Some("http://sts.example".to_owned()),
                ..Options::default()
            },
            "issuer",
        ),
        (Options { token_prefix: Some("x".to_owned()), ..Options::default() }, "token_prefix"),
        (Options { max_staleness: Some(0.1), ..Options::default() }, "max_staleness"),
        (Options { max_staleness: Some(f64::NAN), ..Options::default() }, "max_staleness"),
        (Options { database_connections: Some(0), ..Options::default() }, "database_connections"),
        (Options { cache_capacity: Some(0), ..Options::default() }, "cache_capacity"),
        (Options { key_lead: Some(299), ..Options::default() }, "key_lead"),
        (Options { key_rotation: Some(86_399), ..Options::default() }, "key_rotation"),
        (Options { usage_retention_days: Some(36_501), ..Options::default() }, "usage_retention_days"),
        (Options { audit_retention_days: Some(36_501), ..Options::default() }, "audit_retention_days"),
        (Options { token_retention_days: Some(36_501), ..Options::default() }, "token_retention_days"),
        (Options { invitation_retention_days: Some(36_501), ..Options::default() }, "invitation_retention_days"),
        (Options { key_lead: Some(90_000), key_rotation: Some(90_000), ..Options::default() }, "key_rotation"),
        (Options { max_feed_waiters: Some(0), ..Options::default() }, "max_feed_waiters"),
        (Options { max_feed_waiters_per_address: Some(0), ..Options::default() }, "max_feed_waiters_per_address"),
        (Options { max_connections: Some(10_000), ..Options::default() }, "max_connections"),
        (Options { feed_token: Some("fifteen-letters".into()), ..Options::default() }, "feed_token"),
        (Options { feed_token: Some("sixteen letters!".into()), ..Options::default() }, "feed_token"),
    ] {
        let error = Config::new(options).unwrap_err();
        assert!(matches!(error, ConfigError::Invalid { setting: named, .. } if named == setting), "{error}");
    }
}

#[test]
fn a_new_key_is_published_for_longer_than_services_keep_what_they_know() {
    let lead = |options| Config::new(options).unwrap().settings(String::new()).key_lead;
    assert_eq!(lead(Options::default()), 900);
    assert_eq!(lead(Options { jwks_max_age: Some(3600), ..Options::default() }), 4200);
    assert_eq!(lead(Options { key_lead: Some(300), ..Options::default() }), 300);
    assert!(Config::new(Options { key_rotation: Some(0), ..Options::default() }).is_ok());
}

#[test]
fn an_issuer_has_no_slash_at_its_end() {
    for bad in ["http://h:99999", "http://h:0", "http://h:", "http://h:-1", "http://:80", "http://[::1", "http:///p"] {
        assert!(checked::issuer(bad).is_err(), "{bad}");
    }
    assert!(checked::issuer(&format!("http://{}", "h".repeat(3000))).is_err());
    assert!(checked::issuer("http://[::1]:8080").is_ok());
    assert_eq!(checked::issuer("https://sts.example/base/").unwrap(), "https://sts.example/base");
}
