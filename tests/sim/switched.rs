//! What the bystander makes of a switch of the mode that has ended, and of what an earlier run has claimed. It judges
//! nothing.

use crate::evidence::Open;
use crate::oracle::Oracle;
use rundeck_alb_core::{Call, Intent, Mode, Moment, Process};

impl Oracle {
    /// A switch was confirmed: that tells the mode, too.
    pub fn switched_to(&mut self, mode: Mode, now: Moment) {
        self.run.mode_told = true;
        match mode {
            Mode::Passive => self.notes.set = true,
            // What was given up before may still land, and is ours until then.
            Mode::Active => {
                self.claim = now < self.notes.may_land;
                self.run.undone = true;
            }
        }
    }

    /// A switch is under way.
    pub fn switches(&self) -> bool {
        self.run.open.values().any(|open| matches!(open.call, Call::SetMode(_)))
    }

    /// True: this was a switch that had outlived its process. Whether it met the one that is there now, if any, nobody
    /// can tell.
    pub fn astray_ended(&mut self, open: &Open, refused: bool, now: Moment) -> bool {
        let astray = matches!(open.call, Call::SetMode(_)) && std::mem::take(&mut self.notes.astray);
        let passive = open.call == Call::SetMode(Mode::Passive) && !refused;
        // A Rundeck that answers is there, whether its process is known or not.
        if astray && passive && (self.run.process.is_some() || self.run.web.passes > 0) {
            self.notes.failed(&open.call, now);
            self.notes.strayed = true;
            self.claim = true;
            self.run.switched = true;
        }
        astray
    }

    /// What an earlier run had claimed is of a process that lived when this one began, whatever has come since: of the
    /// one that it has named, if it has.
    pub fn claim_read(&mut self, intent: &Intent, now: Moment) {
        // This run has its own, or has undone whatever there was, but for what may still land by that run's own word.
        let lands = intent.may_land_until.is_some_and(|at| at > now);
        if !intent.passive_by_us || self.claim || (self.run.undone && !lands) {
            return;
        }
        let (of, known) = (intent.process, self.run.process);
        let other = self.run.ended || (of.is_some() && known.is_some() && of != known);
        let same = of.is_some() && of == known;
        let blind = self.run.lost_sight && !same && (of.is_none() || self.run.looked);
        self.notes.void |= other || blind;
        self.notes.named = of.filter(|_| !other && known.is_none());
        self.notes.may_land = intent.may_land_until.unwrap_or(Moment(0)).max(self.notes.may_land);
        if !other && !blind {
            self.claim = true;
            self.notes.set = true;
            self.notes.unnamed = of.is_none();
        }
    }

    /// The port was closed, and nobody knows the process: what was claimed may be of another one. A process that was
    /// named is looked for first.
    pub fn lose_claim(&mut self) {
        if self.run.looked || self.notes.named.is_none() {
            self.notes.void |= self.claim;
            self.claim = false;
        }
    }

    /// A look has shown no process, or not which one is Rundeck's.
    pub fn not_found(&mut self) {
        self.run.looked = true;
        if self.run.process.is_none() && self.run.lost_sight && self.notes.named.is_some() {
            self.lose_claim();
        }
    }

    /// A process was found: whose passive mode is it?
    pub fn claim_found(&mut self, process: Process) {
        self.run.looked = true;
        if self.run.found {
            return;
        }
        let kept = self.run.intent.as_ref().and_then(|intent| intent.process);
        if kept.is_some_and(|kept| kept != process) && !self.run.switched {
            self.claim = false;
        }
        // It was there after all.
        if self.notes.named.take() == Some(process) && !self.run.undone {
            self.claim = true;
            self.notes.set = true;
        }
    }
}
