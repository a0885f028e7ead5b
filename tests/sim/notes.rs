//! What the bystander writes down for single promises: moments that neither the world nor the counts show. It judges
//! nothing.

use crate::world::World;
use rundeck_alb_core::{Call, Intent, Kept, Mode, Moment, Process, Span};
use std::collections::BTreeMap;

/// A switch that Rundeck had taken in may be served so much later.
const LANDS: Span = Span::secs(300);

#[derive(Debug, Default)]
pub struct Notes {
    /// Since when each target of this node is known to the agent, by group, and when it asked to be out last.
    pub known: BTreeMap<String, Moment>,
    pub asked_out: BTreeMap<String, Moment>,
    /// Since when no drain has been wanted.
    pub free_since: Option<Moment>,
    /// When passive mode was asked for last, and of which process.
    pub passive_asked: Option<(Moment, Process)>,
    /// A switch to passive of this claim was confirmed, or may have taken effect.
    pub set: bool,
    /// Rundeck's port was closed, and nobody knew its process: what was claimed may be another one's.
    pub void: bool,
    /// A switch to passive that was given up may land until then.
    pub may_land: Moment,
    /// A switch is under way whose process has ended, or whose port was closed.
    pub astray: bool,
    /// It has met the Rundeck that is there now, perhaps.
    pub strayed: bool,
    /// The process in which an earlier run has claimed it, while no look has told which one is there.
    pub named: Option<Process>,
    /// It has named none.
    pub unnamed: bool,
    /// Calls of this run that hung when they were given up, as far as they were looked at; and which of them by whom:
    /// while a drain ran, or else.
    pub threads: usize,
    pub hung_leaving: Vec<Moment>,
    /// A drain runs; and how often one began since the first of them.
    pub leaves: bool,
    /// A drain was wanted then.
    pub wanted_out: bool,
    pub drains_begun: u64,
    pub hung_else: Vec<Moment>,
    /// Since when a choice goes by Standby, and that the node was seen there.
    pub standby: Option<Moment>,
    pub stood: bool,
    /// Since when the node has waited for the fleet, which has not said no.
    pub holds_since: Option<Moment>,
    /// Since when `/health` has given no answer, by the world, and the agent has heard of it.
    pub silent_since: Option<Moment>,
    /// Since when the agent has had no descriptors, by the world, and has met it.
    pub blind_since: Option<Moment>,
}

impl Notes {
    /// This call brought nothing back, or an error: what it wanted may be done all the same, later.
    pub fn failed(&mut self, call: &Call, now: Moment) {
        if *call == Call::SetMode(Mode::Passive) {
            self.set = true;
            self.may_land = now + LANDS;
        }
    }

    /// A run of the agent begins with what the disk has kept.
    pub fn start(&mut self, kept: &Kept, world: &mut World) {
        let rundeck = &mut world.rundeck;
        let claimed = kept.intent.as_ref().is_some_and(|intent| intent.passive_by_us);
        let ours = rundeck.mode == Mode::Passive && !rundeck.passive_by_others;
        // What is on disk may be an older claim, to a process that has ended.
        let other = |intent: &Intent| intent.process.is_some() && intent.process != rundeck.process;
        if ours && (!claimed || kept.intent.as_ref().is_some_and(other)) {
            rundeck.untraced = rundeck.process;
        }
        if claimed && !kept.intent.as_ref().is_some_and(other) {
            // Whether that run had still sent what it claimed, nobody knows.
            self.passive_asked = rundeck.process.map(|process| (world.now, process));
        }
        let threads = rundeck.threads.len();
        let passive_asked = self.passive_asked;
        *self = Notes { threads, passive_asked, ..Notes::default() };
    }
}
