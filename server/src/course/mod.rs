//! The course: lessons as data, loaded and checked.
