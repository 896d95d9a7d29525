//! Attached boards: found, taken, run on, shared, unplugged.

use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use axum::http::{Method, StatusCode};
use isrlab::config::{Limits, PortSource, ServeConfig};
use ports::discovery::{Access, AttachedPort, Bridge};
use serde_json::{Value, json};
use tokio::sync::watch;

use super::app::{Event, Events, TestApp, Visitor};
use super::cabled::{CabledBoard, Socket};

/// The board of this id in a list.
pub(crate) fn board<'v>(list: &'v Value, id: &str) -> &'v Value {
    list["boards"].as_array().unwrap().iter().find(|board| board["id"] == id).unwrap_or(&Value::Null)
}

/// The address of what can be done with a board.
pub(crate) fn path(id: &str, action: &str) -> String {
    format!("/api/boards/{}/{action}", id.replace(':', "%3A").replace('/', "%2F"))
}

/// Waits until the list shows the board in this state, unless the last list did already.
pub(crate) async fn until(boards: &mut Events, id: &str, state: &str) -> Value {
    let shown = |event: &Event| board(&event.data, id)["state"] == state;
    let event = match boards.seen.last() {
        Some(last) if shown(last) => last.clone(),
        _ => boards.until(shown).await,
    };
    board(&event.data, id).clone()
}

fn usb(id: &str, port: &str, access: Access) -> AttachedPort {
    AttachedPort {
        id: id.to_owned(),
        name: "CP2102N".to_owned(),
        port: port.parse().unwrap(),
        bridge: Some(Bridge::Cp210x),
        product_id: Some(0xEA60),
        access,
    }
}

/// A workbench, and the plug for its ports.
fn with_usb(limits: Limits) -> (TestApp, watch::Sender<Vec<AttachedPort>>) {
    let (plug, ports) = watch::channel(Vec::new());
    (TestApp::with(ServeConfig { ports: PortSource::Given(ports), limits, ..ServeConfig::default() }), plug)
}

