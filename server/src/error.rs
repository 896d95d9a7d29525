//! Everything that can go wrong for a visitor: the status, a stable code, and in both languages
//! what happened and what to try.
//!
//! A handler returns a [`Problem`]. The answer itself is written by
//! [`answer_in_the_visitors_language`], because only the request knows the language. Causes go to
//! the log once, at the place where the problem is made, and never to the visitor.

mod board_words;
mod exploring;

use axum::Json;
use axum::extract::Request;
use axum::http::{HeaderValue, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{Html, IntoResponse, Response};
use serde::Serialize;

use crate::board::registry::ShareRefusal;
use crate::board::{BoardFault, BoardRefusal};
use crate::course::SettingError;
use crate::language::Language;
use crate::pages::frame::Theme;
use crate::pages::trouble::TroublePage;
use crate::run::explore::ExploreError;
use crate::store::StoreError;
use crate::turns::NoTurn;
use board_words::board_words;
pub use exploring::NotExplored;

/// What a visitor can be told.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Problem {
    /// Nothing is served at this address.
    PageUnknown,
    /// The course has no such lesson.
    LessonUnknown(String),
    /// The address exists, but not with this method.
    MethodNotAllowed,
    /// The request is not JSON.
    NotJson,
    /// The JSON is not what this address expects; the parser's words say where.
    BadJson(String),
    /// The request has more bytes than allowed.
    TooLarge(usize),
    /// More requests in a short time than a person makes.
    TooManyRequests,
    /// The request names a host that is not this machine.
    WrongHost,
    /// The request comes from a page of another site.
    WrongOrigin,
    /// The cookie is missing.
    VisitorUnknown,
    /// A control does not take this value.
    Setting(SettingError),
    /// The program holds a character that cannot be sent to a board.
    ProgramUnsendable {
        /// The line, from 1.
        line: usize,
        /// The character's code.
        code: u32,
    },
    /// The run is too long or too short.
    SecondsOutOfRange(u32),
    /// No such speed.
    SpeedOutOfRange,
    /// Another check of the same visitor took its place.
    CheckGivenUp,
    /// Nothing was explored.
    NotExplored(NotExplored),
    /// Others use all boards.
    AllBoardsTaken,
    /// The board does not do it.
    Board(BoardRefusal),
    /// The disk with the visitors' work is full.
    DiskFull,
    /// The folder with the visitors' work is gone.
    DataFolderGone,
    /// The file with the visitors' work is not sound.
    DatabaseDamaged,
    /// More is to be saved than a visitor, or a place, has room for.
    SavedTooMuch,
    /// So many checks wait that this one found no place.
    ChecksCrowded,
    /// The request's body did not arrive in time.
    TooSlow,
    /// The visitor may not have the board, or not do this with it.
    Share(ShareRefusal),
    /// What was named is no port.
    NotAPort(String),
    /// The run needs hard interrupts, and the board has soft ones only.
    NeedsHardInterrupts,
    /// Something failed that the visitor cannot mend; the cause is in the log.
    Internal,
}

/// A problem in one language.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ProblemText {
    /// The stable code, for scripts and for questions to the teacher.
    pub code: &'static str,
    /// What happened.
    pub message: String,
    /// What to try.
    pub hint: String,
}

