//! The one error of every command: what happened, what to do, a stable code.

use std::fmt;

/// Why a command stopped.
///
/// It is printed as one sentence that says what happened and one that says
/// what to do. The code stays the same between versions, so that it can be
/// searched for.
#[derive(Debug, thiserror::Error)]
#[error("{code}: {what}\n  {hint}")]
pub(crate) struct Failure {
    code: Code,
    what: String,
    hint: String,
}

/// Stable codes of [`Failure`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Code {
    /// A program, library or header is not installed.
    ToolMissing,
    /// A fetched or given file is not the pinned one.
    ChecksumWrong,
    /// A source could not be fetched from any of its places.
    SourceUnreachable,
    /// A program that was started ended with an error.
    CommandFailed,
    /// A file could not be read or written.
    FileAccess,
    /// A built file is not what the next step needs.
    BuildOutput,
    /// The tree breaks a rule of `cargo xtask tidy`.
    Untidy,
    /// A measured figure is beyond its limit.
    TooSlow,
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Code::ToolMissing => "xtask/tool-missing",
            Code::ChecksumWrong => "xtask/checksum-wrong",
            Code::SourceUnreachable => "xtask/source-unreachable",
            Code::CommandFailed => "xtask/command-failed",
            Code::FileAccess => "xtask/file-access",
            Code::BuildOutput => "xtask/build-output",
            Code::Untidy => "xtask/untidy",
            Code::TooSlow => "xtask/too-slow",
        })
    }
}

impl Failure {
    /// A failure of kind `code`; `what` happened, `hint` says what to do.
    pub(crate) fn new(code: Code, what: impl Into<String>, hint: impl Into<String>) -> Self {
        Self { code, what: what.into(), hint: hint.into() }
    }

    /// The stable code, for callers that can go another way.
    pub(crate) fn code(&self) -> Code {
        self.code
    }
}

/// Names the file that an I/O error was about.
pub(crate) fn file_access(path: &std::path::Path, error: &std::io::Error) -> Failure {
    Failure::new(
        Code::FileAccess,
        format!("{} cannot be read or written: {error}.", path.display()),
        "Check the disk's free space and the rights of that folder, then run the command again.",
    )
}

/// What every step of a command returns.
pub(crate) type Result<T> = std::result::Result<T, Failure>;
