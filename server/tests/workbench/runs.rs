//! Runs on the page: samples, live changes, checks, and the same numbers as on the command line.

use axum::http::StatusCode;
use course::{Setting, Settings};
use serde_json::json;
use workbench::headless;
use workbench::record::RunRequest;

use super::app::TestApp;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_run_on_the_page_measures_what_the_command_line_measures() {
    let app = TestApp::new();
    let visitor = app.visitor().await;
    let mut events = visitor.events(None).await;
    assert_eq!(visitor.post("/api/speed", json!({ "speed": 0 })).await.status, StatusCode::OK);
    let course = isrlab::lessons::embedded().unwrap();
    let lesson = course.lesson("lost-update").unwrap();
    // Twice: the second run must not see anything of the first one.
    for seed in [7, 7, 8] {
        let changed = Settings::from([("kind".to_owned(), Setting::Text("hard".into()))]);
        let body = json!({ "lesson": "lost-update", "settings": changed, "seconds": 1, "seed": seed });
        assert_eq!(visitor.post("/api/run", body).await.status, StatusCode::OK);
        let row = events.until(|event| event.name == "outcome").await.data;
        let request = RunRequest {
            lesson: lesson.slug.clone(),
            program: lesson.program.clone(),
            own_program: false,
            driver: None,
            settings: lesson.settings(&changed).unwrap(),
            seconds: 1,
            seed,
            wiring: lesson.wiring.clone(),
        };
        let mut drive = isrlab::firmware::booted().unwrap().fresh(seed).unwrap();
        let record = headless::run(&mut drive, &request, &mut |_| true).unwrap();
        assert_eq!(row["values"], serde_json::Value::Object(record.numbers()), "seed {seed}");
        assert!(row["values"]["lost"].as_i64().unwrap() > 0);
        assert_eq!(row["why"], "finished");
        // A page that is opened or loaded again shows the row.
        let page = visitor.get("/lessons/lost-update").await.text;
        assert!(page.contains(&row.to_string()), "{row} is not on the page");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_control_changes_during_the_run() {
    let app = TestApp::new();
    let visitor = app.visitor().await;
    let mut events = visitor.events(None).await;
    let body = json!({ "lesson": "lost-update", "settings": { "rate": 1000 }, "seconds": 600 });
    assert_eq!(visitor.post("/api/run", body.clone()).await.status, StatusCode::OK);
    let busy = visitor.post("/api/run", body).await;
    assert_eq!((busy.status, busy.code()), (StatusCode::CONFLICT, "board-busy"));
    let ran_for = |event: &super::app::Event, hz: u32, us: u64| {
        let data = &event.data;
        event.name == "sample"
            && data["src"][0]["hz"] == hz
            && data["run_us"].as_u64().is_some_and(|run_us| run_us >= us)
    };
    events.until(|event| ran_for(event, 1000, 700_000)).await;
    let set = json!({ "lesson": "lost-update", "name": "rate", "value": 250 });
    assert_eq!(visitor.post("/api/set", set).await.status, StatusCode::OK);
    let changed = events.until(|event| ran_for(event, 250, 0)).await.data["run_us"].as_u64().unwrap();
    events.until(|event| ran_for(event, 250, changed + 1_200_000)).await;
    let changes =
        |event: &super::app::Event| event.data["what"]["kind"] == "control" && event.data["what"]["name"] == "rate";
    assert!(events.seen.iter().any(changes), "the change is an event of the board");
    assert_eq!(visitor.post("/api/stop", json!({})).await.status, StatusCode::OK);
    // Each stretch with one rate has a row of its own, judged, and only the last one was stopped.
    let mut ran = Vec::new();
    for (part, rate, why) in [(1, 1000, "changed"), (2, 250, "stopped")] {
        let row = events.until(|event| event.name == "outcome").await.data;
        assert_eq!((&row["part"], &row["parts"]), (&json!(part), &json!(2)), "{row}");
        assert_eq!((&row["settings"]["rate"], &row["why"]), (&json!(rate), &json!(why)), "{row}");
        assert_eq!((&row["verdict"], &row["values"]["lost"]), (&json!(2), &json!(0)), "{row}");
        assert_eq!(row["answers"]["plain"], "zero", "{row}");
        ran.push(row["values"]["ran"].as_f64().unwrap() / row["seconds"].as_f64().unwrap());
    }
    assert!((900.0..1100.0).contains(&ran[0]) && (225.0..275.0).contains(&ran[1]), "{ran:?} callbacks a second");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_program_is_talked_to_interrupted_and_told_what_it_did_wrong() {
    let app = TestApp::new();
    let visitor = app.visitor().await;
    let mut events = visitor.events(None).await;
    let run = |program: &str| json!({ "lesson": "lost-update", "program": program, "seconds": 60 });
    let typed = |text: &str| json!({ "text": text, "lesson": "lost-update" });

    // A question is answered while the program runs.
    visitor.post("/api/run", run("name = input('who? ')\nprint('hello', name)\n")).await;
    events.until(|event| event.name == "console" && event.data["text"].as_str().unwrap().contains("who?")).await;
    visitor.post("/api/console", typed("Ada\r")).await;
    events.until(|event| event.name == "console" && event.data["text"].as_str().unwrap().contains("hello Ada")).await;
    assert_eq!(events.end_of_run().await.data["why"], "finished");

    // Ctrl-C ends a program as Stop does, and is no exception.
    visitor.post("/api/run", run("while True:\n    pass\n")).await;
    events.until(|event| event.name == "run" && event.data["state"] == "running").await;
    // Before the board's interpreter has begun with it, Ctrl-C is a character like others.
    events.until(|event| event.name == "sample" && event.data["run_us"].as_u64() > Some(0)).await;
    visitor.post("/api/console", typed("\u{3}")).await;
    let ended = events.end_of_run().await.data;
    assert_eq!((&ended["why"], &ended["program"]), (&json!("stopped"), &json!("own")));

    // A loop typed at the prompt is stopped, and Ctrl-D restarts the interpreter.
    visitor.post("/api/console", typed("while True: pass\r\r")).await;
    events.until(|event| event.name == "console" && event.data["text"].as_str().unwrap().contains("pass")).await;
    visitor.post("/api/console", typed("\u{3}")).await;
    events
        .until(|event| event.name == "console" && event.data["text"].as_str().unwrap().contains("KeyboardInterrupt"))
        .await;
    visitor.post("/api/console", typed("\u{4}")).await;
    events.until(|event| event.name == "console" && event.data["text"].as_str().unwrap().contains("soft reboot")).await;
    // What is typed while the interpreter begins anew may be lost, as on any board.
    tokio::time::sleep(std::time::Duration::from_millis(500)).await;
    visitor.post("/api/console", typed("6 * 7\r")).await;
    let answer =
        events.until(|event| event.name == "console" && event.data["text"].as_str().unwrap().contains("42")).await;
    assert_eq!(answer.data["lesson"], "lost-update");

    // A mistake has its line and, where its kind is known, advice.
    visitor.post("/api/run", run("def f():\n    return tikc\n\nf()\n")).await;
    let mistake = events.until(|event| event.name == "mistake").await.data;
    assert_eq!(
        (&mistake["line"], &mistake["context"], &mistake["class"]),
        (&json!(2), &json!("main"), &json!("NameError"))
    );
    assert_eq!(mistake["advice"]["code"], "mistake-name");
    events.end_of_run().await;
    // In a hard callback there is room for message and traceback only where the program has made it.
    let buffer = "import micropython\nmicropython.alloc_emergency_exception_buf(100)\n";
    for (before, line) in [("", json!(null)), (buffer, json!(5))] {
        let allocates =
            "import lab\ndef tick(t):\n    return [t]\ntimer = lab.timer(tick)\nwhile lab.running():\n    pass\n";
        let mut body = run(&format!("{before}{allocates}"));
        (body["settings"], body["seconds"]) = (json!({ "kind": "hard" }), json!(1));
        visitor.post("/api/run", body).await;
        let mistake = events.until(|event| event.name == "mistake").await.data;
        assert_eq!((&mistake["line"], &mistake["context"]), (&line, &json!("callback")), "{mistake}");
        assert_eq!(mistake["advice"]["href"], "/lessons/what-allocates");
        events.end_of_run().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_program_without_end_is_over_when_its_time_is() {
    let app = TestApp::new();
    let visitor = app.visitor().await;
    let mut events = visitor.events(None).await;
    let endless = "import lab\ntimer = lab.timer(lambda t: None)\nwhile True:\n    pass\n";
    let body = json!({ "lesson": "lost-update", "program": endless, "seconds": 1 });
    assert_eq!(visitor.post("/api/run", body).await.status, StatusCode::OK);
    assert_eq!(events.end_of_run().await.data["why"], "overtime");
    let row = events.until(|event| event.name == "outcome").await.data;
    assert_eq!((&row["why"], &row["values"]["exc"]), (&json!("overtime"), &json!(0)));
    assert!(!events.seen.iter().any(|event| event.name == "mistake"), "the stop is no mistake of the program");
    // In an exercise the driver has the timer, and the program's part is what does not return.
    let endless =
        "def tick(t):\n    pass\n\ndef main_part(n):\n    while True:\n        pass\n\ndef total():\n    return 0\n";
    let checked = visitor.post("/api/lessons/lost-update/check", json!({ "program": endless })).await.json;
    assert!(checked["message"].as_str().unwrap().contains("time was over"), "{checked}");
    assert_eq!(checked["criteria"][0]["ok"], true, "no exception: {checked}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_paused_board_stands_still_and_can_be_stopped() {
    let app = TestApp::new();
    let visitor = app.visitor().await;
    let mut events = visitor.events(None).await;
    let body = json!({ "lesson": "lost-update", "seconds": 600 });
    assert_eq!(visitor.post("/api/run", body).await.status, StatusCode::OK);
    events.until(|event| event.name == "sample" && event.data["run"] == 1000).await;
    assert_eq!(visitor.post("/api/pause", json!({ "paused": true })).await.status, StatusCode::OK);
    events.until(|event| event.name == "run" && event.data["paused"] == true).await;
    assert_eq!(visitor.post("/api/speed", json!({ "speed": 0.001 })).await.status, StatusCode::OK);
    assert_eq!(visitor.post("/api/stop", json!({})).await.status, StatusCode::OK);
    assert_eq!(events.end_of_run().await.data["why"], "stopped");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_starter_is_refused_and_the_solution_passes() {
    let app = TestApp::new();
    let visitor = app.visitor().await;
    let mut events = visitor.events(None).await;
    let course = isrlab::lessons::embedded().unwrap();
    let lesson = course.lesson("lost-update").unwrap();
    let path = "/api/lessons/lost-update/check";
    let failed = visitor.post(path, json!({ "program": lesson.starter })).await;
    assert_eq!((failed.status, &failed.json["passed"]), (StatusCode::OK, &json!(false)), "{}", failed.text);
    assert!(failed.json["message"].as_str().is_some_and(|message| !message.is_empty()));
    // It is answered with an arrival that loses, ready to be played.
    let arrival = &failed.json["arrivals"];
    assert!(arrival["sentence"].as_str().unwrap().contains("`count`"), "{}", failed.text);
    let at =
        json!({ "program": lesson.starter, "exercise": true, "settings": arrival["settings"], "at": arrival["at"] });
    let played = visitor.post("/api/lessons/lost-update/explore/at", at).await.json;
    assert_eq!((&played["verdict"], &played["word"]), (&arrival["verdict"], &arrival["word"]));
    let passed = visitor.post(path, json!({ "program": lesson.solution })).await;
    assert_eq!(passed.json["passed"], true, "{}", passed.text);
    assert_eq!(passed.json["arrivals"], json!(null));
    events.until(|event| event.name == "check" && event.data["state"] == "done" && event.data["passed"] == true).await;
    let broken = visitor.post(path, json!({ "program": "raise ValueError('no')" })).await;
    assert_eq!(broken.json["passed"], false);
    assert!(broken.json["traceback"].as_str().is_some_and(|text| text.contains("ValueError: no")), "{}", broken.text);
    // One mistake is one message.
    assert_eq!((&broken.json["line"], broken.json["message"].as_str().unwrap().contains("line 1")), (&json!(1), true));
    assert!(
        broken.json["criteria"].as_array().unwrap().iter().all(|criterion| criterion["ok"].is_null()),
        "{}",
        broken.text
    );
    let work = visitor.get("/api/lessons/lost-update/work").await.json;
    assert_eq!((&work["passed"], &work["failures"]), (&json!(true), &json!(2)));
}
