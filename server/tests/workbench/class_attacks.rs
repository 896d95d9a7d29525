//! A class in adverse hands: forged requests, hostile names and files, everybody at once, and what is still under way when
//! somebody loses a seat, a link or the class.

use std::collections::BTreeSet;

use axum::http::{Method, StatusCode, header};
use isrlab::class::Everything;
use isrlab::config::ServeConfig;
use serde_json::{Value, json};

use crate::app::{TestApp, Visitor};
use crate::classes::{Hosted, LEARNER, work};

/// Everything that only a host may ask, with a body that would be taken.
fn requests_of_a_host(class: &Hosted, seat: i64) -> Vec<(Method, String, Value)> {
    let id = class.id;
    let api = |rest: &str| class.api(rest);
    let of_seat = |rest: &str| class.api(&format!("/seats/{seat}{rest}"));
    let question = class.app.app.course.lesson("lost-update").unwrap().predictions[0].id.clone();
    vec![
        (Method::POST, api("/tell"), json!({ "tell": "eyes", "on": true })),
        (Method::POST, api("/tell"), json!({ "tell": "solutions", "open": true })),
        (Method::POST, api("/tell"), json!({ "tell": "message", "text": "x" })),
        (Method::POST, api("/tell"), json!({ "tell": "goto", "lesson": "torn-read" })),
        (Method::POST, api("/tell"), json!({ "tell": "ask", "lesson": "lost-update", "prediction": question })),
        (Method::POST, api("/decide"), json!({})),
        (Method::POST, api("/sample"), json!({ "lesson": "lost-update", "settings": {} })),
        (Method::POST, api("/pin"), json!({})),
        (Method::POST, api("/end"), json!({})),
        (Method::POST, api("/invite"), json!({})),
        (Method::POST, api("/revoke"), json!({})),
        (Method::DELETE, api(""), json!({})),
        (Method::POST, "/api/classes".into(), json!({})),
        (Method::GET, of_seat(""), json!({})),
        (Method::DELETE, of_seat(""), json!({})),
        (Method::POST, of_seat("/note"), json!({ "text": "x" })),
        (Method::POST, of_seat("/name"), json!({ "text": "x" })),
        (Method::POST, of_seat("/words"), json!({ "out": true })),
        (Method::POST, of_seat("/hand"), json!({})),
        (Method::GET, format!("/class/{id}"), json!({})),
        (Method::GET, format!("/class/{id}/show"), json!({})),
        (Method::GET, format!("/class/{id}/wall"), json!({})),
        (Method::GET, format!("/class/{id}/sampler"), json!({})),
        (Method::GET, format!("/class/{id}/results.csv"), json!({})),
        (Method::GET, format!("/class/{id}/results.json"), json!({})),
        (Method::GET, format!("/class/{id}/learners/{seat}"), json!({})),
        (Method::GET, format!("/lessons/lost-update?copy={id}.{seat}"), json!({})),
        (Method::GET, format!("/lessons/lost-update?projector&copy={id}.{seat}"), json!({})),
        (Method::GET, format!("/events?class={id}"), json!({})),
    ]
}

