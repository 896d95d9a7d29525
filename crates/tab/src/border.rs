//! The functions that JavaScript calls, and the memory that it shares with them.
//!
//! The contract: the caller asks for [`tab_room`], writes exactly so many bytes there before it calls anything else, and
//! calls one function, which consumes them. The answer of that function stands at [`tab_answer_at`], [`tab_answer_bytes`] long,
//! until the next call of any function; addresses are looked up anew after each call, because memory may have grown. A
//! function returns [`DONE`], or [`REFUSED`] with a problem as its answer. No pointer ever comes in, so nothing here
//! dereferences one; the attribute that exports a name is what the compiler calls unsafe, because two definitions of one
//! name would collide.
//!
//! One function is imported: while a job goes on it hears of the progress, as JSON that stands at an address until it returns.
//! It answers nothing and calls nothing of the module.
//!
//! A mistake in the module ends it with a trap; what it said last stands at the answer's place. The worker then starts
//! a new instance.

#![expect(unsafe_code, reason = "exported and imported names; see above")]

use std::cell::{Cell, RefCell};
use std::sync::Once;

use serde_json::{Value, json};
use workbench::clock::Moment;

use crate::tab::Tab;
use crate::trouble::Trouble;

/// It is done; the answer, if there is one, says what came of it.
pub const DONE: u32 = 0;
/// It is not done; the answer says why.
pub const REFUSED: u32 = 1;

thread_local! {
    static TAB: RefCell<Tab> = RefCell::default();
    static INBOX: Cell<Vec<u8>> = const { Cell::new(Vec::new()) };
    static ANSWER: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
}

/// Makes room for so many bytes and returns its address.
#[unsafe(no_mangle)]
pub extern "C" fn tab_room(bytes: usize) -> *mut u8 {
    static TELLS: Once = Once::new();
    TELLS.call_once(|| std::panic::set_hook(Box::new(|panic| put_answer(panic.to_string().into_bytes()))));
    let mut inbox = vec![0; bytes];
    let address = inbox.as_mut_ptr();
    INBOX.set(inbox);
    address
}

/// Where the last answer stands.
#[unsafe(no_mangle)]
pub extern "C" fn tab_answer_at() -> *const u8 {
    ANSWER.with_borrow(|answer| answer.as_ptr())
}

/// How long the last answer is.
#[unsafe(no_mangle)]
pub extern "C" fn tab_answer_bytes() -> usize {
    ANSWER.with_borrow(Vec::len)
}

/// Lets boards that are booted from now on use the traces of a module: the room holds its table, and its function `run` stands at
/// this place of the table of functions, which is exported for that.
#[unsafe(no_mangle)]
pub extern "C" fn tab_use_traces(run: usize) -> u32 {
    call(|tab, table| tab.use_traces(run, &table).map(|()| String::new()))
}

/// Chooses the language by its tag.
#[unsafe(no_mangle)]
pub extern "C" fn tab_choose_language() -> u32 {
    call(|tab, tag| tab.choose_language(&tag).map(|()| String::new()))
}

/// Loads the lessons' files, see [`Tab::load_lessons`].
#[unsafe(no_mangle)]
pub extern "C" fn tab_load_lessons() -> u32 {
    call(|tab, files| tab.load_lessons(&files).map(|()| String::new()))
}

/// Loads the firmware's ELF file, see [`Tab::load_symbols`].
#[unsafe(no_mangle)]
pub extern "C" fn tab_load_symbols() -> u32 {
    call(|tab, elf| {
        tab.load_symbols(elf);
        Ok(String::new())
    })
}

/// Boots a board with a flash image, see [`Tab::boot`].
#[unsafe(no_mangle)]
pub extern "C" fn tab_boot() -> u32 {
    call(|tab, flash_image| tab.boot(flash_image).map(|()| String::new()))
}

/// Carries out one run, see [`Tab::headless_run`].
#[unsafe(no_mangle)]
pub extern "C" fn tab_headless_run() -> u32 {
    call(|tab, asked| tab.headless_run(&asked))
}

/// Tells hashes of a run's states, for tests, see [`Tab::state_hashes`].
#[unsafe(no_mangle)]
pub extern "C" fn tab_state_hashes() -> u32 {
    call(|tab, asked| tab.state_hashes(&asked))
}

/// Carries out a check or an exploration, see [`Tab::job`].
#[unsafe(no_mangle)]
pub extern "C" fn tab_job() -> u32 {
    call(|tab, asked| tab.job(&asked, &mut tell))
}

/// Carries a command out, see [`Tab::command`].
#[unsafe(no_mangle)]
pub extern "C" fn tab_command(now_ms: f64) -> u32 {
    call(|tab, command| tab.command(moment(now_ms), &command))
}

/// Runs the live board, see [`Tab::step`].
#[unsafe(no_mangle)]
pub extern "C" fn tab_step(now_ms: f64) -> u32 {
    call(|tab, _| tab.step(moment(now_ms)))
}

fn call(f: impl FnOnce(&mut Tab, Vec<u8>) -> Result<String, Trouble>) -> u32 {
    let inbox = INBOX.take();
    TAB.with_borrow_mut(|tab| match f(tab, inbox) {
        Ok(answer) => {
            put_answer(answer.into_bytes());
            DONE
        }
        Err(trouble) => {
            // A text and a few names: that it can be written is not in doubt.
            put_answer(serde_json::to_vec(&trouble.answer(tab.language())).unwrap_or_default());
            REFUSED
        }
    })
}

/// Tells the worker an event: `{name, data}`.
fn tell(name: &str, data: &Value) {
    let told = json!({ "name": name, "data": data }).to_string();
    hear(&told);
}

#[cfg(target_arch = "wasm32")]
fn hear(told: &str) {
    #[link(wasm_import_module = "tab")]
    unsafe extern "C" {
        fn tab_hear(at: *const u8, bytes: usize);
    }
    // SAFETY: the worker reads these bytes before it returns, as the contract above says, and does nothing else.
    unsafe { tab_hear(told.as_ptr(), told.len()) }
}

/// Nobody listens where there is no worker.
#[cfg(not(target_arch = "wasm32"))]
fn hear(_told: &str) {}

fn put_answer(bytes: Vec<u8>) {
    ANSWER.with_borrow_mut(|answer| *answer = bytes);
}

/// The host's clock in milliseconds; what is no time is the beginning of time.
fn moment(now_ms: f64) -> Moment {
    Moment::try_from_secs_f64(now_ms / 1000.0).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_call_takes_what_is_in_the_room_and_its_answer_stands_until_the_next() {
        assert_eq!(tab_headless_run(), REFUSED, "an empty room holds no request");
        let answer = ANSWER.with_borrow(Clone::clone);
        assert_eq!(answer.len(), tab_answer_bytes());
        assert!(String::from_utf8(answer).unwrap().contains("bad-json"));
        INBOX.set(b"ja".to_vec());
        assert_eq!((tab_choose_language(), tab_answer_bytes()), (DONE, 0));
        assert_eq!(tab_choose_language(), REFUSED, "the room is empty again");
        assert!(!tab_room(16).is_null());
        assert_eq!((tab_step(f64::NAN), tab_command(-1.0)), (REFUSED, REFUSED));
    }
}
