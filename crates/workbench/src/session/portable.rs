//! Boards with official MicroPython: who is there, the portable `lab` module, and a stop that needs no firmware of ours.
//!
//! The host's questions are small programs that it runs over the raw prompt, one after the other. The module
//! (`server/assets/lab.py`) is kept in the board's file system and sent again only when it is another one there.

use std::fmt::Write as _;
use std::sync::LazyLock;
use std::time::Duration;

use protocol::received::Sample;
use sha2::{Digest as _, Sha256};

use crate::line::CONSOLE_BAUD;
use crate::raw_prompt::{END, find};

use super::{
    BAUD_PAUSE, EndReason, LinkAction, LinkTime, PROMPT_TIMEOUT, PROMPT_TRIES, Phase, PromptEvent, RawPrompt, RunOrder,
    Session, SessionEvent, SessionFault, Setting, StartStage, StopStage, UPLOAD_TIMEOUT, stands_still,
};

/// The module, as it lies on the board.
const LAB: &str = include_str!("../../assets/lab.py");
/// SHA-256 of [`LAB`], in hexadecimal.
static LAB_SHA256: LazyLock<String> =
    LazyLock::new(|| Sha256::digest(LAB).iter().fold(String::new(), |text, byte| text + &format!("{byte:02x}")));
/// How much of the module one statement writes, so that neither side needs a long line.
const WRITE_BYTES: usize = 512;
/// How long a script may say nothing. What writes flash says so at each step, and the longest step, on a worn flash, takes
/// about a second.
const SCRIPT_TIMEOUT: Duration = Duration::from_secs(5);
/// How long a script may take, whatever it says.
const SCRIPT_LIMIT: Duration = Duration::from_secs(90);
/// How much of a script's output is kept.
const OUTPUT_BYTES: usize = 2048;
/// Speeds at which consoles are found, the commonest first, in bits per second. 921600 is where a host that was killed
/// leaves a board with the lesson firmware.
const RATES: [u32; 8] = [921_600, 460_800, 230_400, 57_600, 74_880, 38_400, 19_200, 9_600];
/// How long a board may take to answer at another speed.
const HUNT_TIMEOUT: Duration = Duration::from_millis(300);
/// Greetings for a board that had no lesson firmware before its reset either.
const GREET_TRIES_PORTABLE: u32 = 1;
/// `ENOSPC` as MicroPython numbers it.
const NO_SPACE: &str = "OSError: 28";
/// What MicroPython says when the heap is full.
const NO_MEMORY: &str = "MemoryError";

/// What a script is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Purpose {
    /// Asks for chip, version and module.
    Identify,
    /// Writes the module.
    Deploy,
    /// Lets the module introduce itself.
    Hello,
    /// Silences what a program has left behind.
    End,
    /// Takes two samples.
    Prove,
}

/// A small program of the host.
#[derive(Clone, Debug)]
pub(super) struct Script {
    purpose: Purpose,
    prompt: RawPrompt,
    output: Vec<u8>,
    tries: u32,
    /// When patience with it is over.
    by: LinkTime,
}

/// Prints one line: implementation, platform, and the module's checksum, or that the firmware has a module of its own.
const IDENTIFY: &str = "\
import os,sys
def there(name):
 try:os.stat(name)
 except OSError:return False
 return True
h='-'
try:
 if there('/lib/lab.py'):
  import hashlib,binascii
  h=hashlib.sha256()
  with open('/lib/lab.py','rb') as f:
   while 1:
    b=f.read(256)
    if not b:break
    h.update(b)
  h=binascii.hexlify(h.digest()).decode()
 elif not there('/lab.py'):
  import lab
  h='native'
except (ImportError,OSError,AttributeError):pass
print('isrlab',sys.implementation[0],sys.platform,h)
";
/// What [`IDENTIFY`] says in the place of a checksum where the lesson firmware is.
const NATIVE: &str = "native";
/// How often a board is asked what it is, before an answer that condemns it is believed.
const IDENTIFY_TRIES: u32 = 3;

