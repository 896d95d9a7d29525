//! Starting a class, coming into one, and coming back.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Instant;

use course::Language;

use super::{Classes, MOST_CLASSES, Room, TRIES, now_s, overtaken, turn, unless_removed};
use crate::class::{
    Class, ClassId, ClassProblem, MOST_SEATS, Nickname, Pin, SALT_BYTES, Seat, SeatId, ThreeWords, Told,
    WORDS_HASH_BYTES,
};
use crate::error::Problem;
use crate::lock::lock;
use crate::place::Place;
use crate::store::{StoreError, VisitorId};

/// What a host says of a class that is to be started.
#[derive(Clone, Debug)]
pub struct NewClass {
    /// Its title.
    pub title: String,
    /// The host's language.
    pub language: Language,
    /// The language of the pages for learners who have chosen none; `None`: what their browsers prefer.
    pub pages: Option<Language>,
    /// The slugs of its lessons, in their order.
    pub lessons: Vec<String>,
    /// One seed for all, or one for each.
    pub seed: Option<u32>,
    /// Whether solutions may be opened.
    pub solutions: bool,
}

/// Somebody who came in.
#[derive(Debug)]
pub struct Joined {
    /// What the seat's cookie holds: the secret, and after a point the words, for the device that they were given out on.
    pub cookie: String,
    /// The class.
    pub class: ClassId,
    /// The language of its pages for whoever has chosen none.
    pub pages: Option<Language>,
}

impl Classes {
    /// Starts a class.
    ///
    /// # Errors
    /// There are too many, or the database failed.
    pub async fn start(&self, new: NewClass) -> Result<ClassId, Problem> {
        let _numbering = turn(&self.numbering).await?;
        if lock(&self.rooms).len() >= MOST_CLASSES {
            return Err(ClassProblem::ManyClasses.into());
        }
        let now = now_s();
        let mut salt = [0; SALT_BYTES];
        getrandom::fill(&mut salt).map_err(no_chance)?;
        let class = Class {
            id: ClassId(0),
            title: new.title,
            language: new.language.tag().to_owned(),
            pages: new.pages.map(|language| language.tag().to_owned()),
            lessons: new.lessons,
            seed: new.seed,
            solutions: new.solutions,
            pin: self.free_pin()?,
            salt,
            started: now,
            ended: None,
            touched: now,
            helpers: BTreeSet::new(),
            told: Told::default(),
            revision: 0,
            seats: BTreeMap::new(),
        };
        self.keep_new(class).await
    }

    /// Keeps a class that is new here. It gets another PIN where another process has given its own to a class.
    async fn keep_new(&self, mut class: Class) -> Result<ClassId, Problem> {
        class.id = loop {
            match self.store.add_class(&class).await {
                Ok(id) => break id,
                Err(StoreError::Taken) => class.pin = self.free_pin()?,
                Err(error) => return Err(error.into()),
            }
        };
        let room = self.furnish(class);
        room.tell_others(None);
        Ok(room.id)
    }

    /// A PIN that no class has.
    pub(super) fn free_pin(&self) -> Result<Pin, Problem> {
        loop {
            let pin = Pin::fresh().map_err(no_chance)?;
            if !self.has_pin(&pin) {
                return Ok(pin);
            }
        }
    }

    pub(super) fn has_pin(&self, pin: &Pin) -> bool {
        self.with_pin(pin).is_some()
    }

    fn with_pin(&self, pin: &Pin) -> Option<Arc<Room>> {
        lock(&self.rooms).values().find(|room| room.look(|class| class.pin == *pin)).cloned()
    }

    /// Lets somebody into the class of a PIN. Words are given out in the language that they have chosen, else in the class's,
    /// else in what their browser prefers.
    ///
    /// # Errors
    /// The PIN is wrong, or was tried too often; the nickname is taken; the class is over.
    pub async fn join(
        &self,
        place: Place,
        pin: &str,
        name: &str,
        chosen: Option<Language>,
        preferred: Language,
    ) -> Result<Joined, Problem> {
        let room = self.try_pin(place, pin).await?;
        let name = Nickname::read(name).map_err(ClassProblem::Name)?;
        room.look(|class| may_join(class, &name))?;
        let language = chosen.or_else(|| room.look(Class::pages)).unwrap_or(preferred);
        let (words, hash) = self.fresh_words(&room, language).await?;
        self.sit_down(&room, &name, words, hash).await
    }

    async fn sit_down(
        &self,
        room: &Arc<Room>,
        name: &Nickname,
        words: ThreeWords,
        hash: [u8; WORDS_HASH_BYTES],
    ) -> Result<Joined, Problem> {
        let _writing = turn(&room.writing).await?;
        for _ in 0..TRIES {
            // Somebody may have been faster, here or at another process.
            let class = room.look(|class| may_join(class, name).map(|()| class.id))?;
            let visitor = VisitorId::of_a_new_seat().map_err(no_chance)?;
            let mut seat = Seat::new(name, visitor, hash, now_s());
            seat.id = match self.store.add_seat(class, &seat).await {
                Ok(id) => id,
                Err(StoreError::Taken | StoreError::Outdated) => {
                    self.read_on(room).await?;
                    continue;
                }
                Err(error) => return Err(error.into()),
            };
            let (id, epoch) = (seat.id, seat.epoch);
            lock(&self.seats).insert(seat.visitor, (class, id));
            lock(&room.class).seats.insert(id, seat);
            room.stir(id);
            let token = self.seat_token(class, id, epoch).map_err(no_chance)?;
            let cookie = format!("{token}.{}", words.to_token());
            return Ok(Joined { cookie, class, pages: room.look(Class::pages) });
        }
        Err(overtaken())
    }

