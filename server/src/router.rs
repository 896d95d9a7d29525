//! Every route and every layer, in the order in which a request meets them.

use axum::{Router, middleware};

use crate::app::AppState;
use crate::error::{self, Problem};
use crate::routes;

/// Builds the application's router: the one that is served, and the one that tests drive.
pub fn router(app: AppState) -> Router {
    Router::new()
        .merge(routes::pages::routes())
        .fallback(|| async { Problem::PageUnknown })
        .method_not_allowed_fallback(|| async { Problem::MethodNotAllowed })
        .layer(middleware::from_fn(error::answer_in_the_visitors_language))
        .with_state(app)
}
