//! What the bystander makes of a switch of the mode that has ended. It judges nothing.

use crate::evidence::Open;
use crate::oracle::Oracle;
use rundeck_alb_core::{Call, Mode, Moment};

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

    /// True: this was a switch that had outlived its process. Whether it met the one that is there now, if any, nobody
    /// can tell.
    pub fn astray_ended(&mut self, open: &Open, refused: bool, now: Moment) -> bool {
        let astray = matches!(open.call, Call::SetMode(_)) && std::mem::take(&mut self.notes.astray);
        let passive = open.call == Call::SetMode(Mode::Passive) && !refused;
        if let Some(process) = self.run.process.filter(|_| astray && passive) {
            self.notes.failed(&open.call, now);
            self.notes.passive_asked = Some((now, process));
            self.claim = true;
            self.run.switched = true;
        }
        astray
    }
}
