//! A class out of this workbench, and into it.

use std::collections::BTreeMap;

use super::joining::new_visitor;
use super::{Classes, MOST_CLASSES, Room, now_s};
use crate::class::{Class, ClassId, ClassProblem, Everything, Learner, MOST_SEATS, Seat};
use crate::error::Problem;
use crate::lock::lock;

impl Classes {
    /// Everything of a class.
    ///
    /// # Errors
    /// There is no such class, or the database failed.
    pub async fn everything(&self, id: ClassId) -> Result<Everything, Problem> {
        let class = self.room(id)?.look(Class::clone);
        let mut learners = Vec::new();
        for seat in class.seats.values() {
            let mut work = BTreeMap::new();
            for (lesson, _) in self.store.all_work(seat.visitor).await? {
                work.insert(lesson.clone(), self.store.work(seat.visitor, lesson).await?);
            }
            let waiting = self.store.waiting_programs(seat.visitor).await?;
            learners.push(Learner { seat: seat.clone(), progress: seat.work.clone(), work, waiting });
        }
        Ok(Everything::new(class, learners))
    }

    /// Brings a class in. It keeps its PIN where that is free, and everybody's three words.
    ///
    /// # Errors
    /// It has more learners than a class holds, two of one nickname, or the database failed.
    pub async fn bring_in(&self, everything: Everything) -> Result<ClassId, Problem> {
        let _numbering = self.numbering.lock().await;
        let Everything { mut class, mut learners, .. } = everything;
        if lock(&self.rooms).len() >= MOST_CLASSES {
            return Err(ClassProblem::ManyClasses.into());
        }
        if learners.len() > MOST_SEATS {
            return Err(ClassProblem::Full.into());
        }
        let mut names: Vec<&str> = learners.iter().map(|learner| learner.seat.folded.as_str()).collect();
        names.sort_unstable();
        if names.windows(2).any(|pair| pair[0] == pair[1]) {
            return Err(ClassProblem::SameNames.into());
        }
        if self.has_pin(&class.pin) {
            class.pin = self.free_pin()?;
        }
        // Links of another computer open nothing here, and it does not begin to be forgotten at once.
        class.helpers.clear();
        class.touched = now_s();
        for learner in &mut learners {
            learner.seat = Seat { visitor: new_visitor()?, epoch: 0, hand: None, ..learner.seat.clone() };
        }
        let id = self.store.import_class(&class, learners).await?;
        let store = self.store.clone();
        let read = tokio::task::spawn_blocking(move || store.classes()).await.map_err(|_| Problem::Internal)?;
        let class = read?.into_iter().find(|class| class.id == id).ok_or(ClassProblem::Unknown)?;
        lock(&self.seats).extend(class.seats.values().map(|seat| (seat.visitor, (id, seat.id))));
        lock(&self.rooms).insert(id, std::sync::Arc::new(Room::new(class)));
        Ok(id)
    }
}
