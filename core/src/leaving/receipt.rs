//! The written end of a drain: when it is written, what it says, and what came of the file.

use super::Drain;
use super::limits::RECEIPT_LIMIT;
use super::words::{drained_words, note_receipt};
use crate::contract::{Call, DrainPhase, DrainResult, EndedBy, GroupLeft, Moment, NoteKind, Receipt};
use crate::desk::{Desk, Topic};

impl Drain {
    /// Writes the receipt once the last phase is over.
    pub(crate) fn write(&mut self, groups: Vec<GroupLeft>, desk: &mut Desk) {
        if self.phase != DrainPhase::Done || self.receipt_done || self.receipt.is_open() {
            return;
        }
        let result = self.steps.outcome();
        if let Some(receipt) = self.receipt(groups, result, EndedBy::End, desk.now()) {
            desk.tell(NoteKind::Drained, drained_words(&receipt));
            let receipt = Box::new(receipt);
            self.ended = Some(receipt.clone());
            desk.ask(&mut self.receipt, Topic::Receipt, Call::WriteReceipt(receipt), RECEIPT_LIMIT);
        }
    }

    pub(crate) fn receipt(
        &self,
        groups: Vec<GroupLeft>,
        result: DrainResult,
        ended_by: EndedBy,
        now: Moment,
    ) -> Option<Receipt> {
        let lead = self.lead()?;
        Some(Receipt {
            id: self.id.clone(),
            cause: lead.cause,
            reason: lead.reason.clone(),
            started: self.started,
            deadline: self.wishes.deadline(),
            ended: now,
            steps: self.steps.all().to_vec(),
            running_jobs_waited_for: self.most_running.or(self.steps.jobs_left(self.running)),
            running_jobs_left: self.steps.jobs_left(self.running),
            inflight_at_cut: self.cut.flatten(),
            target_groups: groups,
            result,
            ended_by,
        })
    }

    pub(crate) fn on_receipt(&mut self, written: Result<(), String>, desk: &mut Desk) {
        self.receipt.done(desk.now());
        self.receipt_done = true;
        note_receipt(written, desk);
    }
}
