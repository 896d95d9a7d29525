//! What hosts and learners do in a class.

use std::collections::BTreeMap;

use course::{Course, Settings};
use serde::Deserialize;
use serde_json::Value;

use super::{Changed, Classes, TRIES, now_s, overtaken, secrets, turn, unless_removed};
use crate::class::{ClassId, ClassProblem, Decided, Member, Nickname, Note, Phase, Push, Question, SeatId};
use crate::error::Problem;
use crate::lock::lock;

/// The longest message or note, in characters.
const MOST_TEXT: usize = 2000;
/// Links of co-teachers in one class.
const MOST_HELPERS: usize = 8;

/// What a host tells all.
#[derive(Clone, Debug, Deserialize)]
#[serde(tag = "tell", rename_all = "snake_case", deny_unknown_fields)]
pub enum Tell {
    /// Go to a lesson.
    Goto {
        /// Its slug.
        lesson: String,
    },
    /// Put the benches of a lesson to these settings.
    Push {
        /// The lesson's slug.
        lesson: String,
        /// Where the controls go.
        settings: Settings,
        /// The seed, where it is to change.
        seed: Option<u32>,
        /// Whether everybody gets a seed of their own.
        #[serde(default)]
        each: bool,
    },
    /// Look up, or go on.
    Eyes {
        /// Which of both.
        on: bool,
    },
    /// Solutions may be opened, or not.
    Solutions {
        /// Which of both.
        open: bool,
    },
    /// A message; an empty one takes the last one away.
    Message {
        /// The words.
        text: String,
    },
    /// Ask a prediction.
    Ask {
        /// The lesson's slug.
        lesson: String,
        /// The prediction in it.
        prediction: String,
    },
    /// Ask it again, after talking.
    Again,
    /// Take the question away.
    Close,
}

impl Classes {
    /// Tells all.
    ///
    /// # Errors
    /// The class has ended, or the course has no such thing.
    pub async fn tell(&self, course: &Course, id: ClassId, tell: Tell) -> Result<(), Problem> {
        let lesson = |slug: &str| course.lesson(slug).ok_or(ClassProblem::Input);
        let room = self.room(id)?;
        room.change(self, |class| {
            if class.ended.is_some() {
                return Err(ClassProblem::Ended.into());
            }
            let told = &mut class.told;
            match tell.clone() {
                Tell::Goto { lesson: slug } => {
                    lesson(&slug)?;
                    told.goto = Some(Note { n: told.number(), text: slug });
                }
                Tell::Push { lesson: slug, settings, seed, each } => {
                    lesson(&slug)?.settings(&settings)?;
                    told.push = Some(Push { n: told.number(), lesson: slug, settings, seed, each });
                }
                Tell::Eyes { on } => told.eyes = on,
                Tell::Solutions { open } => class.solutions = open,
                Tell::Message { text } => {
                    let text = plain(&text);
                    let n = told.number();
                    told.message = (!text.is_empty()).then_some(Note { n, text });
                }
                Tell::Ask { lesson: slug, prediction } => {
                    if !lesson(&slug)?.predictions.iter().any(|known| known.id == prediction) {
                        return Err(ClassProblem::Input.into());
                    }
                    let (before, after) = (BTreeMap::new(), BTreeMap::new());
                    let (n, phase) = (told.number(), Phase::Before);
                    told.question = Some(Question { n, lesson: slug, prediction, phase, before, after, decided: None });
                }
                Tell::Again => match &mut told.question {
                    Some(question) if question.phase == Phase::Before => question.phase = Phase::After,
                    _ => return Err(ClassProblem::QuestionClosed.into()),
                },
                Tell::Close => told.question = None,
            }
            Ok(())
        })
        .await
    }

    /// The board has decided a question.
    ///
    /// # Errors
    /// It is another one by now.
    pub async fn decide(&self, id: ClassId, n: u64, decided: Decided) -> Result<(), Problem> {
        self.room(id)?
            .change(self, |class| match &mut class.told.question {
                Some(question) if question.n == n => {
                    (question.phase, question.decided) = (Phase::Answered, Some(decided.clone()));
                    Ok(())
                }
                _ => Err(ClassProblem::QuestionClosed.into()),
            })
            .await
    }