/// What writes the module. The old one is replaced only by a whole new one.
fn deploy() -> String {
    let mut script = "\
import os,sys
sys.modules.pop('lab',None)
try:os.mkdir('/lib')
except OSError:pass
f=open('/lib/lab.new','wb')
def w(t):
 f.write(t)
 print('.')
try:
"
    .to_owned();
    let mut rest = LAB;
    while !rest.is_empty() {
        let mut end = rest.len().min(WRITE_BYTES);
        while !rest.is_char_boundary(end) {
            end -= 1;
        }
        let (piece, after) = rest.split_at(end);
        let _ = writeln!(script, " w({})", python_text(piece));
        rest = after;
    }
    // Not behind a backslash: that would take the indentation away.
    script.push_str(
        " f.close()
 try:os.remove('/lib/lab.py')
 except OSError:pass
 os.rename('/lib/lab.new','/lib/lab.py')
except OSError as e:
 f.close()
 os.remove('/lib/lab.new')
 raise e
",
    );
    script
}

/// A text of ASCII characters as Python writes it.
fn python_text(text: &str) -> String {
    let mut written = String::with_capacity(text.len() + 16);
    written.push('\'');
    for character in text.chars() {
        match character {
            '\\' => written.push_str("\\\\"),
            '\'' => written.push_str("\\'"),
            '\n' => written.push_str("\\n"),
            ' '..='~' => written.push(character),
            other => {
                let _ = write!(written, "\\u{:04x}", u32::from(other) & 0xFFFF);
            }
        }
    }
    written.push('\'');
    written
}

/// Our module comes before one of the same name that somebody else has put on the board.
fn hello() -> String {
    let version = &LAB_SHA256[..8];
    format!("import sys\nsys.path.insert(0,'/lib')\nimport lab\nsys.path.pop(0)\nlab._hello('portable-{version}')\n")
}

/// What makes the module ready for a run.
pub(super) fn begin(order: &RunOrder) -> String {
    let mut settings = String::new();
    for (name, value) in &order.settings {
        let value = match value {
            Setting::Number(number) => number.to_string(),
            Setting::Choice(choice) => python_text(choice),
        };
        let _ = write!(settings, "({},{value}),", python_text(name));
    }
    let limit_ms = u32::try_from(order.limit.as_millis()).unwrap_or(u32::MAX);
    let mut script = format!("import lab\nlab._begin({},{limit_ms},({settings}))\n", order.run);
    if order.program.contains("asyncio") {
        script.push_str("lab._asyncio()\n");
    }
    script
}

/// What a compiler to machine code is asked by.
const NATIVE_DECORATOR: &str = "@micropython.native";

/// The program for a board without such a compiler, which would refuse all of it: its lines stay where they are. And what is to
/// be said of that.
fn without_native(program: &str) -> Option<(String, String)> {
    let decorates = |line: &str| line.trim() == NATIVE_DECORATOR;
    let first = program.lines().position(decorates)? + 1;
    let lines = program.lines().map(|line| if decorates(line) { line.replacen('@', "#", 1) } else { line.to_owned() });
    let note = format!(
        "# {NATIVE_DECORATOR} (line {first}): the MicroPython of this board has no native code for its chip, so bytecode runs.\n"
    );
    Some((lines.fold(String::new(), |text, line| text + &line + "\n"), note))
}

/// What a board says of itself.
#[derive(Debug, PartialEq, Eq)]
struct Identity<'a> {
    implementation: &'a str,
    platform: &'a str,
    module_sha256: &'a str,
}

impl<'a> Identity<'a> {
    fn parse(output: &'a str) -> Option<Self> {
        let line = output.lines().find_map(|line| line.strip_prefix("isrlab "))?;
        let mut words = line.split_whitespace();
        Some(Self { implementation: words.next()?, platform: words.next()?, module_sha256: words.next()? })
    }
}

impl Session {
    /// Whether the board works with the portable module in the place of the lesson firmware.
    pub(super) fn is_portable(&self) -> bool {
        self.portable
    }

    /// Whether the board compiles to machine code. The lesson firmware does, and does not say so.
    pub(super) fn has_native(&self) -> bool {
        !self.portable || self.says("native")
    }

    /// Whether the module says this of its board.
    pub(super) fn says(&self, what: &str) -> bool {
        self.hello.as_ref().is_some_and(|hello| hello.caps.iter().any(|cap| cap == what))
    }

    pub(super) fn greet_tries(&self) -> u32 {
        if self.portable { GREET_TRIES_PORTABLE } else { super::GREET_TRIES }
    }

    /// Whether a run asks for hard interrupts that the board does not have.
    pub(super) fn wants_hard_without_any(&self, order: &RunOrder) -> bool {
        let wants = |(name, value): &(String, Setting)| name == "kind" && *value == Setting::Choice("hard".to_owned());
        !self.has_hard() && order.settings.iter().any(wants)
    }

    // ---- finding out who is there ----------------------------------------------------------

