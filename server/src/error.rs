//! Everything that can go wrong for a visitor: the status, a stable code, and in both languages
//! what happened and what to try.
//!
//! A handler returns a [`Problem`]. The answer itself is written by
//! [`answer_in_the_visitors_language`], because only the request knows the language. Causes go to
//! the log once, at the place where the problem is made, and never to the visitor.

use axum::Json;
use axum::extract::Request;
use axum::http::{HeaderValue, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use serde::Serialize;

use crate::language::Language;

/// What a visitor can be told.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Problem {
    /// Nothing is served at this address.
    PageUnknown,
    /// The address exists, but not with this method.
    MethodNotAllowed,
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
    pub const fn status(&self) -> StatusCode {
        match self {
            Self::PageUnknown => StatusCode::NOT_FOUND,
            Self::MethodNotAllowed => StatusCode::METHOD_NOT_ALLOWED,
            Self::Internal => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    /// The stable code; never changed once released.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::PageUnknown => "page-unknown",
            Self::MethodNotAllowed => "method-not-allowed",
            Self::Internal => "internal",
        }
    }

    /// What happened and what to try, in the visitor's language.
    #[must_use]
    pub fn text(&self, language: Language) -> ProblemText {
        let (message, hint) = match (self, language) {
            (Self::PageUnknown, Language::En) => {
                ("There is no such page.".into(), "Go back to the course index.".into())
            }
            (Self::PageUnknown, Language::Ja) => {
                ("そのページはありません。".into(), "コース一覧に戻ってください。".into())
            }
            (Self::MethodNotAllowed, Language::En) => {
                ("This address does not answer this kind of request.".into(), "Reload the page.".into())
            }
            (Self::MethodNotAllowed, Language::Ja) => {
                ("このアドレスはこの種類の要求に応じません。".into(), "ページを再読み込みしてください。".into())
            }
            (Self::Internal, Language::En) => (
                "The workbench failed inside.".into(),
                "Try again; if it stays, the server's log names the cause.".into(),
            ),
            (Self::Internal, Language::Ja) => (
                "サーバー内部でエラーが起きました。".into(),
                "もう一度試してください。続く場合は、サーバーのログに原因があります。".into(),
            ),
        };
        ProblemText { code: self.code(), message, hint }
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

/// Writes a handler's [`Problem`] in the visitor's language.
pub(crate) async fn answer_in_the_visitors_language(request: Request, next: Next) -> Response {
    let language = Language::of_request(request.headers());
    let response = next.run(request).await;
    let Some(problem) = response.extensions().get::<Problem>().cloned() else {
        return response;
    };
    let (mut parts, _) = response.into_parts();
    let body = Json(Answer { error: problem.text(language) }).into_response();
    parts.headers.extend(body.headers().clone());
    parts.headers.insert(header::CONTENT_LANGUAGE, HeaderValue::from_static(language.tag()));
    parts.headers.remove(header::CONTENT_LENGTH);
    Response::from_parts(parts, body.into_body())
}
