//! Several servers on one database, under traffic.

use std::time::{Duration, Instant};

use super::{
    asked::{ms, pass},
    ensure,
    http::Caller,
    stage::Stage,
    traffic::{Outcome, Traffic},
};
use crate::{Failure, server::Server};

/// How long the traffic goes on before and after.
const BEFORE: Duration = Duration::from_secs(2);
const AFTER: Duration = Duration::from_secs(6);

/// How soon everything must be served again once there is a primary.
const RESUMED: Duration = Duration::from_secs(5);

pub(super) struct Scene {
    servers: Vec<Server>,
    traffic: Traffic,
}

impl Scene {
    /// A server for each URL; the first one's database is set up.
    ///
    /// # Errors
    /// If one does not come up.
    pub(super) fn set(stage: &Stage, urls: &[String]) -> Result<Self, Failure> {
        let owner = stage.bootstrap(urls.first().ok_or("at least one server")?)?;
        let mut servers = Vec::new();
        for (place, url) in urls.iter().enumerate() {
            let command = stage.serving(url, None, "127.0.0.1:0");
            servers.push(stage.start(command, &format!("patmint-{place}.log"))?);
        }
        let addresses: Vec<_> = servers.iter().map(|server| server.address).collect();
        let session = Caller::new(*addresses.first().ok_or("at least one server")?).session(&owner)?;
        let traffic = Traffic::start(&addresses, &session, &owner.token);
        pass(BEFORE);
        Ok(Self { servers, traffic })
    }

    /// How long from now, when there is a primary, until every server serves; `None` if one does not.
    pub(super) fn resumed(&self) -> Option<Duration> {
        self.traffic.resumed(Instant::now())
    }

    /// Lets everything go on for a while, ends it, and judges.
    ///
    /// # Errors
    /// If it was not as it must be.
    pub(super) fn end(
        self,
        resumed: Option<Duration>,
        judge: impl FnOnce(&Outcome) -> Result<String, Failure>,
    ) -> Result<String, Failure> {
        pass(AFTER);
        let told = judge(&self.traffic.stop()?)?;
        self.servers.into_iter().try_for_each(Server::stop)?;
        let resumed = resumed.ok_or_else(|| format!("a server does not serve again ({told})"))?;
        ensure(resumed < RESUMED, || format!("served again only {} after there was a primary ({told})", ms(resumed)))?;
        Ok(format!("{told}; served again {} after there was a primary", ms(resumed)))
    }
}
