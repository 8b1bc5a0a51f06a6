//! What runs.

use super::{
    costs::{CORES, FULL},
    limits::{self, Part},
    load::Load,
};

/// Processes of each part, in each of so many installations that know nothing of each other.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Layout {
    pub(crate) installations: f64,
    pub(crate) bridges: f64,
    pub(crate) chats: f64,
    pub(crate) presences: f64,
    pub(crate) redis_nodes: f64,
    /// Whether it is reported whom messages reached, in conversations of the usual size.
    pub(crate) reports: bool,
}

impl Layout {
    /// The least that has nothing fuller than it should be.
    pub(super) fn of(load: &Load) -> Self {
        let mut layout = Self {
            installations: 1.0,
            bridges: 1.0,
            chats: 1.0,
            presences: 1.0,
            redis_nodes: 1.0,
            reports: true,
        };
        // What is added for one limit moves others, a little: until nothing is too full.
        for _ in 0..100_000 {
            let all = limits::of(load, &layout);
            let Some(fullest) = all
                .iter()
                .filter(|limit| limit.used > FULL && limit.part != Part::Nothing)
                .max_by(|a, b| a.used.total_cmp(&b.used))
            else {
                return layout;
            };
            layout.grow(fullest.part, fullest.used / FULL);
        }
        layout
    }

    fn grow(&mut self, part: Part, by: f64) {
        if part == Part::Postgres && self.reports {
            self.reports = false;
            return;
        }
        let count = match part {
            Part::Bridge => &mut self.bridges,
            Part::Chat => &mut self.chats,
            Part::Presence => &mut self.presences,
            Part::Redis => &mut self.redis_nodes,
            Part::Postgres | Part::Installation => &mut self.installations,
            Part::Nothing => return,
        };
        let (before, wanted) = (*count, (*count * by).ceil());
        *count = wanted.max(before + 1.0);
        if matches!(part, Part::Postgres | Part::Installation) {
            // Each installation has its share of everybody.
            let share = before / self.installations;
            for count in [&mut self.bridges, &mut self.chats, &mut self.presences, &mut self.redis_nodes] {
                *count = (*count * share).ceil();
            }
        }
    }

    /// Whether all is in one process.
    pub(super) fn is_one_process(&self) -> bool {
        let counts = [self.installations, self.bridges, self.chats, self.presences, self.redis_nodes];
        counts.iter().all(|count| *count == 1.0)
    }

    /// Cores that run our processes.
    pub(super) fn cores(&self) -> f64 {
        (self.bridges + self.chats + self.presences) * self.installations * CORES
    }
}
