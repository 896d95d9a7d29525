//! `--database`: a school's PostgreSQL in the place of a data folder.

use clap::Args;

use crate::store::DatabaseUrl;

/// Where the database is, where it is no file.
#[derive(Clone, Debug, Args)]
pub(super) struct DatabaseOption {
    /// A PostgreSQL that several processes work on, such as `postgres://isrlab:password@localhost/isrlab`, in the place of the
    /// data folder. An address with a password in it is better given as ISRLAB_DATABASE: others see a command line.
    #[arg(long = "database", value_name = "URL", env = "ISRLAB_DATABASE", hide_env_values = true)]
    url: Option<DatabaseUrl>,
}

impl DatabaseOption {
    /// The database, if one is named.
    pub(super) fn url(self) -> Option<DatabaseUrl> {
        self.url
    }
}
