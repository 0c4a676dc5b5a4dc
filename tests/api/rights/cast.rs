//! Everybody who may come to the door, and what they ask for.

use std::cell::Cell;

use patmint::domain::membership::Role;
use serde_json::{Value, json};

use crate::support::{Answer, Person, TestApp};

/// Somebody with something to show.
pub struct Caller {
    pub name: &'static str,
    /// What is shown; nothing by a stranger.
    bearer: Option<String>,
    /// Who signed in, if somebody did.
    person: Option<Person>,
    /// Whose it is; nobody's is Ada's.
    user: String,
}

/// What is asked, besides the method.
pub struct Call {
    pub path: String,
    json: Option<Value>,
    form: Option<(&'static str, String)>,
    bearer: Option<String>,
}

pub fn at(path: impl Into<String>) -> Call {
    Call { path: path.into(), json: None, form: None, bearer: None }
}

impl Call {
    pub fn json(self, body: Value) -> Self {
        Self { json: Some(body), ..self }
    }

    pub fn form(self, member: &'static str, value: &str) -> Self {
        Self { form: Some((member, value.to_owned())), ..self }
    }

    /// By a session of its own that may end by it.
    pub fn anew(self, cast: &Cast, caller: &Caller) -> Self {
        Self { bearer: caller.person.as_ref().map(|person| person.sign_in(&cast.app)), ..self }
    }
}

/// A server and all who call it.
pub struct Cast {
    pub app: TestApp,
    /// In the order of the table's cells.
    pub callers: [Caller; 10],
    /// Signs in, and is a plain member of Acme whom no caller is.
    pub bystander: Person,
    /// The id of a credential of the bystander's.
    pub foreign_token: String,
    /// Ada's session: she is owner and operator, and the tokens among the callers are hers.
    session: String,
    /// How many people were made for single requests.
    made: Cell<u32>,
}

fn person(app: &TestApp, name: &'static str, person: Person) -> Caller {
    Caller { name, bearer: Some(person.sign_in(app)), user: person.id.clone(), person: Some(person) }
}

fn token(name: &'static str, owner: &Person, text: String) -> Caller {
    Caller { name, bearer: Some(text), person: None, user: owner.id.clone() }
}

impl Cast {
    pub fn new() -> Self {
        let app = TestApp::new();
        let operator = app.owner_of("Operations", "oscar");
        app.execute(&format!("UPDATE users SET operator_since = created_at WHERE id = '{}'", operator.id));
        let service = app.member("robot", Role::Member);
        let of_service = service.credential(&app, &json!({ "name": "of the service account" })).text;
        app.execute(&format!(
            "UPDATE users SET kind = 'service_account', email = NULL, password_hash = NULL WHERE id = '{}'",
            service.id
        ));
        let of_ada = |body: Value| app.ada.credential(&app, &body).text;
        let callers = [
            Caller { name: "stranger", bearer: None, person: None, user: app.ada.id.clone() },
            person(&app, "member", app.member("bob", Role::Member)),
            person(&app, "admin", app.member("cora", Role::Admin)),
            person(&app, "owner", app.member("olga", Role::Owner)),
            person(&app, "operator", operator),
            person(&app, "admin of another organization", app.owner_of("Evil", "eve")),
            token("read-only token", &app.ada, of_ada(json!({ "name": "read", "permission": "read" }))),
            token("read-write token", &app.ada, of_ada(json!({ "name": "read and write" }))),
            token("scoped token", &app.ada, of_ada(json!({ "name": "scoped", "scopes": [] }))),
            token("service account", &service, of_service),
        ];
        let bystander = app.member("zoe", Role::Member);
        let foreign_token = bystander.credential(&app, &json!({ "name": "another's" })).id;
        let session = app.ada.sign_in(&app);
        Self { app, callers, bystander, foreign_token, session, made: Cell::new(0) }
    }

