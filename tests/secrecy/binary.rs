//! The program itself, with everything logged: what it writes for people and for whoever reads the log.

use std::{
    fs,
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::SocketAddr,
    path::{Path, PathBuf},
    process::{Child, ChildStderr, Command, Output, Stdio},
};

use serde_json::{Value, json};

use crate::{
    support::{
        Answer, TestDatabase,
        client::{Request, agent},
    },
    watch::Book,
};

const PASSWORD: &str = "database-password-9d27";

/// Where one run of the program finds everything.
struct Place {
    database: TestDatabase,
    keys: PathBuf,
}

impl Place {
    /// The program with these arguments and nothing else of the caller's environment.
    fn patmint(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_patmint"));
        command
            .args(arguments)
            .env_clear()
            .env("PATMINT_LOG", "trace")
            .env("PATMINT_DATABASE_URL", self.database.url())
            .env("PATMINT_KEYS_DIR", &self.keys)
            .current_dir(self.folder())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        command
    }

    fn folder(&self) -> &Path {
        self.database.folder()
    }
}

#[test]
fn the_program_tells_its_secrets_once_and_logs_none() {
    let database = TestDatabase::new();
    let place = Place { keys: database.folder().join("keys"), database };
    let mut book = Book::default();
    let made = bootstrap(&place, &mut book);
    book.root_key(&place.keys);
    let log = serve(&place, &mut book, &made);
    for word in ["TRACE", "listening on", "stopping"] {
        assert!(log.contains(word), "the log has no {word}:\n{log}");
    }
    reset_password(&place, &mut book);
    bad_configurations(&place, &mut book);
    book.files(place.folder());
    assert_eq!(book.leaks(), Vec::<String>::new());

    book.place("a planted line", format!("{log} refresh={}", made["token"].as_str().unwrap()), &[]);
    assert!(book.leaks().iter().any(|leak| leak == "token (plain) in a planted line"), "the search finds nothing");
}

/// Keeps what a command wrote.
fn kept(book: &mut Book, name: &str, output: &Output, is_good: bool, shows: &[&str]) {
    let error = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.success(), is_good, "{name}: {error}");
    book.place(&format!("{name}, stdout"), output.stdout.clone(), shows);
    book.place(&format!("{name}, stderr"), output.stderr.clone(), &[]);
}

/// The first organization; what it made.
fn bootstrap(place: &Place, book: &mut Book) -> Value {
    let arguments = ["bootstrap", "--org", "Acme", "--email", "ada@acme.example", "--json"];
    let output = place.patmint(&arguments).output().unwrap();
    let made: Value = serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{output:?}"));
    let text = |name: &str| made[name].as_str().unwrap();
    book.secret("password", text("password"));
    book.token("token", text("token"));
    book.token("refresh_jwt", text("refresh_jwt"));
    kept(book, "bootstrap", &output, true, &["password", "token", "refresh_jwt"]);
    let again = place.patmint(&arguments).output().unwrap();
    kept(book, "bootstrap again", &again, false, &[]);
    made
}

/// Serves, is used rightly and wrongly, and stops; its log.
fn serve(place: &Place, book: &mut Book, made: &Value) -> String {
    let mut server = place.patmint(&["serve", "--listen", "127.0.0.1:0"]).spawn().unwrap();
    let mut stderr = BufReader::new(server.stderr.take().unwrap());
    let mut log = String::new();
    let address = address(&mut stderr, &mut log);
    // The log is read all the time: a full pipe would stop the server.
    let rest = std::thread::spawn(move || {
        let mut rest = String::new();
        stderr.read_to_string(&mut rest).unwrap();
        rest
    });
    use_it(address, book, made);
    stop(&mut server);
    log += &rest.join().unwrap();
    let output = server.wait_with_output().unwrap();
    assert_eq!(output.stdout, b"", "serve writes nothing to stdout");
    assert!(output.status.success(), "{log}");
    book.place("serve, stderr", log.as_str(), &[]);
    log
}

fn address(stderr: &mut BufReader<ChildStderr>, log: &mut String) -> SocketAddr {
    loop {
        let start = log.len();
        let count = stderr.read_line(log).unwrap();
        assert!(count > 0, "the server does not start:\n{log}");
        if let Some((_, rest)) = log[start..].split_once("listening on http://") {
            return rest.split_whitespace().next().unwrap().parse().unwrap();
        }
    }
}

fn stop(server: &mut Child) {
    let killed = Command::new("kill").args(["-TERM", &server.id().to_string()]).status().unwrap();
    assert!(killed.success());
}

