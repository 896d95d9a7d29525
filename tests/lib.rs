//! End-to-end tests: shared fixtures live here, one file per story beside it.
