//! From commands to calls: what changes the world, and nothing else does.
//!
//! Each function makes one call and says how it went; whether and when is decided in the heart.

pub mod balancer;
pub mod held;
pub mod hooks;
pub mod intent;
pub mod mode;
pub mod standby;
pub mod state;