    /// Tries the next speed of the line.
    pub(super) fn hunt(&mut self, rate: usize) {
        let Some(&baud) = RATES.get(rate) else {
            let fault = match &self.boot {
                boot if boot.is_garbage() => SessionFault::WrongBaud,
                boot if boot.is_a_program() => SessionFault::Busy,
                _ => SessionFault::NoAnswer,
            };
            self.actions.push_back(LinkAction::SetBaud(CONSOLE_BAUD));
            self.give_boot_up(fault);
            return;
        };
        self.tail.clear();
        self.actions.push_back(LinkAction::SetBaud(baud));
        self.enter(Phase::Hunting { rate, asked: false }, Some(BAUD_PAUSE));
    }

    pub(super) fn ask_at(&mut self, rate: usize) {
        self.enter(Phase::Hunting { rate, asked: true }, Some(HUNT_TIMEOUT));
        self.provoke_prompt();
    }

    /// No prompt comes.
    pub(super) fn give_boot_up(&mut self, fault: SessionFault) {
        if self.run.as_ref().is_some_and(|run| run.stop == Some(StopStage::SoftReset)) {
            self.escalate(StopStage::Reset);
        } else {
            self.fail(fault);
        }
    }

    pub(super) fn identify(&mut self) {
        // The greetings stand on the board's line as if somebody had typed them.
        self.out.push(super::INTERRUPT);
        let prompt = RawPrompt::enter(IDENTIFY, &mut self.out);
        self.run_script(Purpose::Identify, prompt);
    }

    fn run_script(&mut self, purpose: Purpose, prompt: RawPrompt) {
        self.tail.clear();
        self.script = Some(Script { purpose, prompt, output: Vec::new(), tries: 1, by: self.now + SCRIPT_LIMIT });
        self.enter(Phase::Script, Some(PROMPT_TIMEOUT));
    }

    /// Runs a script on a board that is at the raw prompt.
    fn run_next_script(&mut self, purpose: Purpose, program: &str) {
        let mut prompt = RawPrompt::at_prompt(program, &mut self.out);
        prompt.upload(&mut self.out);
        self.run_script(purpose, prompt);
        self.phase_due = Some(self.now + UPLOAD_TIMEOUT);
    }

    pub(super) fn hear_script(&mut self, text: &[u8]) {
        let Some(script) = &mut self.script else { return };
        let mut heard = Vec::new();
        script.prompt.receive(text, &mut self.out, &mut heard);
        self.phase_due = Some((self.now + script.patience()).min(script.by.max(self.now)));
        self.follow_script(heard);
    }

    fn follow_script(&mut self, heard: Vec<PromptEvent>) {
        for event in heard {
            let Some(script) = &mut self.script else { return };
            match event {
                PromptEvent::Entered => script.prompt.upload(&mut self.out),
                PromptEvent::Uploaded => {
                    script.prompt.go(&mut self.out);
                    self.phase_due = Some(self.now + SCRIPT_TIMEOUT);
                }
                PromptEvent::Accepted => {}
                PromptEvent::Output(text) => {
                    let room = OUTPUT_BYTES - script.output.len();
                    script.output.extend(&text[..text.len().min(room)]);
                }
                PromptEvent::Ended(traceback) => {
                    let (purpose, output) = (script.purpose, std::mem::take(&mut script.output));
                    self.script = None;
                    let [output, traceback] =
                        [output, traceback].map(|text| String::from_utf8_lossy(&text).into_owned());
                    self.script_ended(purpose, &output, &traceback);
                }
            }
        }
    }

