//! The heart, turn by turn: every phase with every event as a golden table, and the same commands for the same events.
//!
//! Random worlds are `tests/sim`'s.

mod consents;
mod determinism;
mod ejection;
mod fairness;
mod faults;
mod hold;
mod kinds;
mod paces;
mod phases;
mod replaced;
mod rig;
mod shown;
mod standby;
mod taken_out;
mod times;
mod trouble;
mod upkeep;
mod weights;
