//! A class: who may join and how, how far everybody is, who needs help, what the host said to all.
//!
//! All of it is model: values and pure functions, told the time, without I/O. [`crate::classes`] keeps classes in the store
//! and tells the pages of changes.

mod export;
mod guesses;
mod learner;
mod model;
mod nickname;
mod pin;
mod problem;
mod progress;
mod suggested;
mod words;

pub use export::{Everything, Learner, NotAClass, table};
pub use guesses::{Guesses, Guessing, Wait};
pub use learner::{Group, Standing, standing};
pub use model::{
    Class, ClassId, Decided, MOST_SEATS, Member, Note, Phase, Push, Question, Seat, SeatId, Tally, Told, class_title,
};
pub use nickname::{BadNickname, Nickname};
pub use pin::{Pin, shown_pin};
pub use problem::ClassProblem;
pub use progress::{Latest, Progress};
pub use suggested::suggested;
pub use words::{SALT_BYTES, ThreeWords, WORDS_HASH_BYTES};