impl Problem {
    /// The HTTP status that says the same.
    #[must_use]
    pub fn status(&self) -> StatusCode {
        match self {
            Self::PageUnknown | Self::LessonUnknown(_) => StatusCode::NOT_FOUND,
            Self::MethodNotAllowed => StatusCode::METHOD_NOT_ALLOWED,
            Self::NotJson => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Self::BadJson(_) => StatusCode::BAD_REQUEST,
            Self::TooLarge(_) => StatusCode::PAYLOAD_TOO_LARGE,
            Self::TooManyRequests => StatusCode::TOO_MANY_REQUESTS,
            Self::WrongHost => StatusCode::MISDIRECTED_REQUEST,
            Self::WrongOrigin => StatusCode::FORBIDDEN,
            Self::VisitorUnknown => StatusCode::UNAUTHORIZED,
            Self::Setting(_) | Self::ProgramUnsendable { .. } | Self::SecondsOutOfRange(_) | Self::SpeedOutOfRange => {
                StatusCode::UNPROCESSABLE_ENTITY
            }
            Self::NotExplored(why) => why.status(),
            Self::AllBoardsTaken | Self::DataFolderGone | Self::DatabaseDamaged | Self::ChecksCrowded => {
                StatusCode::SERVICE_UNAVAILABLE
            }
            Self::SavedTooMuch => StatusCode::INSUFFICIENT_STORAGE,
            Self::TooSlow => StatusCode::REQUEST_TIMEOUT,
            Self::Board(BoardRefusal::Session(_)) => StatusCode::BAD_GATEWAY,
            Self::Board(BoardRefusal::Gone) => StatusCode::SERVICE_UNAVAILABLE,
            Self::DiskFull => StatusCode::INSUFFICIENT_STORAGE,
            Self::Board(_) | Self::CheckGivenUp | Self::NeedsHardInterrupts => StatusCode::CONFLICT,
            Self::Share(ShareRefusal::Unknown(_)) => StatusCode::NOT_FOUND,
            Self::Share(ShareRefusal::HostOnly) => StatusCode::FORBIDDEN,
            Self::Share(_) => StatusCode::CONFLICT,
            Self::NotAPort(_) => StatusCode::UNPROCESSABLE_ENTITY,
            Self::Internal => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    /// The stable code; never changed once released.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::PageUnknown => "page-unknown",
            Self::LessonUnknown(_) => "lesson-unknown",
            Self::MethodNotAllowed => "method-not-allowed",
            Self::NotJson => "not-json",
            Self::BadJson(_) => "bad-json",
            Self::TooLarge(_) => "too-large",
            Self::TooManyRequests => "too-many-requests",
            Self::WrongHost => "wrong-host",
            Self::WrongOrigin => "wrong-origin",
            Self::VisitorUnknown => "visitor-unknown",
            Self::Setting(SettingError::UnknownControl { .. }) => "control-unknown",
            Self::Setting(SettingError::OutOfRange { .. }) => "control-out-of-range",
            Self::Setting(SettingError::UnknownOption { .. }) => "control-option-unknown",
            Self::ProgramUnsendable { .. } => "program-unsendable",
            Self::SecondsOutOfRange(_) => "seconds-out-of-range",
            Self::SpeedOutOfRange => "speed-out-of-range",
            Self::CheckGivenUp => "check-given-up",
            Self::NotExplored(why) => why.code(),
            Self::AllBoardsTaken => "all-boards-taken",
            Self::Board(BoardRefusal::Busy) => "board-busy",
            Self::Board(BoardRefusal::NotReady) => "board-not-ready",
            Self::Board(BoardRefusal::NothingRuns) => "nothing-runs",
            Self::Board(BoardRefusal::Session(fault)) => fault.code(),
            Self::Board(BoardRefusal::Gone) => "board-gone",
            Self::DiskFull => "disk-full",
            Self::DataFolderGone => "data-folder-gone",
            Self::DatabaseDamaged => "database-damaged",
            Self::SavedTooMuch => "saved-too-much",
            Self::ChecksCrowded => "checks-crowded",
            Self::TooSlow => "too-slow",
            Self::Board(BoardRefusal::Flashing) | Self::Share(ShareRefusal::Flashing) => "board-flashing",
            Self::Board(BoardRefusal::NothingFlashes) => "nothing-flashes",
            Self::Board(BoardRefusal::RealTime) => "board-real-time",
            Self::Board(BoardRefusal::Port(fault)) => fault.code,
            // Made only by `From`, which takes the board's refusal out of it.
            Self::Share(ShareRefusal::Board(_)) => "board-gone",
            Self::Share(ShareRefusal::Unknown(_)) => "board-unknown",
            Self::Share(ShareRefusal::Taken) => "board-taken",
            Self::Share(ShareRefusal::HostOnly) => "host-only",
            Self::Share(ShareRefusal::NotNamed) => "board-not-named",
            Self::NotAPort(_) => "not-a-port",
            Self::NeedsHardInterrupts => "board-needs-hard",
            Self::Internal => "internal",
        }
    }

    /// What happened and what to try, in the visitor's language.
    #[must_use]
    pub fn text(&self, language: Language) -> ProblemText {
        let (message, hint) = match language {
            Language::En => self.english(),
            Language::Ja => self.japanese(),
        };
        ProblemText { code: self.code(), message, hint: hint.to_owned() }
    }

