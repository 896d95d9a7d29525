//! The raw prompt: how a program gets into a MicroPython board and its output comes out.
//!
//! The conversation is fixed by MicroPython's `shared/runtime/pyexec.c` and described in its
//! reference manual, chapter "The MicroPython Interactive Interpreter Mode", section "Raw mode and
//! raw-paste mode". This file knows nothing of time: whoever drives it decides how long to wait.

/// Ctrl-A: enters the raw prompt.
const ENTER_RAW: u8 = 0x01;
/// Ctrl-B: leaves the raw prompt.
pub(super) const LEAVE_RAW: u8 = 0x02;
/// Ctrl-C: interrupts whatever runs.
pub(super) const INTERRUPT: u8 = 0x03;
/// Ctrl-D: ends a program's text, its output and its traceback.
pub(super) const END: u8 = 0x04;
/// Asks for raw-paste mode.
const ASK_PASTE: &[u8] = b"\x05A\x01";
/// What the board says when the raw prompt is there.
const RAW_BANNER: &[u8] = b"raw REPL; CTRL-B to exit\r\n>";
/// What the friendly prompt looks like.
pub(super) const FRIENDLY_PROMPT: &[u8] = b">>> ";
/// Bytes sent at once to a board that has no flow control (raw prompt without raw-paste).
const PLAIN_CHUNK_BYTES: usize = 128;
/// The most that is kept while a fixed answer is searched for.
const INBOX_BYTES: usize = 4096;

/// What the conversation has come to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum PromptEvent {
    /// The board is at the raw prompt.
    Entered,
    /// The whole program is over there; [`RawPrompt::go`] starts it.
    Uploaded,
    /// The program runs, or did not compile: its output and its traceback follow.
    Accepted,
    /// The program printed this.
    Output(Vec<u8>),
    /// The program is over; an empty text means without an exception.
    Ended(Vec<u8>),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Step {
    Entering,
    Entered,
    Asked,
    Window,
    Pasting,
    /// Without raw-paste: pieces go out one by one, see [`RawPrompt::send_more`].
    Plain,
    Uploaded,
    Starting,
    Output,
    Traceback,
    Over,
}

/// One program's way through the raw prompt.
#[derive(Clone, Debug)]
pub(super) struct RawPrompt {
    step: Step,
    program: Vec<u8>,
    sent: usize,
    window: usize,
    window_step: usize,
    paste: bool,
    inbox: Vec<u8>,
}

impl RawPrompt {
    /// Interrupts the board and asks for the raw prompt.
    pub(super) fn enter(program: &str, out: &mut Vec<u8>) -> Self {
        let mut prompt = Self::new(Step::Entering, program);
        prompt.knock(out);
        prompt
    }

    fn new(step: Step, program: &str) -> Self {
        let program = program.as_bytes().to_vec();
        Self { step, program, sent: 0, window: 0, window_step: 0, paste: true, inbox: Vec::new() }
    }

    /// A program for a board that is at the raw prompt already. Whatever was typed there is cleared away.
    pub(super) fn at_prompt(program: &str, out: &mut Vec<u8>) -> Self {
        out.push(INTERRUPT);
        Self::new(Step::Entered, program)
    }

    /// Whether the raw prompt has not come yet.
    pub(super) fn is_entering(&self) -> bool {
        self.step == Step::Entering
    }

    /// Asks for the raw prompt again, after silence.
    pub(super) fn knock(&mut self, out: &mut Vec<u8>) {
        self.inbox.clear();
        out.extend([b'\r', INTERRUPT, INTERRUPT, ENTER_RAW]);
    }

    /// Whether [`send_more`](Self::send_more) has something to send.
    pub(super) fn sends_in_pieces(&self) -> bool {
        self.step == Step::Plain
    }

    /// Sends the program's text, once [`PromptEvent::Entered`] has come.
    pub(super) fn upload(&mut self, out: &mut Vec<u8>) {
        debug_assert_eq!(self.step, Step::Entered);
        self.step = Step::Asked;
        out.extend(ASK_PASTE);
    }