/// Runs L15 for a second; the row of the outcome table adds up. The board's clock is the one on the wall: on a busy
/// machine the emulated chip falls behind it, and its program is stopped for overtime.
async fn run_lost_update(visitor: &Visitor, events: &mut Events) {
    let settings = json!({ "kind": "hard", "rate": 1000, "expression": "conditional" });
    let body = json!({ "lesson": "lost-update", "settings": settings, "seconds": 1 });
    let answer = visitor.post("/api/run", body).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text);
    let row = events.until(|event| event.name == "outcome").await.data;
    assert!(["finished", "overtime"].contains(&row["why"].as_str().unwrap()), "{row}");
    let value = |name: &str| row["values"][name].as_i64().unwrap_or_else(|| panic!("no {name} in {row}"));
    assert_eq!(value("count") + value("lost"), value("main_adds") + value("isr_adds"), "{row}");
    assert!(value("isr_adds") > 0 && value("ran") > 0, "{row}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_board_appears_when_it_is_plugged_in_and_lessons_run_on_it() {
    let socket = Socket::new();
    let port = socket.path().to_str().unwrap().to_owned();
    let app = TestApp::with(ServeConfig { boards: vec![port.parse().unwrap()], ..ServeConfig::default() });
    let visitor = app.visitor().await;
    let mut boards = visitor.boards().await;
    until(&mut boards, &port, "absent").await;
    let cabled = CabledBoard::terminal();
    let plugged = Instant::now();
    socket.plug(&cabled);
    until(&mut boards, &port, "free").await;
    assert!(plugged.elapsed() < Duration::from_secs(2), "{:?}", plugged.elapsed());

    let mut events = visitor.events(None).await;
    let taken = visitor.post(&path(&port, "take"), json!({})).await;
    assert_eq!(taken.status, StatusCode::OK, "{}", taken.text);
    let ready = |event: &Event| event.name == "board" && event.data["id"] == *port && event.data["state"] == "ready";
    let said = events.until(ready).await.data;
    assert_eq!(
        (&said["chip"], &said["can"]["hard"], &said["can"]["seed"]),
        (&json!("esp32c3"), &json!(true), &json!(false))
    );
    run_lost_update(&visitor, &mut events).await;

    let slow = visitor.post("/api/speed", json!({ "speed": 0.1 })).await;
    assert_eq!((slow.status, slow.code()), (StatusCode::CONFLICT, "board-real-time"));
    assert_eq!(visitor.post(&path(&port, "give-back"), json!({})).await.status, StatusCode::OK);
    events.until(|event| event.name == "board" && event.data["kind"] == "virtual").await;
    until(&mut boards, &port, "free").await;
    // The virtual board works as before.
    run_lost_update(&visitor, &mut events).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_pins_of_a_board_at_a_cable_are_stamped_by_the_board() {
    let cabled = CabledBoard::network(isrlab::firmware::FLASH_IMAGE).await;
    let port = &cabled.port;
    let app = TestApp::with(ServeConfig { boards: vec![port.parse().unwrap()], ..ServeConfig::default() });
    let visitor = app.visitor().await;
    let mut events = visitor.events(None).await;
    assert_eq!(visitor.post(&path(port, "take"), json!({})).await.status, StatusCode::OK);
    let ready = |event: &Event| event.name == "board" && event.data["id"] == **port && event.data["state"] == "ready";
    assert_eq!(events.until(ready).await.data["can"]["stamps_edges"], true);
    let first = visitor.post("/api/pins", json!({ "want": "news" })).await;
    assert_eq!((first.status, &first.json["source"]), (StatusCode::OK, &json!("board")), "{}", first.text);

    // A pin with a callback, one of the wiring, and one that nobody watches.
    let program = "from machine import Pin\nimport time\na, b, c = [Pin(n, Pin.OUT, value=0) for n in (4, 5, 6)]\n\
        a.irq(lambda p: None)\n\
        for _ in range(6):\n    for p in (a, b, c):\n        p.toggle()\n    time.sleep_ms(5)\n";
    let wiring = json!({ "parts": [{ "kind": "led", "name": "light", "pins": { "anode": 5 } }] });
    let run = json!({ "lesson": "workshop", "program": program, "wiring": wiring, "seconds": 5, "seed": 1 });
    let started = visitor.post("/api/run", run).await;
    assert_eq!(started.status, StatusCode::OK, "{}", started.text);
    events.end_of_run().await;
    let asked = json!({ "want": "news", "record": first.json["record"], "changes": first.json["next_change"] });
    let news = visitor.post("/api/pins", asked).await.json;
    assert_ne!(news["record"], first.json["record"], "another run, another record");
    let levels = |pin: u8| -> Vec<i64> {
        let of_pin = news["changes"].as_array().unwrap().iter().filter(|change| change[1] == pin);
        of_pin.map(|change| change[2].as_i64().unwrap()).collect()
    };
    assert_eq!([levels(4), levels(5), levels(6)], [vec![1, 0, 1, 0, 1, 0], vec![1, 0, 1, 0, 1, 0], vec![]], "{news}");
    assert_eq!(news["pins"][1], json!({ "pin": 5, "name": "light", "level": false }));
    let ticks: Vec<i64> =
        news["changes"].as_array().unwrap().iter().map(|change| change[0].as_i64().unwrap()).collect();
    assert!(ticks.is_sorted() && ticks[11] - ticks[0] >= 25 * 16_000, "{ticks:?}");
    assert_eq!((&news["unseen"], &news["given_up"]), (&json!(0), &json!([])));

    let dump = visitor.post("/api/pins", json!({ "want": "vcd" })).await.json;
    assert!(dump["text"].as_str().unwrap().contains("workshop, seed 1, time-stamped by the board"), "{dump}");
    let trace = visitor.post("/api/pins", json!({ "want": "perfetto" })).await;
    assert_eq!(trace.code(), "interrupts-unseen");
    assert_eq!(visitor.post("/api/pins", json!({ "want": "nothing" })).await.status, StatusCode::OK);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_board_has_one_user_and_the_class_host_can_take_it_back() {
    let cabled = CabledBoard::network(isrlab::firmware::FLASH_IMAGE).await;
    let port = &cabled.port;
    let app = TestApp::with(ServeConfig { boards: vec![port.parse().unwrap()], lan: true, ..ServeConfig::default() });
    let (host, learner, other) =
        (app.visitor().await, app.visitor_from([10, 0, 0, 7]).await, app.visitor_from([10, 0, 0, 8]).await);
    let mut events = learner.events(None).await;
    assert_eq!(learner.post(&path(port, "take"), json!({})).await.status, StatusCode::OK);
    events.until(|event| event.name == "board" && event.data["id"] == **port && event.data["state"] == "ready").await;
    let body = json!({ "lesson": "lost-update", "seconds": 600 });
    assert_eq!(learner.post("/api/run", body).await.status, StatusCode::OK);
    events.until(|event| event.name == "sample" && event.data["run"] == 1000).await;

    for action in ["take", "flash", "give-back"] {
        let refused = other.post(&path(port, action), json!({})).await;
        assert_eq!((refused.status, refused.code()), (StatusCode::CONFLICT, "board-taken"), "{action}");
    }
    let japanese = [("content-type", "application/json"), ("accept-language", "ja")];
    let refused = other.send(Method::POST, &path(port, "take"), &japanese, "{}".to_owned()).await;
    assert!(refused.json["error"]["message"].as_str().unwrap().contains("ほかの人"), "{}", refused.text);
    assert_eq!(board(&other.get("/api/boards").await.json, port)["user"], "another");
    // What others steer is their own board.
    assert_eq!(other.post("/api/stop", json!({})).await.status, StatusCode::OK);
    assert_eq!(board(&learner.get("/api/boards").await.json, port)["state"], "running");

    assert_eq!(host.post(&path(port, "give-back"), json!({})).await.status, StatusCode::OK);
    events.end_of_run().await;
    let notice = events.until(|event| event.name == "notice").await.data;
    assert_eq!(notice["code"], "board-taken-back");
    assert_eq!(other.post(&path(port, "take"), json!({})).await.status, StatusCode::OK);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_board_that_is_unplugged_during_a_run_comes_back_by_itself() {
    let (app, plug) = with_usb(Limits::default());
    let visitor = app.visitor().await;
    let cabled = CabledBoard::terminal();
    let mut boards = visitor.boards().await;
    plug.send_replace(vec![usb("cp210x-42", &cabled.port, Access::Granted)]);
    until(&mut boards, "cp210x-42", "free").await;
    let mut events = visitor.events(None).await;
    assert_eq!(visitor.post(&path("cp210x-42", "take"), json!({})).await.status, StatusCode::OK);
    events
        .until(|event| event.name == "board" && event.data["state"] == "ready" && event.data["kind"] == "attached")
        .await;
    let body = json!({ "lesson": "lost-update", "seconds": 600 });
    assert_eq!(visitor.post("/api/run", body).await.status, StatusCode::OK);
    events.until(|event| event.name == "sample" && event.data["run"] == 1000).await;

    cabled.unplug().await;
    plug.send_replace(Vec::new());
    assert_eq!(events.end_of_run().await.data["why"], "crashed");
    let fault = events.until(|event| event.name == "board" && event.data["state"] == "fault").await.data;
    assert_eq!(fault["code"], "port-lost", "{fault}");
    assert!(fault["hint"].as_str().unwrap().contains("Plug it in again"), "{fault}");

    // The system gives it another name; it is the same board, and still the visitor's.
    let again = CabledBoard::terminal();
    plug.send_replace(vec![usb("cp210x-42", &again.port, Access::Granted)]);
    events.until(|event| event.name == "board" && event.data["state"] == "ready").await;
    run_lost_update(&visitor, &mut events).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_port_that_cannot_be_opened_says_why_and_what_to_do() {
    let (app, plug) = with_usb(Limits::default());
    let visitor = app.visitor().await;
    // Any file will do: a port that another program has open is not opened.
    let device = tempfile::NamedTempFile::new().unwrap();
    let busy_port = device.path().to_str().unwrap().to_owned();
    let mut reader =
        Command::new("sleep").arg("60").stdin(Stdio::from(std::fs::File::open(&busy_port).unwrap())).spawn().unwrap();
    let command = "sudo usermod -aG dialout ada".to_owned();
    let mut unlikely = usb("port-ttyS0", "/dev/null", Access::Granted);
    (unlikely.bridge, unlikely.name) = (None, String::new());
    plug.send_replace(vec![
        usb("cp210x-1", "/dev/null", Access::Denied { command: command.clone() }),
        usb("cp210x-2", &busy_port, Access::Granted),
        unlikely,
    ]);
    let mut boards = visitor.boards().await;
    let denied = until(&mut boards, "cp210x-1", "fault").await;
    assert_eq!((&denied["code"], &denied["command"]), (&json!("port-permission"), &json!(command)));
    let busy = until(&mut boards, "cp210x-2", "fault").await;
    let program = format!("sleep (process {})", reader.id());
    assert_eq!((&busy["code"], &busy["program"]), (&json!("port-busy"), &json!(program)));
    assert!(busy["message"].as_str().unwrap().contains(&program), "{busy}");
    let refused = visitor.post(&path("cp210x-1", "take"), json!({})).await;
    assert_eq!((refused.status, refused.code()), (StatusCode::CONFLICT, "port-permission"));
    let list = visitor.get("/api/boards").await.json;
    assert_eq!(board(&list, "cp210x-1")["user"], Value::Null, "a refused board stays free");
    assert_eq!(list["boards"].as_array().unwrap().last().unwrap()["likely"], false, "{list}");
    let page = visitor.get("/boards").await.text;
    assert!(page.contains(&command) && page.contains("port-permission") && page.contains("port-ttyS0"));
    reader.kill().unwrap();
    reader.wait().unwrap();
    // Looking at the list again is enough.
    visitor.get("/api/boards").await;
    until(&mut boards, "cp210x-2", "free").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_board_is_given_back_when_its_visitor_has_been_away_for_long() {
    let (app, plug) = with_usb(Limits { board_idle: Duration::ZERO, ..Limits::default() });
    let (visitor, other) = (app.visitor().await, app.visitor().await);
    let cabled = CabledBoard::terminal();
    plug.send_replace(vec![usb("cp210x-42", &cabled.port, Access::Granted)]);
    let mut boards = other.boards().await;
    until(&mut boards, "cp210x-42", "free").await;
    let _looking = other.events(None).await;
    assert_eq!(visitor.post(&path("cp210x-42", "take"), json!({})).await.status, StatusCode::OK);
    until(&mut boards, "cp210x-42", "ready").await;
    app.app.benches.reclaim();
    until(&mut boards, "cp210x-42", "free").await;
    assert_eq!(other.post(&path("cp210x-42", "take"), json!({})).await.status, StatusCode::OK);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn only_the_class_host_names_boards() {
    let app = TestApp::with(ServeConfig { lan: true, ..ServeConfig::default() });
    let (host, learner) = (app.visitor().await, app.visitor_from([10, 0, 0, 7]).await);
    let named = json!({ "port": "rfc2217://127.0.0.1:1" });
    let refused = learner.post("/api/boards", named.clone()).await;
    assert_eq!((refused.status, refused.code()), (StatusCode::FORBIDDEN, "host-only"));
    let wrong = host.post("/api/boards", json!({ "port": "not a port" })).await;
    assert_eq!((wrong.status, wrong.code()), (StatusCode::UNPROCESSABLE_ENTITY, "not-a-port"));
    let id = host.post("/api/boards", named).await.json["id"].as_str().unwrap().to_owned();
    assert_eq!(board(&learner.get("/api/boards").await.json, &id)["kind"], "attached");
    let nobody = learner.post(&path(&id, "take"), json!({})).await;
    assert_eq!((nobody.status, nobody.code()), (StatusCode::CONFLICT, "port-unreachable"));
    let removal = path(&id, "").trim_end_matches('/').to_owned();
    let refused = learner.send(Method::DELETE, &removal, &[], String::new()).await;
    assert_eq!(refused.code(), "host-only");
    // The link that the workbench prints makes a host of a browser on the network.
    let mut linked = learner.clone();
    let token = app.app.visitors.host_token();
    let answer = linked.get(&format!("/host/{token}")).await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER);
    assert_eq!(linked.get("/host/wrong").await.status, StatusCode::NOT_FOUND);
    linked.cookie = format!("{}; host={token}", linked.cookie);
    assert_eq!(linked.send(Method::DELETE, &removal, &[], String::new()).await.status, StatusCode::OK);
    assert_eq!(*board(&learner.get("/api/boards").await.json, &id), Value::Null);
}
