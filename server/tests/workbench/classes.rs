//! A class: joining and coming back, what the host sees and says, what comes out, what is left after deleting.

use axum::http::{Method, StatusCode, header};
use isrlab::config::ServeConfig;
use serde_json::{Value, json};

use crate::app::{Answer, TestApp, Visitor};

pub(crate) const LEARNER: [u8; 4] = [10, 0, 0, 7];

pub(crate) struct Hosted {
    pub(crate) app: TestApp,
    pub(crate) host: Visitor,
    pub(crate) id: i64,
}

impl Hosted {
    pub(crate) async fn start(config: ServeConfig) -> Self {
        let app = TestApp::with(config);
        let host = app.stranger().await;
        let fields = "title=10b&lesson=lost-update&lesson=torn-read&seeds=all&seed=7";
        let answer = host.submit("/class", fields).await;
        assert_eq!(answer.status, StatusCode::SEE_OTHER, "{}", answer.text);
        let id = answer.headers[header::LOCATION].to_str().unwrap().rsplit('/').next().unwrap().parse().unwrap();
        Self { app, host, id }
    }

    pub(crate) fn pin(&self) -> String {
        let room = self.app.app.classes.room(isrlab::class::ClassId(self.id)).unwrap();
        room.look(|class| class.pin.digits().to_owned())
    }

    pub(crate) fn api(&self, rest: &str) -> String {
        format!("/api/classes/{}{rest}", self.id)
    }

    pub(crate) async fn tell(&self, body: Value) -> Answer {
        self.host.post(&self.api("/tell"), body).await
    }

    pub(crate) async fn join(&self, name: &str) -> Visitor {
        self.join_from(LEARNER, name).await
    }

    async fn join_from(&self, address: [u8; 4], name: &str) -> Visitor {
        let mut learner = self.app.stranger_from(address).await;
        let answer = learner.submit("/join", &format!("pin={}&name={name}", self.pin())).await;
        assert_eq!(answer.status, StatusCode::SEE_OTHER, "{}", answer.text);
        learner.keep_cookies(&answer);
        learner
    }

    /// The number of a learner's seat.
    pub(crate) fn seat(&self, name: &str) -> i64 {
        let room = self.app.app.classes.room(isrlab::class::ClassId(self.id)).unwrap();
        room.look(|class| class.seats.values().find(|seat| seat.name == name).unwrap().id.0)
    }
}

/// The three words of the page that greets a learner.
async fn words(learner: &Visitor) -> Vec<String> {
    let page = learner.get("/class/me").await.text;
    let list = page.split("three-words").nth(1).expect("the words are shown").split("</ol>").next().unwrap();
    list.split("<strong>").skip(1).map(|rest| rest.split("</strong>").next().unwrap().to_owned()).collect()
}

pub(crate) fn work(program: &str) -> Value {
    json!({ "program": program, "prediction": { "plain": "x" }, "steps": { "predict": true } })
}

#[tokio::test]
async fn a_learner_joins_and_comes_back_on_another_device() {
    let class = Hosted::start(ServeConfig::default()).await;
    let newcomer = class.app.stranger_from(LEARNER).await;
    assert!(newcomer.get("/").await.text.contains("href=\"/join\""), "the page says that a class is open");

    let other_pin = if class.pin() == "000000" { "000001" } else { "000000" };
    let wrong = newcomer.submit("/join", &format!("pin={other_pin}&name=otter")).await;
    assert_eq!(wrong.status, StatusCode::FORBIDDEN);
    assert!(wrong.text.contains("class-pin") && wrong.text.contains("value=\"otter\""), "what was typed stays");

    let learner = class.join("otter").await;
    let taken = newcomer
        .submit("/join", &format!("pin={}&name=%EF%BC%AF%EF%BD%94%EF%BD%94%EF%BD%85%EF%BD%92", class.pin()))
        .await;
    assert_eq!(taken.status, StatusCode::CONFLICT, "full-width letters are the same name");
    assert!(taken.text.contains("class-name-taken") && taken.text.contains("value=\"Otter 2\""), "{}", taken.text);

    let saved = learner.put("/api/lessons/lost-update/work", work("mine = 1")).await;
    assert_eq!(saved.status, StatusCode::OK);
    let words = words(&learner).await;
    assert_eq!(words.len(), 3);
    let wide: String = class.pin().chars().map(|c| char::from_u32(u32::from(c) + 0xFEE0).unwrap()).collect();
    let encoded: String = wide.bytes().map(|byte| format!("%{byte:02X}")).collect();
    let mut tablet = class.app.stranger_from([10, 0, 0, 8]).await;
    let back = tablet
        .submit(
            "/rejoin",
            &format!("pin={encoded}&word1={}&word2={}&word3={}", words[0], words[1].to_uppercase(), words[2]),
        )
        .await;
    assert_eq!(back.status, StatusCode::SEE_OTHER, "{}", back.text);
    tablet.keep_cookies(&back);
    assert_eq!(tablet.get("/api/lessons/lost-update/work").await.json["program"], "mine = 1");

    // The tablet changes hands: the work is the seat's.
    let left = tablet.submit("/class/leave", "to=rejoin").await;
    tablet.keep_cookies(&left);
    assert_eq!(tablet.get("/api/lessons/lost-update/work").await.json["program"], Value::Null);
    assert_eq!(learner.get("/api/lessons/lost-update/work").await.json["program"], "mine = 1");

    let swapped = tablet
        .submit("/rejoin", &format!("pin={}&word1={}&word2={}&word3={}", class.pin(), words[1], words[0], words[2]))
        .await;
    assert!(swapped.status == StatusCode::FORBIDDEN || words[0] == words[1]);
    assert!(swapped.text.contains("class-words"));
}