#[tokio::test]
async fn nobody_but_a_host_gets_anything_of_the_others() {
    let class = Hosted::start(ServeConfig::default()).await;
    let (victim, learner) = (class.join("victim").await, class.join("learner").await);
    victim.put("/api/lessons/lost-update/work", work("the_victims_program = 1")).await;
    let seat = class.seat("victim");
    // A learner of this class, somebody in none, a co-teacher of another class, and secrets that were made up.
    let stranger = class.app.stranger_from(LEARNER).await;
    let other = class.host.submit("/class", "title=11c&lesson=torn-read&seeds=all&seed=1").await;
    let other = other.headers[header::LOCATION].to_str().unwrap().rsplit('/').next().unwrap().to_owned();
    let link = class.host.post(&format!("/api/classes/{other}/invite"), json!({})).await.json["path"].clone();
    let mut helper = class.app.stranger_from(LEARNER).await;
    let opened = helper.get(link.as_str().unwrap()).await;
    helper.keep_cookies(&opened);
    let mut liar = class.app.stranger_from(LEARNER).await;
    liar.cookie.push_str(&format!("; host={}; helper={}; seat={}.en-1-2-3", "0".repeat(32), "", "0".repeat(96)));
    for who in [&learner, &stranger, &helper, &liar] {
        for (method, path, body) in requests_of_a_host(&class, seat) {
            let answer =
                who.send(method.clone(), &path, &[("content-type", "application/json")], body.to_string()).await;
            assert_eq!(answer.status, StatusCode::FORBIDDEN, "{method} {path}: {}", answer.text);
            assert!(!answer.text.contains("the_victims_program"), "{path}");
        }
    }
    let room = class.app.app.classes.room(isrlab::class::ClassId(class.id)).unwrap();
    assert!(room.look(|class| class.seats.len() == 2 && class.told == isrlab::class::Told::default()));
    // Requests of a learner's own say of nobody else whose they are.
    let forged = learner.post("/api/class/hand", json!({ "up": true, "seat": seat })).await;
    assert_eq!(forged.code(), "bad-json", "{}", forged.text);
    for who in [&stranger, &helper, &liar] {
        assert_eq!(who.post("/api/class/hand", json!({ "up": true })).await.code(), "class-not-in");
        assert_eq!(who.post("/api/class/answer", json!({ "n": 1, "key": "x" })).await.code(), "class-not-in");
    }
    // From another site's page, whoever's browser it is.
    for who in [&learner, &class.host] {
        let headers = [("content-type", "application/json"), ("origin", "http://evil.example")];
        for path in [class.api("/tell"), "/api/class/hand".to_owned(), "/class/leave".to_owned()] {
            let answer = who.send(Method::POST, &path, &headers, "{}".to_owned()).await;
            assert_eq!(answer.code(), "wrong-origin", "{path}");
        }
    }
}

