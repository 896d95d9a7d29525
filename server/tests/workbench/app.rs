//! A visitor of an application that is built like the served one.

use std::net::SocketAddr;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::ConnectInfo;
use axum::http::{HeaderMap, Method, Request, StatusCode, header};
use http_body_util::BodyExt;
use isrlab::app::{App, AppState};
use isrlab::config::{Limits, ServeConfig};
use isrlab::router::router;
use serde_json::Value;
use tower::ServiceExt;

/// Far beyond what anything here takes, even on a machine that does much else.
const PATIENCE: Duration = Duration::from_secs(60);

pub(crate) struct TestApp {
    pub(crate) app: AppState,
    router: Router,
}

impl TestApp {
    pub(crate) fn new() -> Self {
        Self::with(ServeConfig::default())
    }

    pub(crate) fn with_limits(limits: Limits) -> Self {
        Self::with(ServeConfig { limits, ..ServeConfig::default() })
    }

    pub(crate) fn with(config: ServeConfig) -> Self {
        let app = AppState::from(App::build(config).unwrap());
        Self { router: router(app.clone()), app }
    }

    /// A browser on this machine that has opened the workbench.
    pub(crate) async fn visitor(&self) -> Visitor {
        self.visitor_from([127, 0, 0, 1]).await
    }

    /// A browser at this address that has opened the workbench.
    pub(crate) async fn visitor_from(&self, address: [u8; 4]) -> Visitor {
        let from = SocketAddr::from((address, 50_000));
        let mut visitor = Visitor { router: self.router.clone(), cookie: String::new(), from };
        let answer = visitor.get("/api/boards").await;
        assert_eq!(answer.status, StatusCode::OK);
        let cookie = answer.headers[header::SET_COOKIE].to_str().unwrap();
        visitor.cookie = cookie.split(';').next().unwrap().to_owned();
        // The board is there before anything is pressed; its actor has to say so first.
        let id = answer.json["boards"][0]["id"].clone();
        assert!(id.is_string());
        let mut events = visitor.events(None).await;
        events.until(|event| event.name == "board" && event.data["state"] == "ready").await;
        visitor
    }

    /// A browser on this machine that has opened a page and has no board yet.
    pub(crate) async fn stranger(&self) -> Visitor {
        self.stranger_from([127, 0, 0, 1]).await
    }

    /// A browser at this address that has opened a page and has no board yet.
    pub(crate) async fn stranger_from(&self, address: [u8; 4]) -> Visitor {
        let from = SocketAddr::from((address, 50_000));
        let mut visitor = Visitor { router: self.router.clone(), cookie: String::new(), from };
        let answer = visitor.get("/").await;
        let cookie = answer.headers[header::SET_COOKIE].to_str().unwrap();
        visitor.cookie = cookie.split(';').next().unwrap().to_owned();
        visitor
    }
}

#[derive(Clone)]
pub(crate) struct Visitor {
    router: Router,
    pub(crate) cookie: String,
    from: SocketAddr,
}

#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) text: String,
    pub(crate) json: Value,
}

impl Answer {
    /// The stable code of a problem.
    pub(crate) fn code(&self) -> &str {
        self.json["error"]["code"].as_str().unwrap_or_default()
    }
}

