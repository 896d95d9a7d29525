//! Two interrupts in one statement: every pair of boundaries of main at which they can arrive.
//!
//! The second arrives at the same boundary as the first, or at a later one of main's own. Pairs that
//! cannot differ are tried once where that is sound (see `explorer::classes`), and one by one where not.

use explorer::explore::{Arrivals, Run};
use explorer::outcome::{Verdict, statement};
use serde::Serialize;

use super::{Counts, Exploration, ExploreError, Replay};

/// So many pairs are tried one by one at most.
const MOST_PAIRS: u64 = 200_000;

/// What became of all pairs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Pairs {
    /// Pairs, by verdict.
    #[serde(flatten)]
    pub counts: Counts,
    /// Runs that it took.
    pub runs: u32,
    /// Whether pairs that cannot differ were tried once.
    pub pruned: bool,
    /// Why not, if not.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub why: Option<&'static str>,
    /// The first losing pair.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub first_loss: Option<Replay>,
}

/// Adds up.
struct Sum<'a> {
    pairs: Pairs,
    first: Option<(u32, u32)>,
    go_on: &'a mut dyn FnMut(u32) -> bool,
}

impl Sum<'_> {
    fn add(&mut self, verdict: Verdict, count: u32, pair: (u32, u32)) -> Result<(), ExploreError> {
        let counts = &mut self.pairs.counts;
        counts.tried += count;
        match verdict {
            Verdict::Kept => counts.kept += count,
            Verdict::Lost => counts.lost += count,
            _ => counts.broken += count,
        }
        if verdict != Verdict::Kept && count > 0 && self.first.is_none_or(|first| pair < first) {
            self.first = Some(pair);
        }
        self.pairs.runs += 1;
        if (self.go_on)(counts.tried) { Ok(()) } else { Err(ExploreError::Cancelled) }
    }
}

impl Exploration {
    /// Tries every pair of arrivals in the statement; with `prune`, those that cannot differ once.
    /// `go_on` hears how many are done; false gives it up.
    ///
    /// # Errors
    /// [`ExploreError::TooManyPairs`], [`ExploreError::Cancelled`].
    pub fn pairs(&mut self, prune: bool, go_on: &mut dyn FnMut(u32) -> bool) -> Result<Pairs, ExploreError> {
        let inside = statement(&self.window);
        let (firsts, source) = (inside.clone().collect::<Vec<u32>>(), self.source);
        let partition = prune.then(|| self.window.partition(source, &[], &firsts));
        let why = partition.as_ref().and_then(|partition| partition.unsound);
        let pairs = Pairs { counts: Counts::default(), runs: 0, pruned: prune && why.is_none(), why, first_loss: None };
        let mut sum = Sum { pairs, first: None, go_on };
        match partition.filter(|partition| partition.sound()) {
            Some(partition) => {
                for class in partition.classes {
                    self.pairs_of_class(&firsts[class.members], inside.end, &mut sum)?;
                }
            }
            None => {
                let n = u64::from(inside.end - inside.start);
                let pairs = n * (n + 1) / 2;
                if pairs > MOST_PAIRS {
                    return Err(ExploreError::TooManyPairs { pairs, limit: MOST_PAIRS });
                }
                for &first in &firsts {
                    self.pairs_of(first, inside.end, &mut sum)?;
                }
            }
        }
        let first_loss = sum.first.map(|(first, second)| self.replay(first, Some(second)));
        Ok(Pairs { first_loss, ..sum.pairs })
    }

    /// Boundaries of main from `first` to the end of the statement, in the run with an arrival there.
    fn seconds(&mut self, first: u32, end: u32) -> Vec<u32> {
        let mut seconds = self.window.boundaries_of_main(self.source, &[first], first);
        seconds.truncate((end - first) as usize);
        seconds
    }

    /// All pairs whose first arrival is one of these neighbours, which cannot differ.
    fn pairs_of_class(&mut self, firsts: &[u32], end: u32, sum: &mut Sum<'_>) -> Result<(), ExploreError> {
        let (Some(&first), members) = (firsts.first(), firsts.len()) else { return Ok(()) };
        let seconds = self.seconds(first, end);
        // Two at one boundary are one interrupt, wherever that is.
        for &at in firsts {
            let run = self.two(at, at);
            sum.add(self.verdict(&run), 1, (at, at))?;
        }
        let later = seconds.get(1..).unwrap_or_default();
        let partition = self.window.partition(self.source, &[first], later);
        if let Some(why) = partition.unsound {
            (sum.pairs.pruned, sum.pairs.why) = (false, Some(why));
            return firsts.iter().try_for_each(|&at| self.later_pairs(at, end, sum));
        }
        for class in partition.classes {
            // The second arrival `n` boundaries after the class's first one has as many first arrivals
            // before it as there are members up to it.
            let pairs: usize = class.members.clone().map(|index| members.min(index + 1)).sum();
            let second = later.get(class.members.start).copied().unwrap_or(first);
            sum.add(self.verdict(&class.run), pairs as u32, (first, second))?;
        }
        Ok(())
    }

    /// All pairs with this first arrival, one by one.
    fn pairs_of(&mut self, first: u32, end: u32, sum: &mut Sum<'_>) -> Result<(), ExploreError> {
        let run = self.two(first, first);
        sum.add(self.verdict(&run), 1, (first, first))?;
        self.later_pairs(first, end, sum)
    }

    fn later_pairs(&mut self, first: u32, end: u32, sum: &mut Sum<'_>) -> Result<(), ExploreError> {
        for second in self.seconds(first, end).into_iter().skip(1) {
            let run = self.two(first, second);
            sum.add(self.verdict(&run), 1, (first, second))?;
        }
        Ok(())
    }

    fn two(&mut self, first: u32, second: u32) -> Run {
        self.window.try_arrivals(&Arrivals { source: self.source, at: &[first, second] })
    }

    /// The verdict of every single arrival, each tried.
    pub fn verdicts(&mut self) -> Vec<Verdict> {
        (0..self.arrivals()).map(|at| self.verdict_at(at)).collect()
    }

    /// The verdict of every single arrival, with those that cannot differ tried once.
    pub fn pruned_verdicts(&mut self) -> (Vec<Verdict>, Option<&'static str>) {
        let all: Vec<u32> = (0..self.arrivals()).collect();
        let partition = self.window.partition(self.source, &[], &all);
        let verdicts = partition.classes.iter().flat_map(|class| {
            let verdict = self.verdict(&class.run);
            class.members.clone().map(move |_| verdict)
        });
        (verdicts.collect(), partition.unsound)
    }
}
