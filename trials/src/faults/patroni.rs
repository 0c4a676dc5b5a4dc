//! Patroni keeps three PostgreSQL: its primary is lost in each way there is, and nothing that was answered is undone. Two
//! servers know all three hosts, one goes through HAProxy.

use super::{
    cluster::{Cluster, Member},
    scene::Scene,
    stage::Stage,
    traffic::Outcome,
};
use crate::Failure;

const DATABASE: &str = "patmint";

/// The primary's machine fails.
pub(super) fn killed(stage: &Stage) -> Result<String, Failure> {
    run(stage, |_, primary| primary.kill(), |_| Ok(()))
}

/// An operator makes another one the primary.
pub(super) fn switched_over(stage: &Stage) -> Result<String, Failure> {
    run(stage, |cluster, _| cluster.switch_over(), |_| Ok(()))
}

/// The primary does not reach etcd any more, while servers and standbys go on reaching it. It comes back as a standby.
pub(super) fn cut_off(stage: &Stage) -> Result<String, Failure> {
    let cut = |_: &Cluster, primary: &Member| {
        primary.etcd.hold();
        Ok(())
    };
    let healed = |primary: &Member| {
        primary.etcd.release();
        Ok(())
    };
    run(stage, cut, healed)
}

/// The primary's machine stands still, with all its connections, until somebody ends it.
pub(super) fn hangs(stage: &Stage) -> Result<String, Failure> {
    run(stage, |_, primary| primary.hang(), Member::kill)
}

fn run(
    stage: &Stage,
    lose: impl FnOnce(&Cluster, &Member) -> Result<(), Failure>,
    afterwards: impl FnOnce(&Member) -> Result<(), Failure>,
) -> Result<String, Failure> {
    let cluster = Cluster::start(stage.postgres()?.bin())?;
    cluster.database(DATABASE)?;
    let (direct, front) = (cluster.url(DATABASE), cluster.front_url(DATABASE));
    let scene = Scene::set(stage, &[direct.clone(), direct, front])?;
    let primary = cluster.primary()?;
    lose(&cluster, primary)?;
    cluster.another_primary(primary.name)?;
    let resumed = scene.resumed();
    afterwards(primary)?;
    scene.end(resumed, Outcome::without_loss)
}
