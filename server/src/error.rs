//! Everything that can go wrong for a visitor: the status and a stable code. Words for it are the course's.
//!
//! A handler returns a [`Problem`]. The answer itself is written by
//! [`answer_in_the_visitors_language`], because only the request knows the language. Causes go to
//! the log once, at the place where the problem is made, and never to the visitor.

use axum::Json;
use axum::extract::Request;
use axum::http::{HeaderValue, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{Html, IntoResponse, Response};
use course::words::{self, ProblemText};
use course::{Language, SettingError};
use parts::MoveError;
use serde::Serialize;
use workbench::asked::Unaskable;
use workbench::description::trouble;
use workbench::desk::BoardRefusal;
use workbench::explore::{ExploreError, NotExplored};
use workbench::reported::NotAnOutcome;

use crate::board::registry::ShareRefusal;
use crate::class::ClassProblem;
use crate::language::of_request;
use crate::pages::frame::Theme;
use crate::pages::trouble::TroublePage;
use crate::store::StoreError;
use crate::turns::NoTurn;

/// What a visitor can be told.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Problem {
    /// Nothing is served at this address.
    PageUnknown,
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
    /// It is not asked of any board.
    Unaskable(Unaskable),
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
    /// The school's database does not answer.
    DatabaseAway,
    /// Somebody else has the name, or another class the PIN; whoever asked for it says which one is free.
    Taken,
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
    /// Something does not happen in a class.
    Class(ClassProblem),
    /// Something failed that the visitor cannot mend; the cause is in the log.
    Internal,
}

impl Problem {
    /// The HTTP status that says the same.
    #[must_use]
    pub fn status(&self) -> StatusCode {
        match self {
            Self::PageUnknown | Self::Unaskable(Unaskable::LessonUnknown(_)) => StatusCode::NOT_FOUND,
            Self::MethodNotAllowed => StatusCode::METHOD_NOT_ALLOWED,
            Self::NotJson => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Self::BadJson(_) => StatusCode::BAD_REQUEST,
            Self::TooLarge(_) => StatusCode::PAYLOAD_TOO_LARGE,
            Self::TooManyRequests => StatusCode::TOO_MANY_REQUESTS,
            Self::WrongHost => StatusCode::MISDIRECTED_REQUEST,
            Self::WrongOrigin => StatusCode::FORBIDDEN,
            Self::VisitorUnknown => StatusCode::UNAUTHORIZED,
            Self::Unaskable(_) | Self::SpeedOutOfRange => StatusCode::UNPROCESSABLE_ENTITY,
            Self::NotExplored(NotExplored::NoWindow) => StatusCode::NOT_FOUND,
            Self::NotExplored(NotExplored::GivenUp) => StatusCode::CONFLICT,
            Self::NotExplored(_) => StatusCode::UNPROCESSABLE_ENTITY,
            Self::AllBoardsTaken
            | Self::DataFolderGone
            | Self::DatabaseAway
            | Self::DatabaseDamaged
            | Self::ChecksCrowded => StatusCode::SERVICE_UNAVAILABLE,
            Self::SavedTooMuch => StatusCode::INSUFFICIENT_STORAGE,
            Self::TooSlow => StatusCode::REQUEST_TIMEOUT,
            Self::Board(BoardRefusal::Session(_)) => StatusCode::BAD_GATEWAY,
            Self::Board(BoardRefusal::Part(error)) if !matches!(error, MoveError::NotConnected { .. }) => {
                StatusCode::UNPROCESSABLE_ENTITY
            }
            Self::Board(BoardRefusal::Gone) => StatusCode::SERVICE_UNAVAILABLE,
            Self::DiskFull => StatusCode::INSUFFICIENT_STORAGE,
            Self::Taken => StatusCode::CONFLICT,
            Self::Board(_) | Self::CheckGivenUp | Self::NeedsHardInterrupts => StatusCode::CONFLICT,
            Self::Share(ShareRefusal::Unknown(_)) => StatusCode::NOT_FOUND,
            Self::Share(ShareRefusal::HostOnly) => StatusCode::FORBIDDEN,
            Self::Share(_) => StatusCode::CONFLICT,
            Self::NotAPort(_) => StatusCode::UNPROCESSABLE_ENTITY,
            Self::Class(problem) => problem.status(),
            Self::Internal => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    /// The stable code; never changed once released.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::PageUnknown => "page-unknown",
            Self::MethodNotAllowed => "method-not-allowed",
            Self::NotJson => "not-json",
            Self::BadJson(_) => "bad-json",
            Self::TooLarge(_) => "too-large",
            Self::TooManyRequests => "too-many-requests",
            Self::WrongHost => "wrong-host",
            Self::WrongOrigin => "wrong-origin",
            Self::VisitorUnknown => "visitor-unknown",
            Self::Unaskable(why) => why.code(),
            Self::SpeedOutOfRange => "speed-out-of-range",
            Self::CheckGivenUp => "check-given-up",
            Self::NotExplored(why) => why.code(),
            Self::AllBoardsTaken => "all-boards-taken",
            Self::Board(refusal) => refusal.code(),
            Self::DiskFull => "disk-full",
            Self::DataFolderGone => "data-folder-gone",
            Self::DatabaseAway => "database-away",
            Self::Taken => "taken",
            Self::DatabaseDamaged => "database-damaged",
            Self::SavedTooMuch => "saved-too-much",
            Self::ChecksCrowded => "checks-crowded",
            Self::TooSlow => "too-slow",
            Self::Share(ShareRefusal::Flashing) => "board-flashing",
            // Made only by `From`, which takes the board's refusal out of it.
            Self::Share(ShareRefusal::Board(_)) => "board-gone",
            Self::Share(ShareRefusal::Unknown(_)) => "board-unknown",
            Self::Share(ShareRefusal::Taken) => "board-taken",
            Self::Share(ShareRefusal::HostOnly) => "host-only",
            Self::Share(ShareRefusal::NotNamed) => "board-not-named",
            Self::NotAPort(_) => "not-a-port",
            Self::NeedsHardInterrupts => "board-needs-hard",
            Self::Class(problem) => problem.code(),
            Self::Internal => "internal",
        }
    }