    fn english(&self) -> (String, &'static str) {
        let (message, hint) = match self {
            Self::PageUnknown => ("There is no such page.", "Go back to the course index."),
            Self::LessonUnknown(slug) => {
                return (format!("There is no lesson “{slug}”."), "Choose one in the course index.");
            }
            Self::MethodNotAllowed => ("This address does not answer this kind of request.", "Reload the page."),
            Self::NotJson => ("The request is not JSON.", "Send it with Content-Type: application/json."),
            Self::BadJson(cause) => return (format!("The request cannot be read: {cause}."), "Reload the page."),
            Self::TooLarge(bytes) => {
                return (format!("The request is larger than {} KB.", bytes / 1024), "Shorten the program.");
            }
            Self::TooManyRequests => ("Too many requests in a short time.", "Wait a few seconds."),
            Self::WrongHost => (
                "This address is not one of this machine.",
                "Use the address that the workbench printed; on a network, start it with --lan.",
            ),
            Self::WrongOrigin => ("The request comes from another site.", "Use the workbench's own page."),
            Self::VisitorUnknown => {
                ("The workbench does not know this browser yet.", "Open the page first, and allow its cookie.")
            }
            Self::Setting(error) => return (error_sentence(error), "Choose a value that the control offers."),
            Self::ProgramUnsendable { line, code } => {
                return (
                    format!(
                        "Line {line} of the program holds the control character U+{code:04X}, which would steer the board's prompt."
                    ),
                    "Remove it, or write it as an escape such as \\x03.",
                );
            }
            Self::SecondsOutOfRange(most) => {
                return (format!("A run lasts 1 to {most} seconds."), "Choose a length within these.");
            }
            Self::SpeedOutOfRange => ("There is no such speed.", "Choose 0 (as fast as it goes) or 0.001 to 1000."),
            Self::CheckGivenUp => ("A newer check took the place of this one.", "Look at the newer one."),
            Self::NotExplored(why) => return why.words(Language::En),
            Self::AllBoardsTaken => ("All boards are in use.", "Try again when somebody has finished."),
            Self::Board(BoardRefusal::Busy) => ("A program is running.", "Stop it first."),
            Self::Board(BoardRefusal::NotReady) => ("The board is not ready.", "Wait a moment, or press Reset."),
            Self::Board(BoardRefusal::NothingRuns) => ("Nothing is running.", "Press Run first."),
            Self::Board(BoardRefusal::Session(fault)) => return board_words(fault.code(), Language::En),
            Self::DiskFull => (
                "The workbench's disk is full: this was not saved.",
                "Leave the page open and tell the teacher; when there is room again, do it once more.",
            ),
            Self::DataFolderGone => (
                "The folder with everybody's work was deleted while ISR Lab runs: this was not saved.",
                "Leave the page open and tell the teacher; ISR Lab has to be stopped and started again, and then saves again.",
            ),
            Self::DatabaseDamaged => (
                "The file with everybody's work is damaged: this cannot be read or saved.",
                "Tell the teacher: stop ISR Lab and start it again, and it says what to do.",
            ),
            Self::SavedTooMuch => (
                "This is more than ISR Lab keeps for one visitor or one address: it was not saved.",
                "Shorten the program, or empty programs of other lessons that you do not need.",
            ),
            Self::ChecksCrowded => ("Very many checks are going on.", "Check again in a few seconds."),
            Self::TooSlow => ("The request did not arrive in time.", "Check the network, then try again."),
            Self::Board(BoardRefusal::Port(fault)) => return port_words(fault, Language::En),
            Self::Board(_) | Self::Share(_) | Self::NeedsHardInterrupts => {
                return board_words(self.code(), Language::En);
            }
            Self::NotAPort(text) => {
                return (
                    format!("“{text}” is no port."),
                    "Write rfc2217://host:port, or the port's path on the computer that runs ISR Lab.",
                );
            }
            Self::Internal => {
                ("The workbench failed inside.", "Try again; if it stays, the server's log names the cause.")
            }
        };
        (message.to_owned(), hint)
    }

