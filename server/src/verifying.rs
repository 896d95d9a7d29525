//! Checks that browsers report, run again: from the program alone, with the check's own settings and seeds, while nobody
//! waits for a turn. Until then they count as reported.

use std::sync::Arc;
use std::time::Duration;

use serde_json::json;

use crate::app::AppState;
use crate::store::{Proof, StoreError, WaitingCheck};
use crate::threads::in_background;
use course::Language;
use workbench::check as exercise;
use workbench::headless::RunError;
use workbench::judge;

/// After a failure it is tried again.
const AGAIN: Duration = Duration::from_secs(5);

/// Where several processes share the reports: how often it is looked for some that one has left behind.
const LEFT_BEHIND: Duration = Duration::from_secs(30);

/// Runs reported checks, the oldest first, for as long as somebody polls it. What a killed server has not come to is done by
/// the next one.
pub async fn verify_reported(app: AppState) {
    loop {
        match app.store.waiting_check().await {
            Ok(Some(check)) => {
                if !verify(&app, check).await {
                    tokio::time::sleep(AGAIN).await;
                }
            }
            Ok(None) => {
                let wait = app.store.others().map_or(Duration::MAX, |_| LEFT_BEHIND);
                // Who is told of none looks all the same: another process may have ended with some of its own.
                _ = tokio::time::timeout(wait, app.reported.notified()).await;
            }
            Err(error) => {
                tracing::error!(%error, "reported checks cannot be read");
                tokio::time::sleep(AGAIN).await;
            }
        }
    }
}

/// Runs one check and keeps what it came to. False: not now.
async fn verify(app: &AppState, check: WaitingCheck) -> bool {
    let Some(lesson) = app.course.lesson(&check.lesson).cloned() else {
        // The course that it was reported of had this lesson.
        return settle(app, check, None).await;
    };
    let Ok(mut turn) = app.benches.checks.wait_idle(&Arc::default()).await else { return false };
    let (booted, program) = (app.benches.booted().clone(), check.program.clone());
    let job = in_background(move || {
        let runs = exercise::runs(&lesson, &program, &booted, &mut |_| turn.go_on().is_ok());
        turn.ended();
        // Nobody reads its words.
        runs.map(|checked| judge::verdict(&lesson, &checked, Language::default()).passed)
    });
    match job.await {
        Ok(Ok(passed)) => settle(app, check, Some(passed)).await,
        Ok(Err(RunError::Cancelled)) => false,
        Ok(Err(error)) => {
            tracing::error!(%error, lesson = check.lesson, "a reported check cannot be run");
            settle(app, check, None).await
        }
        Err(error) => {
            tracing::error!(%error, lesson = check.lesson, "a reported check ended badly");
            settle(app, check, None).await
        }
    }
}

async fn settle(app: &AppState, check: WaitingCheck, passed: Option<bool>) -> bool {
    let (visitor, lesson) = (check.visitor, check.lesson.clone());
    match app.store.settle_check(check, passed).await {
        Ok(Some(proof @ (Proof::Verified | Proof::Refused))) => {
            let told = json!({ "lesson": lesson, "proof": proof });
            app.benches.desk(visitor).feed.publish_json("proof", &told);
            if let Err(problem) = app.classes.settled(visitor, &lesson, proof == Proof::Verified).await {
                tracing::error!(code = problem.code(), "a class does not hear of a check that was run again");
            }
            true
        }
        // Who was removed meanwhile waits for nothing.
        Ok(_) | Err(StoreError::Removed) => true,
        Err(error) => {
            tracing::error!(%error, "what a reported check came to is not kept");
            false
        }
    }
}
