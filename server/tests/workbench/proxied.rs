//! The workbench behind a reverse proxy: whose word counts for where somebody comes from, who is the host, and what pages,
//! cookies and streams say outside. And a proxy that nobody named.

use std::process::Command;

use axum::http::{HeaderMap, Method, StatusCode, header};
use isrlab::config::{Limits, ServeConfig};
use isrlab::proxy::BehindProxy;

use crate::app::{Answer, TestApp, Visitor};
use crate::process::Server;

const PUBLIC: &str = "https://isrlab.school.example";
const PROXY: [u8; 4] = [127, 0, 0, 1];
const PUPIL: [u8; 4] = [10, 0, 0, 7];

fn config() -> ServeConfig {
    let trusted = vec!["127.0.0.1".parse().unwrap(), "10.9.0.0/16".parse().unwrap()];
    ServeConfig { proxy: Some(BehindProxy { trusted, public: PUBLIC.parse().unwrap() }), ..ServeConfig::default() }
}

/// A page or a form through a connection from `visitor`'s address, under the public name.
async fn ask(visitor: &Visitor, method: Method, path: &str, forwarded: &str, more: &[(&str, &str)]) -> Answer {
    let mut headers = vec![("host", "isrlab.school.example"), ("accept", "text/html")];
    if !forwarded.is_empty() {
        headers.push(("x-forwarded-for", forwarded));
    }
    headers.extend(more);
    visitor.send(method, path, &headers, String::new()).await
}

/// Somebody who has opened the host's link.
async fn host(app: &TestApp) -> Visitor {
    let mut host = app.stranger_from(PROXY).await;
    let link = format!("/host/{}", app.app.visitors.host_token());
    let answer = ask(&host, Method::GET, &link, "10.0.0.1", &[]).await;
    host.keep_cookies(&answer);
    host
}

fn cookies(headers: &HeaderMap) -> Vec<&str> {
    headers.get_all(header::SET_COOKIE).iter().map(|cookie| cookie.to_str().unwrap()).collect()
}

#[tokio::test]
async fn behind_a_proxy_nobody_is_host_for_where_they_sit() {
    let app = TestApp::with(config());
    let pupil = app.stranger_from(PROXY).await;
    // Whatever is claimed, and with no word of the proxy at all.
    for forwarded in ["", "127.0.0.1", "::1", "127.0.0.1, 10.0.0.7", "10.0.0.7, 127.0.0.1", "nonsense", ","] {
        let answer = ask(&pupil, Method::GET, "/class", forwarded, &[]).await;
        assert_eq!(answer.headers[header::LOCATION], "/join", "{forwarded:?}");
        let started = [("content-type", "application/x-www-form-urlencoded"), ("origin", PUBLIC)];
        let answer = ask(&pupil, Method::POST, "/class", forwarded, &started).await;
        assert_eq!(answer.status, StatusCode::FORBIDDEN, "{forwarded:?}: {}", answer.text);
    }
    let host = host(&app).await;
    assert_eq!(ask(&host, Method::GET, "/class", "10.0.0.1", &[]).await.status, StatusCode::OK);
}

#[tokio::test]
async fn a_proxy_that_nobody_named_makes_nobody_a_host() {
    let app = TestApp::new();
    let here = app.stranger_from(PROXY).await;
    assert_eq!(here.get("/class").await.status, StatusCode::OK, "this machine's own browser");
    for sign in ["x-forwarded-for", "x-real-ip", "forwarded", "via"] {
        let headers = [(sign, "127.0.0.1"), ("accept", "text/html")];
        let answer = here.send(Method::GET, "/class", &headers, String::new()).await;
        assert_eq!(answer.headers[header::LOCATION], "/join", "{sign}");
    }
}

/// Opens a page without a cookie until that is refused: how often it was not, of thirty times. The place is what the workbench
/// takes for theirs.
async fn opens(app: &TestApp, peer: [u8; 4], forwarded: impl Fn(u32) -> String) -> usize {
    let mut visitor = app.stranger_from(peer).await;
    visitor.cookie.clear();
    let mut opened = 0;
    for number in 0..30 {
        let answer = ask(&visitor, Method::GET, "/class/privacy", &forwarded(number), &[]).await;
        opened += usize::from(answer.status != StatusCode::TOO_MANY_REQUESTS);
    }
    opened
}

