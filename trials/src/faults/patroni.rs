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

/// What is done to a member.
type Act = fn(&Member) -> Result<(), Failure>;

/// Nothing.
const NONE: Act = |_| Ok(());

/// The primary's machine fails.
pub(super) fn killed(stage: &Stage) -> Result<String, Failure> {
    run(stage, |_, primary| primary.kill(), [NONE, NONE])
}

/// An operator makes another one the primary.
pub(super) fn switched_over(stage: &Stage) -> Result<String, Failure> {
    run(stage, |cluster, _| cluster.switch_over(), [NONE, NONE])
}

/// The primary does not reach etcd any more, while servers and standbys go on reaching it. It comes back as a standby.
pub(super) fn cut_off(stage: &Stage) -> Result<String, Failure> {
    let cut = |_: &Cluster, primary: &Member| {
        primary.etcd.hold();
        Ok(())
    };
    let heal: Act = |primary| {
        primary.etcd.release();
        Ok(())
    };
    run(stage, cut, [NONE, heal])
}

/// The primary's machine stands still, with all its connections, until it is fenced. A watchdog does so before another one
/// takes over. A server whose connections lead straight to it waits for that; HAProxy ends those that lead through it.
pub(super) fn hangs(stage: &Stage) -> Result<String, Failure> {
    run(stage, |_, primary| primary.hang(), [Member::kill, NONE])
}

/// Loses the primary, fences it when there is another one, and lets it come back when all is served again.
fn run(
    stage: &Stage,
    lose: impl FnOnce(&Cluster, &Member) -> Result<(), Failure>,
    [fence, heal]: [Act; 2],
) -> Result<String, Failure> {
    let cluster = Cluster::start(stage.postgres()?.bin())?;
    cluster.database(DATABASE)?;
    let (direct, front) = (cluster.url(DATABASE), cluster.front_url(DATABASE));
    let scene = Scene::set(stage, &[direct.clone(), direct, front])?;
    let primary = cluster.primary()?;
    lose(&cluster, primary)?;
    cluster.another_primary(primary.name)?;
    fence(primary)?;
    let resumed = scene.resumed();
    heal(primary)?;
    scene.end(resumed, Outcome::without_loss)
}
