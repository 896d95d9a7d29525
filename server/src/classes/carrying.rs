//! A class out of this workbench, and into it.

use std::collections::BTreeMap;

use super::joining::no_chance;
use super::{Classes, MOST_CLASSES, now_s, turn};
use crate::class::{Class, ClassId, ClassProblem, Everything, Learner, MOST_SEATS, Seat};
use crate::error::Problem;
use crate::lock::lock;
use crate::store::{StoreError, VisitorId};

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
        let _numbering = turn(&self.numbering).await?;
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
            let visitor = VisitorId::of_a_new_seat().map_err(no_chance)?;
            learner.seat = Seat { visitor, epoch: 0, hand: None, ..learner.seat.clone() };
        }
        let id = loop {
            match self.store.import_class(&class, learners.clone()).await {
                Ok(id) => break id,
                // Another process has given its PIN to a class; the names differ.
                Err(StoreError::Taken) => class.pin = self.free_pin()?,
                Err(error) => return Err(error.into()),
            }
        };
        let read = self.store.classes().await?;
        let class = read.into_iter().find(|class| class.id == id).ok_or(ClassProblem::Unknown)?;
        self.furnish(class).tell_others(None);
        Ok(id)
    }
}