#[tokio::test]
async fn new_words_and_a_seat_that_is_handed_over_shut_others_out() {
    let class = Hosted::start(ServeConfig::default()).await;
    let learner = class.join("otter").await;
    let old = words(&learner).await;
    let path = class.api(&format!("/seats/{}/words", class.seat("otter")));
    let answer = class.host.post(&path, json!({})).await;
    assert_eq!(answer.json["words"].as_array().unwrap().len(), 3);
    assert!(learner.get("/lessons/lost-update").await.text.contains("data-class-strip"), "devices stay in");
    let form = format!("pin={}&word1={}&word2={}&word3={}", class.pin(), old[0], old[1], old[2]);
    assert_eq!(learner.submit("/rejoin", &form).await.status, StatusCode::FORBIDDEN, "the old words are void");
    class.host.post(&path, json!({ "out": true })).await;
    assert!(!learner.get("/lessons/lost-update").await.text.contains("data-class-strip"));
}

#[tokio::test]
async fn only_failures_count_and_many_of_them_are_told() {
    let class = Hosted::start(ServeConfig::default()).await;
    let pin = class.pin();
    for number in 0..30 {
        class.join_from(LEARNER, &format!("learner{number}")).await;
    }
    let mut host = class.host.hosting(class.id).await;
    let mut refused = 0;
    for number in 0..45 {
        let guesser = class.app.stranger_from([10, 1, (number % 3) as u8, 1]).await;
        let guess = format!("{:06}", (pin.parse::<u32>().unwrap() + 1 + number) % 1_000_000);
        let answer = guesser.submit("/join", &format!("pin={guess}&name=x")).await;
        refused += u32::from(answer.status == StatusCode::TOO_MANY_REQUESTS);
    }
    assert_eq!(refused, 0, "fifteen of each place, and sixty of all");
    // Twenty of this place, and what comes back while they are tried.
    for _ in 0..40 {
        let guesser = class.app.stranger_from([10, 1, 9, 1]).await;
        let answer = guesser.submit("/join", "pin=abcdef&name=x").await;
        refused += u32::from(answer.text.contains("class-wait"));
    }
    assert!(refused >= 4, "{refused}");
    let told = host.until(|event| event.name == "grid" && !event.data["head"]["guessing"].is_null()).await;
    assert!(told.data["head"]["guessing"]["failures"].as_u64().unwrap() >= 30);
    // One click, and whoever is in stays in.
    assert_eq!(class.host.post(&class.api("/pin"), json!({})).await.status, StatusCode::OK);
    assert_ne!(class.pin(), pin);
    let room = class.app.app.classes.room(isrlab::class::ClassId(class.id)).unwrap();
    assert_eq!(room.look(|class| class.seats.len()), 30);
    host.until(|event| event.name == "grid" && event.data["head"]["guessing"].is_null()).await;
}