impl Visitor {
    pub(crate) async fn send(&self, method: Method, path: &str, headers: &[(&str, &str)], body: String) -> Answer {
        let mut request = Request::builder().method(method).uri(path).header(header::COOKIE, &self.cookie);
        if !headers.iter().any(|(name, _)| *name == "host") {
            request = request.header(header::HOST, "localhost:7878");
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let request = request.extension(ConnectInfo(self.from)).body(Body::from(body)).unwrap();
        let response = self.router.clone().oneshot(request).await.unwrap();
        let (parts, body) = response.into_parts();
        let bytes = body.collect().await.unwrap().to_bytes();
        let text = String::from_utf8_lossy(&bytes).into_owned();
        let json = serde_json::from_str(&text).unwrap_or_default();
        Answer { status: parts.status, headers: parts.headers, text, json }
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        self.send(Method::GET, path, &[], String::new()).await
    }

    pub(crate) async fn post(&self, path: &str, body: Value) -> Answer {
        self.send(Method::POST, path, &[("content-type", "application/json")], body.to_string()).await
    }

    /// Sends a form, as a page without scripts does.
    pub(crate) async fn submit(&self, path: &str, fields: &str) -> Answer {
        let kind = [("content-type", "application/x-www-form-urlencoded"), ("accept", "text/html")];
        self.send(Method::POST, path, &kind, fields.to_owned()).await
    }

    /// Takes over the cookies of an answer.
    pub(crate) fn keep_cookies(&mut self, answer: &Answer) {
        for cookie in answer.headers.get_all(header::SET_COOKIE) {
            let pair = cookie.to_str().unwrap().split(';').next().unwrap();
            let name = pair.split('=').next().unwrap();
            let others = self.cookie.split("; ").filter(|kept| !kept.starts_with(&format!("{name}=")));
            self.cookie = others.chain([pair]).collect::<Vec<_>>().join("; ");
        }
    }

    pub(crate) async fn put(&self, path: &str, body: Value) -> Answer {
        self.send(Method::PUT, path, &[("content-type", "application/json")], body.to_string()).await
    }

    /// Runs a lesson's program for a second, on a board that is ready.
    pub(crate) async fn run_to_the_end(&self, events: &mut Events) {
        let answer = self.post("/api/run", serde_json::json!({ "lesson": "lost-update", "seconds": 1 })).await;
        assert_eq!(answer.status, StatusCode::OK, "{}", answer.text);
        events.end_of_run().await;
    }

    pub(crate) async fn events(&self, last_seen: Option<u64>) -> Events {
        self.stream("/events", last_seen).await
    }

    /// The events of a page that has its board in the tab.
    pub(crate) async fn tab_events(&self) -> Events {
        self.stream("/events?board=tab", None).await
    }

    /// The list of boards, live.
    pub(crate) async fn boards(&self) -> Events {
        self.stream("/events/boards", None).await
    }

    /// The events of a page that looks at a class as its host.
    pub(crate) async fn hosting(&self, class: i64) -> Events {
        self.stream(&format!("/events?class={class}"), None).await
    }

    /// What a stream of events begins with.
    pub(crate) async fn begin(&self, path: &str) -> HeaderMap {
        self.open(path, None).await.0
    }

    async fn stream(&self, path: &str, last_seen: Option<u64>) -> Events {
        let (headers, body) = self.open(path, last_seen).await;
        assert_eq!(headers[header::CONTENT_TYPE], "text/event-stream");
        Events { body, text: String::new(), seen: Vec::new() }
    }

    async fn open(&self, path: &str, last_seen: Option<u64>) -> (HeaderMap, Body) {
        let mut request = Request::get(path)
            .extension(ConnectInfo(self.from))
            .header(header::COOKIE, &self.cookie)
            .header(header::HOST, "localhost");
        if let Some(id) = last_seen {
            request = request.header("last-event-id", id.to_string());
        }
        let response = self.router.clone().oneshot(request.body(Body::empty()).unwrap()).await.unwrap();
        assert_eq!(response.status(), StatusCode::OK);
        let (parts, body) = response.into_parts();
        (parts.headers, body)
    }
}

#[derive(Clone, Debug)]
pub(crate) struct Event {
    pub(crate) id: u64,
    pub(crate) name: String,
    pub(crate) data: Value,
}

/// A stream of live events.
pub(crate) struct Events {
    body: Body,
    text: String,
    pub(crate) seen: Vec<Event>,
}

impl Events {
    pub(crate) async fn next(&mut self) -> Event {
        loop {
            if let Some((block, rest)) = self.text.split_once("\n\n") {
                let field = |name: &str| block.lines().find_map(|line| line.strip_prefix(name)).map(str::trim);
                let event = field("event:").map(|name| Event {
                    // A list is whole every time, so it needs no number to go on from.
                    id: field("id:").map_or(0, |id| id.parse().unwrap()),
                    name: name.to_owned(),
                    data: serde_json::from_str(field("data:").unwrap()).unwrap(),
                });
                self.text = rest.to_owned();
                if let Some(event) = event {
                    self.seen.push(event.clone());
                    return event;
                }
                continue;
            }
            let frame = tokio::time::timeout(PATIENCE, self.body.frame()).await.expect("an event comes");
            let bytes = frame.expect("the stream goes on").unwrap().into_data().unwrap();
            self.text.push_str(std::str::from_utf8(&bytes).unwrap());
        }
    }

    pub(crate) async fn until(&mut self, wanted: impl Fn(&Event) -> bool) -> Event {
        loop {
            let event = self.next().await;
            if wanted(&event) {
                return event;
            }
        }
    }

    /// Reads to the end of the stream, and returns what its last event said, which has this name.
    pub(crate) async fn ends_with(&mut self, name: &str) -> Value {
        let body = std::mem::replace(&mut self.body, Body::empty());
        let rest = tokio::time::timeout(PATIENCE, body.collect()).await.expect("the stream ends").unwrap().to_bytes();
        let text = self.text.clone() + std::str::from_utf8(&rest).unwrap();
        let last = text.split("\n\n").filter(|block| block.contains("event:")).last().expect("something was said");
        assert!(last.lines().any(|line| line.strip_prefix("event:").map(str::trim) == Some(name)), "{last}");
        serde_json::from_str(last.lines().find_map(|line| line.strip_prefix("data:")).unwrap()).unwrap()
    }

    /// The end of a run.
    pub(crate) async fn end_of_run(&mut self) -> Event {
        self.until(|event| event.name == "run" && event.data["state"] == "ended").await
    }

    /// Everything that the console has shown so far.
    pub(crate) fn console(&self) -> String {
        self.seen
            .iter()
            .filter(|event| event.name == "console")
            .map(|event| event.data["text"].as_str().unwrap())
            .collect()
    }
}
