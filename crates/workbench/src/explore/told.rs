//! What happens to the shared variables at every arrival: told once for neighbours at which the same
//! happens.
//!
//! Neighbours count as alike where verdict, reported values and the place of the soft callback agree,
//! and main touches no variable between their deliveries; what is told of them comes from a run of
//! the first of them, executed instruction by instruction.

use std::collections::{BTreeMap, BTreeSet};

use explorer::outcome::Verdict;
use explorer::story::{Side, Story};
use serde::Serialize;
use serde_json::{Map, Value};

use super::{Exploration, Tried};

/// As many runs are told at most; each takes a few thousand single steps.
const MOST_STORIES: usize = 160;
/// As many runs are told before it is known which variables are shared.
const MOST_SAMPLES: usize = 12;

/// A shared variable, read or written.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(super) struct ToldStep {
    pub(super) side: Side,
    /// `reads` or `writes`.
    pub(super) does: &'static str,
    pub(super) name: String,
    pub(super) value: String,
    pub(super) function: String,
    pub(super) line: u32,
    pub(super) text: &'static str,
}

/// Neighbouring arrivals at which the same happens.
#[derive(Clone, Debug, Serialize)]
pub(super) struct ToldRange {
    from: u32,
    to: u32,
    steps: Vec<ToldStep>,
    /// The shared variables at the end of the window.
    after: Map<String, Value>,
    /// What they hold there where nothing is lost; without those on which kept arrivals disagree.
    #[serde(skip_serializing_if = "Map::is_empty")]
    expected: Map<String, Value>,
}

/// All arrivals, told.
pub(super) struct Told {
    pub(super) shared: Vec<String>,
    pub(super) ranges: Vec<ToldRange>,
    pub(super) expected: Map<String, Value>,
    /// Whether the last ones are missing.
    pub(super) cut: bool,
}

impl Exploration {
    /// Tells every arrival, neighbours together.
    pub(super) fn told(&mut self, tried: &[Tried]) -> Told {
        // Some runs that end differently show which variables are shared; main's touches of these tell
        // where something else begins to happen.
        let outcome = |at: u32| {
            let tried = &tried[at as usize];
            (tried.point.verdict, tried.values, tried.scheduled, tried.point.delivered.is_none())
        };
        let mut stories: BTreeMap<u32, Story> = BTreeMap::new();
        for at in starts(tried.len(), outcome).take(MOST_SAMPLES) {
            stories.insert(at, self.window.tell(&self.arrivals_at(&[at])));
        }
        let shared: BTreeSet<_> =
            stories.values().flat_map(|story| &story.shared).map(|shared| shared.variable.clone()).collect();
        let undisturbed = self.window.tell(&self.arrivals_at(&[]));
        let touches = undisturbed.steps.iter().filter(|step| shared.contains(&step.variable));
        let touches: Vec<u32> = touches.map(|step| step.instruction).collect();
        let instructions = self.window.instructions();
        let key = |at: u32| {
            let delivered = tried[at as usize].point.delivered.unwrap_or(u32::MAX);
            // What is delivered after the closing mark is no part of the story.
            (outcome(at), delivered > instructions, touches.partition_point(|&instruction| instruction < delivered))
        };
        let starts: Vec<u32> = starts(tried.len(), key).collect();
        let cut = starts.len() > MOST_STORIES;
        let ends = starts.iter().skip(1).copied().chain([tried.len() as u32]);
        let stories: Vec<(u32, u32, Story)> = starts
            .iter()
            .zip(ends)
            .take(MOST_STORIES)
            .map(|(&from, to)| {
                let story = stories.remove(&from).unwrap_or_else(|| self.window.tell(&self.arrivals_at(&[from])));
                (from, to, story)
            })
            .collect();
        let shared: BTreeSet<_> =
            stories.iter().flat_map(|(.., story)| &story.shared).map(|shared| shared.variable.clone()).collect();
        let mut ranges: Vec<ToldRange> = Vec::new();
        let mut expected: Option<Map<String, Value>> = None;
        for (from, to, story) in &stories {
            let steps: Vec<ToldStep> = self.steps(story);
            let after = after(story);
            if tried[*from as usize].point.verdict == Verdict::Kept && !story.unfinished {
                match &mut expected {
                    None => expected = Some(after.clone()),
                    Some(agreed) => agreed.retain(|name, value| after.get(name).is_none_or(|other| other == value)),
                }
            }
            match ranges.last_mut() {
                Some(last) if last.steps == steps && last.after == after => last.to = *to,
                _ => ranges.push(ToldRange { from: *from, to: *to, steps, after, expected: Map::new() }),
            }
        }
        let expected = expected.unwrap_or_default();
        for range in &mut ranges {
            range.expected = expected.clone();
            range.expected.retain(|name, _| range.after.contains_key(name));
        }
        Told { shared: shared.iter().map(ToString::to_string).collect(), ranges, expected, cut }
    }

    /// The steps at shared variables, with their places.
    pub(super) fn steps(&self, story: &Story) -> Vec<ToldStep> {
        story
            .shared_steps()
            .map(|step| {
                let listing = step.place.and_then(|place| self.window.listings.get(usize::from(place.listing)));
                let line =
                    step.place.zip(listing).map(|(place, listing)| &listing.lines[usize::from(place.instruction)]);
                ToldStep {
                    side: step.side,
                    does: if step.writes { "writes" } else { "reads" },
                    name: step.variable.to_string(),
                    value: step.value.clone(),
                    function: listing.map(|listing| listing.name.clone()).unwrap_or_default(),
                    line: line.map_or(0, |line| line.line),
                    text: step.place.map_or("program", |place| self.text_of(place)),
                }
            })
            .collect()
    }
}

/// The arrivals whose key differs from that of the one before.
fn starts<K: PartialEq>(arrivals: usize, key: impl Fn(u32) -> K) -> impl Iterator<Item = u32> {
    (0..arrivals as u32).filter(move |&at| at == 0 || key(at) != key(at - 1))
}

/// The shared variables at the end of the window.
pub(super) fn after(story: &Story) -> Map<String, Value> {
    story.shared.iter().map(|shared| (shared.variable.to_string(), shared.after.clone().into())).collect()
}

/// The shared variables at its beginning.
pub(super) fn before(story: &Story) -> Map<String, Value> {
    story.shared.iter().map(|shared| (shared.variable.to_string(), shared.before.clone().into())).collect()
}
