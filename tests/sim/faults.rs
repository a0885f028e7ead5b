//! What may go wrong in a schedule, and which of it may in this one.
//!
//! Swarm testing: each schedule has its own mix. Kinds that are switched off leave room for long runs of the others,
//! which find what an even mix never reaches.

use crate::tape::Tape;
use rundeck_alb_core::Span;

listed! {
    pub enum Happening {
        Job,
        Requests,
        Drain,
        Resume,
        RundeckStopping,
        ResumeStopping,
        Maintain,
        EndMaintenance,
        Kill,
        Hang,
        Database,
        PortClosed,
        WebFault,
        TokenRejected,
        StatsNull,
        OddMode,
        Unreadable,
        Unseen,
        PassiveByOthers,
        ActiveByOthers,
        StartsPassive,
        AwsTrouble,
        DriftOut,
        PutBack,
        /// The others are unhealthy for a while.
        OthersLeave,
        MetadataDown,
        Lifecycle,
        Tag,
        /// The agent crashes, and finds another tag when it is back.
        TagWhileDown,
        Crash,
        Stop,
        Abort,
        Reboot,
        DiskFails,
        CannotConnect,
        CannotJudge,
        Stall,
        Sigterm,
        DatabaseFails,
        DiskLow,
        Pressure,
        Stranger,
        /// Replies get lost, late or doubled.
        Replies,
    }
}

/// The mix of one schedule.
#[derive(Debug)]
pub struct Mix {
    /// What may happen, each as often as it stands here.
    kinds: Vec<Happening>,
    /// Most time between two happenings.
    gap: Span,
    /// Replies get lost, late or doubled, in so many of 256 cases.
    pub replies: u8,
}

/// How many kinds a mix may have, drawn in pairs: weights differ from seed to seed.
const KINDS: u64 = 14;

impl Mix {
    pub fn draw(tape: &mut Tape) -> Mix {
        let count = tape.upto(KINDS);
        let mut kinds = Vec::new();
        for _ in 0..count {
            let kind = tape.pick(Happening::ALL, Happening::Job);
            let weight = 1 + usize::from(tape.byte() % 3);
            kinds.extend(std::iter::repeat_n(kind, weight));
        }
        let replies = if kinds.contains(&Happening::Replies) { 4 + tape.byte() % 32 } else { 0 };
        Mix { kinds, gap: Span(3_000 + tape.upto(40_000)), replies }
    }

    pub fn next(&self, tape: &mut Tape) -> Option<Happening> {
        if self.kinds.is_empty() {
            return None;
        }
        Some(tape.pick(&self.kinds, Happening::Job))
    }

    /// Time until the next happening.
    pub fn gap(&self, tape: &mut Tape) -> Span {
        Span(200 + tape.upto(self.gap.0))
    }
}

/// What becomes of one call's reply.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    Normal,
    /// Nobody did anything, nobody replies.
    NeverDone,
    /// Done, but the reply is lost.
    Lost,
    /// Done, and replied when nobody waits any more.
    Late,
    /// Replied twice.
    Doubled,
}

impl Fate {
    pub fn draw(replies: u8, tape: &mut Tape) -> Fate {
        if replies == 0 || !tape.chance(replies) {
            return Fate::Normal;
        }
        tape.pick(&[Fate::Doubled, Fate::Late, Fate::Lost, Fate::NeverDone], Fate::Normal)
    }
}
