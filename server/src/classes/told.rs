//! What the pages are told of a class: the host's grid, and what a learner sees.

use course::{Course, Language};
use serde_json::{Value, json};

use super::{Classes, now_s};
use crate::class::{Class, Member, Phase, Question, Seat, SeatId, shown_pin, standing};
use crate::pages::visitor_work::STEPS;

/// What a host's page is told of the class as a whole.
#[must_use]
pub fn head(classes: &Classes, class: &Class, course: &Course, language: Language) -> Value {
    json!({
        "title": class.title,
        "pin": shown_pin(&class.pin),
        "ended": class.ended,
        "eyes": class.told.eyes,
        "solutions": class.solutions,
        "message": class.told.message,
        "question": class.told.question.as_ref().and_then(|question| wall(class, question, course, language)),
        "helpers": class.helpers.len(),
        "guessing": classes.guessing(),
        "seats": class.seats.keys().map(|seat| seat.0).collect::<Vec<_>>(),
    })
}

/// The rows of learners that changed after this version; with `None` all of them.
#[must_use]
pub fn rows(class: &Class, since: Option<u64>) -> Vec<(SeatId, Value)> {
    let now = now_s();
    let newer = |seat: &&Seat| since.is_none_or(|since| seat.changed > since);
    class.seats.values().filter(newer).map(|seat| (seat.id, row(class, seat, now))).collect()
}

/// A learner's row.
fn row(class: &Class, seat: &Seat, now: i64) -> Value {
    let standing = standing(seat, &class.lessons, now);
    let cells: Vec<String> = class.lessons.iter().map(|lesson| cell(seat, lesson)).collect();
    let work = seat.lesson.as_ref().and_then(|lesson| seat.work.get(lesson));
    json!({
        "seat": seat.id.0,
        "name": seat.name,
        "group": standing.group,
        "since": standing.since,
        "by_checks": standing.by_checks,
        "lesson": seat.lesson,
        "step": work.and_then(|work| work.here()).map(|at| STEPS[at]),
        "failed": work.map_or(0, |work| work.failed),
        "latest": work.and_then(|work| work.latest.as_ref()),
        "cells": cells,
    })
}

/// One lesson of one learner: a digit for each step, then `f` for a check that failed, `p` or `v` for one that passed, as
/// reported or as the server saw it, and `s` where solutions could be read then.
fn cell(seat: &Seat, lesson: &str) -> String {
    let Some(work) = seat.work.get(lesson) else { return String::new() };
    let mut cell: String = STEPS.iter().map(|step| if work.is_done(step) { '1' } else { '0' }).collect();
    if work.failed > 0 {
        cell.push('f');
    }
    if work.passed.is_some() {
        cell.push(if work.verified.is_some() { 'v' } else { 'p' });
    }
    if work.passed.is_some() && work.after_solutions {
        cell.push('s');
    }
    cell
}

/// A question as the wall shows it: no names, and nothing that is right before the board has said so.
fn wall(class: &Class, question: &Question, course: &Course, language: Language) -> Option<Value> {
    let asked = asked(question, course, language)?;
    let tally = question.tally(|seat| class.seats.contains_key(&seat));
    Some(json!({ "asked": asked, "phase": question.phase, "tally": tally, "decided": question.decided }))
}

fn asked(question: &Question, course: &Course, language: Language) -> Option<Value> {
    let lesson = course.lesson(&question.lesson)?;
    let prediction = lesson.predictions.iter().find(|known| known.id == question.prediction)?;
    let options =
        prediction.options.iter().map(|option| json!({ "key": option.key, "text": option.text.source(language) }));
    Some(json!({
        "n": question.n,
        "lesson": lesson.slug,
        "title": lesson.title.plain(language),
        "question": prediction.question.source(language),
        "options": options.collect::<Vec<_>>(),
        "after": (question.phase == Phase::Answered).then(|| prediction.after.source(language)),
    }))
}

/// What a learner's pages are told; `None` once the seat is gone.
#[must_use]
pub fn learner_sees(class: &Class, member: Member, course: &Course, language: Language) -> Option<Value> {
    let seat = class.seats.get(&member.seat).filter(|seat| seat.epoch == member.epoch)?;
    let question = class.told.question.as_ref().and_then(|question| {
        let asked = asked(question, course, language)?;
        let right = question.decided.as_ref().map(|decided| &decided.right);
        Some(json!({ "asked": asked, "phase": question.phase, "said": question.said(seat.id), "right": right }))
    });
    Some(json!({
        "class": class.id.0,
        "title": class.title,
        "name": seat.name,
        "ended": class.ended.is_some(),
        "hand": seat.hand.is_some(),
        "eyes": class.told.eyes,
        "solutions": class.solutions,
        "goto": class.told.goto,
        "push": class.told.push.as_ref().map(|push| json!({
            "n": push.n,
            "lesson": push.lesson,
            "settings": push.settings,
            "seed": if push.each { Some(seat.own_seed()) } else { push.seed },
        })),
        "message": class.told.message,
        "note": seat.note.as_ref().filter(|note| !note.text.is_empty()),
        "question": question,
    }))
}
