//! A serial port over TCP: telnet's COM-PORT-OPTION (RFC 2217), both ends.
//!
//! `isrlab virtual` serves a virtual board this way, with the modem lines that a pseudo-terminal cannot carry, and
//! `rfc2217://host:port` boards are reached this way. The protocol itself knows no socket: [`telnet`] and [`com_port`]
//! turn bytes into messages and back, [`ServerSession`] and [`ClientSession`] keep the state of one connection, and only
//! [`client::Connection`] and the virtual port's listener touch the network.

pub mod client;
mod client_session;
pub mod com_port;
mod options;
mod server_session;
pub mod telnet;

pub use client_session::{ClientEvent, ClientSession};
pub use server_session::{ServerEvent, ServerSession};
