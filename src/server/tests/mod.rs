//! What the tests of this room share: a client that sends raw bytes, and a snapshot with everything in it.

pub mod client;
pub mod sample;