    fn script_ended(&mut self, purpose: Purpose, output: &str, traceback: &str) {
        if !traceback.is_empty() {
            tracing::warn!(?purpose, traceback, "a script of the workbench failed on the board");
            self.events.push_back(SessionEvent::Console(traceback.as_bytes().to_vec()));
        }
        match purpose {
            Purpose::Identify => match Identity::parse(output) {
                // Its firmware knows the greeting: that, or the answer, was lost on the line.
                Some(Identity { module_sha256: NATIVE, .. }) => self.doubt(SessionFault::NotAcknowledged),
                Some(Identity { implementation: "micropython", platform: "esp32", module_sha256 }) => {
                    self.doubts = 0;
                    if module_sha256 == *LAB_SHA256 {
                        self.run_next_script(Purpose::Hello, &hello());
                    } else {
                        self.run_next_script(Purpose::Deploy, &deploy());
                    }
                }
                Some(_) => self.doubt(SessionFault::NotEsp32),
                None => self.doubt(SessionFault::UploadFailed),
            },
            Purpose::Deploy | Purpose::Hello if traceback.contains(NO_MEMORY) => {
                self.give_up_script(SessionFault::NoMemory);
            }
            Purpose::Deploy if traceback.contains(NO_SPACE) => self.give_up_script(SessionFault::DiskFull),
            Purpose::Deploy if !traceback.is_empty() => self.give_up_script(SessionFault::DeployFailed),
            Purpose::Deploy => self.run_next_script(Purpose::Hello, &hello()),
            Purpose::Hello if !traceback.is_empty() || self.hello.is_none() => {
                self.give_up_script(SessionFault::DeployFailed);
            }
            Purpose::Hello if self.run.is_some() => self.prove(),
            Purpose::Hello => {
                self.portable = true;
                self.tail.clear();
                self.out.extend([b'\r', super::LEAVE_RAW]);
                self.enter(Phase::Settling, Some(PROMPT_TIMEOUT));
            }
            Purpose::End if self.run.as_ref().is_some_and(|run| run.stop.is_some()) => self.prove(),
            Purpose::End | Purpose::Prove => self.leave(),
        }
    }

    /// Begins again with the greeting, in case the line has altered what was said; in the end believes it.
    fn doubt(&mut self, fault: SessionFault) {
        self.doubts += 1;
        if self.doubts >= IDENTIFY_TRIES {
            self.doubts = 0;
            self.give_up_script(fault);
            return;
        }
        self.tail.clear();
        self.enter(Phase::Booting { tries: 1 }, Some(PROMPT_TIMEOUT));
        self.provoke_prompt();
    }

    /// Leaves the board at its friendly prompt, for whoever comes to mend it.
    fn give_up_script(&mut self, fault: SessionFault) {
        self.script = None;
        self.out.extend([b'\r', super::INTERRUPT, super::LEAVE_RAW]);
        self.fail(fault);
    }

    pub(super) fn script_overdue(&mut self) {
        let Some(script) = &mut self.script else { return };
        if script.prompt.sends_in_pieces() {
            let mut heard = Vec::new();
            script.prompt.send_more(&mut self.out, &mut heard);
            self.phase_due = Some(self.now + super::PIECE_PAUSE);
            self.follow_script(heard);
            return;
        }
        if script.prompt.is_entering() && script.tries < PROMPT_TRIES {
            script.tries += 1;
            script.prompt.knock(&mut self.out);
            self.phase_due = Some(self.now + PROMPT_TIMEOUT);
            return;
        }
        match script.purpose {
            Purpose::Identify if script.prompt.is_entering() => self.doubt(SessionFault::NoRawPrompt),
            Purpose::Identify => self.doubt(SessionFault::UploadFailed),
            Purpose::Deploy | Purpose::Hello => self.give_up_script(SessionFault::TooSlow),
            Purpose::End | Purpose::Prove => self.stop_harder(),
        }
    }

    // ---- a run -----------------------------------------------------------------------------

    /// What comes before the program: the module is told of the run.
    pub(super) fn prepare(&mut self, event: PromptEvent) {
        let native = self.has_native();
        let Some(run) = &mut self.run else { return };
        match event {
            PromptEvent::Entered => {
                run.prompt.upload(&mut self.out);
                self.enter_start(StartStage::Upload);
            }
            PromptEvent::Uploaded => self.go(),
            PromptEvent::Accepted | PromptEvent::Output(_) => {}
            PromptEvent::Ended(traceback) if traceback.is_empty() => {
                run.preparing = false;
                let changed = (!native).then(|| without_native(&run.order.program)).flatten();
                let (program, note) = changed.unzip();
                self.events.extend(note.map(|note| SessionEvent::Console(note.into_bytes())));
                let program = program.as_ref().unwrap_or(&run.order.program);
                run.prompt = RawPrompt::at_prompt(program, &mut self.out);
                run.prompt.upload(&mut self.out);
                self.enter_start(StartStage::Upload);
            }
            PromptEvent::Ended(traceback) => {
                let refused = find_text(&traceback, "ValueError");
                self.refuse(if refused { SessionFault::SettingRefused } else { SessionFault::DeployFailed });
            }
        }
    }

    /// The program is over: nothing of it may go on counting.
    pub(super) fn end_on_board(&mut self, reason: EndReason) {
        self.give_pending_up();
        let why = match reason {
            EndReason::Finished => "finished",
            EndReason::Exception => "exception",
            _ => "stopped",
        };
        self.run_next_script(Purpose::End, &format!("import lab\nlab._end('{why}')\n"));
    }

