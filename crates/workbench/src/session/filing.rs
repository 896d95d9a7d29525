//! Files on the board: each order is one or more small programs over the raw prompt, for the lesson firmware and official
//! MicroPython alike. What runs at the prompt ends with it, as when any other tool uploads a file.

use std::collections::VecDeque;
use std::fmt::Write as _;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde::Serialize;
use serde_json::json;

use super::{
    LinkTime, PIECE_PAUSE, PROMPT_TIMEOUT, PROMPT_TRIES, Phase, PromptEvent, RawPrompt, Session, SessionEvent,
    StartStage, Ticket,
};
use crate::raw_prompt::{FRIENDLY_PROMPT, LEAVE_RAW, find};

/// The largest file that is put on a board or taken from it, in bytes.
pub const MOST_FILE_BYTES: usize = 64 * 1024;
/// The longest path, in bytes.
pub const MOST_PATH_BYTES: usize = 100;
/// How much of a file one program writes: its text has to fit into the heap beside everything else.
const PIECE_BYTES: usize = 1536;
/// Files that are listed.
const MOST_LISTED: usize = 200;
/// How long a program of ours may say nothing: the longest step, erasing on a worn flash, takes about a second.
const SILENCE: LinkTime = LinkTime::from_secs(5);
/// How much output is kept: a file in base 64, and line ends.
const OUTPUT_BYTES: usize = MOST_FILE_BYTES * 3 / 2;

/// What is to be done with the files of a board. Paths are absolute; see [`checked_path`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FileOrder {
    /// Says what is there.
    List,
    /// Reads one.
    Read(String),
    /// Writes one, in the place of what has this name.
    Write(String, Vec<u8>),
    /// Deletes one, or an empty folder.
    Remove(String),
    /// Mounts the file system anew, because the flash was written from outside.
    Mount,
}

/// A file on a board.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Listed {
    /// Its absolute path.
    pub path: String,
    /// Its size.
    pub bytes: u64,
}

/// What came of an order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Filed {
    /// What is there.
    List {
        /// The files, folders left out.
        files: Vec<Listed>,
        /// Room that is left, in bytes.
        free: u64,
        /// Room in all.
        total: u64,
    },
    /// What a file holds.
    Contents(Vec<u8>),
    /// It is done.
    Done,
}

impl Filed {
    /// The answer to a page, as JSON text.
    #[must_use]
    pub fn to_json(&self) -> String {
        match self {
            Self::List { files, free, total } => json!({ "files": files, "free": free, "total": total }),
            Self::Contents(bytes) => json!({ "base64": BASE64.encode(bytes) }),
            Self::Done => json!({ "done": true }),
        }
        .to_string()
    }
}

/// Why an order was not carried out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
pub enum FileFault {
    /// A path that no file can have.
    #[error("no path of a file")]
    Path,
    /// More than [`MOST_FILE_BYTES`].
    #[error("the file is too large")]
    TooLarge,
    /// A program runs.
    #[error("a program runs on the board")]
    Busy,
    /// There is no such file.
    #[error("there is no such file")]
    Missing,
    /// The board's file system is full.
    #[error("the board's file system is full")]
    Full,
    /// A folder that is not empty, or a folder in the place of a file.
    #[error("this is a folder")]
    Folder,
    /// The board has no room in memory for it.
    #[error("the board has too little memory")]
    Memory,
    /// The board answered something else, or did not answer.
    #[error("the board did not answer as expected")]
    NoAnswer,
}

impl FileFault {
    /// The stable code.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Path => "file-path",
            Self::TooLarge => "file-too-large",
            Self::Busy => "board-busy",
            Self::Missing => "file-missing",
            Self::Full => "file-disk-full",
            Self::Folder => "file-folder",
            Self::Memory => "file-memory",
            Self::NoAnswer => "file-no-answer",
        }
    }
}

/// The path in the form in which the board has it: absolute, of plain names.
///
/// # Errors
/// [`FileFault::Path`]: empty, too long, with a control character, a quote, a backslash, or a name of dots.
pub fn checked_path(path: &str) -> Result<String, FileFault> {
    let path = path.trim_start_matches('/');
    let plain = |c: char| !c.is_control() && !matches!(c, '\'' | '"' | '\\');
    let named = path.split('/').all(|name| !name.trim_matches('.').trim().is_empty());
    let fits = path.len() < MOST_PATH_BYTES && path.chars().all(plain);
    if named && fits { Ok(format!("/{path}")) } else { Err(FileFault::Path) }
}

