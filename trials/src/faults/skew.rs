//! Servers and commands whose clocks are hours off, in both directions, beside one whose clock is right. What they change
//! must hold, be told by the feed, and last, as if their clocks were right.

use std::{fs, time::Duration};

use patmint::domain::clock::{Clock as _, SystemClock, Timestamp};
use serde::Deserialize;
use serde_json::json;

use super::{
    asked::pass,
    clock::faked,
    ensure,
    http::Caller,
    postgres::succeed,
    stage::{Owner, Stage},
};
use crate::{Failure, server::Server};

/// How far a clock is off, as libfaketime reads it.
const RIGHT: &str = "+0";
const BEHIND: &str = "-3h";
const AHEAD: &str = "+3h";
/// So far that every token is stale by it, and has been for long.
const FAR_AHEAD: &str = "+730d";

/// How long an entry of the list still lasts by the right clock, in seconds: two hours, less what the trial takes.
const LASTS: [i64; 2] = [6_600, 7_260];

/// How long a server with a wrong clock has for its first round of removing things.
const FIRST_ROUND: Duration = std::time::Duration::from_secs(8);

struct Skewed {
    clock: &'static str,
    server: Server,
    caller: Caller,
}

#[derive(Clone, Debug, Deserialize)]
struct Entry {
    seq: i64,
    credential: Option<String>,
    user: Option<String>,
    expires_at: Timestamp,
}

#[derive(Deserialize)]
struct Page {
    head: i64,
    entries: Vec<Entry>,
}

/// What was not as it must be: all of it is told.
#[derive(Default)]
struct Wrong(Vec<String>);

impl Wrong {
    fn unless(&mut self, is_so: bool, otherwise: impl FnOnce() -> String) {
        if !is_so {
            self.0.push(otherwise());
        }
    }
}

struct Skew<'a> {
    stage: &'a Stage,
    url: String,
    session: String,
    /// The first one's clock is right.
    servers: Vec<Skewed>,
    wrong: Wrong,
}

pub(super) fn run(stage: &Stage) -> Result<String, Failure> {
    let url = stage.database("skew")?;
    let owner = stage.bootstrap(&url)?;
    let mut skew = Skew { stage, url, session: String::new(), servers: Vec::new(), wrong: Wrong::default() };
    for clock in [RIGHT, BEHIND, AHEAD] {
        skew.begin(clock)?;
    }
    skew.session = skew.right().caller.session(&owner)?;
    let revoked = skew.revoked_by_each()?;
    skew.revoked_together(&owner.token)?;
    for clocks in [[BEHIND, AHEAD], [AHEAD, BEHIND]] {
        skew.commanded(&owner, clocks)?;
    }
    let (_, alive) = skew.right().caller.created(&skew.session)?;
    // Each removes what is over as soon as it starts; only by the right clock is it over.
    for clock in [AHEAD, FAR_AHEAD, RIGHT] {
        skew.begin(clock)?;
        pass(FIRST_ROUND);
    }
    skew.nothing_removed(&alive, &revoked)?;
    let Skew { servers, wrong, .. } = skew;
    let count = servers.len();
    servers.into_iter().try_for_each(|skewed| skewed.server.stop())?;
    ensure(wrong.0.is_empty(), || wrong.0.join("; "))?;
    Ok(format!(
        "{count} servers, and commands, up to two years off: each revocation held on all, was told by each feed, lasts as \
         long as it must, and nothing was removed early"
    ))
}

