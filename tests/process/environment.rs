//! Variables of the environment as deployment tools set them: empty, in other spellings, for sibling services.

use crate::support::{Place, Program, Server};

fn serve(place: &Place) -> Program {
    place.patmint(["serve", "--listen", "127.0.0.1:0"])
}

#[test]
fn an_empty_variable_counts_as_absent() {
    let place = Place::new();
    place.bootstrap();
    let mut program = serve(&place);
    for name in [
        "PATMINT_ISSUER",
        "PATMINT_NO_MIGRATE",
        "PATMINT_MAX_STALENESS",
        "PATMINT_LOG_FORMAT",
        "OTEL_EXPORTER_OTLP_ENDPOINT",
    ] {
        program = program.env(name, "");
    }
    Server::of(program.start()).stop();
}

#[test]
fn an_empty_variable_leaves_out_no_protection() {
    let place = Place::new();
    for (name, said) in [
        ("PATMINT_FEED_TOKEN", "feed_token"),
        ("PATMINT_TLS_CERT", "PATMINT_TLS_CERT"),
        ("PATMINT_TLS_KEY", "PATMINT_TLS_KEY"),
    ] {
        let finished = serve(&place).env(name, "").run();
        assert!(finished.refusal().contains(said), "{finished:?}");
    }
}

#[test]
fn a_switch_takes_the_usual_spellings() {
    for (value, migrates) in [("1", false), ("yes", false), ("TRUE", false), ("0", true), ("No", true), ("", true)] {
        let place = Place::new();
        let program = serve(&place).env("PATMINT_NO_MIGRATE", value);
        if migrates {
            Server::of(program.start()).stop();
        } else {
            let finished = program.run();
            assert!(finished.refusal().contains("no_migrate"), "{value}: {finished:?}");
        }
    }
}

#[test]
fn a_variable_with_a_wrong_value_is_named() {
    let place = Place::new();
    for (name, value, expected) in [
        ("PATMINT_NO_MIGRATE", "hunter2", "boolean"),
        ("PATMINT_DATABASE_CONNECTIONS", "hunter2", "digit"),
        ("PATMINT_LOG_FORMAT", "hunter2", "text, json"),
        ("PATMINT_TRUSTED_PROXIES", "hunter2", "network"),
    ] {
        let finished = serve(&place).env(name, value).run();
        let line = finished.refusal();
        assert!(line.contains(name) && line.contains(expected) && line.contains("--help"), "{line}");
        assert!(!line.contains(value), "{line}");
    }
}

#[test]
fn a_sibling_service_of_kubernetes_does_not_stop_the_start() {
    let place = Place::new();
    place.bootstrap();
    let siblings = [
        ("PATMINT_POSTGRES_SERVICE_HOST", "10.0.0.7"),
        ("PATMINT_POSTGRES_SERVICE_PORT", "5432"),
        ("PATMINT_POSTGRES_PORT", "tcp://10.0.0.7:5432"),
        ("PATMINT_POSTGRES_PORT_5432_TCP_ADDR", "10.0.0.7"),
    ];
    let program = siblings.iter().fold(serve(&place), |program, (name, value)| program.env(name, value));
    Server::of(program.start()).stop();
}

#[test]
fn a_hangup_does_not_end_a_server_without_a_certificate() {
    let place = Place::new();
    let owner = place.bootstrap();
    let mut running = serve(&place).start();
    let address = running.err.line_with("listening on").expect("it serves");
    running.hang_up();
    assert!(running.err.line_with("SIGHUP").is_some(), "{address}");
    running.terminate();
    assert_eq!(running.finish().code, Some(0));
    assert!(place.serve().client.exchanges(&owner.token));
}
