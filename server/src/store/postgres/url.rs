//! Where the database is, as an operator says it.

use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use tokio_postgres::config::SslMode;
use tokio_postgres_rustls::MakeRustlsConnect;

use super::super::StoreError;
use super::PATIENCE;

/// What every connection asks of the database: the tables are in a schema of their own, and nothing waits or is held for ever.
const OPTIONS: &str = "-c search_path=isrlab -c statement_timeout=30s -c lock_timeout=10s \
    -c idle_in_transaction_session_timeout=30s -c client_min_messages=warning";

/// After so long without a word a connection is tried.
const KEEPALIVE: Duration = Duration::from_secs(20);

/// `postgres://user:password@host/database`, with what else libpq's connection strings know.
#[derive(Clone)]
pub struct DatabaseUrl(tokio_postgres::Config);

impl std::fmt::Debug for DatabaseUrl {
    /// There may be a password in it.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("DatabaseUrl")
    }
}

impl FromStr for DatabaseUrl {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if !text.starts_with("postgres://") && !text.starts_with("postgresql://") {
            return Err("it begins with postgres://, as in postgres://isrlab@localhost/isrlab".to_owned());
        }
        let mut config: tokio_postgres::Config = text.parse().map_err(|error| super::error::told(&error))?;
        let theirs = config.get_options().map(|options| format!(" {options}")).unwrap_or_default();
        config.options(format!("{OPTIONS}{theirs}"));
        if config.get_application_name().is_none() {
            config.application_name("isrlab");
        }
        if !text.contains("keepalives") {
            // A computer that vanished says nothing. Who listens to it is to notice within a minute.
            config.keepalives_idle(KEEPALIVE).keepalives_interval(KEEPALIVE / 2).keepalives_retries(3);
        }
        if config.get_connect_timeout().is_none() {
            config.connect_timeout(PATIENCE);
        }
        Ok(Self(config))
    }
}

impl DatabaseUrl {
    /// How to connect.
    pub(super) fn config(&self) -> tokio_postgres::Config {
        let mut config = self.0.clone();
        if config.get_ssl_mode() == SslMode::Prefer {
            // Many databases show a certificate that nobody has signed. Whoever wants to be sure says sslmode=require.
            config.ssl_mode(SslMode::Disable);
        }
        config
    }

    /// With `sslmode=require`: TLS, and only with a certificate that an authority of this system has signed for that host.
    pub(super) fn tls(&self) -> Result<Option<MakeRustlsConnect>, StoreError> {
        if self.0.get_ssl_mode() != SslMode::Require {
            return Ok(None);
        }
        let failed = |cause: String| StoreError::Away { doing: "opening", cause };
        let mut roots = rustls::RootCertStore::empty();
        let found = rustls_native_certs::load_native_certs();
        roots.add_parsable_certificates(found.certs);
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = rustls::ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(|error| failed(error.to_string()))?;
        Ok(Some(MakeRustlsConnect::new(config.with_root_certificates(roots).with_no_client_auth())))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_read_and_its_password_is_not_shown() {
        let url: DatabaseUrl = "postgres://me:hunter2@db.example/isrlab?options=-c%20work_mem%3D8MB".parse().unwrap();
        let options = url.config().get_options().unwrap().to_owned();
        assert!(options.contains("search_path=isrlab") && options.ends_with("-c work_mem=8MB"), "{options}");
        assert_eq!(url.config().get_ssl_mode(), SslMode::Disable);
        assert!(!format!("{url:?}").contains("hunter2"));
        for wrong in ["data", "mysql://localhost", "postgres://localhost:many/", "postgres://x/y?sslmode=perhaps"] {
            assert!(wrong.parse::<DatabaseUrl>().is_err(), "{wrong}");
        }
        let url: DatabaseUrl = "postgres://db.example/isrlab?sslmode=require".parse().unwrap();
        assert!(url.tls().unwrap().is_some() && url.config().get_ssl_mode() == SslMode::Require);
    }
}