    /// Sends what the caller asks.
    pub fn send(&self, method: &str, call: Call, caller: &Caller) -> Answer {
        let mut request = self.app.request(method, &call.path).header("if-match", "*");
        if let Some(bearer) = call.bearer.as_ref().or(caller.bearer.as_ref()) {
            request = request.bearer(bearer);
        }
        match (call.json, call.form) {
            (Some(body), _) => request.json(&body).send(),
            (None, Some((member, value))) => request.form(&[(member, &value)]).send(),
            (None, None) => request.send(),
        }
    }

    /// A number that nobody has yet.
    fn number(&self) -> u32 {
        let number = self.made.get() + 1;
        self.made.set(number);
        number
    }

    /// The text of a new credential of Ada's.
    pub fn leaked(&self) -> String {
        self.app.ada.credential(&self.app, &json!({ "name": "leaked" })).text
    }

    /// The id of a new member of Acme.
    pub fn member(&self, role: Role) -> String {
        self.app.member(&format!("member-{}", self.number()), role).id
    }

    /// Leaves Acme, as a new member who is what the caller is, if the caller signed in.
    pub fn leaving(&self, caller: &Caller) -> Call {
        let role = match caller.name {
            "member" => Role::Member,
            "admin" => Role::Admin,
            "owner" => Role::Owner,
            _ => return at(format!("/api/v1/orgs/acme/members/{}", caller.user)),
        };
        let person = self.app.member(&format!("leaving-{role}"), role);
        let bearer = Some(person.sign_in(&self.app));
        Call { bearer, ..at(format!("/api/v1/orgs/acme/members/{}", person.id)) }
    }

    /// A new password for somebody new, if the caller is somebody who signed in; other paths need no body.
    pub fn as_somebody_new(&self, caller: &Caller, path: &str) -> Call {
        let person = self.app.member(&format!("somebody-{}", self.number()), Role::Member);
        let bearer = caller.person.as_ref().map(|_| person.sign_in(&self.app));
        let body = json!({ "current_password": person.password, "new_password": "another password" });
        Call { bearer, ..at(path).json(body) }
    }

    /// The id of a new service account of Acme's.
    pub fn service_account(&self) -> String {
        let request = self.app.post("/api/v1/orgs/acme/service-accounts").bearer(&self.session);
        let made = request.json(&json!({ "name": "a robot" })).send().json();
        made["id"].as_str().expect("an id").to_owned()
    }

    /// The id and the secret of a new invitation of somebody without an account.
    pub fn invitation(&self, role: &str) -> (String, String) {
        self.invitation_for(&format!("invited-{}@acme.example", self.number()), role)
    }

    /// The secret of a new invitation of somebody who has an account.
    pub fn invitation_of_an_account(&self) -> String {
        let number = self.number();
        let person = self.app.owner_of(&format!("Outside {number}"), &format!("outside-{number}"));
        self.invitation_for(&person.email, "member").1
    }

    fn invitation_for(&self, email: &str, role: &str) -> (String, String) {
        let body = json!({ "email": email, "role": role });
        let made = self.app.post("/api/v1/orgs/acme/invitations").bearer(&self.session).json(&body).send().json();
        let secret = made["link"].as_str().and_then(|link| link.split_once('#')).expect("a link").1;
        (made["id"].as_str().unwrap().to_owned(), secret.to_owned())
    }

    /// The id of a new credential of the caller's own.
    pub fn token_of(&self, caller: &Caller) -> String {
        let bearer = if caller.person.is_some() { caller.bearer.as_ref() } else { None };
        let request = self.app.post("/api/v1/tokens").bearer(bearer.unwrap_or(&self.session));
        let answer = request.json(&json!({ "name": "one's own" })).send();
        let id = answer.json()["id"].as_str().unwrap_or_else(|| panic!("{}", answer.text())).to_owned();
        if caller.name == "service account" {
            let user = &caller.user;
            self.app.execute(&format!("UPDATE credentials SET owner_id = '{user}' WHERE id = '{id}'"));
        }
        id
    }
}
