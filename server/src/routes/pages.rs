//! The pages: course index, bench and boards.

use axum::Router;

use crate::app::AppState;

/// The routes of the pages, merged into the application's router.
pub(crate) fn routes() -> Router<AppState> {
    Router::new()
}