impl Skew<'_> {
    /// Starts a server with its clock so far off. It may say that it is not ready: its clock is wrong.
    fn begin(&mut self, clock: &'static str) -> Result<(), Failure> {
        let before = self.faked(clock)?;
        let command = self.stage.serving(&self.url, Some(&before), "127.0.0.1:0");
        let server = Server::listening(command, self.stage.folder(), &format!("patmint{clock}.log"))?;
        let caller = Caller::new(server.address);
        self.servers.push(Skewed { clock, server, caller });
        Ok(())
    }

    fn faked(&self, clock: &str) -> Result<String, Failure> {
        let file = self.stage.folder().join(format!("clock{clock}"));
        fs::write(&file, clock)?;
        Ok(faked(&file))
    }

    #[expect(clippy::indexing_slicing, reason = "the first server is started first")]
    fn right(&self) -> &Skewed {
        &self.servers[0]
    }

    /// Every server revokes a token that all have in memory.
    fn revoked_by_each(&mut self) -> Result<Vec<String>, Failure> {
        let Self { servers, session, wrong, .. } = self;
        let mut revoked = Vec::new();
        for revoker in &*servers {
            let (id, token) = revoker.caller.created(session)?;
            let what = format!("revoked at {}", revoker.clock);
            granted(servers, &token, 200, &what, wrong)?;
            revoker.caller.revoke(session, &id)?.good(204)?;
            granted(servers, &token, 401, &what, wrong)?;
            told(servers, &what, wrong, |entry| entry.credential.as_ref() == Some(&id))?;
            revoked.push(id);
        }
        Ok(revoked)
    }

    /// The one whose clock is right revokes what all created before a moment; what they create afterwards stays.
    fn revoked_together(&mut self, owners: &str) -> Result<(), Failure> {
        let Self { servers, session, wrong, stage, .. } = self;
        let mut made = Vec::new();
        let mut create_on_each = |what: &'static str| {
            servers.iter().try_for_each(|maker| {
                let (_, token) = maker.caller.created(session)?;
                made.push((what, maker.clock, token));
                Ok::<_, Failure>(())
            })
        };
        create_on_each("before")?;
        let iso = "SELECT to_char(now() AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"')";
        let moment = stage.postgres()?.query(iso)?;
        create_on_each("after")?;
        let right = servers.first().ok_or("a server")?;
        let body = json!({ "created_before": moment });
        right.caller.ask("POST", "/api/v1/orgs/acme/revocations", Some(session), Some(&body))?.good(200)?;
        for (when, clock, token) in made {
            let wanted = if when == "before" { 401 } else { 200 };
            granted(servers, &token, wanted, &format!("created at {clock} {when} the moment"), wrong)?;
        }
        granted(servers, owners, 401, "created before the moment", wrong)
    }

    /// Two commands, whose clocks are off, disable the owner and enable them again.
    fn commanded(&mut self, owner: &Owner, [disable, enable]: [&str; 2]) -> Result<(), Failure> {
        let (_, token) = self.right().caller.created(&self.session)?;
        granted(&self.servers, &token, 200, "before a command", &mut self.wrong)?;
        let head = page(&self.right().caller, 0)?.head;
        self.command(disable, &["user", "disable", "--email", &owner.email])?;
        let what = format!("disabled by a command at {disable}");
        granted(&self.servers, &token, 401, &what, &mut self.wrong)?;
        let is_it = |entry: &Entry| entry.seq > head && entry.user.is_some();
        told(&self.servers, &what, &mut self.wrong, is_it)?;
        self.command(enable, &["user", "enable", "--email", &owner.email])?;
        let what = format!("enabled by a command at {enable}");
        granted(&self.servers, &token, 200, &what, &mut self.wrong)?;
        self.session = self.right().caller.session(owner)?;
        Ok(())
    }

    fn command(&self, clock: &str, arguments: &[&str]) -> Result<(), Failure> {
        succeed(&mut self.stage.patmint(&self.url, Some(&self.faked(clock)?), arguments))
    }

    /// What was revoked is still told by every server, also by one that has only just started; what lives, lives.
    fn nothing_removed(&mut self, alive: &str, revoked: &[String]) -> Result<(), Failure> {
        for id in revoked {
            told(&self.servers, "in the end", &mut self.wrong, |entry| entry.credential.as_ref() == Some(id))?;
        }
        // By the clock that is two years ahead the token is stale.
        self.servers.retain(|skewed| skewed.clock != FAR_AHEAD);
        granted(&self.servers, alive, 200, "in the end", &mut self.wrong)?;
        let status = self.right().caller.create(&self.session)?.status;
        self.wrong.unless(status == 201, || format!("in the end: {status} for the owner's session"));
        Ok(())
    }
}

/// Each server answers an exchange with `wanted`; where that is a refusal, one that cannot say answers 503.
fn granted(servers: &[Skewed], token: &str, wanted: u16, what: &str, wrong: &mut Wrong) -> Result<(), Failure> {
    for Skewed { clock, caller, .. } in servers {
        let status = caller.exchange(token)?.status;
        wrong.unless(status == wanted || (wanted == 401 && status == 503), || format!("{what}: {status} at {clock}"));
    }
    Ok(())
}

/// Each server's feed tells of it, with an end that is right.
fn told(servers: &[Skewed], what: &str, wrong: &mut Wrong, is_it: impl Fn(&Entry) -> bool) -> Result<(), Failure> {
    for Skewed { clock, caller, .. } in servers {
        let Some(entry) = page(caller, 0)?.entries.into_iter().find(&is_it) else {
            wrong.unless(false, || format!("{what}: not told by the feed at {clock}"));
            continue;
        };
        let [least, most] = LASTS.map(|seconds| SystemClock.now().plus_seconds(seconds));
        let is_right = least <= entry.expires_at && entry.expires_at <= most;
        wrong.unless(is_right, || format!("{what}: ends {} by the feed at {clock}", entry.expires_at));
    }
    Ok(())
}

fn page(caller: &Caller, after: i64) -> Result<Page, Failure> {
    Ok(serde_json::from_slice(&caller.get(&format!("/revocations?after={after}"))?.good(200)?.body)?)
}