    /// What happened and what to try, in the visitor's language.
    #[must_use]
    pub fn text(&self, language: Language) -> ProblemText {
        let places: Vec<(&str, String)> = match self {
            Self::Unaskable(Unaskable::Setting(error)) => return words::setting(error, language),
            Self::Unaskable(Unaskable::Wiring(mistakes)) => return words::wiring::unsound(mistakes, language),
            Self::Unaskable(why) => why.places(),
            Self::NotExplored(why) => return why.text(language),
            Self::Board(BoardRefusal::Port(fault)) => return trouble(fault, language),
            Self::Board(BoardRefusal::Part(error)) => return words::wiring::moved(error, language),
            Self::BadJson(cause) => vec![("cause", cause.clone())],
            Self::TooLarge(bytes) => vec![("kb", (bytes / 1024).to_string())],
            Self::NotAPort(text) => vec![("text", text.clone())],
            Self::Class(problem) => problem.places(),
            _ => Vec::new(),
        };
        words::problem(self.code(), &places, language)
    }
}

impl From<StoreError> for Problem {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::TooMuch => return Self::SavedTooMuch,
            StoreError::Removed => return ClassProblem::NotIn.into(),
            StoreError::Taken => return Self::Taken,
            StoreError::Outdated => return ClassProblem::Unknown.into(),
            // It was said once, by the store.
            StoreError::Away { .. } => return Self::DatabaseAway,
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

impl From<ClassProblem> for Problem {
    fn from(problem: ClassProblem) -> Self {
        Self::Class(problem)
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
            (None, ExploreError::Setting(error)) => error.into(),
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

impl From<Unaskable> for Problem {
    fn from(why: Unaskable) -> Self {
        Self::Unaskable(why)
    }
}

impl From<NotAnOutcome> for Problem {
    fn from(why: NotAnOutcome) -> Self {
        match why {
            NotAnOutcome::Setting(error) => error.into(),
            why => Self::BadJson(why.to_string()),
        }
    }
}

impl From<SettingError> for Problem {
    fn from(error: SettingError) -> Self {
        Self::Unaskable(error.into())
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
    let language = of_request(request.headers());
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