fn use_it(address: SocketAddr, book: &mut Book, made: &Value) {
    let agent = agent();
    let post = |path: &str, body: &Value| Request::new(&agent, address, "POST", path).json(body).send();
    let text = |name: &str| made[name].as_str().unwrap();
    let member = |answer: &Answer, name: &str| answer.json()[name].as_str().unwrap().to_owned();
    for (number, name) in ["token", "refresh_jwt"].into_iter().enumerate() {
        let answer = post("/api/token/refresh", &json!({ "refresh": text(name) }));
        let access = format!("access {number}");
        book.token(&access, &member(&answer, "access"));
        book.answer("exchange", answer, 200, &[&access]);
    }
    let answer = post("/api/v1/session", &json!({ "email": text("email"), "password": text("password") }));
    let session = member(&answer, "session_token");
    book.token("session", &session);
    book.answer("sign in", answer, 201, &["session"]);
    book.secret("a wrong password", "a wrong password 61c0");
    let answer = post("/api/v1/session", &json!({ "email": text("email"), "password": "a wrong password 61c0" }));
    book.answer("sign in wrongly", answer, 401, &[]);
    book.secret("garbage", "patmint_garbage-61c0");
    let answer = post("/api/token/refresh", &json!({ "refresh": "patmint_garbage-61c0" }));
    book.answer("exchange garbage", answer, 401, &[]);
    for secret in [text("token"), text("refresh_jwt"), session.as_str()] {
        let get = Request::new(&agent, address, "GET", &format!("/{secret}?token={secret}")).bearer(secret).send();
        book.answer("a secret in the path", get, 404, &[]);
    }
    let answer = post("/api/v1/revocations", &json!({ "token": text("refresh_jwt") }));
    book.answer("hand in", answer, 202, &[]);
}

fn reset_password(place: &Place, book: &mut Book) {
    let arguments = ["user", "reset-password", "--email", "ada@acme.example"];
    let output = place.patmint(&arguments).output().unwrap();
    let printed = String::from_utf8_lossy(&output.stdout).into_owned();
    let password = printed.trim().strip_prefix("New password: ").unwrap_or_else(|| panic!("{output:?}"));
    book.secret("new password", password);
    kept(book, "reset-password", &output, true, &["new password"]);
    for (given, is_good) in [("a given password 38af", true), ("short-38af", false)] {
        book.secret(given, given);
        let mut child =
            place.patmint(&[&arguments[..], &["--password-stdin"]].concat()).stdin(Stdio::piped()).spawn().unwrap();
        child.stdin.take().unwrap().write_all(given.as_bytes()).unwrap();
        let output = child.wait_with_output().unwrap();
        kept(book, "reset-password --password-stdin", &output, is_good, &[]);
    }
}

/// Everything that can be wrong with an address that holds a password.
fn bad_configurations(place: &Place, book: &mut Book) {
    book.secret("the database's password", PASSWORD);
    let urls = [
        format!("mysql://ada:{PASSWORD}@127.0.0.1:1/patmint"),
        PASSWORD.to_owned(),
        format!("postgres://ada:{PASSWORD}@127.0.0.1:1/patmint"),
        format!("postgres://ada:{PASSWORD}@127.0.0.1:port/patmint"),
        format!("postgres://ada:{PASSWORD}/@@127.0.0.1:1/patmint"),
        format!("postgres://ada:{PASSWORD}%zz@127.0.0.1:1/patmint"),
        format!("postgres://127.0.0.1:1/patmint?password={PASSWORD}&nonsense={PASSWORD}"),
        format!("postgres://127.0.0.1:1/patmint?pass?word={PASSWORD}"),
        format!("postgresql://ada:{PASSWORD}@[::1/patmint"),
        format!("postgres://ada:x@{PASSWORD}@127.0.0.1:1/patmint"),
        format!("postgres://ada:{PASSWORD}?x@127.0.0.1:1/patmint"),
        format!("postgres://ada:{PASSWORD}"),
        format!("postgres://ada:{PASSWORD}/patmint"),
    ];
    let bootstrap = ["bootstrap", "--org", "Acme", "--email", "ada@acme.example"];
    for url in &urls {
        for arguments in [&["migrate"][..], &["serve", "--listen", "127.0.0.1:0"], &bootstrap] {
            let output = place.patmint(arguments).env("PATMINT_DATABASE_URL", url).output().unwrap();
            kept(book, &format!("{} with a bad URL", arguments[0]), &output, false, &[]);
        }
        let output = place.patmint(&["migrate", "--database-url", url]).output().unwrap();
        kept(book, "migrate --database-url", &output, false, &[]);
        let output = place.patmint(&["serve", "--help"]).env("PATMINT_DATABASE_URL", url).output().unwrap();
        kept(book, "serve --help", &output, true, &[]);
    }
    let config = place.folder().join("elsewhere.toml");
    let url = &urls[2];
    let texts = [
        format!("database_url = \"{url}\"\nlisten = 7\n"),
        format!("database_url = {url}\n"),
        format!("database_url = \"{url}\"\n{PASSWORD}\n"),
        format!("database_url = [\"{url}\"]\n"),
        format!("max_staleness = \"{PASSWORD}\"\n"),
    ];
    for text in texts {
        fs::write(&config, &text).unwrap();
        let output = place.patmint(&["migrate"]).env("PATMINT_CONFIG", &config).output().unwrap();
        kept(book, "migrate with a bad file", &output, false, &[]);
    }
    fs::remove_file(&config).unwrap();
}