/// An order that is being carried out.
#[derive(Clone, Debug)]
pub(super) struct Filing {
    ticket: Ticket,
    order: FileOrder,
    prompt: RawPrompt,
    /// Programs that come after the present one.
    next: VecDeque<String>,
    output: Vec<u8>,
    /// What came of it, while the friendly prompt is awaited.
    result: Option<Result<Filed, FileFault>>,
    tries: u32,
}

/// Mounts the file system anew: what was written to the flash by others since it was mounted is seen from then on.
pub(super) const MOUNT: &str = "\
import vfs
from flashbdev import bdev
vfs.umount('/')
vfs.mount(bdev,'/')
del vfs,bdev
";

/// What every program begins with: errors are told by their number, as one line.
const GUARD: &str = "\
import os
def _f():
 try:_g()
 except OSError as e:print('!',e.args[0])
 except MemoryError:print('! M')
";
const END: &str = "_f()\ndel _f,_g\n";

impl FileOrder {
    /// The programs that carry it out, one after the other.
    fn programs(&self) -> VecDeque<String> {
        match self {
            Self::List => [program(&format!(
                "\
def _g():
 n=0
 a=['']
 while a and n<{MOST_LISTED}:
  d=a.pop()
  for e in os.ilistdir(d or '/'):
   p=d+'/'+e[0]
   if e[1]&0x4000:a.append(p)
   elif n<{MOST_LISTED}:
    n+=1
    print(e[3],p)
 s=os.statvfs('/')
 print('=',s[1]*s[3],s[1]*s[2])
"
            ))]
            .into(),
            Self::Read(path) => [program(&format!(
                "\
def _g():
 import binascii
 if os.stat('{path}')[0]&0x4000:raise OSError(21)
 if os.stat('{path}')[6]>{MOST_FILE_BYTES}:raise OSError(27)
 with open('{path}','rb') as f:
  while 1:
   b=f.read(768)
   if not b:break
   print(binascii.b2a_base64(b).decode(),end='')
 print('=')
"
            ))]
            .into(),
            Self::Write(path, bytes) => {
                let mut programs = VecDeque::new();
                let pieces = bytes.chunks(PIECE_BYTES).chain(bytes.is_empty().then_some(&[][..]));
                for (n, piece) in pieces.enumerate() {
                    let mut text = String::from("def _g():\n import binascii\n");
                    if n == 0 {
                        // Folders on the way are made; a folder in the file's place is told.
                        for (at, _) in path.match_indices('/').skip(1) {
                            let _ = write!(text, " try:os.mkdir('{}')\n except OSError:pass\n", &path[..at]);
                        }
                        let _ = write!(
                            text,
                            " try:\n  if os.stat('{path}')[0]&0x4000:raise OSError(21)\n except OSError as e:\n  if e.args[0]!=2:raise e\n"
                        );
                    }
                    let mode = if n == 0 { "wb" } else { "ab" };
                    let _ = write!(
                        text,
                        " try:\n  with open('/_new','{mode}') as f:f.write(binascii.a2b_base64('{}'))\n \
                         except OSError as e:\n  os.remove('/_new')\n  raise e\n print('=')\n",
                        BASE64.encode(piece)
                    );
                    programs.push_back(program(&text));
                }
                programs.push_back(program(&format!(
                    "def _g():\n try:os.remove('{path}')\n except OSError:pass\n os.rename('/_new','{path}')\n print('=')\n"
                )));
                programs
            }
            Self::Mount => [format!("{MOUNT}print('=')\n")].into(),
            Self::Remove(path) => [program(&format!(
                "def _g():\n if os.stat('{path}')[0]&0x4000:os.rmdir('{path}')\n else:os.remove('{path}')\n print('=')\n"
            ))]
            .into(),
        }
    }