#[tokio::test]
async fn a_seats_cookie_opens_that_seat_and_cannot_be_bent() {
    let class = Hosted::start(ServeConfig::default()).await;
    let (one, other) = (class.join("one").await, class.join("other").await);
    one.put("/api/lessons/lost-update/work", work("of_one = 1")).await;
    let seat_of = |visitor: &Visitor| {
        let seat = visitor.cookie.split("; ").find_map(|cookie| cookie.strip_prefix("seat=")).unwrap();
        seat.split('.').next().unwrap().to_owned()
    };
    let (own, wanted) = (seat_of(&other), seat_of(&one));
    // Every digit of the own secret towards the wanted one, one after the other and all that say whose it is.
    let bent = (0..own.len()).filter(|at| own.as_bytes()[*at] != wanted.as_bytes()[*at]).map(|at| {
        let mut bent = own.clone();
        bent.replace_range(at..=at, &wanted[at..=at]);
        bent
    });
    let whole = [format!("{}{}", &wanted[..64], &own[64..]), wanted.to_uppercase() + "0", wanted[..94].to_owned()];
    for secret in bent.chain(whole) {
        let mut visitor = other.clone();
        visitor.cookie = format!("{}; seat={secret}", visitor.cookie.split("; ").next().unwrap());
        let work = visitor.get("/api/lessons/lost-update/work").await.json;
        assert_eq!(work["program"], Value::Null, "{secret}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn thirty_join_at_once_and_one_name_is_had_by_one() {
    let class = Hosted::start(ServeConfig::default()).await;
    let pin = class.pin();
    let mut joining = tokio::task::JoinSet::new();
    for number in 0..40 {
        let pin = pin.clone();
        // Thirty with names of their own, ten who all want the same, however they write it.
        let name = if number < 30 {
            format!("learner {number}")
        } else {
            ["Otter", "OTTER", "%EF%BD%8Ftter"][number % 3].into()
        };
        let mut learner = class.app.stranger_from([10, 0, (number % 7) as u8, 7]).await;
        joining.spawn(async move {
            let answer = learner.submit("/join", &format!("pin={pin}&name={name}")).await;
            learner.keep_cookies(&answer);
            (answer.status, learner)
        });
    }
    let mut learners = Vec::new();
    let mut taken = 0;
    while let Some(joined) = joining.join_next().await {
        match joined.unwrap() {
            (StatusCode::SEE_OTHER, learner) => learners.push(learner),
            (status, _) => {
                assert_eq!(status, StatusCode::CONFLICT);
                taken += 1;
            }
        }
    }
    assert_eq!((learners.len(), taken), (31, 9));
    let room = class.app.app.classes.room(isrlab::class::ClassId(class.id)).unwrap();
    let words: BTreeSet<_> = room.look(|class| class.seats.values().map(|seat| seat.words).collect());
    assert_eq!(words.len(), 31, "nobody has another one's words");
    for (number, learner) in learners.iter().enumerate() {
        learner.put("/api/lessons/lost-update/work", work(&format!("of = {number}"))).await;
    }
    for (number, learner) in learners.iter().enumerate() {
        let work = learner.get("/api/lessons/lost-update/work").await.json;
        assert_eq!(work["program"], format!("of = {number}"));
    }
}

fn encoded(text: &str) -> String {
    text.bytes().map(|byte| format!("%{byte:02X}")).collect()
}

#[tokio::test]
async fn hostile_names_and_notes_are_text_everywhere() {
    let class = Hosted::start(ServeConfig::default()).await;
    let long = "x".repeat(25);
    for (typed, code) in
        [("", "class-name-empty"), (" \u{202E}\u{200B}\u{3000}", "class-name-empty"), (&*long, "class-name-long")]
    {
        let learner = class.app.stranger_from(LEARNER).await;
        let answer = learner.submit("/join", &format!("pin={}&name={}", class.pin(), encoded(typed))).await;
        assert!(answer.status == StatusCode::UNPROCESSABLE_ENTITY && answer.text.contains(code), "{typed:?}");
    }
    // As typed, and as it stands in the class and, for formulas, in the table.
    for (typed, shown, cell) in [
        ("\u{202E}gpj.exe", "gpj.exe", "\"gpj.exe\""),
        ("a\u{0}\u{7}b\r\nc", "ab c", "\"ab c\""),
        ("<img src=x>", "<img src=x>", "\"<img src=x>\""),
        ("\"><script>", "\"><script>", "\"\"\"><script>\""),
        ("=1+1", "=1+1", "\"'=1+1\""),
        ("\u{3000}＝SUM(A1)", "=SUM(A1)", "\"'=SUM(A1)\""),
        ("a;=1+1", "a;=1+1", "\"a;=1+1\""),
        ("@cmd,x", "@cmd,x", "\"'@cmd,x\""),
        ("{{7*7}}", "{{7*7}}", "\"{{7*7}}\""),
    ] {
        let learner = class.join(&encoded(typed)).await;
        let seat = class.seat(shown);
        class.host.post(&class.api(&format!("/seats/{seat}/note")), json!({ "text": format!("{typed}!") })).await;
        learner.put("/api/lessons/lost-update/work", work(typed)).await;
        let pages = [
            learner.get("/class/me").await.text,
            learner.get("/lessons/lost-update").await.text,
            learner.get("/class/me/results").await.text,
            class.host.get(&format!("/class/{}/learners/{seat}", class.id)).await.text,
            class.host.get(&format!("/lessons/lost-update?copy={}.{seat}", class.id)).await.text,
        ];
        for page in pages {
            assert!(!page.contains("<img src=x>") && !page.contains("\"><script>\n"), "{typed:?} is markup");
        }
        let table = class.host.get(&format!("/class/{}/results.csv", class.id)).await.text;
        assert!(table.contains(&format!("\r\n{cell},")), "{cell} in {table}");
    }
}

#[tokio::test]
async fn a_class_file_is_not_believed() {
    let class = Hosted::start(ServeConfig::default()).await;
    class.join("otter").await;
    class.join("stoat").await;
    let question = class.app.app.course.lesson("lost-update").unwrap().predictions[0].id.clone();
    class.tell(json!({ "tell": "ask", "lesson": "lost-update", "prediction": question })).await;
    let exported: Value =
        serde_json::from_str(&class.host.get(&format!("/class/{}/results.json", class.id)).await.text).unwrap();
    let elsewhere = TestApp::new();
    let host = elsewhere.stranger().await;
    let bring = async |change: &dyn Fn(&mut Value)| {
        let mut file = exported.clone();
        change(&mut file);
        host.send(Method::POST, "/api/classes", &[], file.to_string()).await
    };
    for (change, code) in [
        (&(|file: &mut Value| file["class"]["pin"] = json!("é")) as &dyn Fn(&mut Value), "class-file"),
        (&|file| file["class"]["pin"] = json!("12345"), "class-file"),
        (&|file| file["class"]["title"] = json!("\u{7} "), "class-file"),
        (&|file| file["learners"][0]["seat"]["name"] = json!("\u{202E}"), "class-file"),
        (&|file| file["learners"][0]["seat"]["name"] = json!("x".repeat(5000)), "class-file"),
        // Another name to the eye of a machine, with what it is compared by made up.
        (&|file| file["learners"][0]["seat"]["name"] = json!("ＳＴＯＡＴ"), "class-same-names"),
    ] {
        let answer = bring(change).await;
        assert_eq!(answer.code(), code, "{}", answer.text);
    }
    assert!(elsewhere.app.classes.all().is_empty(), "nothing of it is kept");
    let answer = bring(&|file| file["learners"][0]["seat"]["name"] = json!(" ot\u{200D}ter\u{202E}")).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text);
    let room = &elsewhere.app.classes.all()[0];
    room.look(|class| {
        let names: Vec<&str> = class.seats.values().map(|seat| seat.name.as_str()).collect();
        assert_eq!(names, ["otter", "stoat"]);
        assert!(class.told.question.is_none(), "its answers would be other learners'");
    });
    assert!(Everything::read(&exported.to_string()).is_ok());
}

#[tokio::test]
async fn whoever_loses_seat_link_or_class_hears_nothing_more() {
    let class = Hosted::start(ServeConfig::default()).await;
    let link = class.host.post(&class.api("/invite"), json!({})).await.json["path"].as_str().unwrap().to_owned();
    let mut helper = class.app.stranger_from([10, 0, 0, 99]).await;
    let answer = helper.get(&link).await;
    helper.keep_cookies(&answer);
    let mut grid = helper.hosting(class.id).await;
    grid.until(|event| event.name == "grid").await;
    class.host.post(&class.api("/revoke"), json!({})).await;
    assert!(grid.ends_with("class").await["gone"] == true, "the grid is not shown on");

    // The stream of a device that lost its seat ends with all that the seat's board says.
    for lost in ["/words", ""] {
        let learner = class.join("otter").await;
        let mut page = learner.tab_events().await;
        page.until(|event| event.name == "class").await;
        let seat = class.api(&format!("/seats/{}", class.seat("otter")));
        if lost.is_empty() {
            class.host.send(Method::DELETE, &seat, &[], String::new()).await;
        } else {
            class.host.post(&format!("{seat}{lost}"), json!({ "out": true })).await;
        }
        assert!(page.ends_with("class").await["gone"] == true, "{lost}");
        assert_eq!(learner.get("/api/lessons/lost-update/work").await.json["program"], Value::Null);
        if !lost.is_empty() {
            class.host.send(Method::DELETE, &seat, &[], String::new()).await;
        }
    }

    let learner = class.join("late").await;
    let (mut page, mut grid) = (learner.tab_events().await, class.host.hosting(class.id).await);
    page.until(|event| event.name == "class").await;
    grid.until(|event| event.name == "grid").await;
    class.host.send(Method::DELETE, &class.api(""), &[], String::new()).await;
    assert!(page.ends_with("class").await["gone"] == true && grid.ends_with("class").await["gone"] == true);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_under_way_for_a_removed_learner_is_not_kept() {
    let folder = tempfile::tempdir().unwrap();
    let class = Hosted::start(ServeConfig { data: Some(folder.path().to_owned()), ..ServeConfig::default() }).await;
    let learner = class.join("otter").await;
    let mut page = learner.tab_events().await;
    let checked = learner.clone();
    let program = "# a_check_under_way\nimport lab\n";
    let check =
        tokio::spawn(
            async move { checked.post("/api/lessons/lost-update/check", json!({ "program": program })).await },
        );
    page.until(|event| event.name == "check").await;
    let seat = class.api(&format!("/seats/{}", class.seat("otter")));
    let removed = class.host.send(Method::DELETE, &seat, &[], String::new()).await;
    assert_eq!(removed.status, StatusCode::OK, "{}", removed.text);
    // It came to its end before, or to nothing.
    let answer = check.await.unwrap();
    assert!(answer.status == StatusCode::OK || answer.code() == "class-not-in", "{}", answer.text);
    let rows = rusqlite::Connection::open(folder.path().join("isrlab.sqlite3")).unwrap();
    for table in ["work", "outcome", "waiting_check", "seat"] {
        let kept: i64 = rows.query_row(&format!("SELECT COUNT(*) FROM {table}"), [], |row| row.get(0)).unwrap();
        assert_eq!(kept, 0, "{table}");
    }
}

#[tokio::test]
async fn answers_of_a_removed_learner_are_not_counted() {
    let class = Hosted::start(ServeConfig::default()).await;
    let lesson = class.app.app.course.lesson("lost-update").unwrap();
    let (question, key) = (lesson.predictions[0].id.clone(), lesson.predictions[0].options[0].key.clone());
    let learners = [class.join("a").await, class.join("b").await];
    class.tell(json!({ "tell": "ask", "lesson": "lost-update", "prediction": question })).await;
    let n = class.app.app.classes.all()[0].look(|class| class.told.question.as_ref().unwrap().n);
    for learner in &learners {
        assert_eq!(learner.post("/api/class/answer", json!({ "n": n, "key": key })).await.status, StatusCode::OK);
    }
    let seat = class.api(&format!("/seats/{}", class.seat("a")));
    class.host.send(Method::DELETE, &seat, &[], String::new()).await;
    let wall = class.host.hosting(class.id).await.until(|event| event.name == "grid").await.data;
    assert_eq!(wall["head"]["question"]["tally"]["answered"], json!([1, 0, 0]));
}

#[tokio::test]
async fn an_ended_class_takes_nothing_from_anybody() {
    let class = Hosted::start(ServeConfig::default()).await;
    let learner = class.join("otter").await;
    let lesson = class.app.app.course.lesson("lost-update").unwrap();
    let row = json!({
        "lesson": "lost-update", "settings": {}, "changed": [], "program": "lesson", "seconds": 1, "seed": 1,
        "why": "finished", "values": { "lost": 1 }, "verdict": null, "answers": {},
    });
    assert_eq!(learner.post("/api/lessons/lost-update/outcomes", row.clone()).await.status, StatusCode::OK);
    class.host.post(&class.api("/end"), json!({})).await;
    let criteria = lesson.exercise.criteria.len() + usize::from(lesson.explorer.is_some());
    let report =
        json!({ "program": "x", "passed": true, "criteria": vec![json!({ "ok": true, "measured": {} }); criteria] });
    for (method, path, body) in [
        (Method::PUT, "/api/lessons/lost-update/work", work("x")),
        (Method::POST, "/api/lessons/lost-update/outcomes", row),
        (Method::DELETE, "/api/lessons/lost-update/outcomes", json!({})),
        (Method::POST, "/api/lessons/lost-update/checks", report),
        (Method::POST, "/api/lessons/lost-update/check", json!({ "program": "x" })),
        (Method::POST, "/api/class/hand", json!({ "up": true })),
        (Method::POST, "/api/class/answer", json!({ "n": 1, "key": "x" })),
    ] {
        let answer = learner.send(method, path, &[("content-type", "application/json")], body.to_string()).await;
        assert_eq!(answer.code(), "class-ended", "{path}: {}", answer.text);
    }
    for told in [
        json!({ "tell": "eyes", "on": true }),
        json!({ "tell": "message", "text": "x" }),
        json!({ "tell": "solutions", "open": true }),
    ] {
        assert_eq!(class.tell(told).await.code(), "class-ended");
    }
    let kept = learner.get("/api/lessons/lost-update/work").await.json;
    assert_eq!(kept["outcomes"].as_array().unwrap().len(), 1, "and what was there can be read");
}
