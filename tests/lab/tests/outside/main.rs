//! The world in a box held against programs that we did not write. `cargo xtask test` sets them up; without them
//! nothing runs here.

mod haproxy;
mod http;
mod jvm;
mod moto;
mod referee;
