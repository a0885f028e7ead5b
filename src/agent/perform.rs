//! Which part performs which command: one arm each, nothing decided.

use super::cloud::Cloud;
use crate::clock::Clock;
use crate::effect::held::held_json;
use crate::effect::hooks::{self, Inherited};
use crate::effect::{balancer, mode, standby, state};
use crate::rundeck::Client;
use crate::server::Counters;
use crate::store::Store;
use crate::watch::api::TokenSource;
use crate::watch::disk::Disks;
use crate::watch::host::Machine;
use crate::watch::process::Finder;
use crate::watch::{api, database, node, readiness, scaling, targets, web};
use rundeck_alb_core::{
    ApiSeen, Call, CallId, Event, FleetSeen, GroupSeen, Identity, Mode, ModeTrouble, Notice, Reply, ScalingSeen,
    StandbySeen, Target, TargetSeen, Trouble, TroubleKind,
};
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

/// Everything that a call may need. Built once, shared by the tasks.
pub struct World {
    /// The only reader of time.
    pub clock: Clock,
    /// The local Rundeck.
    pub rundeck: Client,
    /// Where its token comes from.
    pub tokens: TokenSource,
    /// Where its process is.
    pub finder: Finder,
    /// Where it writes.
    pub disks: Disks,
    /// What it runs on.
    pub machine: Machine,
    pub cloud: Cloud,
    pub store: Arc<Store>,
    /// What the operator's own commands inherit.
    pub inherited: Inherited,
    /// Names the boot in every file.
    pub boot_id: String,
    /// Figures for the metrics.
    pub counters: Arc<Counters>,
}

/// What comes of a call: the reply, after what only people can cure.
pub type Outcome = Pin<Box<dyn Future<Output = Vec<Event>> + Send>>;

/// Begins one call. What is to be on disk is queued there at once, in the order in which the heart wanted it, so that
/// it gets there even if nobody waits for the outcome: the heart may end with its last word.
pub fn begin(world: &Arc<World>, id: CallId, call: Call) -> Outcome {
    let written = match call {
        Call::KeepIntent(intent) => world.store.keep_intent(state::intent_json(&world.boot_id, &intent)),
        Call::KeepRegistered(registered) => world.store.keep_registered(state::registered_json(&registered)),
        Call::KeepHeld(held) => world.store.keep_held(held_json(&world.boot_id, &held, &world.clock)),
        Call::WriteReceipt(receipt) => {
            let took = Duration::from_millis(receipt.ended.since(receipt.started).0);
            world.counters.drain_ended(receipt.cause, receipt.result, took);
            world.store.write_receipt(&receipt.id, state::receipt_json(&receipt, &world.clock))
        }
        call => {
            let world = world.clone();
            return Box::pin(async move { ask(&world, id, call).await });
        }
    };
    Box::pin(async move { vec![Event::Reply(id, Reply::Written(written.await.map_err(|error| error.to_string())))] })
}

/// Performs a call that is none for the disk.
async fn ask(world: &World, id: CallId, call: Call) -> Vec<Event> {
    let mut noticed = Vec::new();
    let reply = match call {
        Call::ProbeWeb { with_boot } => {
            let round = web::look(&world.rundeck, with_boot).await;
            noticed.push(Event::Noticed(Notice::Certificate, round.certificate));
            noticed.push(Event::Noticed(Notice::Elsewhere, round.elsewhere));
            Reply::Web(round.web, round.boot)
        }
        Call::ProbeApi => probe_api(world, &mut noticed).await,
        Call::ProbeReadiness { learn } => Reply::Ready(readiness::look(&world.rundeck, learn).await),
        Call::ProbeDatabase { limit } => {
            Reply::Database(database::look(&world.rundeck, Duration::from_millis(limit.0)).await)
        }
        Call::FindProcess { known } => Reply::Process(world.finder.find(known).await),
        Call::LookDisks { process } => Reply::Disks(world.disks.look(process).await),
        Call::LookHost => Reply::Host(world.machine.look().await),
        Call::CountInFlight => Reply::InFlight(world.finder.in_flight().await),
        Call::AskIdentity => Reply::Identity(identity(world).await),
        Call::AskLifecycle => Reply::Lifecycle(lifecycle(world).await),
        Call::AskScaling { instance } => Reply::Scaling(scaling(world, &instance).await),
        Call::AskStandby { group } => Reply::Standby(ask_standby(world, &group).await),
        Call::EnterStandby { instance, group, decrement, reason } => {
            Reply::Moved(enter_standby(world, &group, &instance, decrement, &reason).await)
        }
        Call::ExitStandby { instance, group, reason } => {
            Reply::Moved(exit_standby(world, &group, &instance, &reason).await)
        }
        Call::AskTag(key) => Reply::Tag(tag(world, &key).await),
        Call::DescribeGroups(names) => Reply::Groups(groups(world, &names).await),
        Call::AskFleet(groups) => Reply::Fleet(fleet(world, &groups).await),
        Call::DescribeTarget(target) => Reply::Target(look(world, &target).await),
        Call::Register { target, outside, reason } => Reply::Changed(register(world, &target, outside, &reason).await),
        Call::Deregister { target, reason } => Reply::Changed(deregister(world, &target, &reason).await),
        Call::RunHook(run) => Reply::Hook(hooks::run(&run, &world.inherited).await),
        Call::SetMode(wanted) => Reply::Mode(set_mode(world, wanted).await),
        // Queued by `begin`, before anybody waits.
        Call::KeepIntent(_) | Call::KeepRegistered(_) | Call::KeepHeld(_) | Call::WriteReceipt(_) => return noticed,
    };
    world.cloud.count(&world.counters);
    noticed.push(Event::Reply(id, reply));
    noticed
}

