//! `--database`: a school's PostgreSQL in the place of a data folder.

use anyhow::Context as _;
use clap::Args;

use crate::store::DatabaseUrl;

/// Where the database is, where it is no file.
#[derive(Clone, Args)]
pub(super) struct DatabaseOption {
    /// A PostgreSQL that several processes work on, such as `postgres://isrlab:password@localhost/isrlab`, in the place of the
    /// data folder. An address with a password in it is better given as ISRLAB_DATABASE: others see a command line.
    // A text, and read later: what clap cannot read it prints, password and all.
    #[arg(long = "database", value_name = "URL", env = "ISRLAB_DATABASE", hide_env_values = true)]
    url: Option<String>,
}

impl std::fmt::Debug for DatabaseOption {
    /// There may be a password in it.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("DatabaseOption")
    }
}

impl DatabaseOption {
    /// The database, if one is named.
    pub(super) fn url(&self) -> anyhow::Result<Option<DatabaseUrl>> {
        let read = |url: &String| url.parse().map_err(anyhow::Error::msg);
        self.url.as_ref().map(read).transpose().context("the address of the database cannot be read")
    }
}
