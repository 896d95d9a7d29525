//! The race explorer on the page: every arrival tried, beside the visitor's board, and single ones in detail.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use axum::Json;
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use serde_json::json;
use tokio::sync::oneshot;

use super::board::{DONE, Done};
use super::check::Abandoned;
use super::json::Body;
use crate::app::AppState;
use crate::error::Problem;
use crate::threads::in_background;
use crate::turns::NoTurn;
use crate::visitor::Visitor;
use workbench::asked::{AskedArrival, AskedExploration, lesson};
use workbench::explore::{self, ExploreError, NotExplored, Played};
use workbench::progress;

/// How often the page hears of the progress.
const PROGRESS_INTERVAL: Duration = Duration::from_millis(100);

/// `POST /api/lessons/{slug}/explore`: answered with the report when every arrival is tried. One that is
/// begun while another one is going on gives that one up.
pub(crate) async fn explore(
    State(app): State<AppState>,
    visitor: Visitor,
    Path(slug): Path<String>,
    Body(asked): Body<AskedExploration>,
) -> Result<Response, Problem> {
    let lesson = lesson(&app.course, &slug)?.clone();
    let pairs = asked.pairs;
    let request = asked.request(&lesson)?;
    let desk = app.benches.desk(visitor.id);
    let given_up = desk.explored.jobs.begin();
    let _abandoned = Abandoned(Arc::clone(&given_up), app.benches.checks.clone());
    let feed = Arc::clone(&desk.feed);
    feed.publish_json("explore", &progress::exploration(&lesson, 0, 0));
    let turn = app.benches.checks.wait(visitor.client(), &given_up).await.map_err(no_turn);
    let booted = app.benches.booted().clone();
    let told = Arc::clone(&feed);
    let job = turn.map(|mut turn| {
        in_background(move || {
            let mut next = Instant::now();
            let (exploration, report) = explore::whole(&lesson, request, pairs, &booted, &mut |done, of| {
                if next <= Instant::now() {
                    next = Instant::now() + PROGRESS_INTERVAL;
                    told.publish_json("explore", &progress::exploration(&lesson, done, of));
                }
                turn.go_on().is_ok()
            })?;
            // A newer one is not driven out by an older one that finished all the same.
            if is_set(&given_up) {
                return Err(ExploreError::Cancelled);
            }
            turn.ended();
            desk.explored.keep(exploration);
            Ok(Json(report).into_response())
        })
    });
    let answer = match job {
        Ok(job) => finish(job.await),
        Err(problem) => Err(problem),
    };
    let state = match &answer {
        Ok(_) => json!({ "lesson": slug, "state": "done" }),
        Err(problem) => json!({ "lesson": slug, "state": "failed", "code": problem.code() }),
    };
    feed.publish_json("explore", &state);
    answer
}

/// `POST /api/lessons/{slug}/explore/at`: one arrival in detail. From the window that the visitor explored
/// last it takes milliseconds; any other window is opened first.
pub(crate) async fn at(
    State(app): State<AppState>,
    visitor: Visitor,
    Path(slug): Path<String>,
    Body(asked): Body<AskedArrival>,
) -> Result<Json<Played>, Problem> {
    let lesson = lesson(&app.course, &slug)?.clone();
    let (at, second) = (asked.at, asked.second);
    let request = asked.request(&lesson)?;
    let desk = app.benches.desk(visitor.id);
    let (seat, known) = (Arc::clone(&desk), request.clone());
    let slug = lesson.slug.clone();
    let job = in_background(move || {
        seat.explored.with(&slug, &known, |exploration| exploration.play(at, second)).transpose()
    });
    if let Some(played) = finish(job.await)? {
        return Ok(Json(played));
    }
    let given_up = Arc::default();
    let turn = app.benches.checks.wait(visitor.client(), &given_up).await.map_err(no_turn)?;
    let booted = app.benches.booted().clone();
    let job = in_background(move || {
        let mut exploration = explore::open(&lesson, request, &booted)?;
        let played = exploration.play(at, second)?;
        turn.ended();
        desk.explored.keep(exploration);
        Ok(played)
    });
    finish(job.await).map(Json)
}

/// `POST /api/lessons/{slug}/explore/cancel`
pub(crate) async fn cancel(
    State(app): State<AppState>,
    visitor: Visitor,
    Path(slug): Path<String>,
) -> Result<Json<Done>, Problem> {
    lesson(&app.course, &slug)?;
    app.benches.desk(visitor.id).explored.jobs.cancel();
    app.benches.checks.look();
    Ok(DONE)
}

/// Why an exploration found no turn.
fn no_turn(no_turn: NoTurn) -> Problem {
    match no_turn {
        NoTurn::Crowded => Problem::ChecksCrowded,
        NoTurn::GivenUp => Problem::NotExplored(NotExplored::GivenUp),
    }
}

fn is_set(flag: &AtomicBool) -> bool {
    flag.load(Ordering::Relaxed)
}

/// What a blocking job came to.
fn finish<T>(job: Result<Result<T, ExploreError>, oneshot::error::RecvError>) -> Result<T, Problem> {
    match job {
        Ok(result) => Ok(result?),
        Err(error) => {
            tracing::error!(%error, "an exploration ended badly");
            Err(Problem::Internal)
        }
    }
}