#[tokio::test]
async fn only_the_named_proxys_word_tells_one_place_from_another() {
    let limits = Limits { place_burst: 20, place_requests_per_second: 0, ..Limits::default() };
    let app = TestApp::with(ServeConfig { limits, ..config() });
    // The proxy says who it is: each is a place of their own.
    assert_eq!(opens(&app, PROXY, |number| format!("10.0.1.{number}")).await, 30);
    // One pupil who claims to be many is one: through the proxy, through two of them, and past it.
    for (peer, forwarded) in [(PROXY, "10.0.0.1"), (PROXY, "10.0.0.2, 10.9.1.2"), (PUPIL, "127.0.0.1")] {
        let opened = opens(&app, peer, |number| format!("10.0.1.{number}, {forwarded}")).await;
        assert!((19..=20).contains(&opened), "{peer:?} with {forwarded:?}: {opened}");
    }
    // And takes nothing from the others.
    assert_eq!(opens(&app, PROXY, |number| format!("10.0.2.{number}")).await, 30);
}

#[tokio::test]
async fn what_pages_post_comes_from_the_public_address() {
    let app = TestApp::with(config());
    let pupil = app.stranger_from(PROXY).await;
    let stop = async |host: &str, origin: &str| {
        let headers = [("host", host), ("origin", origin), ("content-type", "application/json")];
        pupil.send(Method::POST, "/api/stop", &headers, "{}".to_owned()).await.status
    };
    for (host, origin, expected) in [
        ("isrlab.school.example", PUBLIC, StatusCode::OK),
        ("ISRLAB.school.example:443", PUBLIC, StatusCode::OK),
        // A proxy that calls this machine by its own address.
        ("127.0.0.1:7878", PUBLIC, StatusCode::OK),
        ("isrlab.school.example", "http://isrlab.school.example", StatusCode::FORBIDDEN),
        ("isrlab.school.example", "https://isrlab.school.example:8443", StatusCode::FORBIDDEN),
        ("isrlab.school.example", "https://isrlab.school.example.evil.example", StatusCode::FORBIDDEN),
        ("isrlab.school.example", "null", StatusCode::FORBIDDEN),
        ("127.0.0.1:7878", "http://127.0.0.1:7878", StatusCode::FORBIDDEN),
        ("evil.example", PUBLIC, StatusCode::MISDIRECTED_REQUEST),
        ("isrlab.school.example.evil.example", PUBLIC, StatusCode::MISDIRECTED_REQUEST),
    ] {
        assert_eq!(stop(host, origin).await, expected, "{host} {origin}");
    }
    // Without a proxy that name is nobody's.
    let app = TestApp::new();
    let stranger = app.stranger().await;
    assert_eq!(ask(&stranger, Method::GET, "/", "", &[]).await.status, StatusCode::MISDIRECTED_REQUEST);
}

