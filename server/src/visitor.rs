//! Who asks: a visitor is known by a secret cookie and by nothing else.
//!
//! [`know`] runs before the handlers: it finds the visitor, or makes one for somebody who opens a
//! page, and enforces the rate of requests. Whoever has a seat in a class is the seat's visitor, on
//! whatever device. Whoever only opens pages leaves nothing behind: see [`mint`].

mod mint;
mod rates;

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use axum::extract::{ConnectInfo, FromRequestParts, Request, State};
use axum::http::{HeaderValue, Method, header, request::Parts};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use crate::app::AppState;
use crate::board::registry::Asker;
use crate::class::{ClassId, ClassProblem, Member};
use crate::classes::host_token;
use crate::config::Limits;
use crate::error::Problem;
use crate::language::cookie;
use crate::lock::lock;
use crate::place::Place;
use crate::proxy::is_forwarded;
use crate::store::{Allowance, Store, VisitorId};
use crate::turns::Client;
use mint::Mint;
use rates::Rates;

/// The cookie that holds a visitor's secret.
pub const VISITOR_COOKIE: &str = "visitor";
/// How long a browser keeps it, in seconds: a school year.
const COOKIE_MAX_AGE_S: u32 = 365 * 24 * 3600;
/// Bytes in a secret.
const SECRET_BYTES: usize = 32;
/// Visitors of an older workbench who are known without asking the store; beyond it everybody is looked up once more.
const KNOWN_KEPT: usize = 4096;

/// The cookie of a class host who does not sit at the computer that runs the workbench.
pub const HOST_COOKIE: &str = "host";
/// The cookie of a co-teacher.
pub const HELPER_COOKIE: &str = "helper";
/// The cookie of a learner in a class: the seat's secret, a point, and the three words that were given out on this device.
pub const SEAT_COOKIE: &str = "seat";

/// The visitor who asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Visitor {
    /// Their number in the store.
    pub id: VisitorId,
    /// Whether they are the class host: they sit at this machine, and no proxy is between, or they came by the link that it
    /// printed.
    pub host: bool,
    /// With whom they share.
    pub place: Place,
    /// Whether they do something, and do not only look.
    pub acts: bool,
    /// The seat they have in a class; the work is the seat's then.
    pub member: Option<Member>,
    /// The class that they host with another one's leave.
    pub helps: Option<ClassId>,
}

impl Visitor {
    /// Who asks for a board.
    #[must_use]
    pub fn asker(self) -> Asker {
        Asker { visitor: self.id, host: self.host }
    }

    /// Whether they host this class.
    ///
    /// # Errors
    /// They do not.
    pub fn hosts(self, class: ClassId) -> Result<(), Problem> {
        if self.host || self.helps == Some(class) { Ok(()) } else { Err(ClassProblem::HostOnly.into()) }
    }

    /// Whose job is done.
    #[must_use]
    pub fn client(self) -> Client {
        Client { place: self.place, visitor: self.id }
    }
}

impl<S: Sync> FromRequestParts<S> for Visitor {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        parts.extensions.get::<Self>().copied().ok_or(Problem::VisitorUnknown)
    }
}

/// Where a request comes from, and whether it is the class host's.
pub(crate) fn place_and_host(app: &AppState, request: &Request) -> (Place, bool) {
    let (headers, proxy) = (request.headers(), &app.config.proxy);
    let peer = request.extensions().get::<ConnectInfo<SocketAddr>>().map(|ConnectInfo(address)| address.ip());
    let address = peer.map(|peer| proxy.as_ref().map_or(peer, |proxy| proxy.client(peer, headers)));
    let place = address.map_or(Place::HERE, Place::of);
    // Behind a proxy on this machine everybody's connection comes from this machine.
    let sits_here = place.is_here() && proxy.is_none() && !is_forwarded(headers);
    let token = cookie(headers, HOST_COOKIE);
    (place, sits_here || token.is_some_and(|token| app.visitors.is_host_token(token)))
}