    /// Starts the program, once [`PromptEvent::Uploaded`] has come. A board that has found a mistake in it meanwhile needs no
    /// start any more.
    pub(super) fn go(&mut self, out: &mut Vec<u8>) {
        if self.step == Step::Uploaded {
            self.step = Step::Starting;
            out.push(END);
        }
    }

    /// The next piece for a board without flow control; call it at intervals.
    pub(super) fn send_more(&mut self, out: &mut Vec<u8>, events: &mut Vec<PromptEvent>) {
        if self.step != Step::Plain {
            return;
        }
        let end = (self.sent + PLAIN_CHUNK_BYTES).min(self.program.len());
        out.extend(&self.program[self.sent..end]);
        self.sent = end;
        if end == self.program.len() {
            self.step = Step::Uploaded;
            events.push(PromptEvent::Uploaded);
        }
    }

    /// Takes console bytes (frames already taken out).
    pub(super) fn receive(&mut self, bytes: &[u8], out: &mut Vec<u8>, events: &mut Vec<PromptEvent>) {
        self.inbox.extend(bytes);
        while self.advance(out, events) {}
        if self.inbox.len() > INBOX_BYTES {
            self.inbox.drain(..self.inbox.len() - INBOX_BYTES);
        }
    }

    /// Makes one step with what is in the inbox; false when more bytes are needed.
    fn advance(&mut self, out: &mut Vec<u8>, events: &mut Vec<PromptEvent>) -> bool {
        match self.step {
            Step::Entering => {
                let Some(at) = find(&self.inbox, RAW_BANNER) else { return false };
                self.inbox.drain(..at + RAW_BANNER.len());
                self.step = Step::Entered;
                events.push(PromptEvent::Entered);
                false
            }
            // A second banner, an echo: nothing that matters.
            Step::Entered | Step::Over => {
                self.inbox.clear();
                false
            }
            Step::Asked => {
                let Some(at) = find(&self.inbox, b"R") else {
                    // A firmware older than raw-paste leaves and re-enters raw mode instead.
                    let old = find(&self.inbox, b"raw").is_some();
                    if old {
                        self.begin_plain();
                    }
                    return old;
                };
                if self.inbox[..at].ends_with(b"raw ") {
                    self.begin_plain();
                    return true;
                }
                let Some(&answer) = self.inbox.get(at + 1) else { return false };
                self.inbox.drain(..at + 2);
                if answer == 1 {
                    self.step = Step::Window;
                } else {
                    self.begin_plain();
                }
                true
            }
            Step::Window => {
                let [low, high, ..] = self.inbox[..] else { return false };
                self.inbox.drain(..2);
                self.window_step = usize::from(u16::from_le_bytes([low, high]));
                self.window = self.window_step;
                self.step = Step::Pasting;
                self.paste_within_window(out, events);
                true
            }
            Step::Pasting | Step::Uploaded => {
                if self.inbox.is_empty() {
                    return false;
                }
                match self.inbox.remove(0) {
                    ENTER_RAW => {
                        self.window += self.window_step;
                        self.paste_within_window(out, events);
                    }
                    // The board compiles while it reads, and wants no more once there is an error. It waits
                    // for our END and then reports the error like any other (`mp_reader_stdin_close`).
                    END if self.paste => {
                        out.push(END);
                        self.step = Step::Output;
                        events.push(PromptEvent::Accepted);
                    }
                    _ => {}
                }
                true
            }
            Step::Plain => {
                self.inbox.clear();
                false
            }
            Step::Starting => {
                // Raw-paste echoes END, the plain raw prompt says OK; late window grants come before it.
                let accepted: &[u8] = if self.paste { &[END] } else { b"OK" };
                let Some(at) = find(&self.inbox, accepted) else { return false };
                self.inbox.drain(..at + accepted.len());
                self.step = Step::Output;
                events.push(PromptEvent::Accepted);
                true
            }
            Step::Output => {
                let end = self.inbox.iter().position(|&byte| byte == END);
                let text: Vec<u8> = self.inbox.drain(..end.unwrap_or(self.inbox.len())).collect();
                if !text.is_empty() {
                    events.push(PromptEvent::Output(text));
                }
                if end.is_some() {
                    self.inbox.remove(0);
                    self.step = Step::Traceback;
                }
                end.is_some()
            }
            Step::Traceback => {
                let Some(end) = self.inbox.iter().position(|&byte| byte == END) else { return false };
                if end + 1 == self.inbox.len() {
                    return false;
                }
                if self.inbox[end + 1] != b'>' {
                    // No prompt follows: the program itself printed an END. Everything so far was output.
                    let mut text = vec![END];
                    text.extend(self.inbox.drain(..end));
                    events.push(PromptEvent::Output(text));
                    self.step = Step::Output;
                    return true;
                }
                let traceback = self.inbox.drain(..end).collect();
                self.inbox.drain(..2);
                self.step = Step::Over;
                events.push(PromptEvent::Ended(traceback));
                true
            }
        }
    }