    /// What the last program's output says.
    fn result(&self, output: &str) -> Result<Filed, FileFault> {
        if let Some(error) = output.lines().find_map(|line| line.strip_prefix("! ")) {
            // The numbers are those of MicroPython's `errno`.
            return Err(match error.trim() {
                "2" | "19" => FileFault::Missing,
                "28" => FileFault::Full,
                "27" => FileFault::TooLarge,
                "M" | "12" => FileFault::Memory,
                "13" | "17" | "20" | "21" | "39" => FileFault::Folder,
                _ => FileFault::NoAnswer,
            });
        }
        let end = output.lines().rev().find_map(|line| line.strip_prefix('=')).ok_or(FileFault::NoAnswer)?;
        match self {
            Self::List => {
                let numbers: Vec<u64> = end.split_whitespace().filter_map(|number| number.parse().ok()).collect();
                let [free, total] = numbers[..] else { return Err(FileFault::NoAnswer) };
                let listed = |line: &str| {
                    let (bytes, path) = line.split_once(' ')?;
                    Some(Listed { path: path.to_owned(), bytes: bytes.parse().ok()? })
                };
                let mut files: Vec<Listed> = output.lines().filter_map(listed).collect();
                files.sort_by(|a, b| a.path.cmp(&b.path));
                Ok(Filed::List { files, free, total })
            }
            Self::Read(_) => {
                let lines = output.lines().filter(|line| *line != "=");
                let pieces: Result<Vec<_>, _> = lines.map(|line| BASE64.decode(line.trim())).collect();
                pieces.map(|pieces| Filed::Contents(pieces.concat())).map_err(|_| FileFault::NoAnswer)
            }
            Self::Write(..) | Self::Remove(_) | Self::Mount => Ok(Filed::Done),
        }
    }
}

fn program(body: &str) -> String {
    [body, GUARD, END].concat()
}

impl Session {
    /// Does something with the board's files; the answer comes as [`SessionEvent::Filed`]. A program that was started by a
    /// run is not disturbed; what was typed at the prompt is.
    pub fn file(&mut self, now: LinkTime, ticket: Ticket, order: FileOrder) {
        self.now = now;
        let fault = match &order {
            FileOrder::Write(_, bytes) if bytes.len() > MOST_FILE_BYTES => Some(FileFault::TooLarge),
            _ if self.run.is_some() || self.filed_later.is_some() => Some(FileFault::Busy),
            _ => None,
        };
        match (fault, self.phase) {
            (Some(fault), _) => self.filed(ticket, Err(fault)),
            (None, Phase::Ready) => self.begin_filing(ticket, order),
            (None, Phase::Filing) if self.filing.as_ref().is_some_and(|filing| filing.order != FileOrder::Mount) => {
                self.filed(ticket, Err(FileFault::Busy));
            }
            (None, Phase::Parting | Phase::Resting | Phase::Filing) => {
                self.filed_later = Some((ticket, order));
                if self.phase == Phase::Resting {
                    self.greet(1);
                }
            }
            (None, _) => self.filed(ticket, Err(FileFault::NoAnswer)),
        }
    }

    /// The board is at its prompt and listens: an order that waited for it begins.
    pub(super) fn file_now(&mut self) {
        if let Some((ticket, order)) = self.filed_later.take() {
            self.begin_filing(ticket, order);
        }
    }

    /// Whether an order waits for the board to be greeted.
    pub(super) fn files_later(&self) -> bool {
        self.filed_later.is_some()
    }

    fn begin_filing(&mut self, ticket: Ticket, order: FileOrder) {
        let mut next = order.programs();
        let Some(first) = next.pop_front() else { return };
        let prompt = RawPrompt::enter(&first, &mut self.out);
        self.tail.clear();
        self.filing = Some(Filing { ticket, order, prompt, next, output: Vec::new(), result: None, tries: 1 });
        self.enter(Phase::Filing, Some(PROMPT_TIMEOUT));
    }

    pub(super) fn hear_filing(&mut self, text: &[u8]) {
        let Some(filing) = &mut self.filing else { return };
        if filing.result.is_some() {
            if find(&self.tail, FRIENDLY_PROMPT).is_some() {
                self.left_filing();
            }
            return;
        }
        let mut heard = Vec::new();
        filing.prompt.receive(text, &mut self.out, &mut heard);
        self.phase_due = Some(self.now + SILENCE);
        self.follow_filing(heard);
    }

    fn follow_filing(&mut self, heard: Vec<PromptEvent>) {
        for event in heard {
            let Some(filing) = &mut self.filing else { return };
            match event {
                PromptEvent::Entered => filing.prompt.upload(&mut self.out),
                PromptEvent::Uploaded => filing.prompt.go(&mut self.out),
                PromptEvent::Accepted => {}
                PromptEvent::Output(text) => {
                    let room = OUTPUT_BYTES.saturating_sub(filing.output.len());
                    filing.output.extend(&text[..text.len().min(room)]);
                }
                PromptEvent::Ended(traceback) => {
                    let output = String::from_utf8_lossy(&filing.output).into_owned();
                    let failed = if find(&traceback, b"MemoryError").is_some() {
                        Err(FileFault::Memory)
                    } else if traceback.is_empty() {
                        filing.order.result(&output)
                    } else {
                        Err(FileFault::NoAnswer)
                    };
                    match (failed, filing.next.pop_front()) {
                        (Ok(_), Some(next)) => {
                            filing.output.clear();
                            filing.prompt = RawPrompt::at_prompt(&next, &mut self.out);
                            filing.prompt.upload(&mut self.out);
                        }
                        (result, _) => {
                            filing.result = Some(result);
                            self.tail.clear();
                            self.out.extend([b'\r', LEAVE_RAW]);
                            self.phase_due = Some(self.now + PROMPT_TIMEOUT);
                            return;
                        }
                    }
                }
            }
        }
    }