    /// Lets somebody back in who has three words.
    ///
    /// # Errors
    /// PIN or words are wrong, or were tried too often.
    pub async fn come_back(&self, place: Place, pin: &str, words: [&str; 3]) -> Result<Joined, Problem> {
        self.begin(place)?;
        let wrong = || Problem::from(ClassProblem::Words(lock(&self.guesses).wrong(place, Instant::now())));
        let room = self.of_pin(pin).await?.ok_or_else(wrong)?;
        let words = ThreeWords::read(words).ok_or_else(wrong)?;
        let hash = self.hashed(words, room.look(|class| class.salt)).await?;
        let found = room.look(|class| class.with_words(&hash).map(|seat| (class.id, seat.id, seat.epoch)));
        let (class, seat, epoch) = found.ok_or_else(wrong)?;
        lock(&self.guesses).right(place, Instant::now());
        let token = self.seat_token(class, seat, epoch).map_err(no_chance)?;
        Ok(Joined { cookie: format!("{token}.{}", words.to_token()), class, pages: room.look(Class::pages) })
    }

    /// New words for a seat; the old ones are void, and with `others_out` every device that is in.
    ///
    /// # Errors
    /// There is no such seat.
    pub async fn new_words(&self, class: ClassId, seat: SeatId, others_out: bool) -> Result<[String; 3], Problem> {
        let room = self.room(class)?;
        let (words, hash) = self.fresh_words(&room, room.look(Class::language)).await?;
        room.change_seat(self, seat, None, |seat| {
            seat.words = hash;
            seat.epoch += u32::from(others_out);
            Ok(super::Changed::Kept(()))
        })
        .await?;
        Ok(words.shown())
    }

    /// The open class of a PIN.
    async fn try_pin(&self, place: Place, pin: &str) -> Result<Arc<Room>, Problem> {
        self.begin(place)?;
        let Some(room) = self.of_pin(pin).await? else {
            return Err(ClassProblem::Pin(lock(&self.guesses).wrong(place, Instant::now())).into());
        };
        lock(&self.guesses).right(place, Instant::now());
        Ok(room)
    }

    /// The class of a PIN as somebody typed it. Another process may have started it just now, or given it another PIN.
    async fn of_pin(&self, typed: &str) -> Result<Option<Arc<Room>>, Problem> {
        let Some(pin) = Pin::read(typed) else { return Ok(None) };
        match self.with_pin(&pin) {
            Some(room) if self.untold.is_some() => unless_removed(self.catch_up(room.id).await)?,
            None => self.look_everywhere().await?,
            Some(_) => {}
        }
        Ok(self.with_pin(&pin))
    }

    fn begin(&self, place: Place) -> Result<(), Problem> {
        let begun = lock(&self.guesses).begin(place, Instant::now());
        begun.map_err(|wait| {
            // The host is to hear of it while it goes on.
            self.stir_all();
            ClassProblem::Wait(wait.0.as_secs_f64().ceil().max(1.0) as u64).into()
        })
    }

    async fn fresh_words(
        &self,
        room: &Room,
        language: Language,
    ) -> Result<(ThreeWords, [u8; WORDS_HASH_BYTES]), Problem> {
        let salt = room.look(|class| class.salt);
        loop {
            let words = ThreeWords::fresh(language).map_err(no_chance)?;
            let hash = self.hashed(words, salt).await?;
            if room.look(|class| class.with_words(&hash).is_none()) {
                return Ok((words, hash));
            }
        }
    }

    /// Off the threads that answer, few at once.
    async fn hashed(&self, words: ThreeWords, salt: [u8; SALT_BYTES]) -> Result<[u8; WORDS_HASH_BYTES], Problem> {
        let Ok(_turn) = self.hashing.acquire().await else { return Err(Problem::Internal) };
        let hashed = tokio::task::spawn_blocking(move || words.hash(&salt)).await;
        hashed.ok().flatten().ok_or_else(|| {
            tracing::error!("three words cannot be hashed");
            Problem::Internal
        })
    }
}

fn may_join(class: &Class, name: &Nickname) -> Result<(), ClassProblem> {
    if class.ended.is_some() {
        return Err(ClassProblem::Ended);
    }
    if class.named(name).is_some() {
        return Err(ClassProblem::NameTaken(class.free_name(name).shown));
    }
    if class.seats.len() >= MOST_SEATS { Err(ClassProblem::Full) } else { Ok(()) }
}

pub(super) fn no_chance(error: getrandom::Error) -> Problem {
    tracing::error!(%error, "the system gives no random bytes");
    Problem::Internal
}