    /// A learner answers the question.
    ///
    /// # Errors
    /// It is not open, or has no such answer.
    pub async fn answer(&self, course: &Course, member: Member, n: u64, key: String) -> Result<(), Problem> {
        let room = self.room(member.class)?;
        // The others hear of the next phase, and not of every answer.
        room.change_untold(self, |class| {
            let open = class.ended.is_none();
            let Some(question) = class.told.question.as_mut().filter(|question| open && question.n == n) else {
                return Err(ClassProblem::QuestionClosed.into());
            };
            let lesson = course.lesson(&question.lesson);
            let known =
                lesson.and_then(|lesson| lesson.predictions.iter().find(|known| known.id == question.prediction));
            if !known.is_some_and(|known| known.options.iter().any(|option| option.key == key)) {
                return Err(ClassProblem::Input.into());
            }
            if question.answer(member.seat, key.clone()) { Ok(()) } else { Err(ClassProblem::QuestionClosed.into()) }
        })
        .await?;
        room.tell(member.seat);
        Ok(())
    }

    /// A learner raises a hand, or takes it down; so can the host.
    ///
    /// # Errors
    /// There is no such seat.
    pub async fn hand(&self, class: ClassId, seat: SeatId, up: bool) -> Result<(), Problem> {
        self.room(class)?
            .change_seat(self, seat, None, |seat| {
                if seat.hand.is_some() == up {
                    return Ok(Changed::Nothing(()));
                }
                seat.hand = up.then(now_s);
                Ok(Changed::Kept(()))
            })
            .await
    }

    /// The host's note to a learner; an empty one takes it away.
    ///
    /// # Errors
    /// There is no such seat.
    pub async fn note(&self, class: ClassId, seat: SeatId, text: &str) -> Result<(), Problem> {
        let text = plain(text);
        self.room(class)?
            .change_seat(self, seat, None, |seat| {
                let n = seat.note.as_ref().map_or(1, |note| note.n + 1);
                // An empty note keeps its number: the next one is a new one.
                seat.note = Some(Note { n, text: text.clone() });
                Ok(Changed::Kept(()))
            })
            .await
    }

    /// Gives a learner another nickname.
    ///
    /// # Errors
    /// It is taken, or none.
    pub async fn rename(&self, class: ClassId, seat: SeatId, name: &str) -> Result<(), Problem> {
        let name = Nickname::read(name).map_err(ClassProblem::Name)?;
        let room = self.room(class)?;
        for _ in 0..TRIES {
            let taken = room.look(|class| {
                let other = class.named(&name).filter(|other| other.id != seat);
                other.map(|_| class.free_name(&name).shown)
            });
            if let Some(free) = taken {
                return Err(ClassProblem::NameTaken(free).into());
            }
            let renamed = room.change_seat(self, seat, None, |seat| {
                (seat.name, seat.folded) = (name.shown.clone(), name.folded.clone());
                Ok(Changed::Kept(()))
            });
            match renamed.await {
                // Somebody has come in with it at another process.
                Err(Problem::Taken) => self.catch_up(class).await?,
                renamed => return renamed,
            }
        }
        Err(overtaken())
    }

    /// Removes a learner with all their work.
    ///
    /// # Errors
    /// There is no such seat.
    pub async fn remove(&self, class: ClassId, seat: SeatId) -> Result<(), Problem> {
        let room = self.room(class)?;
        {
            let _writing = turn(&room.writing).await?;
            room.look(|class| class.seats.contains_key(&seat).then_some(())).ok_or(ClassProblem::Unknown)?;
            self.store.remove_seat(seat).await?;
            self.see_off(&room, &[seat]);
            room.tell_others(None);
        }
        if room.look(|class| class.told.question.is_none()) {
            return Ok(());
        }
        // What they said to the question goes, too. At another process they may have said it just now.
        let forget = |class: &mut crate::class::Class| {
            class.told.question.as_mut().map(|question| question.forget(seat));
            Ok(())
        };
        room.change_untold(self, forget).await
    }

