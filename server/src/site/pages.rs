//! Every page that the router serves to a visitor who follows links, in one language.

use std::collections::{BTreeMap, VecDeque};

use axum::Router;
use axum::body::Body;
use axum::http::{Request, StatusCode, header};
use http_body_util::BodyExt as _;
use tower::ServiceExt as _;

use super::SiteError;
use super::links::{is_on_a_site, targets};
use course::Language;

/// Pages by path; `None` for what is linked and is no page for somebody without the program.
pub(super) type Pages = BTreeMap<String, Option<String>>;

/// Asks for the first page and whatever it leads to.
pub(super) async fn ask(router: &Router, language: Language) -> Result<Pages, SiteError> {
    let mut pages = Pages::new();
    let mut waiting = VecDeque::from(["/".to_owned()]);
    while let Some(path) = waiting.pop_front() {
        if pages.contains_key(&path) {
            continue;
        }
        let html = page(router, &path, language).await?;
        let found = html.iter().flat_map(|html| targets(html)).filter(|target| is_on_a_site(target));
        waiting.extend(found.map(str::to_owned).filter(|target| !pages.contains_key(target)));
        pages.insert(path, html);
    }
    Ok(pages)
}

async fn page(router: &Router, path: &str, language: Language) -> Result<Option<String>, SiteError> {
    let failed = |status: StatusCode| SiteError::Page { path: path.to_owned(), status: status.as_u16() };
    let request = Request::get(path)
        .header(header::HOST, "localhost")
        .header(header::ACCEPT, "text/html")
        .header(header::ACCEPT_LANGUAGE, language.tag())
        .body(Body::empty())
        .map_err(|_| failed(StatusCode::BAD_REQUEST))?;
    let Ok(answer) = router.clone().oneshot(request).await;
    let status = answer.status();
    let is_html =
        answer.headers().get(header::CONTENT_TYPE).is_some_and(|kind| kind.as_bytes().starts_with(b"text/html"));
    let body = answer.into_body().collect().await.map_err(|_| failed(status))?.to_bytes();
    match status {
        StatusCode::OK if is_html => String::from_utf8(body.into()).map(Some).map_err(|_| failed(status)),
        // A lesson that is missing is a mistake; that others need the program is not.
        _ if path == "/" || path.starts_with("/lessons/") => Err(failed(status)),
        _ => Ok(None),
    }
}