    fn begin_plain(&mut self) {
        self.paste = false;
        self.inbox.clear();
        self.step = Step::Plain;
    }

    fn paste_within_window(&mut self, out: &mut Vec<u8>, events: &mut Vec<PromptEvent>) {
        if self.step != Step::Pasting {
            return;
        }
        let end = (self.sent + self.window).min(self.program.len());
        out.extend(&self.program[self.sent..end]);
        self.window -= end - self.sent;
        self.sent = end;
        if end == self.program.len() {
            self.step = Step::Uploaded;
            events.push(PromptEvent::Uploaded);
        }
    }
}

/// Where `needle` begins in `haystack`.
pub(super) fn find(haystack: &[u8], needle: &[u8]) -> Option<usize> {
    haystack.windows(needle.len()).position(|window| window == needle)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Feeds `bytes` in pieces of every size and expects the same events and the same answer.
    #[track_caller]
    fn check(start: impl Fn() -> (RawPrompt, Vec<u8>), bytes: &[u8], answer: &[u8], expected: &[PromptEvent]) {
        for size in 1..=bytes.len() {
            let (mut prompt, mut out) = start();
            let mut events = Vec::new();
            for piece in bytes.chunks(size) {
                prompt.receive(piece, &mut out, &mut events);
            }
            assert_eq!(out, answer, "in pieces of {size}");
            assert_eq!(joined(events), expected, "in pieces of {size}");
        }
    }

    fn joined(events: Vec<PromptEvent>) -> Vec<PromptEvent> {
        let mut all: Vec<PromptEvent> = Vec::new();
        for event in events {
            match (all.last_mut(), event) {
                (Some(PromptEvent::Output(text)), PromptEvent::Output(more)) => text.extend(more),
                (_, event) => all.push(event),
            }
        }
        all
    }

    fn asked(program: &str) -> (RawPrompt, Vec<u8>) {
        let (mut out, mut events) = (Vec::new(), Vec::new());
        let mut prompt = RawPrompt::enter(program, &mut out);
        prompt.receive(b">>> \r\nraw REPL; CTRL-B to exit\r\n>", &mut out, &mut events);
        assert_eq!(events, [PromptEvent::Entered]);
        prompt.upload(&mut out);
        assert_eq!(out, b"\r\x03\x03\x01\x05A\x01");
        (prompt, Vec::new())
    }

    fn running(program: &str) -> (RawPrompt, Vec<u8>) {
        let (mut prompt, mut out) = asked(program);
        prompt.receive(b"R\x01\x80\x00", &mut out, &mut Vec::new());
        prompt.go(&mut out);
        assert_eq!(out, [program.as_bytes(), &[END]].concat());
        (prompt, Vec::new())
    }

    #[test]
    fn a_program_is_pasted_within_the_window() {
        check(|| asked("print('0123456789')"), b"R\x01\x08\x00", b"print('0", &[]);
        let all = b"R\x01\x08\x00\x01\x01";
        check(|| asked("print('0123456789')"), all, b"print('0123456789')", &[PromptEvent::Uploaded]);
    }

    #[test]
    fn an_empty_program_needs_no_window() {
        check(|| asked(""), b"R\x01\x80\x00", b"", &[PromptEvent::Uploaded]);
    }

    #[test]
    fn output_and_traceback_are_told_apart() {
        let ended = |text: &[u8]| PromptEvent::Ended(text.to_vec());
        let output = |text: &[u8]| PromptEvent::Output(text.to_vec());
        check(|| running("x"), b"\x04\x04\x04>", b"", &[PromptEvent::Accepted, ended(b"")]);
        check(
            || running("x"),
            b"\x01\x04hi\r\n\x04\x04>",
            b"",
            &[PromptEvent::Accepted, output(b"hi\r\n"), ended(b"")],
        );
        let failed = b"\x04hi\x04Traceback\r\nNameError: x\r\n\x04>";
        check(
            || running("x"),
            failed,
            b"",
            &[PromptEvent::Accepted, output(b"hi"), ended(b"Traceback\r\nNameError: x\r\n")],
        );
    }

    #[test]
    fn a_program_that_prints_the_end_mark_does_not_end_itself() {
        let bytes = b"\x04a\x04b\x04c\x04\x04>";
        let expected = [PromptEvent::Accepted, PromptEvent::Output(b"a\x04b".to_vec()), PromptEvent::Ended(Vec::new())];
        let (mut prompt, mut out) = running("x");
        let mut events = Vec::new();
        prompt.receive(bytes, &mut out, &mut events);
        let events = joined(events);
        assert_eq!(events.first(), expected.first());
        assert_eq!(events.last(), expected.last());
    }

    #[test]
    fn a_text_that_does_not_compile_ends_the_paste_early() {
        let ended = PromptEvent::Ended(b"SyntaxError".to_vec());
        let all = b"R\x01\x04\x00\x04\x04SyntaxError\x04>";
        check(|| asked("0123456789abc"), all, b"0123\x04", &[PromptEvent::Accepted, ended]);
    }

    #[test]
    fn a_mistake_found_with_the_last_piece_needs_no_start() {
        let (mut prompt, mut out) = asked("012345");
        let mut events = Vec::new();
        prompt.receive(b"R\x01\x04\x00\x01\x04", &mut out, &mut events);
        assert_eq!(events, [PromptEvent::Uploaded, PromptEvent::Accepted]);
        prompt.go(&mut out);
        assert_eq!(out, b"012345\x04");
        prompt.receive(b"\x04SyntaxError\x04>", &mut out, &mut events);
        assert_eq!(events.last(), Some(&PromptEvent::Ended(b"SyntaxError".to_vec())));
    }

    #[test]
    fn a_board_without_raw_paste_gets_pieces() {
        for answer in [&b"R\x00"[..], b"raw REPL; CTRL-B to exit\r\n>"] {
            let program = "x".repeat(2 * PLAIN_CHUNK_BYTES + 1);
            let (mut prompt, mut out) = asked(&program);
            let mut events = Vec::new();
            prompt.receive(answer, &mut out, &mut events);
            let mut pieces = 0;
            while prompt.sends_in_pieces() {
                prompt.send_more(&mut out, &mut events);
                pieces += 1;
            }
            assert_eq!((pieces, out.len()), (3, program.len()));
            prompt.go(&mut out);
            prompt.receive(b"OKhello\x04\x04>", &mut out, &mut events);
            assert_eq!(
                events,
                [
                    PromptEvent::Uploaded,
                    PromptEvent::Accepted,
                    PromptEvent::Output(b"hello".to_vec()),
                    PromptEvent::Ended(Vec::new())
                ]
            );
        }
    }
}