    fn prove(&mut self) {
        if let Some(run) = &mut self.run {
            (run.proof, run.still) = (None, false);
        }
        self.run_next_script(Purpose::Prove, "import lab\nlab._proof()\n");
    }

    pub(super) fn hear_proof_of_script(&mut self, sample: Sample) {
        if self.script.as_ref().is_some_and(|script| script.purpose == Purpose::Prove)
            && let Some(run) = &mut self.run
        {
            match &run.proof {
                None => run.proof = Some(sample),
                Some(first) => run.still = stands_still(first, &sample) && first.v == sample.v,
            }
        }
    }

    /// The board is at its friendly prompt after a run.
    pub(super) fn left_portable(&mut self, stopped: bool) {
        if !stopped || self.run.as_ref().is_some_and(|run| run.still) {
            self.finish(stopped);
        } else {
            self.stop_harder();
        }
    }

    /// The last step of a stop was not enough.
    fn stop_harder(&mut self) {
        self.script = None;
        match self.run.as_ref().map(|run| run.stop) {
            Some(Some(StopStage::Reset)) => self.finish(false),
            Some(Some(StopStage::SoftReset)) => self.escalate(StopStage::Reset),
            Some(_) => self.escalate(StopStage::SoftReset),
            None => {}
        }
    }

    /// Ctrl-D at the prompt: a new VM, with all its timers gone.
    pub(super) fn restart_vm(&mut self) {
        if let Some(run) = &mut self.run {
            run.end.get_or_insert((EndReason::Restarted, None));
        }
        self.tail.clear();
        self.hello = None;
        self.out.extend([super::INTERRUPT, super::INTERRUPT, super::LEAVE_RAW, END]);
        self.begin_boot();
    }

    fn give_pending_up(&mut self) {
        for pending in std::mem::take(&mut self.pending) {
            if let Some(ticket) = pending.ticket {
                self.events.push_back(SessionEvent::Answer(ticket, Err(SessionFault::NotAcknowledged)));
            }
        }
    }
}

impl Script {
    /// How long nothing may come.
    fn patience(&self) -> Duration {
        if self.prompt.sends_in_pieces() { super::PIECE_PAUSE } else { SCRIPT_TIMEOUT }
    }
}

fn find_text(text: &[u8], wanted: &str) -> bool {
    find(text, wanted.as_bytes()).is_some()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_board_introduces_itself_in_one_line_whatever_else_it_prints() {
        let parsed = Identity::parse("boot.py was here\r\nisrlab micropython esp32 0123abcd\r\n");
        let expected = Identity { implementation: "micropython", platform: "esp32", module_sha256: "0123abcd" };
        assert_eq!(parsed, Some(expected));
        for wrong in ["", "isrlab", "isrlab micropython esp32", "micropython esp32 -"] {
            assert_eq!(Identity::parse(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn the_module_reaches_the_board_letter_by_letter() {
        // What the raw prompt takes for itself must not be in it.
        assert!(LAB.bytes().all(|byte| byte == b'\n' || (b' '..=b'~').contains(&byte)));
        let mut written = String::new();
        for text in deploy().lines().filter_map(|line| line.strip_prefix(" w('")?.strip_suffix("')")) {
            let mut characters = text.chars();
            while let Some(character) = characters.next() {
                written.push(match (character, character == '\\') {
                    (plain, false) => plain,
                    (_, true) => characters.next().map_or('\\', |escaped| if escaped == 'n' { '\n' } else { escaped }),
                });
            }
        }
        assert_eq!(written, LAB);
    }

    #[test]
    fn settings_are_written_as_python_values() {
        let settings =
            vec![("rate".to_owned(), Setting::Number(-5)), ("it's".to_owned(), Setting::Choice("a\\b".to_owned()))];
        let (program, limit) = (String::new(), Duration::from_secs(2));
        let order = RunOrder { run: 3, program, settings, limit, keeps_files: false, mount_anew: false };
        assert_eq!(without_native("x = 1\n"), None);
        let (program, note) = without_native("def f(): pass\n  @micropython.native\ndef g(): pass\n").unwrap();
        assert_eq!(program, "def f(): pass\n  #micropython.native\ndef g(): pass\n");
        assert!(note.contains("(line 2)"), "{note}");
        assert_eq!(begin(&order), "import lab\nlab._begin(3,2000,(('rate',-5),('it\\'s','a\\\\b'),))\n");
    }
}