    /// What comes before a run's program where the file system has to be mounted anew.
    pub(super) fn mount(&mut self, event: PromptEvent) {
        let Some(run) = &mut self.run else { return };
        match event {
            PromptEvent::Entered => {
                run.prompt.upload(&mut self.out);
                self.enter_start(StartStage::Upload);
            }
            PromptEvent::Uploaded => {
                run.prompt.go(&mut self.out);
                self.enter_start(StartStage::Go);
            }
            PromptEvent::Accepted | PromptEvent::Output(_) => {}
            PromptEvent::Ended(traceback) => {
                // A file system that cannot be mounted is the program's trouble: it may need no file.
                if !traceback.is_empty() {
                    self.events.push_back(SessionEvent::Console(traceback));
                }
                run.preparing = false;
                run.prompt = RawPrompt::at_prompt(&run.order.program, &mut self.out);
                self.next_setting(0);
            }
        }
    }

    pub(super) fn filing_overdue(&mut self) {
        let Some(filing) = &mut self.filing else { return };
        if filing.prompt.sends_in_pieces() {
            let mut heard = Vec::new();
            filing.prompt.send_more(&mut self.out, &mut heard);
            self.phase_due = Some(self.now + PIECE_PAUSE);
            self.follow_filing(heard);
        } else if filing.prompt.is_entering() && filing.tries < PROMPT_TRIES {
            filing.tries += 1;
            filing.prompt.knock(&mut self.out);
            self.phase_due = Some(self.now + PROMPT_TIMEOUT);
        } else {
            self.reset_board();
        }
    }

    /// The board is at the friendly prompt again.
    fn left_filing(&mut self) {
        let Some(filing) = self.filing.take() else { return };
        self.enter_ready();
        self.filed(filing.ticket, filing.result.unwrap_or(Err(FileFault::NoAnswer)));
    }

    /// The board is lost or reset: whoever waits hears that.
    pub(super) fn give_filing_up(&mut self) {
        let waiting = self.filing.take().map(|filing| filing.ticket);
        let later = self.filed_later.take().map(|(ticket, _)| ticket);
        for ticket in waiting.into_iter().chain(later) {
            self.filed(ticket, Err(FileFault::NoAnswer));
        }
    }

    fn filed(&mut self, ticket: Ticket, result: Result<Filed, FileFault>) {
        self.events.push_back(SessionEvent::Filed(ticket, result));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_absolute_and_plain() {
        assert_eq!(checked_path("main.py").as_deref(), Ok("/main.py"));
        assert_eq!(checked_path("/lib/音.py").as_deref(), Ok("/lib/音.py"));
        for bad in ["", "/", "a//b", "..", "a/../b", "a'b", "a\\b", "a\nb", "./a", " "] {
            assert_eq!(checked_path(bad), Err(FileFault::Path), "{bad:?}");
        }
        assert_eq!(checked_path(&"x".repeat(MOST_PATH_BYTES)), Err(FileFault::Path));
    }

    #[test]
    fn what_a_board_says_is_read_or_refused() {
        let list = FileOrder::List.result("12 /main.py\r\n0 /lib/a b.py\r\n= 1000 2048\r\n").unwrap();
        let files = vec![
            Listed { path: "/lib/a b.py".to_owned(), bytes: 0 },
            Listed { path: "/main.py".to_owned(), bytes: 12 },
        ];
        assert_eq!(list, Filed::List { files, free: 1000, total: 2048 });
        let read = FileOrder::Read("/a".to_owned());
        assert_eq!(read.result("aGVs\r\nbG8=\r\n=\r\n"), Ok(Filed::Contents(b"hello".to_vec())));
        assert_eq!(read.result("=\r\n"), Ok(Filed::Contents(Vec::new())));
        assert_eq!(read.result("! 2\r\n"), Err(FileFault::Missing));
        assert_eq!(read.result("%%\r\n=\r\n"), Err(FileFault::NoAnswer));
        assert_eq!(read.result("aGVs\r\n"), Err(FileFault::NoAnswer), "the end is missing");
        assert_eq!(FileOrder::List.result("! 28\r\n"), Err(FileFault::Full));
    }
}