    /// Another PIN: the one before opens nothing any more, whoever is in stays in.
    ///
    /// # Errors
    /// There is no such class.
    pub async fn new_pin(&self, id: ClassId) -> Result<(), Problem> {
        let _numbering = turn(&self.numbering).await?;
        let room = self.room(id)?;
        loop {
            let pin = self.free_pin()?;
            let changed = room.change(self, |class| {
                class.pin = pin.clone();
                Ok(())
            });
            match changed.await {
                // Another process has given it to a class.
                Err(Problem::Taken) => {}
                changed => {
                    changed?;
                    lock(&self.guesses).forget();
                    return Ok(());
                }
            }
        }
    }

    /// Ends a class: from now on it is only read.
    ///
    /// # Errors
    /// There is no such class.
    pub async fn end(&self, id: ClassId) -> Result<(), Problem> {
        self.room(id)?
            .change(self, |class| {
                class.ended.get_or_insert_with(now_s);
                class.told.eyes = false;
                class.told.question = None;
                Ok(())
            })
            .await
    }

    /// Deletes a class with everything of everybody in it.
    ///
    /// # Errors
    /// There is no such class, or the database failed.
    pub async fn delete(&self, id: ClassId) -> Result<(), Problem> {
        let _numbering = turn(&self.numbering).await?;
        let room = self.room(id)?;
        let _writing = turn(&room.writing).await?;
        self.store.delete_class(id).await?;
        self.clear_out(&room);
        room.tell_others(None);
        Ok(())
    }

    /// Deletes classes in which nothing has happened for so many seconds.
    pub async fn forget_older_than(&self, seconds: i64) {
        let old = match self.shared_now_s().await {
            Ok(now) => now - seconds,
            Err(error) => {
                tracing::warn!(%error, "it is not looked for classes to forget");
                return;
            }
        };
        let is_old = |room: &std::sync::Arc<super::Room>| room.look(|class| (class.touched < old).then_some(class.id));
        for id in self.all().iter().filter_map(is_old) {
            // This process may have slept while others worked.
            let read = unless_removed(self.catch_up(id).await);
            if read.is_err() || self.room(id).ok().as_ref().and_then(is_old).is_none() {
                continue;
            }
            match self.delete(id).await {
                Ok(()) => tracing::info!(class = id.0, "a class is forgotten"),
                Err(problem) => tracing::error!(?problem, class = id.0, "a class cannot be forgotten"),
            }
        }
    }

    /// A link for a co-teacher. It is shown once; what is kept is its hash.
    ///
    /// # Errors
    /// There are many already.
    pub async fn invite(&self, id: ClassId) -> Result<String, Problem> {
        let token = secrets::fresh().map_err(super::joining::no_chance)?;
        self.room(id)?
            .change(self, |class| {
                if class.helpers.len() >= MOST_HELPERS {
                    return Err(ClassProblem::ManyLinks.into());
                }
                class.helpers.insert(secrets::hash(&token));
                Ok(())
            })
            .await?;
        Ok(token)
    }

    /// Takes all links of co-teachers back.
    ///
    /// # Errors
    /// There is no such class.
    pub async fn revoke(&self, id: ClassId) -> Result<(), Problem> {
        self.room(id)?
            .change(self, |class| {
                class.helpers.clear();
                Ok(())
            })
            .await
    }

    /// The class whose co-teacher has this secret.
    #[must_use]
    pub fn helps(&self, token: &str) -> Option<ClassId> {
        let hash = secrets::hash(token);
        self.all().iter().find_map(|room| room.look(|class| class.helpers.contains(&hash).then_some(class.id)))
    }
}

/// A text of the host's: without controls, and not endless.
fn plain(text: &str) -> String {
    let kept = text.trim().chars().filter(|character| !character.is_control() || *character == '\n');
    kept.take(MOST_TEXT).collect()
}

impl Decided {
    /// What a row of the outcome table says to a prediction; `None` if it says nothing.
    #[must_use]
    pub fn of(row: &Value, prediction: &course::lesson::Prediction) -> Option<Self> {
        let right = row["answers"].get(&prediction.id)?.as_str()?.to_owned();
        let values = prediction.shows.iter().filter_map(|name| Some((name.clone(), row["values"].get(name)?.clone())));
        Some(Self { right, values: values.collect() })
    }
}
