//! The Rundeck stand-in held against what is known of real ones: the answer table, the shapes of real answers,
//! exchanges recorded on a rig of its frameworks, and its own switches.

mod client;
mod exchanges;
mod faults;
mod keys;
mod life;
mod people;
mod process;
mod shapes;
mod situation;
mod table;
mod tls;
