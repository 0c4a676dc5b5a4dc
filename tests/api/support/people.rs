use argon2::PasswordHasher as _;
use patmint::{
    domain::{
        clock::{Clock as _, Timestamp},
        credential::{Credential as Row, CredentialKind, Description, Permission},
        digest::SecretHash,
        ids::{CredentialId, OrganizationId, UserId},
        membership::{Membership, Role, User, UserKind},
        organization::{self, Organization},
        policy::Policy,
        random::{SystemRandomness, bytes},
    },
    store::{
        DbConnection, StoreError, credentials, memberships,
        numbers::{self, Numbered},
        organizations, users,
    },
};
use serde_json::{Value, json};

use super::{app::TestApp, client::Answer};

/// Somebody who can sign in.
#[derive(Clone, Debug)]
pub struct Person {
    pub id: String,
    pub email: String,
    pub password: String,
}

/// A credential as its owner got it.
#[derive(Clone, Debug)]
pub struct Credential {
    /// Empty for those of `bootstrap`.
    pub id: String,
    pub text: String,
}

impl Credential {
    pub fn of_text(text: &str) -> Self {
        Self { id: String::new(), text: text.to_owned() }
    }

    /// Exchanges it.
    pub fn exchange(&self, app: &TestApp) -> Answer {
        app.post("/api/token/refresh").json(&json!({ "refresh": self.text })).send()
    }

    /// Exchanges it and takes the access token out.
    pub fn access(&self, app: &TestApp) -> String {
        let answer = self.exchange(app);
        assert_eq!(answer.status, 200, "{}", answer.text());
        answer.json()["access"].as_str().expect("an access token").to_owned()
    }

    pub fn is_alive(&self, app: &TestApp) -> bool {
        let answer = self.exchange(app);
        assert!([200, 401].contains(&answer.status), "{}", answer.text());
        answer.status == 200
    }
}

impl Person {
    /// Signs in; the session's secret.
    pub fn sign_in(&self, app: &TestApp) -> String {
        let body = json!({ "email": self.email, "password": self.password });
        let answer = app.post("/api/v1/session").json(&body).send();
        assert_eq!(answer.status, 201, "{}", answer.text());
        answer.json()["session_token"].as_str().expect("a session").to_owned()
    }

    /// Signs in and makes a credential as `body` says.
    pub fn credential(&self, app: &TestApp, body: &Value) -> Credential {
        let answer = app.post("/api/v1/tokens").bearer(&self.sign_in(app)).json(body).send();
        assert_eq!(answer.status, 201, "{}", answer.text());
        let value = answer.json();
        let member = |name: &str| value[name].as_str().expect("a member").to_owned();
        Credential { id: member("id"), text: member("token") }
    }

    /// Signs in and changes the policy of Acme.
    pub fn patch_policy(&self, app: &TestApp, patch: &Value) -> Answer {
        let session = self.sign_in(app);
        app.request("PATCH", "/api/v1/orgs/acme/policy").bearer(&session).header("if-match", "*").json(patch).send()
    }
}

impl TestApp {
    /// A new member of Acme.
    pub fn member(&self, name: &str, role: Role) -> Person {
        let organization: OrganizationId = self.organization_id.parse().unwrap();
        self.person(name, role, move |_, _, _| Ok(organization))
    }

    /// The owner of a new organization.
    pub fn owner_of(&self, organization: &str, name: &str) -> Person {
        let organization = organization.to_owned();
        self.person(name, Role::Owner, move |connection, seq, now| {
            let id = OrganizationId::generate(now, &SystemRandomness::default());
            let new = Organization {
                id,
                number: numbers::next(connection, Numbered::Organization)?,
                slug: organization::slug(&organization),
                name: organization,
                policy: Policy::default(),
                policy_seq: seq,
                revoked_seq: 0,
                created_at: now,
                ended_at: None,
            };
            organizations::insert(connection, new).map(|()| id)
        })
    }

    /// Gives somebody `count` more credentials in Acme, which nobody can present; their ids.
    pub fn fill(&self, person: &Person, count: usize) -> Vec<String> {
        let (owner_id, organization) = (person.id.parse().unwrap(), self.organization_id.parse().unwrap());
        let now = self.clock.now();
        self.change_at_length(move |connection, seq| {
            let mut ids = Vec::new();
            for number in numbers::block(connection, Numbered::Credential, count)? {
                let credential = blank(number, owner_id, seq, now);
                ids.push(credential.id.to_string());
                let new = (credential, Description::new("one of many".to_owned()));
                credentials::insert(connection, new, organization, Some(owner_id))?;
            }
            Ok(ids)
        })
    }

    fn person(
        &self,
        name: &str,
        role: Role,
        organization: impl FnOnce(&mut DbConnection, i64, Timestamp) -> Result<OrganizationId, StoreError>
        + Clone
        + Send
        + 'static,
    ) -> Person {
        let (now, email) = (self.clock.now(), format!("{name}@acme.example"));
        let password = format!("{name}: correct horse battery");
        // Cheap parameters: the hash says which, and what is tested here is not argon2.
        let params = argon2::Params::new(8, 1, 1, None).unwrap();
        let argon2 = argon2::Argon2::new(argon2::Algorithm::Argon2id, argon2::Version::V0x13, params);
        let hash = argon2.hash_password(password.as_bytes()).unwrap().to_string();
        let id = UserId::generate(now, &SystemRandomness::default());
        let person = Person { id: id.to_string(), email: email.clone(), password };
        self.change(move |connection, seq| {
            let user = User {
                id,
                number: numbers::next(connection, Numbered::User)?,
                email: email.parse().ok(),
                name: String::new(),
                kind: UserKind::Person,
                operator_since: None,
                disabled_at: None,
                revoked_seq: 0,
                created_at: now,
            };
            users::insert(connection, user, Some(&hash.into()))?;
            let organization_id = organization(connection, seq, now)?;
            let membership = Membership {
                organization_id,
                user_id: id,
                role,
                groups: None,
                created_at: now,
                ended_at: None,
                revoked_seq: 0,
            };
            memberships::insert(connection, membership)
        });
        person
    }
}

fn blank(number: i64, owner_id: UserId, created_seq: i64, created_at: Timestamp) -> Row {
    let random = SystemRandomness::default();
    Row {
        id: CredentialId::generate(created_at, &random),
        number,
        owner_id,
        kind: CredentialKind::Opaque,
        permission: Permission::ReadWrite,
        scopes: None,
        audiences: None,
        secret_hash: SecretHash::from_bytes(bytes(&random)),
        created_at,
        created_seq,
        expires_at: None,
        is_revoked: false,
        last_used_at: None,
    }
}