#[tokio::test]
async fn the_host_sees_everybody_and_is_told_of_changes() {
    let class = Hosted::start(ServeConfig::default()).await;
    let learner = class.join("otter").await;
    let mut host = class.host.hosting(class.id).await;
    let first = host.until(|event| event.name == "grid").await;
    assert_eq!(first.data["rows"][0]["name"], "otter");
    let mut page = learner.events(None).await;
    page.until(|event| event.name == "class").await;

    learner.put("/api/lessons/lost-update/work", work("mine = 1")).await;
    let row = |data: &Value| data["rows"].as_array().unwrap().first().cloned().unwrap_or_default();
    host.until(|event| event.name == "grid" && row(&event.data)["cells"][0] == "100000").await;
    learner.post("/api/class/hand", json!({ "up": true })).await;
    host.until(|event| event.name == "grid" && row(&event.data)["group"] == "hand").await;
    learner.post("/api/class/hand", json!({ "up": false })).await;
    host.until(|event| event.name == "grid" && row(&event.data)["group"] == "working").await;

    let check = learner.post("/api/lessons/lost-update/check", json!({ "program": "import lab\n" })).await;
    assert_eq!((check.status, &check.json["passed"]), (StatusCode::OK, &json!(false)), "{}", check.text);
    host.until(|event| event.name == "grid" && row(&event.data)["cells"][0] == "100000f").await;

    let seat = class.seat("otter");
    let opened = class.host.get(&class.api(&format!("/seats/{seat}"))).await.json;
    assert_eq!((&opened["program"], &opened["checks"]), (&json!("mine = 1"), &json!(1)));
    assert_eq!(opened["check"]["passed"], false);
    let copy = class.host.get(opened["copy"].as_str().unwrap()).await.text;
    assert!(copy.contains("mine = 1"), "the copy has the learner's program");

    class.host.post(&class.api(&format!("/seats/{seat}/note")), json!({ "text": "<b>When</b> does it run?" })).await;
    let noted = page.until(|event| event.name == "class" && !event.data["note"].is_null()).await;
    assert_eq!(noted.data["note"]["text"], "<b>When</b> does it run?");
    class.host.post(&class.api(&format!("/seats/{seat}/name")), json!({ "text": "marten" })).await;
    page.until(|event| event.name == "class" && event.data["name"] == "marten").await;
    let removed = class.host.send(Method::DELETE, &class.api(&format!("/seats/{seat}")), &[], String::new()).await;
    assert_eq!(removed.status, StatusCode::OK);
    page.until(|event| event.name == "class" && event.data["gone"] == true).await;
    host.until(|event| event.name == "grid" && event.data["head"]["seats"] == json!([])).await;
}

#[tokio::test]
async fn what_is_told_reaches_everybody_and_a_late_comer() {
    let class = Hosted::start(ServeConfig::default()).await;
    let learner = class.join("otter").await;
    let mut page = learner.events(None).await;
    page.until(|event| event.name == "class").await;
    assert_eq!(class.tell(json!({ "tell": "eyes", "on": true })).await.status, StatusCode::OK);
    page.until(|event| event.name == "class" && event.data["eyes"] == true).await;
    class.tell(json!({ "tell": "goto", "lesson": "torn-read" })).await;
    class.tell(json!({ "tell": "push", "lesson": "lost-update", "settings": { "kind": "hard" }, "seed": 9 })).await;
    class.tell(json!({ "tell": "message", "text": "ten minutes" })).await;
    let late = class.join("late").await;
    let told = late.events(None).await.until(|event| event.name == "class").await.data;
    assert_eq!(
        (&told["goto"]["text"], &told["push"]["seed"], &told["message"]["text"]),
        (&json!("torn-read"), &json!(9), &json!("ten minutes"))
    );
    for (wrong, code) in [
        (json!({ "tell": "goto", "lesson": "nowhere" }), "class-input"),
        (
            json!({ "tell": "push", "lesson": "lost-update", "settings": { "kind": "medium" }, "seed": null }),
            "control-option",
        ),
        (json!({ "tell": "ask", "lesson": "lost-update", "prediction": "none-such" }), "class-input"),
        (json!({ "tell": "again" }), "class-question-closed"),
    ] {
        let refused = class.tell(wrong.clone()).await;
        assert!(refused.status.is_client_error(), "{wrong}");
        assert!(refused.code() == code || code == "control-option", "{wrong}: {}", refused.text);
    }
    let seed = learner.get("/lessons/lost-update").await.text;
    assert!(seed.contains("\"seed\":7"), "the class's seed is the bench's");
}

