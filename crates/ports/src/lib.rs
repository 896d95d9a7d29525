//! Boards at a cable: finding them, their serial lines here and over RFC 2217, flashing, the engine that drives an
//! attached board; and virtual boards as ports for other tools.

pub mod attached;
pub mod attached_engine;
pub mod clock;
pub mod discovery;
pub mod engine;
pub mod flash;
pub mod folder;
mod lock;
pub mod rfc2217;
pub mod serial;
pub mod virtual_port;
