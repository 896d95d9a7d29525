//! The application: its components, built once and shared by every request.

use std::ops::Deref;
use std::sync::Arc;

use crate::config::ServeConfig;

/// Everything the routes work with.
#[derive(Debug)]
pub struct App {
    /// What the operator set.
    pub config: ServeConfig,
}

impl App {
    /// Builds the application from its configuration.
    #[must_use]
    pub fn new(config: ServeConfig) -> Self {
        Self { config }
    }
}

/// The application as axum hands it to handlers: a shared [`App`].
#[derive(Clone, Debug)]
pub struct AppState(Arc<App>);

impl From<App> for AppState {
    fn from(app: App) -> Self {
        Self(Arc::new(app))
    }
}

impl Deref for AppState {
    type Target = App;

    fn deref(&self) -> &App {
        &self.0
    }
}