#[tokio::test]
async fn cookies_stay_on_https_and_streams_are_not_held_back() {
    let app = TestApp::with(config());
    let mut host = host(&app).await;
    let form = [("content-type", "application/x-www-form-urlencoded"), ("origin", PUBLIC), ("host", "127.0.0.1:7878")];
    let fields = "title=10b&lesson=lost-update&seeds=all&seed=7".to_owned();
    let started = host.send(Method::POST, "/class", &form, fields).await;
    assert_eq!(started.status, StatusCode::SEE_OTHER, "{}", started.text);
    let page = started.headers[header::LOCATION].to_str().unwrap().to_owned();
    let id: i64 = page.rsplit('/').next().unwrap().parse().unwrap();
    let room = app.app.classes.room(isrlab::class::ClassId(id)).unwrap();
    let pin = room.look(|class| class.pin.digits().to_owned());

    host.cookie.push_str("; theme=dark");
    for path in [page.clone(), format!("{page}/show"), format!("{page}/wall")] {
        let shown = ask(&host, Method::GET, &path, "10.0.0.1", &[]).await.text;
        assert!(shown.contains(PUBLIC), "{path}");
        assert!(!shown.contains("127.0.0.1") && !shown.contains("http://isrlab"), "{path}");
        assert!(!shown.contains("class.not_lan") && !shown.contains("--lan"), "{path}: others do get in");
    }

    let pupil = app.stranger_from(PROXY).await;
    let joined = pupil.send(Method::POST, "/join", &form, format!("pin={pin}&name=otter")).await;
    let link = format!("/host/{}", app.app.visitors.host_token());
    let language = pupil.send(Method::POST, "/language", &form, "lang=ja&next=/".to_owned()).await;
    let mut all = 0;
    for answer in [joined, language, ask(&pupil, Method::GET, &link, "", &[]).await] {
        for cookie in cookies(&answer.headers) {
            assert!(cookie.ends_with("; Secure"), "{cookie}");
            all += 1;
        }
    }
    assert!(all >= 3);
    for path in ["/events".to_owned(), "/events/boards".to_owned(), format!("/events?class={id}")] {
        let answer = host.begin(&path).await;
        assert_eq!(answer["x-accel-buffering"], "no", "{path}");
    }
    // Plain http in front, as a proxy within the building may be: no browser would keep a secure cookie.
    let mut plain = config();
    plain.proxy.as_mut().unwrap().public = "http://isrlab.school.example".parse().unwrap();
    let app = TestApp::with(plain);
    let stranger = app.stranger_from(PROXY).await;
    let answer =
        stranger.send(Method::GET, &format!("/host/{}", app.app.visitors.host_token()), &[], String::new()).await;
    assert!(!cookies(&answer.headers)[0].contains("Secure"));
}

#[test]
fn a_served_workbench_names_its_public_address_and_keeps_the_hosts_link_out_of_logs() {
    let data = tempfile::tempdir().unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_isrlab"));
    command.args([
        "serve",
        "--listen",
        "127.0.0.1:0",
        "--behind-proxy",
        "127.0.0.1,10.9.0.0/16",
        "--public-url",
        PUBLIC,
    ]);
    let mut server = Server::start(command.env("LANG", "C").env_remove("LC_ALL").arg("--data").arg(data.path()));
    assert_eq!(server.line(), format!("Behind the proxy: {PUBLIC}/"));
    let width = server.line().chars().count();
    for _ in 1..width.div_ceil(2) {
        assert_eq!(server.line().chars().count(), width, "a QR code");
    }
    let way = server.line();
    let (_, advice) = way.split_once(": ").unwrap();
    assert_eq!(advice, format!("isrlab class link --data {:?} --at {PUBLIC}", data.path()));
    let arguments: Vec<&str> = advice.split(' ').skip(1).map(|word| word.trim_matches('"')).collect();
    let link = Command::new(env!("CARGO_BIN_EXE_isrlab")).args(arguments).output().unwrap();
    let link = String::from_utf8(link.stdout).unwrap();
    assert!(link.starts_with(&format!("{PUBLIC}/host/")), "{link}");
    let token = link.trim().rsplit('/').next().unwrap();
    let page = server.ask("GET", &format!("/host/{token}"), "", "");
    assert!(page.status == 303 && page.head.contains("; Secure"), "{}", page.head);
}

#[test]
fn a_proxy_is_named_with_its_public_address_and_is_not_everybody() {
    for (arguments, said) in [
        (vec!["--behind-proxy", "127.0.0.1"], "--public-url"),
        (vec!["--public-url", PUBLIC], "--behind-proxy"),
        (vec!["--behind-proxy", "0.0.0.0/0", "--public-url", PUBLIC], "this trusts everybody"),
        (vec!["--behind-proxy", "proxy.example", "--public-url", PUBLIC], "neither an address nor a network"),
        (vec!["--behind-proxy", "127.0.0.1", "--public-url", "isrlab.school.example"], "scheme, name"),
    ] {
        let output = Command::new(env!("CARGO_BIN_EXE_isrlab")).arg("serve").args(&arguments).output().unwrap();
        let error = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(!output.status.success() && error.contains(said), "{arguments:?}: {error}");
    }
}