/// Finds out who asks, and bounds how often.
pub(crate) async fn know(State(app): State<AppState>, mut request: Request, next: Next) -> Response {
    let secret = cookie(request.headers(), VISITOR_COOKIE).filter(|secret| is_secret(secret)).map(str::to_owned);
    let (place, host) = place_and_host(&app, &request);
    let helps = cookie(request.headers(), HELPER_COOKIE).and_then(|token| app.classes.helps(token));
    let acts = request.method() != Method::GET && request.method() != Method::HEAD;
    let seat = cookie(request.headers(), SEAT_COOKIE).and_then(|seat| seat.split('.').next());
    let member = match seat {
        Some(token) => match app.classes.member(token).await {
            Ok(member) => member,
            // What is saved now must not go to somebody else.
            Err(problem) => return problem.into_response(),
        },
        None => None,
    };
    // Whoever has a seat works there, whatever this browser did before.
    let minted = match member {
        Some(member) => Some(member.visitor),
        None => secret.as_deref().and_then(|secret| app.visitors.read(secret)),
    };
    // Whoever left an ended class shares with their address like everybody else.
    let place = member.filter(|member| !member.ended).map_or(place, |member| place.in_class(member.class));
    // A secret that has to be looked up costs more than one that proves itself: it is paid for before.
    match app.visitors.turn(place, minted, &app.config.limits) {
        Some(Duration::ZERO) => {}
        Some(wait) => tokio::time::sleep(wait).await,
        None => return Problem::TooManyRequests.into_response(),
    }
    let known = match (minted, &secret) {
        (None, Some(secret)) => match app.visitors.find(&app.store, secret).await {
            Ok(known) => known,
            Err(problem) => return problem.into_response(),
        },
        (minted, _) => minted,
    };
    // Only somebody who opens a page or listens gets a cookie: a script that posts blindly is nobody.
    let fresh = match known {
        Some(id) => {
            request.extensions_mut().insert(Visitor { id, host, place, acts, member, helps });
            None
        }
        None if request.method() == Method::GET => match app.visitors.mint.make() {
            Ok((id, secret)) => {
                request.extensions_mut().insert(Visitor { id, host, place, acts, member, helps });
                Some(secret)
            }
            Err(error) => {
                tracing::error!(%error, "the system gives no random bytes");
                return Problem::Internal.into_response();
            }
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
    mint: Mint,
    known: Mutex<HashMap<String, VisitorId>>,
    rates: Mutex<Rates>,
}

impl Visitors {
    /// Nobody is known yet.
    #[must_use]
    pub fn new(store: &Store) -> Self {
        let mint = Mint::new(store.key());
        Self { host_token: host_token(store.key()), mint, known: Mutex::default(), rates: Mutex::default() }
    }

    /// The secret in the link for a class host at another computer.
    #[must_use]
    pub fn host_token(&self) -> &str {
        &self.host_token
    }

    /// Whether this is the class host's secret.
    #[must_use]
    pub fn is_host_token(&self, token: &str) -> bool {
        // Every byte is looked at, so that the time it takes says nothing about them.
        let differing = token.bytes().zip(self.host_token.bytes()).fold(0, |all, (one, other)| all | (one ^ other));
        token.len() == self.host_token.len() && differing == 0
    }

    /// Whose secret this is, if this workbench made it.
    #[must_use]
    pub fn read(&self, secret: &str) -> Option<VisitorId> {
        self.mint.read(secret)
    }

    /// Whether a visitor's work may grow, by its place: to be asked by the store.
    pub(crate) fn allowance(app: &AppState, visitor: Visitor) -> Allowance {
        let app = app.clone();
        Box::new(move |bytes| {
            let (rates, limits) = (&app.visitors.rates, &app.config.limits);
            lock(rates).allow_growth(visitor.place, bytes, limits, Instant::now())
        })
    }

    async fn find(&self, store: &Store, secret: &str) -> Result<Option<VisitorId>, Problem> {
        if let Some(id) = lock(&self.known).get(secret) {
            return Ok(Some(*id));
        }
        let found = store.find_visitor(secret.to_owned()).await?;
        if let Some(id) = found {
            self.remember(secret, id);
        }
        Ok(found)
    }

    fn remember(&self, secret: &str, id: VisitorId) {
        let mut known = lock(&self.known);
        if known.len() >= KNOWN_KEPT {
            known.clear();
        }
        known.insert(secret.to_owned(), id);
    }

    fn turn(&self, place: Place, visitor: Option<VisitorId>, limits: &Limits) -> Option<Duration> {
        lock(&self.rates).turn(place, visitor, limits, Instant::now())
    }
}

fn is_secret(text: &str) -> bool {
    text.len() == 2 * SECRET_BYTES && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::Quota;

    #[test]
    fn the_memory_of_visitors_is_bounded() {
        let visitors = Visitors::new(&Store::open(None, Quota::default()).unwrap());
        for id in 0..2 * KNOWN_KEPT as i64 {
            visitors.remember(&id.to_string(), VisitorId(id));
            let known = visitors.known.lock().unwrap();
            assert!(known.len() <= KNOWN_KEPT && known.get(&id.to_string()) == Some(&VisitorId(id)));
        }
    }
}
