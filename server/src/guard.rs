//! What every request must satisfy before anything looks at it: the host it thinks it talks to,
//! the page it comes from, and the headers of every answer.

use std::net::IpAddr;

use axum::body::{Body, HttpBody as _};
use axum::extract::{Request, State};
use axum::http::header::{self, HeaderName};
use axum::http::{HeaderMap, HeaderValue, Method};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use crate::app::AppState;
use crate::error::Problem;
use crate::proxy::BehindProxy;
use crate::routes::class_out;
use crate::visitor;

/// Everything comes from this server; pages cannot be framed and post nowhere else. WebAssembly may be compiled: the board
/// for the learner's tab.
const CONTENT_SECURITY_POLICY: &str = "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; style-src 'self'; \
    img-src 'self' data:; connect-src 'self'; font-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'";

/// Tells a proxy to pass an answer on as it comes.
const NO_BUFFER: HeaderName = HeaderName::from_static("x-accel-buffering");

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
    let mut response = match check(&app, &request) {
        Ok(()) => next.run(request).await,
        Err(problem) => problem.into_response(),
    };
    for (name, value) in HEADERS {
        response.headers_mut().entry(name).or_insert(HeaderValue::from_static(value));
    }
    response.headers_mut().entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    if let Some(proxy) = &app.config.proxy {
        for_proxy(proxy, response.headers_mut());
    }
    response
}

/// What an answer says where a proxy passes it on: live events are not to be held back, and no cookie goes out over plain
/// http if there is https.
fn for_proxy(proxy: &BehindProxy, headers: &mut HeaderMap) {
    if headers.get(header::CONTENT_TYPE).is_some_and(|kind| kind.as_bytes().starts_with(b"text/event-stream")) {
        headers.insert(NO_BUFFER, HeaderValue::from_static("no"));
    }
    if proxy.public.is_https()
        && let header::Entry::Occupied(mut cookies) = headers.entry(header::SET_COOKIE)
    {
        for cookie in cookies.iter_mut() {
            // Whatever was a value stays one.
            if let Ok(secure) = HeaderValue::from_bytes(&[cookie.as_bytes(), b"; Secure"].concat()) {
                *cookie = secure;
            }
        }
    }
}

/// Waits for the whole body before a handler begins, and not for ever: a body that trickles in would hold what the handler
/// holds.
pub(crate) async fn whole_body(State(app): State<AppState>, request: Request, next: Next) -> Response {
    if request.body().is_end_stream() {
        return next.run(request).await;
    }
    let limits = &app.config.limits;
    // A class that comes from another computer is larger than anything a learner sends.
    let is_class = request.uri().path() == class_out::IMPORT_PATH && visitor::place_and_host(&app, &request).1;
    let most = if is_class { class_out::IMPORT_BYTES } else { limits.body_bytes };
    let (head, body) = request.into_parts();
    match tokio::time::timeout(limits.body_timeout, axum::body::to_bytes(body, most)).await {
        Ok(Ok(bytes)) => next.run(Request::from_parts(head, Body::from(bytes))).await,
        // It is too long, or the connection broke and nobody reads the answer.
        Ok(Err(_)) => Problem::TooLarge(most).into_response(),
        Err(_) => Problem::TooSlow.into_response(),
    }
}

fn check(app: &AppState, request: &Request) -> Result<(), Problem> {
    let (method, headers) = (request.method(), request.headers());
    let host = only_host(headers).ok_or(Problem::WrongHost)?;
    // A request that names its target in full (RFC 9112 section 3.2.2) is held to that name as well.
    let full = request.uri().authority().map(axum::http::uri::Authority::as_str);
    for name in std::iter::once(host).chain(full) {
        let is_ours = |name: &str| {
            let public = app.config.proxy.as_ref().is_some_and(|proxy| proxy.public.is_name(name));
            public || is_our_name(name, app.config.lan, app.config.listen.ip(), &app.host_name)
        };
        if !name_of(name).is_some_and(is_ours) {
            return Err(Problem::WrongHost);
        }
    }
    if *method == Method::GET || *method == Method::HEAD {
        return Ok(());
    }
    // Browsers name the page that a request comes from with every POST; other programs need not.
    match headers.get(header::ORIGIN) {
        Some(origin) => {
            let origin = origin.to_str().ok();
            let ours = match &app.config.proxy {
                // The proxy may call this machine as it likes; the page has the address that visitors type.
                Some(proxy) => origin == Some(proxy.public.origin()),
                None => origin.and_then(|origin| origin.strip_prefix("http://")) == Some(host),
            };
            if ours { Ok(()) } else { Err(Problem::WrongOrigin) }
        }
        None => match headers.get("sec-fetch-site").map(HeaderValue::as_bytes) {
            None | Some(b"same-origin" | b"none") => Ok(()),
            Some(_) => Err(Problem::WrongOrigin),
        },
    }
}

/// The value of the `Host` field; a request with several names none (RFC 9112 section 3.2).
fn only_host(headers: &HeaderMap) -> Option<&str> {
    let mut values = headers.get_all(header::HOST).iter();
    let first = values.next()?;
    values.next().is_none().then_some(first)?.to_str().ok()
}

/// The host without its port; `None` unless the whole text is `name`, `name:port`, `[address]` or `[address]:port`.
/// What follows a bracket or a colon is judged too: `[::1].evil.example` is somebody else's name.
fn name_of(host: &str) -> Option<&str> {
    let (name, port) = match host.strip_prefix('[') {
        Some(rest) => {
            let (address, rest) = rest.split_once(']')?;
            address.parse::<std::net::Ipv6Addr>().ok()?;
            (address, if rest.is_empty() { None } else { Some(rest.strip_prefix(':')?) })
        }
        None => host.split_once(':').map_or((host, None), |(name, port)| (name, Some(port))),
    };
    let is_port = |port: &str| port.bytes().all(|digit| digit.is_ascii_digit()) && port.parse::<u16>().is_ok();
    port.is_none_or(is_port).then_some(name)
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
            ("[::1]", false, true),
            ("[::1].evil.example", true, false),
            ("[::1].evil.example:7878", true, false),
            ("[::1]evil:7878", true, false),
            ("[localhost]", true, false),
            ("[::1", true, false),
            ("::1", true, false),
            ("127.0.0.1:80.evil.example", true, false),
            ("localhost:evil.example", true, false),
            ("localhost:", true, false),
            ("localhost:99999", true, false),
            ("localhost:+80", true, false),
            ("user@localhost:7878", true, false),
        ] {
            let ours =
                name_of(host).is_some_and(|name| is_our_name(name, lan, IpAddr::from([127, 0, 0, 1]), "teacher"));
            assert_eq!(ours, expected, "{host} with lan = {lan}");
        }
    }
}
