//! Nothing but words: what is waited for and until when, and what came of the receipt's file.

use crate::contract::{Finding, Receipt, Span};
use crate::desk::Desk;

/// Requests are waited for: at least and at most so long.
pub(super) fn quiet_words(floor: Span, most: Span) -> String {
    format!("drain: quiet: floor {:.1} s, at most {:.1} s", secs(floor), secs(most))
}

/// Jobs are waited for: how many run, and how long that will be waited for at most.
pub(super) fn jobs_words(running: Option<u32>, most: Span, unknown: Span) -> String {
    let (most, unknown) = (secs(most), secs(unknown));
    match running {
        Some(n) => format!("drain: jobs: {n} running, waited for at most {most:.1} s"),
        None => format!(
            "drain: jobs: nobody can tell how many run: {unknown:.1} s for an answer, at most {most:.1} s for jobs"
        ),
    }
}

/// It is over: how long it took and how it ended.
pub(super) fn drained_words(receipt: &Receipt) -> String {
    let took = secs(receipt.ended.since(receipt.started));
    let jobs = receipt.running_jobs_waited_for.map_or("an unknown number of".to_owned(), |jobs| jobs.to_string());
    format!("drained in {took:.1} s: {jobs} jobs waited for (receipt {}, {})", receipt.id, receipt.result)
}

/// What came of the receipt's file, as a finding.
pub(crate) fn note_receipt(written: Result<(), String>, desk: &mut Desk) {
    match written {
        Ok(()) => desk.cured(Finding::ReceiptNotKept),
        Err(why) => desk.finding(Finding::ReceiptNotKept, format!("the receipt could not be written: {why}")),
    }
}

fn secs(span: Span) -> f64 {
    span.0 as f64 / 1000.0
}