#[tokio::test]
async fn a_question_goes_to_the_wall_and_the_board_decides() {
    let class = Hosted::start(ServeConfig::default()).await;
    let lesson = class.app.app.course.lesson("lost-update").unwrap();
    let prediction = &lesson.predictions[0];
    let (id, keys) =
        (prediction.id.clone(), prediction.options.iter().map(|option| option.key.clone()).collect::<Vec<_>>());
    let learners = [class.join("a").await, class.join("b").await, class.join("c").await];
    assert_eq!(
        class.tell(json!({ "tell": "ask", "lesson": "lost-update", "prediction": id })).await.status,
        StatusCode::OK
    );
    let asked = learners[0].events(None).await.until(|event| event.name == "class").await.data["question"].clone();
    let n = asked["asked"]["n"].clone();
    assert_eq!(asked["right"], Value::Null, "nothing is given away");
    for (learner, key) in learners.iter().zip([&keys[0], &keys[0], &keys[1]]) {
        assert_eq!(learner.post("/api/class/answer", json!({ "n": n, "key": key })).await.status, StatusCode::OK);
    }
    let nonsense = learners[0].post("/api/class/answer", json!({ "n": n, "key": "no such" })).await;
    assert_eq!(nonsense.code(), "class-input");
    class.tell(json!({ "tell": "again" })).await;
    learners[0].post("/api/class/answer", json!({ "n": n, "key": keys[1] })).await;
    let decided = class.host.post(&class.api("/decide"), json!({})).await;
    assert_eq!(decided.status, StatusCode::OK, "{}", decided.text);
    let mut host = class.host.hosting(class.id).await;
    let wall = host.until(|event| event.name == "grid").await.data["head"]["question"].clone();
    assert_eq!((&wall["tally"]["before"][&keys[0]], &wall["tally"]["after"][&keys[1]]), (&json!(2), &json!(1)));
    assert_eq!(wall["tally"]["answered"], json!([3, 1, 1]));
    assert_eq!(wall["decided"]["right"], prediction.right.as_str(), "the course says what the board says");
    let late = learners[1].post("/api/class/answer", json!({ "n": n, "key": keys[1] })).await;
    assert_eq!(late.code(), "class-question-closed");
}

