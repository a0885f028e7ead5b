//! Parts of the room by themselves: values in, values out, with the moment at which each turns.

mod database;
mod face;
mod machine;
mod process;
mod readiness;
mod web;
