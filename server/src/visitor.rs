//! Who asks: a visitor is known by a secret cookie and by nothing else.
//!
//! [`know`] runs before the handlers: it finds the visitor, or makes one for somebody who opens a
//! page, and enforces the rate of requests. A class with names and a teacher's view can be built
//! on the same numbers.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

use axum::extract::{ConnectInfo, FromRequestParts, Request, State};
use axum::http::{HeaderValue, Method, header, request::Parts};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use crate::app::AppState;
use crate::board::registry::Asker;
use crate::error::Problem;
use crate::language::cookie;
use crate::store::VisitorId;

/// The cookie that holds a visitor's secret.
pub const VISITOR_COOKIE: &str = "visitor";
/// How long a browser keeps it, in seconds: a school year.
const COOKIE_MAX_AGE_S: u32 = 365 * 24 * 3600;
/// Random bytes in a secret.
const SECRET_BYTES: usize = 32;
/// Rates that are remembered; the least recently used half is forgotten beyond it.
const RATES_KEPT: usize = 4096;
/// Visitors who are known without asking the store; beyond it everybody is looked up once more. A script that
/// opens pages without a cookie is a new visitor each time, and must not fill the memory.
const KNOWN_KEPT: usize = 4096;

/// The cookie of a class host who does not sit at the computer that runs the workbench.
pub const HOST_COOKIE: &str = "host";

/// The visitor who asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Visitor {
    /// Their number in the store.
    pub id: VisitorId,
    /// Whether they are the class host: they came from this machine itself, or by the link that it printed.
    pub host: bool,
}

impl Visitor {
    /// Who asks for a board.
    #[must_use]
    pub fn asker(self) -> Asker {
        Asker { visitor: self.id, host: self.host }
    }
}

impl<S: Sync> FromRequestParts<S> for Visitor {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        parts.extensions.get::<Self>().copied().ok_or(Problem::VisitorUnknown)
    }
}

/// Finds out who asks, and bounds how often.
pub(crate) async fn know(State(app): State<AppState>, mut request: Request, next: Next) -> Response {
    let secret = cookie(request.headers(), VISITOR_COOKIE).filter(|secret| is_secret(secret)).map(str::to_owned);
    let address = request
        .extensions()
        .get::<ConnectInfo<SocketAddr>>()
        .map_or(IpAddr::V4(Ipv4Addr::LOCALHOST), |ConnectInfo(address)| address.ip());
    // A socket for both kinds of addresses shows an IPv4 address within an IPv6 one.
    let host = address.to_canonical().is_loopback()
        || cookie(request.headers(), HOST_COOKIE).is_some_and(|token| app.visitors.is_host_token(token));
    let known = match &secret {
        Some(secret) => match app.visitors.find(&app, secret).await {
            Ok(known) => known,
            Err(problem) => return problem.into_response(),
        },
        None => None,
    };
    let who = known.map_or(RateKey::Address(address), RateKey::Visitor);
    if !app.visitors.allow(who, &app.config.limits) {
        return Problem::TooManyRequests.into_response();
    }
    // Only somebody who opens a page or listens gets a cookie: a script that posts blindly does not fill the store.
    let fresh = match known {
        Some(id) => {
            request.extensions_mut().insert(Visitor { id, host });
            None
        }
        None if request.method() == Method::GET => match app.visitors.welcome(&app).await {
            Ok((id, secret)) => {
                request.extensions_mut().insert(Visitor { id, host });
                Some(secret)
            }
            Err(problem) => return problem.into_response(),
        },
        None => None,
    };
    let mut response = next.run(request).await;
    if let Some(secret) = fresh
        && let Ok(value) = HeaderValue::from_str(&format!(
            "{VISITOR_COOKIE}={secret}; HttpOnly; SameSite=Lax; Path=/; Max-Age={COOKIE_MAX_AGE_S}"
        ))
    {
        response.headers_mut().append(header::SET_COOKIE, value);
    }
    response
}

