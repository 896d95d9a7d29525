//! The bytes of protocol version 1. Never change an expectation here: boards in drawers speak it.
//! A new message or field gets a new test below.
#![allow(clippy::unwrap_used, reason = "a test may")]

use protocol::board::*;
use protocol::host::{self, HostMessage, Unreadable};
use protocol::{frame, received};

#[track_caller]
fn board_says(message: BoardMessage<'_>, json: &str) {
    let mut buffer = [0; protocol::MAX_FRAME_BYTES];
    let len = frame::write(&message, &mut buffer).expect("fits");
    assert_eq!(std::str::from_utf8(&buffer[..len]).unwrap(), format!("\u{1e}{json}\n"));
    let read = received::parse(json.as_bytes()).expect("the host reads what the board writes");
    let again: serde_json::Value = serde_json::to_value(&read).unwrap();
    let pinned: serde_json::Value = serde_json::from_str(json).unwrap();
    for (key, value) in pinned.as_object().unwrap() {
        if key != "src" {
            assert_eq!(&again[key], value, "field {key} survives the host's reading");
        }
    }
}

#[track_caller]
fn host_says(message: HostMessage<'_>, json: &str) {
    let mut buffer = [0; protocol::MAX_FRAME_BYTES];
    let len = frame::write(&message, &mut buffer).expect("fits");
    assert_eq!(std::str::from_utf8(&buffer[..len]).unwrap(), format!("\u{1e}{json}\n"));
    assert_eq!(host::parse(json.as_bytes()), Ok(message));
}

#[test]
fn hello() {
    board_says(
        BoardMessage::Hello(Hello {
            v: 1,
            fw: "0.1.0",
            mpy: "1.25.0",
            chip: "esp32c3",
            cpu_hz: 160_000_000,
            boots: 2,
            caps: &["hard", "soft"],
        }),
        r#"{"t":"hello","v":1,"fw":"0.1.0","mpy":"1.25.0","chip":"esp32c3","cpu_hz":160000000,"boots":2,"caps":["hard","soft"]}"#,
    );
}

#[test]
fn sample() {
    let source = Source {
        id: "t0",
        hard: false,
        hz: 1000,
        expected: 12_400,
        fired: 12_400,
        missed: 0,
        ran: 12_399,
        dropped: 0,
        queued: 1,
        disabled: false,
        lat: Latency { min: 3, p50: 4, p99: 7, max: 12, bins: &[1, 2], from: 6 },
    };
    board_says(
        BoardMessage::Sample(Sample {
            n: 7,
            us: 13_000_000,
            run: 1,
            run_us: 12_400_000,
            src: &[source],
            q: 1,
            qmax: 2,
            main: 3_841_206,
            stall_max: 15,
            locked_max: 0,
            exc: 0,
            lost_frames: 0,
            bad_bytes: 0,
            v: Numbers(&[("count", 3_848_268), ("lost", 5337)]),
            h: Lists(&[("H", &[1, 2, 3])]),
        }),
        r#"{"t":"sample","n":7,"us":13000000,"run":1,"run_us":12400000,"src":[{"id":"t0","hard":false,"hz":1000,"expected":12400,"fired":12400,"missed":0,"ran":12399,"dropped":0,"queued":1,"disabled":false,"lat":{"min":3,"p50":4,"p99":7,"max":12,"bins":[1,2],"from":6}}],"q":1,"qmax":2,"main":3841206,"stall_max":15,"locked_max":0,"exc":0,"lost_frames":0,"bad_bytes":0,"v":{"count":3848268,"lost":5337},"h":{"H":[1,2,3]}}"#,
    );
}

#[test]
fn events() {
    let at = |what| BoardMessage::Event(Event { n: 1, us: 2, run: 3, what });
    board_says(
        at(What::Mark { mark: 4, value: -5 }),
        r#"{"t":"event","n":1,"us":2,"run":3,"what":{"kind":"mark","mark":4,"value":-5}}"#,
    );
    board_says(
        at(What::Exception { context: "hard", class: "MemoryError", text: "heap \"is\" locked" }),
        r#"{"t":"event","n":1,"us":2,"run":3,"what":{"kind":"exception","context":"hard","class":"MemoryError","text":"heap \"is\" locked"}}"#,
    );
    board_says(
        at(What::Disabled { source: "t0" }),
        r#"{"t":"event","n":1,"us":2,"run":3,"what":{"kind":"disabled","source":"t0"}}"#,
    );
    board_says(
        at(What::Guard { source: "t0", starved_ms: 200 }),
        r#"{"t":"event","n":1,"us":2,"run":3,"what":{"kind":"guard","source":"t0","starved_ms":200}}"#,
    );
    board_says(
        at(What::Control { name: "rate", value: 1000 }),
        r#"{"t":"event","n":1,"us":2,"run":3,"what":{"kind":"control","name":"rate","value":1000}}"#,
    );
    board_says(
        at(What::Trace { trigger: "lost", points: &[TracePoint { ns: -11_800, lane: Lane::Main, value: 261 }] }),
        r#"{"t":"event","n":1,"us":2,"run":3,"what":{"kind":"trace","trigger":"lost","points":[[-11800,0,261]]}}"#,
    );
    board_says(
        at(What::Overflow { marks: 9 }),
        r#"{"t":"event","n":1,"us":2,"run":3,"what":{"kind":"overflow","marks":9}}"#,
    );
}

