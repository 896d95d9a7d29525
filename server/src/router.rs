//! Every route and every layer, in the order in which a request meets them.

use axum::extract::DefaultBodyLimit;
use axum::routing::{get, post, put};
use axum::{Router, middleware};
use tokio::net::TcpListener;
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::compression::CompressionLayer;

use crate::app::AppState;
use crate::assets;
use crate::connections;
use crate::error::{self, Problem};
use crate::guard;
use crate::routes::{
    board, boards, check, class, class_api, class_host, class_out, course_pages, events, explore, pages, work,
};
use crate::visitor;

/// Builds the application's router: the one that is served, and the one that tests drive.
pub fn router(app: AppState) -> Router {
    let visitors = Router::new()
        .merge(pages::routes())
        .merge(class::routes())
        .merge(class_host::routes())
        .merge(class_api::routes())
        .merge(class_out::routes())
        .merge(course_pages::routes())
        .route("/events", get(events::stream))
        .route("/api/run", post(board::run))
        .route("/api/stop", post(board::stop))
        .route("/api/reset", post(board::reset))
        .route("/api/pause", post(board::pause))
        .route("/api/speed", post(board::speed))
        .route("/api/set", post(board::set))
        .route("/api/console", post(board::console))
        .route("/api/part", post(board::part))
        .route("/api/files", post(board::files))
        .route("/api/pins", post(board::pins))
        .route("/events/boards", get(boards::stream))
        .route("/api/boards", get(boards::list).post(boards::add))
        .route("/api/boards/{id}", axum::routing::delete(boards::remove))
        .route("/api/boards/{id}/take", post(boards::take))
        .route("/api/boards/{id}/give-back", post(boards::give_back))
        .route("/api/boards/{id}/flash", post(boards::flash))
        .route("/api/boards/{id}/flash/cancel", post(boards::cancel_flash))
        .route("/api/lessons/{slug}/work", get(work::read).merge(put(work::save)))
        .route("/api/lessons/{slug}/outcomes", post(work::report_outcome).delete(work::clear_outcomes))
        .route("/api/lessons/{slug}/checks", post(work::report_check))
        .route("/api/lessons", get(work::lesson_files))
        .route("/api/lessons/{slug}/check", post(check::check))
        .route("/api/lessons/{slug}/explore", post(explore::explore))
        .route("/api/lessons/{slug}/explore/at", post(explore::at))
        .route("/api/lessons/{slug}/explore/cancel", post(explore::cancel))
        .layer(middleware::from_fn_with_state(app.clone(), visitor::know));
    // The last layer is the first to see a request.
    Router::new()
        .merge(visitors)
        .merge(assets::routes())
        .fallback(|| async { Problem::PageUnknown })
        .method_not_allowed_fallback(|| async { Problem::MethodNotAllowed })
        .layer(DefaultBodyLimit::max(app.config.limits.body_bytes))
        .layer(middleware::from_fn_with_state(app.clone(), guard::whole_body))
        .layer(CatchPanicLayer::custom(|_| axum::response::IntoResponse::into_response(Problem::Internal)))
        .layer(middleware::from_fn_with_state(app.clone(), guard::guard))
        .layer(middleware::from_fn(error::answer_in_the_visitors_language))
        .layer(CompressionLayer::new())
        .with_state(app)
}

/// Serves the application until `ended`, and then until the last answer is out.
///
/// # Errors
/// The system's error if nothing can be served.
pub async fn serve(
    listener: TcpListener,
    app: AppState,
    ended: impl Future<Output = ()> + Send + 'static,
) -> std::io::Result<()> {
    let (limits, proxy) = (app.config.limits.clone(), app.config.proxy.clone());
    connections::serve(listener, router(app), &limits, proxy.as_ref(), ended).await;
    Ok(())
}
