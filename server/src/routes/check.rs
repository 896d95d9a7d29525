//! The check of an exercise: a job beside the visitor's board, with progress as events.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use axum::Json;
use axum::extract::{Path, State};
use serde_json::json;

use super::json::Body;
use crate::app::AppState;
use crate::error::Problem;
use crate::language::Visiting;
use crate::store::Proof;
use crate::threads::in_background;
use crate::turns::Turns;
use crate::visitor::Visitor;
use workbench::asked::{AskedCheck, lesson};
use workbench::check as exercise;
use workbench::judge::{self, Verdict};
use workbench::progress;

/// How often the page hears of the progress.
const PROGRESS_INTERVAL: Duration = Duration::from_millis(250);

/// `POST /api/lessons/{slug}/check`: answered with the verdict. A check that is begun while another
/// one is going on gives that one up.
pub(crate) async fn check(
    State(app): State<AppState>,
    visitor: Visitor,
    Visiting(language): Visiting,
    Path(slug): Path<String>,
    Body(asked): Body<AskedCheck>,
) -> Result<Json<Verdict>, Problem> {
    let lesson = lesson(&app.course, &slug)?.clone();
    let program = asked.program()?;
    app.classes.may_write(visitor.member)?;
    // A check needs no board: it is there for everybody, however many use the boards.
    let desk = app.benches.desk(visitor.id);
    let given_up = desk.check.begin();
    let _abandoned = Abandoned(Arc::clone(&given_up), app.benches.checks.clone());
    let feed = Arc::clone(&desk.feed);
    feed.publish_json("check", &progress::check_begins(&lesson));
    let mut turn = app.benches.checks.wait(visitor.client(), &given_up).await?;
    let booted = app.benches.booted().clone();
    let job = in_background(move || {
        let mut told = Instant::now();
        let mut no_turn = None;
        let runs = exercise::runs(&lesson, &program, &booted, &mut |at| {
            if told.elapsed() >= PROGRESS_INTERVAL {
                told = Instant::now();
                feed.publish_json("check", &progress::check(&lesson, at, language));
            }
            no_turn = turn.go_on().err();
            no_turn.is_none()
        });
        match (no_turn, runs) {
            (Some(no_turn), _) => Err(Problem::from(no_turn)),
            (None, Ok(checked)) => {
                turn.ended();
                Ok(judge::verdict(&lesson, &checked, language))
            }
            (None, Err(error)) => {
                tracing::error!(%error, "a check failed");
                Err(Problem::Internal)
            }
        }
    });
    let verdict = match job.await {
        Ok(verdict) => verdict?,
        Err(error) => {
            tracing::error!(%error, "a check ended badly");
            return Err(Problem::Internal);
        }
    };
    let mut kept = serde_json::to_value(&verdict).unwrap_or_default();
    app.store.save_check(visitor.id, slug.clone(), kept.clone()).await?;
    app.classes.checked(visitor.id, &slug, verdict.passed, true).await?;
    kept["lesson"] = slug.into();
    kept["state"] = "done".into();
    desk.feed.publish_json("check", &kept);
    if verdict.passed {
        desk.feed.publish_json("proof", &json!({ "lesson": kept["lesson"], "proof": Proof::Verified }));
    }
    Ok(Json(verdict))
}

/// Gives a job up when whoever asked for it has gone away: nobody would hear of it.
pub(super) struct Abandoned(pub(super) Arc<AtomicBool>, pub(super) Turns);

impl Drop for Abandoned {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
        self.1.look();
    }
}