/// What is remembered of visitors between requests.
#[derive(Debug)]
pub struct Visitors {
    /// The secret in the link for a class host at another computer.
    host_token: String,
    known: Mutex<HashMap<String, VisitorId>>,
    rates: Mutex<HashMap<RateKey, Bucket>>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum RateKey {
    Visitor(VisitorId),
    Address(IpAddr),
}

/// A token bucket.
#[derive(Clone, Copy, Debug)]
struct Bucket {
    tokens: f64,
    filled: Instant,
}

impl Visitors {
    /// Nobody is known yet.
    ///
    /// # Errors
    /// The system gives no random bytes.
    pub fn new() -> Result<Self, getrandom::Error> {
        Ok(Self { host_token: secret()?, known: Mutex::default(), rates: Mutex::default() })
    }

    /// The secret in the link for a class host at another computer.
    #[must_use]
    pub fn host_token(&self) -> &str {
        &self.host_token
    }

    /// Whether this is the class host's secret.
    #[must_use]
    pub fn is_host_token(&self, token: &str) -> bool {
        token == self.host_token
    }

    async fn find(&self, app: &AppState, secret: &str) -> Result<Option<VisitorId>, Problem> {
        if let Some(id) = self.known.lock().unwrap_or_else(PoisonError::into_inner).get(secret) {
            return Ok(Some(*id));
        }
        let found = app.store.find_visitor(secret.to_owned()).await?;
        if let Some(id) = found {
            self.remember(secret, id);
        }
        Ok(found)
    }

    fn remember(&self, secret: &str, id: VisitorId) {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if known.len() >= KNOWN_KEPT {
            known.clear();
        }
        known.insert(secret.to_owned(), id);
    }

    async fn welcome(&self, app: &AppState) -> Result<(VisitorId, String), Problem> {
        let secret = secret().map_err(|error| {
            tracing::error!(%error, "the system gives no random bytes");
            Problem::Internal
        })?;
        let id = app.store.add_visitor(secret.clone()).await?;
        self.remember(&secret, id);
        Ok((id, secret))
    }

    fn allow(&self, who: RateKey, limits: &crate::config::Limits) -> bool {
        let now = Instant::now();
        let mut rates = self.rates.lock().unwrap_or_else(PoisonError::into_inner);
        if rates.len() >= RATES_KEPT {
            let mut ages: Vec<Instant> = rates.values().map(|bucket| bucket.filled).collect();
            ages.sort_unstable();
            let middle = ages[ages.len() / 2];
            rates.retain(|_, bucket| bucket.filled >= middle);
        }
        let most = f64::from(limits.burst);
        let bucket = rates.entry(who).or_insert(Bucket { tokens: most, filled: now });
        let gained = now.duration_since(bucket.filled).as_secs_f64() * f64::from(limits.requests_per_second);
        *bucket = Bucket { tokens: (bucket.tokens + gained).min(most), filled: now };
        let allowed = bucket.tokens >= 1.0;
        if allowed {
            bucket.tokens -= 1.0;
        }
        allowed
    }
}

fn secret() -> Result<String, getrandom::Error> {
    let mut bytes = [0; SECRET_BYTES];
    getrandom::fill(&mut bytes)?;
    Ok(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
}

fn is_secret(text: &str) -> bool {
    text.len() == 2 * SECRET_BYTES && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Limits;

    #[test]
    fn a_burst_is_allowed_and_a_flood_is_not() {
        let visitors = Visitors::new().unwrap();
        let limits = Limits { burst: 3, requests_per_second: 1, ..Limits::default() };
        let who = RateKey::Visitor(VisitorId(1));
        let answers: Vec<bool> = (0..5).map(|_| visitors.allow(who, &limits)).collect();
        assert_eq!(answers, [true, true, true, false, false]);
        assert!(visitors.allow(RateKey::Visitor(VisitorId(2)), &limits), "others are not affected");
    }

    #[test]
    fn the_memory_of_visitors_is_bounded() {
        let visitors = Visitors::new().unwrap();
        for id in 0..2 * KNOWN_KEPT as i64 {
            visitors.remember(&id.to_string(), VisitorId(id));
            let known = visitors.known.lock().unwrap();
            assert!(known.len() <= KNOWN_KEPT && known.get(&id.to_string()) == Some(&VisitorId(id)));
        }
    }

    #[test]
    fn the_memory_of_rates_is_bounded() {
        let visitors = Visitors::new().unwrap();
        for id in 0..3 * RATES_KEPT as i64 {
            visitors.allow(RateKey::Visitor(VisitorId(id)), &Limits::default());
        }
        assert!(visitors.rates.lock().unwrap().len() <= RATES_KEPT + 1);
    }
}
