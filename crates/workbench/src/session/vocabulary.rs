//! What is said to a session, and what it says: settings, orders, events, faults.

use std::sync::Arc;
use std::time::Duration;

use protocol::received::{Event, Hello, Sample, Sleep};
use serde::{Deserialize, Serialize};

use super::filing::{FileFault, Filed};

/// The value of a control: numbers and named options.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Setting {
    /// A numeric control.
    Number(i32),
    /// A control with named options.
    Choice(String),
}

/// One run as the session needs to know it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RunOrder {
    /// The host's number of the run, above 0.
    pub run: u32,
    /// MicroPython source.
    pub program: String,
    /// Controls, set before the program starts.
    pub settings: Vec<(String, Setting)>,
    /// How long the program may run; zero for no limit.
    pub limit: Duration,
    /// The program is to find the files of runs before it; on a virtual board others begin with none.
    pub keeps_files: bool,
    /// The board's flash holds files that it has not seen yet.
    pub mount_anew: bool,
}

/// How a run came to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EndReason {
    /// The program came to its end.
    Finished,
    /// The program ended with an exception.
    Exception,
    /// Stop was asked for, and the program gave in.
    Stopped,
    /// Stop was asked for, and the VM or the board had to be restarted.
    Restarted,
    /// The program ignored the end of its time and was stopped.
    Overtime,
    /// The board reset itself or fell silent.
    Crashed,
    /// The program ended in a deep sleep, which ends in a reset.
    DeepSleep,
    /// The program never started.
    NotStarted,
}

/// The end of a run.
#[derive(Clone, Debug, PartialEq)]
pub struct RunEnd {
    /// Which run.
    pub run: u32,
    /// How it ended.
    pub why: EndReason,
    /// The Python traceback, or what the board printed while it crashed.
    pub report: Option<String>,
    /// Whether two samples showed that the counters stand still (only asked after a stop).
    pub proven_still: bool,
    /// What went wrong, where the program never started.
    pub fault: Option<SessionFault>,
    /// The deep sleep that the program ended in, as far as the board has told of it.
    pub sleep: Option<Sleep>,
}

/// What a board can fail at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, thiserror::Error)]
#[serde(rename_all = "kebab-case")]
pub enum SessionFault {
    /// Nothing came that looks like a prompt.
    #[error("the board does not answer")]
    NoAnswer,
    /// A prompt, but no answer to greetings.
    #[error("the board runs MicroPython without the lesson firmware")]
    NoLessonFirmware,
    /// The firmware's protocol has another version.
    #[error("the lesson firmware speaks another protocol version")]
    OtherVersion,
    /// The raw prompt did not come.
    #[error("the board does not offer its prompt")]
    NoPrompt,
    /// The text did not arrive whole.
    #[error("the program could not be sent to the board")]
    UploadFailed,
    /// The board knows no such control, or not this value.
    #[error("the board refused a setting")]
    SettingRefused,
    /// A message was not acknowledged.
    #[error("the board did not acknowledge a message")]
    NotAcknowledged,
    /// The counters went on after a stop and a reset.
    #[error("the counters did not come to rest")]
    StillCounting,
    /// A prompt, but not the one that programs are sent through.
    #[error("the board has no raw prompt")]
    NoRawPrompt,
    /// MicroPython on something else, or something that looks like it.
    #[error("the board is no ESP32 with MicroPython")]
    NotEsp32,
    /// The `lab` module cannot be stored: the board's file system is full.
    #[error("the board's file system is full")]
    DiskFull,
    /// The `lab` module cannot be stored or does not work.
    #[error("the lab module could not be put on the board")]
    DeployFailed,
    /// The `lab` module takes longer to be stored than a flash that works.
    #[error("the board took too long to store the lab module")]
    TooSlow,
    /// The `lab` module finds no room in memory.
    #[error("the board has too little free memory for the lab module")]
    NoMemory,
    /// A program on the board talks and lets nobody to the prompt.
    #[error("a program runs on the board, and no prompt comes")]
    Busy,
    /// Hard interrupts were asked of a board that has none.
    #[error("the board has no hard interrupts")]
    NeedsHard,
    /// It resets again and again and never comes to a prompt.
    #[error("the board resets again and again")]
    ResetLoop,
    /// It talks, but at no speed that anybody uses.
    #[error("the board talks at another speed")]
    WrongBaud,
}

impl SessionFault {
    /// The stable code.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::NoAnswer => "board-no-answer",
            Self::NoLessonFirmware => "board-no-lesson-firmware",
            Self::OtherVersion => "board-other-version",
            Self::NoPrompt => "board-no-prompt",
            Self::UploadFailed => "board-upload-failed",
            Self::SettingRefused => "board-setting-refused",
            Self::NotAcknowledged => "board-not-acknowledged",
            Self::StillCounting => "board-still-counting",
            Self::NoRawPrompt => "board-no-raw-prompt",
            Self::NotEsp32 => "board-not-esp32",
            Self::DiskFull => "board-disk-full",
            Self::DeployFailed => "board-deploy-failed",
            Self::TooSlow => "board-too-slow",
            Self::NoMemory => "board-no-memory",
            Self::Busy => "board-busy",
            Self::NeedsHard => "board-needs-hard",
            Self::ResetLoop => "board-reset-loop",
            Self::WrongBaud => "board-wrong-baud",
        }
    }
}

/// What the session wants of its link, besides sending bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LinkAction {
    /// Reset the board, so that it boots from flash. The line goes back to its first baud rate.
    Reset,
    /// Change the line's speed to so many bits per second.
    SetBaud(u32),
    /// Nothing but to note that a run's program begins.
    Begin,
}

/// Which of the host's requests an [`SessionEvent::Answer`] belongs to.
pub type Ticket = u64;

/// What the session has found out.
#[derive(Clone, Debug, PartialEq)]
pub enum SessionEvent {
    /// The board has been reset and boots.
    Booting,
    /// The board is at its prompt and speaks our protocol.
    Ready(Hello),
    /// All numbers at one instant: the frame's own text, and what it says.
    Sample(Arc<str>, Sample),
    /// Something happened: the frame's own text, and what it says.
    Event(Arc<str>, Event),
    /// Text for the console.
    Console(Vec<u8>),
    /// Frames that could not be read: how many so far, and the beginning of this one.
    BadFrame(u64, Vec<u8>),
    /// The program of this run has started.
    RunStarted(u32),
    /// A run is over.
    RunEnded(RunEnd),
    /// A request was answered.
    Answer(Ticket, Result<(), SessionFault>),
    /// What came of an order about the board's files.
    Filed(Ticket, Result<Filed, FileFault>),
    /// The board cannot be used; a reset may mend it.
    Fault(SessionFault),
}