    fn japanese(&self) -> (String, &'static str) {
        let (message, hint) = match self {
            Self::PageUnknown => ("そのページはありません。", "コース一覧に戻ってください。"),
            Self::LessonUnknown(slug) => {
                return (format!("「{slug}」というレッスンはありません。"), "コース一覧から選んでください。");
            }
            Self::MethodNotAllowed => {
                ("このアドレスはこの種類の要求に応じません。", "ページを再読み込みしてください。")
            }
            Self::NotJson => ("要求が JSON ではありません。", "Content-Type: application/json で送ってください。"),
            Self::BadJson(cause) => {
                return (format!("要求を読み取れません: {cause}"), "ページを再読み込みしてください。");
            }
            Self::TooLarge(bytes) => {
                return (format!("要求が {} KB を超えています。", bytes / 1024), "プログラムを短くしてください。");
            }
            Self::TooManyRequests => ("短い時間に要求が多すぎます。", "数秒待ってください。"),
            Self::WrongHost => (
                "このアドレスはこのコンピュータのものではありません。",
                "起動時に表示されたアドレスを使ってください。ネットワークで使うには --lan を付けて起動します。",
            ),
            Self::WrongOrigin => ("別のサイトからの要求です。", "ワークベンチのページから操作してください。"),
            Self::VisitorUnknown => {
                ("このブラウザはまだ登録されていません。", "先にページを開き、Cookie を許可してください。")
            }
            Self::Setting(error) => return (setting_japanese(error), "設定できる値を選んでください。"),
            Self::ProgramUnsendable { line, code } => {
                return (
                    format!(
                        "プログラムの {line} 行目に制御文字 U+{code:04X} があります。ボードのプロンプトを操作してしまうため送れません。"
                    ),
                    "削除するか、\\x03 のようなエスケープで書いてください。",
                );
            }
            Self::SecondsOutOfRange(most) => {
                return (format!("実行時間は 1～{most} 秒です。"), "この範囲で選んでください。");
            }
            Self::SpeedOutOfRange => ("その速度はありません。", "0(できるだけ速く)か 0.001～1000 を選んでください。"),
            Self::CheckGivenUp => ("新しい確認に置き換えられました。", "新しい結果を見てください。"),
            Self::NotExplored(why) => return why.words(Language::Ja),
            Self::AllBoardsTaken => {
                ("ボードはすべて使用中です。", "だれかが終わるのを待って、もう一度試してください。")
            }
            Self::Board(BoardRefusal::Busy) => ("プログラムを実行中です。", "先に停止してください。"),
            Self::Board(BoardRefusal::NotReady) => {
                ("ボードの準備ができていません。", "少し待つか、「リセット」を押してください。")
            }
            Self::Board(BoardRefusal::NothingRuns) => ("何も実行していません。", "先に「実行」を押してください。"),
            Self::Board(BoardRefusal::Session(fault)) => return board_words(fault.code(), Language::Ja),
            Self::DiskFull => (
                "サーバーのディスクがいっぱいで、保存できませんでした。",
                "ページを開いたまま先生に伝え、空きができたらもう一度行ってください。",
            ),
            Self::DataFolderGone => (
                "ISR Lab の実行中に、全員の作業を保存するフォルダーが削除されました。今の内容は保存されていません。",
                "ページを開いたまま先生に伝えてください。ISR Lab を終了して起動し直すと、再び保存できます。",
            ),
            Self::DatabaseDamaged => (
                "全員の作業を保存するファイルが壊れていて、読み書きできません。",
                "先生に伝えてください。ISR Lab を終了して起動し直すと、対処方法が表示されます。",
            ),
            Self::SavedTooMuch => (
                "1 人または 1 つのアドレスに保存できる量を超えるため、保存できませんでした。",
                "プログラムを短くするか、ほかのレッスンの不要なプログラムを消してください。",
            ),
            Self::ChecksCrowded => ("確認が混み合っています。", "数秒待って、もう一度確認してください。"),
            Self::TooSlow => ("要求が時間内に届きませんでした。", "ネットワークを確かめて、もう一度試してください。"),
            Self::Board(BoardRefusal::Port(fault)) => return port_words(fault, Language::Ja),
            Self::Board(_) | Self::Share(_) | Self::NeedsHardInterrupts => {
                return board_words(self.code(), Language::Ja);
            }
            Self::NotAPort(text) => {
                return (
                    format!("「{text}」はポートではありません。"),
                    "rfc2217://ホスト:ポート か、ISR Lab が動くコンピュータでのポートのパスを書いてください。",
                );
            }
            Self::Internal => (
                "サーバー内部でエラーが起きました。",
                "もう一度試してください。続く場合は、サーバーのログに原因があります。",
            ),
        };
        (message.to_owned(), hint)
    }
}

fn port_words(fault: &BoardFault, language: Language) -> (String, &'static str) {
    let message = board_trouble(fault, language).message;
    (message, board_words(fault.code, language).1)
}

/// A library's message as a sentence of its own.
fn error_sentence(error: &SettingError) -> String {
    let text = error.to_string();
    let mut characters = text.chars();
    let first = characters.next().map(char::to_uppercase).into_iter().flatten();
    first.chain(characters).chain(['.']).collect()
}

fn setting_japanese(error: &SettingError) -> String {
    match error {
        SettingError::UnknownControl { name, known } => {
            format!("このレッスンに設定 `{name}` はありません。あるのは {known} です。")
        }
        SettingError::OutOfRange { name, value, min, max } => {
            format!("`{name}` = {value} は範囲外です。{min}～{max} で設定できます。")
        }
        SettingError::UnknownOption { name, value, known } => {
            format!("`{name}` = {value} は選べません。選べるのは {known} です。")
        }
    }
}

