//! What PostgreSQL says, as the store says it.

use std::error::Error as _;

use deadpool_postgres::PoolError;
use tokio_postgres::Error;
use tokio_postgres::error::SqlState;

use super::super::StoreError;

/// What became of something that was being done.
pub(super) fn failed(doing: &'static str) -> impl Fn(Error) -> StoreError {
    move |error| {
        let Some(code) = error.code() else { return StoreError::Away { doing, cause: told(&error) } };
        // https://www.postgresql.org/docs/current/errcodes-appendix.html: classes 08 and 57 speak of the connection and of an
        // operator who ends it.
        match code {
            &SqlState::UNIQUE_VIOLATION => StoreError::Taken,
            &SqlState::FOREIGN_KEY_VIOLATION => StoreError::Outdated,
            // It goes by: who waits for whom, a standby, too many connections.
            &SqlState::T_R_DEADLOCK_DETECTED
            | &SqlState::T_R_SERIALIZATION_FAILURE
            | &SqlState::LOCK_NOT_AVAILABLE
            | &SqlState::READ_ONLY_SQL_TRANSACTION
            | &SqlState::TOO_MANY_CONNECTIONS => StoreError::Away { doing, cause: told(&error) },
            code if code.code().starts_with("08") || code.code().starts_with("57") => {
                StoreError::Away { doing, cause: told(&error) }
            }
            &SqlState::INSUFFICIENT_PRIVILEGE => {
                let cause = format!(
                    "{}\n  Give this user the database: GRANT CREATE ON DATABASE name TO user\n  [database-rights]",
                    told(&error)
                );
                StoreError::Postgres { doing, cause, full: false }
            }
            code => StoreError::Postgres { doing, cause: told(&error), full: *code == SqlState::DISK_FULL },
        }
    }
}

/// There is no connection.
pub(super) fn away(doing: &'static str, error: &dyn std::error::Error) -> StoreError {
    StoreError::Away { doing, cause: told(error) }
}

/// Whether a database that accepts no connection may accept one soon: it is being started, or restarted.
pub(super) fn may_pass(error: &PoolError) -> bool {
    match error {
        PoolError::Backend(error) => match error.code() {
            Some(code) => code.code().starts_with("08") || code.code().starts_with("57"),
            // It is not there, or not there yet. What an address lacks does not come with time.
            None => error.source().is_some_and(|cause| cause.is::<std::io::Error>()),
        },
        PoolError::Timeout(_) => true,
        _ => false,
    }
}

/// An error with its causes, in one line.
pub(super) fn told(error: &dyn std::error::Error) -> String {
    let mut told = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let words = error.to_string();
        // Some say their cause's words as well.
        if !told.ends_with(&words) {
            told = format!("{told}: {words}");
        }
        cause = error.source();
    }
    told
}
