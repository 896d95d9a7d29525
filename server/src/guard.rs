//! What every request must satisfy before anything looks at it: the host it thinks it talks to,
//! the page it comes from, and the headers of every answer.

use std::net::IpAddr;

use axum::extract::{Request, State};
use axum::http::header::{self, HeaderName};
use axum::http::{HeaderMap, HeaderValue, Method};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use crate::app::AppState;
use crate::error::Problem;

/// Everything comes from this server; pages cannot be framed and post nowhere else. WebAssembly may be compiled: the board
/// for the learner's tab.
const CONTENT_SECURITY_POLICY: &str = "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; style-src 'self'; \
    img-src 'self' data:; connect-src 'self'; font-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'";

/// Headers of every answer.
const HEADERS: [(HeaderName, &str); 5] = [
    (header::CONTENT_SECURITY_POLICY, CONTENT_SECURITY_POLICY),
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::REFERRER_POLICY, "same-origin"),
    (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
    (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
];

/// Refuses requests under a foreign name (DNS rebinding) or from a foreign page (forgery), and
/// sets the headers of every answer.
pub(crate) async fn guard(State(app): State<AppState>, request: Request, next: Next) -> Response {
    let mut response = match check(&app, request.method(), request.headers()) {
        Ok(()) => next.run(request).await,
        Err(problem) => problem.into_response(),
    };
    for (name, value) in HEADERS {
        response.headers_mut().entry(name).or_insert(HeaderValue::from_static(value));
    }
    response.headers_mut().entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    response
}

fn check(app: &AppState, method: &Method, headers: &HeaderMap) -> Result<(), Problem> {
    let host = headers.get(header::HOST).and_then(|host| host.to_str().ok()).ok_or(Problem::WrongHost)?;
    if !is_our_name(name_of(host), app.config.lan, app.config.listen.ip(), &app.host_name) {
        return Err(Problem::WrongHost);
    }
    if *method == Method::GET || *method == Method::HEAD {
        return Ok(());
    }
    // Browsers name the page that a request comes from with every POST; other programs need not.
    match headers.get(header::ORIGIN) {
        Some(origin) => {
            let origin = origin.to_str().ok().and_then(|origin| origin.strip_prefix("http://"));
            if origin == Some(host) { Ok(()) } else { Err(Problem::WrongOrigin) }
        }
        None => match headers.get("sec-fetch-site").map(HeaderValue::as_bytes) {
            None | Some(b"same-origin" | b"none") => Ok(()),
            Some(_) => Err(Problem::WrongOrigin),
        },
    }
}

/// The host without its port.
fn name_of(host: &str) -> &str {
    if let Some(rest) = host.strip_prefix('[') {
        return rest.split(']').next().unwrap_or(rest);
    }
    host.rsplit_once(':').map_or(host, |(name, _)| name)
}

/// Whether this is a name of this machine. An address is no name that somebody else could have
/// pointed here, so on the LAN any address will do.
fn is_our_name(name: &str, lan: bool, listen: IpAddr, host_name: &str) -> bool {
    if name.eq_ignore_ascii_case("localhost") {
        return true;
    }
    if let Ok(address) = name.parse::<IpAddr>() {
        return lan || address.is_loopback() || address == listen;
    }
    let name = name.to_ascii_lowercase();
    let bare = name.strip_suffix(".local").unwrap_or(&name);
    lan && !host_name.is_empty() && bare == host_name.to_ascii_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_names_of_this_machine_are_answered_to() {
        for (host, lan, expected) in [
            ("localhost:7878", false, true),
            ("LOCALHOST", false, true),
            ("127.0.0.1:7878", false, true),
            ("[::1]:7878", false, true),
            ("192.168.1.9:7878", false, false),
            ("192.168.1.9:7878", true, true),
            ("teacher.local:7878", true, true),
            ("teacher", true, true),
            ("teacher.local", false, false),
            ("evil.example", true, false),
            ("localhost.evil.example", true, false),
            ("127.0.0.1.evil.example", true, false),
            ("", true, false),
        ] {
            let ours = is_our_name(name_of(host), lan, IpAddr::from([127, 0, 0, 1]), "teacher");
            assert_eq!(ours, expected, "{host} with lan = {lan}");
        }
    }
}
