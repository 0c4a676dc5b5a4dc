//! PgBouncer between patmint and PostgreSQL: it must leave each connection its own session, and is found out if it does not.

use std::{
    fs::{self, Permissions},
    os::unix::fs::{MetadataExt as _, PermissionsExt as _},
};

use crate::support::{Place, Program, Running, Server};

/// A PgBouncer in front of a place's database, on a socket in a folder of its own.
struct Bouncer {
    running: Running,
    folder: tempfile::TempDir,
    name: String,
}

impl Bouncer {
    fn before(place: &Place, pool_mode: &str) -> Self {
        let url = place.url();
        let (_, rest) = url.split_once("://").unwrap();
        let (user, rest) = rest.split_once('@').expect("a user");
        let (server, name) = rest.split_once('/').expect("a database");
        let (host, port) = server.split_once(':').unwrap_or((server, "5432"));
        let user = user.replacen(':', " password=", 1);
        let name = name.split('?').next().unwrap().to_owned();
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().display();
        let config = format!(
            "[databases]\n* = host={host} port={port} user={user}\n\
             [pgbouncer]\nlisten_addr =\nlisten_port = 6432\nunix_socket_dir = {path}\nauth_type = any\n\
             pool_mode = {pool_mode}\nmax_client_conn = 100\n"
        );
        fs::write(folder.path().join("pgbouncer.ini"), config).unwrap();
        let mut program = Program::other("pgbouncer", folder.path());
        // It does not run as root.
        if fs::metadata("/proc/self").unwrap().uid() == 0 {
            fs::set_permissions(folder.path(), Permissions::from_mode(0o777)).unwrap();
            program = program.args(["-u", "nobody"]);
        }
        let mut running = program.args(["pgbouncer.ini"]).start();
        assert!(running.err.line_with("process up").is_some(), "{}", running.err.seen());
        Self { running, folder, name }
    }

    fn url(&self) -> String {
        let host = self.folder.path().display().to_string().replace('/', "%2F");
        format!("postgres://ada@{host}:6432/{}", self.name)
    }

    /// `patmint …` through it.
    fn patmint<'a>(&self, place: &Place, args: impl IntoIterator<Item = &'a str>) -> Program {
        place.patmint(args).env("PATMINT_DATABASE_URL", &self.url())
    }
}

#[test]
fn in_session_mode_it_works() {
    let place = Place::new();
    if !place.is_postgres() {
        return;
    }
    let bouncer = Bouncer::before(&place, "session");
    let owner = place.bootstrap();
    let server = Server::of(bouncer.patmint(&place, ["serve", "--listen", "127.0.0.1:0"]).start());
    let session = server.client.session(&owner);
    let made = server.client.create(&session);
    let answer = server.client.try_exchange(made["token"].as_str().unwrap()).expect("an answer");
    assert_eq!(answer.status, 200);
    let looked = bouncer.patmint(&place, ["doctor", "--json", "--listen", "127.0.0.1:1"]).run().stdout;
    assert!(!looked.contains("pooler"), "{looked}");
    server.stop();
}

#[test]
fn in_the_other_modes_it_is_refused() {
    let place = Place::new();
    if !place.is_postgres() {
        return;
    }
    place.bootstrap();
    for mode in ["transaction", "statement"] {
        let bouncer = Bouncer::before(&place, mode);
        let serve = bouncer.patmint(&place, ["serve", "--no-migrate", "--listen", "127.0.0.1:0"]).run();
        let line = serve.refusal();
        assert!(line.contains("pooler") && line.contains("pool_mode = session"), "{mode}: {line}");
        let looked = bouncer.patmint(&place, ["doctor", "--json", "--listen", "127.0.0.1:1"]).run();
        assert_eq!(looked.code, Some(1), "{mode}: {looked:?}");
        assert!(looked.stdout.contains("pool_mode = session"), "{mode}: {looked:?}");
        drop(bouncer.running);
    }
}
