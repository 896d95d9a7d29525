//! The language in which a request is answered.

use std::convert::Infallible;

use axum::extract::FromRequestParts;
use axum::http::{HeaderMap, header, request::Parts};
use course::Language;
use course::language::preferred;

/// The cookie that keeps the visitor's choice.
pub const LANGUAGE_COOKIE: &str = "lang";

/// The visitor's language, as a handler asks for it.
#[derive(Clone, Copy, Debug)]
pub struct Visiting(pub Language);

impl<S: Sync> FromRequestParts<S> for Visiting {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        Ok(Self(of_request(&parts.headers)))
    }
}

/// The language that somebody has chosen with this browser, or a class for them.
#[must_use]
pub fn chosen(headers: &HeaderMap) -> Option<Language> {
    cookie(headers, LANGUAGE_COOKIE).and_then(Language::from_tag)
}

/// The visitor's choice (cookie), else what the browser prefers, else English.
#[must_use]
pub fn of_request(headers: &HeaderMap) -> Language {
    chosen(headers).or_else(|| preferred(headers.get(header::ACCEPT_LANGUAGE)?.to_str().ok()?)).unwrap_or_default()
}

/// The value of a cookie the browser sent; names are compared exactly (RFC 6265 section 4.2).
#[must_use]
pub fn cookie<'h>(headers: &'h HeaderMap, name: &str) -> Option<&'h str> {
    headers
        .get_all(header::COOKIE)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|line| line.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
        .find_map(|(key, value)| (key == name).then_some(value))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(cookie: Option<&str>, accept: Option<&str>, expected: Language) {
        let mut headers = HeaderMap::new();
        if let Some(cookie) = cookie {
            headers.insert(header::COOKIE, cookie.parse().unwrap());
        }
        if let Some(accept) = accept {
            headers.insert(header::ACCEPT_LANGUAGE, accept.parse().unwrap());
        }
        assert_eq!(of_request(&headers), expected);
    }

    #[test]
    fn the_visitors_choice_goes_before_the_browsers() {
        check(None, None, Language::En);
        check(None, Some("ja,en-US;q=0.7,en;q=0.3"), Language::Ja);
        check(None, Some("fr, ja-JP;q=0.4, en;q=0.8"), Language::En);
        check(None, Some("fr;q=0.9, ja;q=0"), Language::En);
        check(Some("theme=dark; lang=ja"), Some("en"), Language::Ja);
        check(Some("lang=xx"), Some("ja"), Language::Ja);
        check(Some("slang=ja"), None, Language::En);
    }
}