#[tokio::test]
async fn learners_are_no_hosts_and_a_co_teacher_is_one_of_this_class() {
    let class = Hosted::start(ServeConfig::default()).await;
    let learner = class.join("otter").await;
    for (method, path) in [
        (Method::POST, class.api("/tell")),
        (Method::POST, class.api("/pin")),
        (Method::POST, class.api("/end")),
        (Method::DELETE, class.api("")),
        (Method::GET, class.api("/seats/1")),
        (Method::GET, format!("/class/{}", class.id)),
        (Method::GET, format!("/class/{}/results.json", class.id)),
        (Method::GET, format!("/events?class={}", class.id)),
    ] {
        let body = if path.ends_with("/tell") { r#"{"tell":"close"}"# } else { "{}" };
        let answer = learner.send(method, &path, &[("content-type", "application/json")], body.to_owned()).await;
        assert_eq!(answer.status, StatusCode::FORBIDDEN, "{path}: {}", answer.text);
    }
    let link = class.host.post(&class.api("/invite"), json!({})).await.json["path"].as_str().unwrap().to_owned();
    let mut helper = class.app.stranger_from([10, 0, 0, 99]).await;
    let answer = helper.get(&link).await;
    helper.keep_cookies(&answer);
    assert_eq!(helper.get(&format!("/class/{}", class.id)).await.status, StatusCode::OK);
    assert_eq!(helper.post(&class.api("/tell"), json!({ "tell": "eyes", "on": true })).await.status, StatusCode::OK);
    assert_eq!(helper.post(&class.api("/end"), json!({})).await.code(), "class-host-only");
    assert_eq!(helper.get("/class/999").await.status, StatusCode::FORBIDDEN);
    class.host.post(&class.api("/revoke"), json!({})).await;
    assert_eq!(helper.get(&format!("/class/{}", class.id)).await.status, StatusCode::FORBIDDEN);
}

#[tokio::test]
async fn a_class_goes_on_after_a_restart_and_goes_to_another_computer() {
    let folder = tempfile::tempdir().unwrap();
    let config = || ServeConfig { data: Some(folder.path().to_owned()), ..ServeConfig::default() };
    let class = Hosted::start(config()).await;
    let learner = class.join("otter").await;
    learner.put("/api/lessons/lost-update/work", work("kept = 1")).await;
    class.tell(json!({ "tell": "message", "text": "go on" })).await;
    let (pin, id, words) = (class.pin(), class.id, words(&learner).await);
    drop(class.host);
    let cookie = learner.cookie.clone();
    drop((learner, class.app));

    let app = TestApp::with(config());
    let mut learner = app.stranger_from(LEARNER).await;
    learner.cookie = cookie;
    assert_eq!(
        learner.get("/api/lessons/lost-update/work").await.json["program"],
        "kept = 1",
        "nobody types anything again"
    );
    let told = learner.events(None).await.until(|event| event.name == "class").await.data;
    assert_eq!((&told["name"], &told["message"]["text"]), (&json!("otter"), &json!("go on")));

    let host = app.stranger().await;
    let table = host.get(&format!("/class/{id}/results.csv")).await;
    assert!(table.text.starts_with('\u{feff}') && table.text.contains("otter"), "{}", table.text);
    assert_eq!(table.text.trim_end().lines().count(), 3, "a row for each learner and lesson");
    let everything = host.get(&format!("/class/{id}/results.json")).await.text;
    let elsewhere = TestApp::new();
    let other_host = elsewhere.stranger().await;
    let padded = format!("{}{everything}", " ".repeat(300 * 1024));
    let brought = other_host.send(Method::POST, "/api/classes", &[], padded.clone()).await;
    assert_eq!(brought.status, StatusCode::OK, "larger than what learners may send: {}", brought.text);
    let there = brought.json["path"].as_str().unwrap().to_owned();
    let stranger = elsewhere.stranger_from(LEARNER).await;
    assert_eq!(stranger.send(Method::POST, "/api/classes", &[], padded).await.status, StatusCode::PAYLOAD_TOO_LARGE);
    assert_eq!(stranger.send(Method::POST, "/api/classes", &[], "{}".into()).await.code(), "class-host-only");
    assert_eq!(other_host.send(Method::POST, "/api/classes", &[], "{}".into()).await.code(), "class-file");
    let mut tablet = elsewhere.stranger_from(LEARNER).await;
    let form = format!("pin={pin}&word1={}&word2={}&word3={}", words[0], words[1], words[2]);
    let back = tablet.submit("/rejoin", &form).await;
    assert_eq!(back.status, StatusCode::SEE_OTHER, "PIN and words go along");
    tablet.keep_cookies(&back);
    assert_eq!(tablet.get("/api/lessons/lost-update/work").await.json["program"], "kept = 1");
    let again = elsewhere.stranger().await.get(&format!("{there}/results.csv")).await.text;
    assert_eq!(again, table.text, "the same table");
    for bad in ["", "{}", "{\"isrlab_class\":2}", "{\"isrlab_class\":1}", "[1]"] {
        assert!(isrlab::class::Everything::read(bad).is_err(), "{bad}");
    }
}

#[tokio::test]
async fn a_closed_solution_is_not_sent_to_whom_it_is_closed() {
    let class = Hosted::start(ServeConfig::default()).await;
    let course = &class.app.app.course;
    let holds = |page: &str, slug: &str| page.contains(&course::python::html(&course.lesson(slug).unwrap().solution));
    let see = async |visitor: &Visitor, slug: &str| holds(&visitor.get(&format!("/lessons/{slug}")).await.text, slug);
    let learner = class.join("otter").await;
    let outside = class.app.stranger_from([10, 0, 0, 77]).await;
    assert!(!see(&learner, "lost-update").await && !see(&learner, "how-late").await, "the class's host closed them");
    assert!(!see(&outside, "lost-update").await, "to leave the class opens nothing");
    assert!(see(&outside, "how-late").await, "a lesson that no class is at is as ever");
    assert!(see(&class.host, "lost-update").await, "the host prepares");
    for visitor in [&learner, &outside, &class.host] {
        let files = visitor.get("/api/lessons").await.json;
        assert_eq!(files["15-lost-update/solution.py"], "# The page shows it.\n", "a board in a tab needs none");
        let copied = visitor.get("/lessons/lost-update?prepare").await.text;
        assert_eq!(holds(&copied, "lost-update"), std::ptr::eq(visitor, &raw const class.host));
    }
    class.tell(json!({ "tell": "solutions", "open": true })).await;
    assert!(see(&learner, "lost-update").await && see(&outside, "lost-update").await);
    class.tell(json!({ "tell": "solutions", "open": false })).await;
    class.host.post(&class.api("/end"), json!({})).await;
    assert!(
        !see(&learner, "lost-update").await && see(&outside, "lost-update").await,
        "an ended class asks nobody else"
    );
}

#[tokio::test]
async fn an_old_class_is_forgotten() {
    let class = Hosted::start(ServeConfig::default()).await;
    class.app.app.classes.forget_older_than(3600).await;
    assert_eq!(class.host.get(&format!("/class/{}", class.id)).await.status, StatusCode::OK);
    class.app.app.classes.forget_older_than(-10).await;
    assert_eq!(class.host.get(&format!("/class/{}", class.id)).await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn a_class_may_have_a_language_for_whoever_has_chosen_none() {
    let class = Hosted::start(ServeConfig::default()).await;
    let started = class.host.submit("/class", "title=10c&lesson=torn-read&lesson=lost-update&seed=1&pages=ja").await;
    let id: i64 = started.headers[header::LOCATION].to_str().unwrap().rsplit('/').next().unwrap().parse().unwrap();
    let room = class.app.app.classes.room(isrlab::class::ClassId(id)).unwrap();
    let pin = room.look(|class| class.pin.digits().to_owned());
    assert_eq!(room.look(|class| class.lessons.clone()), ["torn-read", "lost-update"], "in the order of the form");
    for (name, cookie, japanese) in [("one", "", true), ("two", "; lang=en", false)] {
        let mut learner = class.app.stranger_from(LEARNER).await;
        learner.cookie.push_str(cookie);
        let joined = learner.submit("/join", &format!("pin={pin}&name={name}")).await;
        learner.keep_cookies(&joined);
        let page = learner.get("/class/me").await.text;
        assert_eq!(page.contains("<html lang=\"ja\""), japanese, "{name}");
        let words = words(&learner).await;
        assert_eq!(words.iter().all(|word| word.is_ascii()), !japanese, "{words:?}");
    }
}

#[tokio::test]
async fn pages_for_learners_and_hosts_are_there_in_both_languages() {
    let class = Hosted::start(ServeConfig::default()).await;
    let learner = class.join("otter").await;
    learner.put("/api/lessons/lost-update/work", work("mine = <1>")).await;
    let seat = class.seat("otter");
    for language in ["en", "ja"] {
        let get = async |visitor: &Visitor, path: &str| {
            let headers = [("accept-language", language), ("accept", "text/html")];
            let answer = visitor.send(Method::GET, path, &headers, String::new()).await;
            assert_eq!(answer.status, StatusCode::OK, "{path}");
            assert!(answer.text.contains(&format!("<html lang=\"{language}\"")), "{path}");
            assert!(!answer.text.contains(">class."), "{path}: a key is shown");
            assert!(!answer.text.contains(" style=\""), "{path}: inline style");
            answer.text
        };
        for path in ["/join", "/rejoin", "/class/me", "/class/privacy", "/class/help"] {
            get(&learner, path).await;
        }
        for path in ["", "/show", "/wall"] {
            get(&class.host, &format!("/class/{}{path}", class.id)).await;
        }
        get(&class.host, "/class").await;
        // On a projector is the bench and nobody's name; a learner's page says whose it is all the same.
        let copy = format!("/lessons/lost-update?projector&copy={}.{seat}", class.id);
        for path in ["/lessons/lost-update?projector", "/workshop?projector", &copy] {
            let large = get(&class.host, path).await;
            assert!(large.contains("data-projector-choice") && large.contains("data-run-row"), "{path}");
            assert!(!large.contains("class=\"app-bar\"") && !large.contains("otter"), "{path}");
        }
        assert!(get(&class.host, &copy).await.contains("mine = &#60;1&#62;"), "the copy is the learner's program");
        let own = get(&learner, "/lessons/lost-update?projector").await;
        assert!(own.contains("data-class-strip") && !own.contains("data-projector-choice"));
        let results = get(&class.host, &format!("/class/{}/learners/{seat}", class.id)).await;
        assert!(results.contains("mine = &#60;1&#62;"), "a program is text");
        assert_eq!(get(&learner, "/class/me/results").await.matches("mine = ").count(), 1);
    }
}