#[test]
fn edges() {
    let at = |what| BoardMessage::Event(Event { n: 1, us: 2, run: 3, what });
    board_says(
        at(What::Edges { ticks: 1 << 40, levels: Some(1025), edges: &[], lost: 0, given_up: 0 }),
        r#"{"t":"event","n":1,"us":2,"run":3,"what":{"kind":"edges","ticks":1099511627776,"levels":1025,"edges":[],"lost":0,"given_up":0}}"#,
    );
    let edges = [PinEdge { after: 0, pin: 10, what: 0 }, PinEdge { after: 1600, pin: 4, what: 3 }];
    board_says(
        at(What::Edges { ticks: 5, levels: None, edges: &edges, lost: 2, given_up: 16 }),
        r#"{"t":"event","n":1,"us":2,"run":3,"what":{"kind":"edges","ticks":5,"edges":[[0,10,0],[1600,4,3]],"lost":2,"given_up":16}}"#,
    );
}

#[test]
fn done_and_ack() {
    board_says(
        BoardMessage::Done(Done { n: 1, us: 2, run: 3, why: "stopped", sleep: None }),
        r#"{"t":"done","n":1,"us":2,"run":3,"why":"stopped"}"#,
    );
    board_says(BoardMessage::Ack(Ack { id: 9, ok: true, err: None }), r#"{"t":"ack","id":9,"ok":true}"#);
    board_says(
        BoardMessage::Ack(Ack { id: 9, ok: false, err: Some("busy") }),
        r#"{"t":"ack","id":9,"ok":false,"err":"busy"}"#,
    );
}

#[test]
fn a_deep_sleep_is_told_with_what_wakes_the_board_and_then_with_what_has() {
    let done = |sleep| BoardMessage::Done(Done { n: 1, us: 2, run: 3, why: "deep_sleep", sleep: Some(sleep) });
    board_says(
        done(Sleep { ms: Some(1000), pins: 4, high: true, woken: None }),
        r#"{"t":"done","n":1,"us":2,"run":3,"why":"deep_sleep","sleep":{"ms":1000,"pins":4,"high":true}}"#,
    );
    board_says(
        done(Sleep { ms: None, pins: 0, high: false, woken: Some("pin") }),
        r#"{"t":"done","n":1,"us":2,"run":3,"why":"deep_sleep","sleep":{"pins":0,"high":false,"woken":"pin"}}"#,
    );
}

#[test]
fn host_messages() {
    host_says(HostMessage::Greet { id: 1, v: 1 }, r#"{"t":"greet","id":1,"v":1}"#);
    host_says(HostMessage::Farewell { id: 2 }, r#"{"t":"farewell","id":2}"#);
    host_says(
        HostMessage::SetNumber { id: 3, name: "rate", value: -1 },
        r#"{"t":"set_number","id":3,"name":"rate","value":-1}"#,
    );
    host_says(
        HostMessage::SetChoice { id: 4, name: "cure", choice: "mutex" },
        r#"{"t":"set_choice","id":4,"name":"cure","choice":"mutex"}"#,
    );
    host_says(
        HostMessage::Start { id: 5, run: 1, limit_ms: 30_000 },
        r#"{"t":"start","id":5,"run":1,"limit_ms":30000}"#,
    );
    host_says(HostMessage::Stop { id: 6 }, r#"{"t":"stop","id":6}"#);
    host_says(HostMessage::Watch { id: 9, pins: 1040 }, r#"{"t":"watch","id":9,"pins":1040}"#);
    host_says(HostMessage::Unwatch { id: 10 }, r#"{"t":"unwatch","id":10}"#);
    host_says(HostMessage::Request { id: 7, what: "hello" }, r#"{"t":"request","id":7,"what":"hello"}"#);
    host_says(HostMessage::Baud { id: 8, baud: 921_600 }, r#"{"t":"baud","id":8,"baud":921600}"#);
}

#[test]
fn a_board_answers_what_it_cannot_do() {
    assert_eq!(host::parse(br#"{"t":"dance","id":3}"#), Err(Unreadable::Unknown(3)));
    assert_eq!(host::parse(br#"{"t":"set_number","id":4,"name":"rate"}"#), Err(Unreadable::Unknown(4)));
    assert_eq!(host::parse(br#"{"t":"stop"}"#), Err(Unreadable::Malformed));
    assert_eq!(host::parse(br#"{"t":"stop","id":-1}"#), Err(Unreadable::Malformed));
    assert_eq!(host::parse(b"{"), Err(Unreadable::Malformed));
}

#[test]
fn later_versions_may_append_fields() {
    assert_eq!(
        host::parse(br#"{"t":"stop","id":6,"hard":true,"list":[1,{"a":"b"}]}"#),
        Ok(HostMessage::Stop { id: 6 })
    );
    let hello =
        r#"{"t":"hello","v":2,"fw":"9","mpy":"9","chip":"esp32c6","cpu_hz":1,"boots":0,"caps":[],"moon":"full"}"#;
    assert!(received::parse(hello.as_bytes()).is_ok());
}