/// What is wrong with a board, in the visitor's language.
#[must_use]
pub fn board_trouble(fault: &BoardFault, language: Language) -> ProblemText {
    let (message, hint) = board_words(fault.code, language);
    let message = match &fault.program {
        Some(program) => board_words::in_use_by(program, language),
        None => message,
    };
    ProblemText { code: fault.code, message, hint: hint.to_owned() }
}

/// What is told of a board by a code of its own, in somebody's language.
#[must_use]
pub fn board_code(code: &'static str, language: Language) -> ProblemText {
    let (message, hint) = board_words(code, language);
    ProblemText { code, message, hint: hint.to_owned() }
}

/// What a visitor is told whose board the class host has taken back.
#[must_use]
pub fn taken_back(language: Language) -> ProblemText {
    board_code("board-taken-back", language)
}

/// What a page is told whose virtual board went to somebody else, or was freed by the class host.
#[must_use]
pub fn reclaimed(language: Language) -> ProblemText {
    board_code("board-reclaimed", language)
}

/// What a page is told that has no board yet, because others use all of them.
#[must_use]
pub fn no_board(language: Language) -> ProblemText {
    board_code("board-none-yet", language)
}

impl From<StoreError> for Problem {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::TooMuch => return Self::SavedTooMuch,
            _ => tracing::error!(%error, "the store failed"),
        }
        match error {
            StoreError::Gone(_) => Self::DataFolderGone,
            error if error.is_disk_full() => Self::DiskFull,
            error if error.is_damage() => Self::DatabaseDamaged,
            _ => Self::Internal,
        }
    }
}

impl From<NoTurn> for Problem {
    fn from(no_turn: NoTurn) -> Self {
        match no_turn {
            NoTurn::Crowded => Self::ChecksCrowded,
            NoTurn::GivenUp => Self::CheckGivenUp,
        }
    }
}

impl From<BoardRefusal> for Problem {
    fn from(refusal: BoardRefusal) -> Self {
        Self::Board(refusal)
    }
}

impl From<ExploreError> for Problem {
    fn from(error: ExploreError) -> Self {
        match (NotExplored::of(&error), error) {
            (Some(why), _) => Self::NotExplored(why),
            (None, ExploreError::Setting(error)) => Self::Setting(error),
            (None, error) => {
                tracing::error!(%error, "nothing can be explored");
                Self::Internal
            }
        }
    }
}

impl From<ShareRefusal> for Problem {
    fn from(refusal: ShareRefusal) -> Self {
        match refusal {
            ShareRefusal::Board(refusal) => Self::Board(refusal),
            refusal => Self::Share(refusal),
        }
    }
}

impl From<SettingError> for Problem {
    fn from(error: SettingError) -> Self {
        Self::Setting(error)
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let mut response = self.status().into_response();
        response.extensions_mut().insert(self);
        response
    }
}

/// The body of an error answer.
#[derive(Serialize)]
struct Answer {
    error: ProblemText,
}

/// Writes a handler's [`Problem`] in the visitor's language: a page for a browser, JSON for scripts.
pub(crate) async fn answer_in_the_visitors_language(request: Request, next: Next) -> Response {
    let language = Language::of_request(request.headers());
    let theme = Theme::of_request(request.headers());
    let accepts_html = |accept: &HeaderValue| accept.to_str().is_ok_and(|accept| accept.contains("text/html"));
    let wants_page = request.method() == Method::GET && request.headers().get(header::ACCEPT).is_some_and(accepts_html);
    let response = next.run(request).await;
    let Some(problem) = response.extensions().get::<Problem>().cloned() else { return response };
    let (mut parts, _) = response.into_parts();
    let text = problem.text(language);
    let body = match wants_page.then(|| TroublePage::html(language, theme, text.clone())) {
        Some(Ok(html)) => Html(html).into_response(),
        Some(Err(error)) => {
            tracing::error!(%error, "the page about a problem cannot be written");
            Json(Answer { error: text }).into_response()
        }
        None => Json(Answer { error: text }).into_response(),
    };
    parts.headers.remove(header::CONTENT_LENGTH);
    parts.headers.extend(body.headers().clone());
    parts.headers.insert(header::CONTENT_LANGUAGE, HeaderValue::from_static(language.tag()));
    Response::from_parts(parts, body.into_body())
}