async fn probe_api(world: &World, noticed: &mut Vec<Event>) -> Reply {
    match world.tokens.refresh(&world.rundeck).await {
        Ok(()) => {
            noticed.push(Event::Noticed(Notice::TokenFile, None));
            Reply::Api(api::look(&world.rundeck).await)
        }
        Err(why) => {
            noticed.push(Event::Noticed(Notice::TokenFile, Some(why.clone())));
            if !world.rundeck.has_token() {
                return Reply::Api(ApiSeen::Unreadable(why));
            }
            // The one that was read before may be good still.
            Reply::Api(api::look(&world.rundeck).await)
        }
    }
}

async fn set_mode(world: &World, wanted: Mode) -> Result<Mode, ModeTrouble> {
    // A restarted agent may have to switch before it has asked anything: the token is read first.
    if let Err(why) = world.tokens.refresh(&world.rundeck).await
        && !world.rundeck.has_token()
    {
        return Err(ModeTrouble::refused(why));
    }
    mode::set(&world.rundeck, wanted).await
}

async fn identity(world: &World) -> Result<Identity, String> {
    node::identity(world.cloud.imds().await?, &world.machine).await
}

async fn lifecycle(world: &World) -> Result<Option<String>, String> {
    node::lifecycle(world.cloud.imds().await?).await
}

async fn scaling(world: &World, instance: &str) -> Result<Option<ScalingSeen>, Trouble> {
    let no_metadata = |text| Trouble { kind: TroubleKind::Unavailable, action: String::new(), text };
    let imds = world.cloud.imds().await.map_err(no_metadata)?;
    scaling::look(world.cloud.scaling().await?, imds, instance).await
}

async fn ask_standby(world: &World, group: &str) -> Result<StandbySeen, Trouble> {
    scaling::standby(world.cloud.scaling().await?, group).await
}

async fn enter_standby(
    world: &World,
    group: &str,
    instance: &str,
    decrement: bool,
    reason: &str,
) -> Result<(), Trouble> {
    standby::enter(world.cloud.scaling().await?, group, instance, decrement, reason).await
}

async fn exit_standby(world: &World, group: &str, instance: &str, reason: &str) -> Result<(), Trouble> {
    standby::exit(world.cloud.scaling().await?, group, instance, reason).await
}

async fn tag(world: &World, key: &str) -> Result<Option<String>, String> {
    node::tag(world.cloud.imds().await?, key).await
}

async fn groups(world: &World, names: &[String]) -> Result<Vec<GroupSeen>, Trouble> {
    Ok(targets::groups(world.cloud.elbv2().await?, names).await)
}

async fn fleet(world: &World, groups: &[String]) -> Result<Vec<FleetSeen>, Trouble> {
    targets::fleet(world.cloud.elbv2().await?, groups).await
}

async fn look(world: &World, target: &Target) -> Result<TargetSeen, Trouble> {
    targets::target(world.cloud.elbv2().await?, target).await
}

async fn register(world: &World, target: &Target, outside: bool, reason: &str) -> Result<String, Trouble> {
    balancer::register(world.cloud.elbv2().await?, target, outside, reason).await
}

async fn deregister(world: &World, target: &Target, reason: &str) -> Result<String, Trouble> {
    balancer::deregister(world.cloud.elbv2().await?, target, reason).await
}
