//! Names that a program gives to its numbers, lists and controls.

use micropython_sys::Text;

/// Longest name of anything, in bytes.
const NAME_BYTES: usize = 23;

/// What the firmware itself counts, and what the workbench says of a run: a program's numbers have other names.
const RESERVED: [&str; 20] = [
    "expected",
    "fired",
    "missed",
    "ran",
    "dropped",
    "queued",
    "disabled",
    "q",
    "qmax",
    "main",
    "stall_max",
    "locked_max",
    "exc",
    "lat_min",
    "lat_p50",
    "lat_p99",
    "lat_max",
    "run_us",
    "why",
    "identity",
];

/// `FW_TOO_MANY`, `FW_NAME_TOO_LONG`, `FW_OTHER_KIND`, `FW_RESERVED` of `port/firmware.h`.
pub(crate) const TOO_MANY: i32 = -1;
pub(crate) const NAME_TOO_LONG: i32 = -2;
pub(crate) const OTHER_KIND: i32 = -3;
pub(crate) const RESERVED_NAME: i32 = -4;

pub(crate) type Name = heapless::String<NAME_BYTES>;

/// The bytes of a text that C keeps alive.
pub(crate) fn bytes<'a>(text: Text) -> &'a [u8] {
    // SAFETY: a Python string; it lives at least as long as the table entry that refers to it.
    unsafe { core::slice::from_raw_parts(text.text, text.len) }
}

pub(crate) fn name(text: Text) -> Option<Name> {
    Name::try_from(core::str::from_utf8(bytes(text)).ok()?).ok()
}

/// Whether a program's number or list of this name would pass for one of the firmware's; `t0.ran` is one of these, too.
pub(crate) fn is_reserved(name: &str) -> bool {
    name.contains('.') || RESERVED.contains(&name)
}
