//! What is done to a fleet at random, and undone after a while: its processes, Redis and PostgreSQL are killed, stopped and paused,
//! several at the same time.

use std::{
    collections::BTreeMap,
    fs,
    time::{Duration, Instant},
};

use anyhow::Context;
use rand::{Rng, rngs::StdRng, seq::IndexedRandom};
use rustix::process::{Pid, Signal, kill_process};

use super::fleet::{Fleet, PARTS};

/// What is hurt at the same time, at most.
const AT_ONCE: usize = 3;
/// How long something stands still, in milliseconds.
const PAUSE: std::ops::Range<u64> = 3_000..8_000;
/// How long a process may take to end that was asked to.
const STOPPING: Duration = Duration::from_secs(15);
/// How long something is away, in milliseconds.
const AWAY: std::ops::Range<u64> = 0..2_500;

/// What is done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Hurt {
    /// `kill -9`, and it starts again.
    Killed,
    /// SIGTERM, and it starts again once it has ended.
    Terminated,
    /// SIGSTOP, and it goes on.
    Paused,
    /// Forgets everything (`FLUSHALL`).
    Wiped,
    /// Stops as by a crash (`pg_ctl stop -m immediate`), and starts again.
    Stopped,
    /// `kill -9` of one process of many, after which the others of the server end themselves and it recovers.
    BackendKilled,
    /// SIGSTOP of one process of many.
    BackendPaused,
}

/// Of a process, half of the time killed.
const OF_PART: [Hurt; 4] = [Hurt::Killed, Hurt::Killed, Hurt::Terminated, Hurt::Paused];
const OF_REDIS: [Hurt; 3] = [Hurt::Killed, Hurt::Paused, Hurt::Wiped];
const OF_POSTGRES: [Hurt; 4] = [Hurt::Stopped, Hurt::Paused, Hurt::BackendKilled, Hurt::BackendPaused];

const REDIS: &str = "Redis";
const POSTGRES: &str = "PostgreSQL";
/// What may be hurt: chat, Redis and PostgreSQL more often than the others, as more depends on them.
const VICTIMS: [&str; 14] = [
    "chat",
    "chat",
    "chat-2",
    "chat-2",
    "notification",
    "notification-2",
    "presence",
    "presence-2",
    "bridge",
    "bridge-2",
    REDIS,
    REDIS,
    POSTGRES,
    POSTGRES,
];

/// Something that is hurt.
struct Wound {
    victim: &'static str,
    hurt: Hurt,
    heals_at: Instant,
    /// Processes that stand still, of PostgreSQL.
    still: Vec<Pid>,
}

/// Everything that is.
#[derive(Default)]
pub(crate) struct Wounds {
    open: Vec<Wound>,
    counts: BTreeMap<Hurt, u32>,
}

impl Wounds {
    /// Hurts something that is not hurt; says what, unless enough is hurt already.
    pub(crate) fn strike(
        &mut self,
        fleet: &mut Fleet,
        chance: &mut StdRng,
    ) -> anyhow::Result<Option<String>> {
        let victim = *VICTIMS.choose(chance).context("there are victims")?;
        let hurts: &[Hurt] = match victim {
            REDIS => &OF_REDIS,
            POSTGRES => &OF_POSTGRES,
            _ => &OF_PART,
        };
        let hurt = *hurts.choose(chance).context("there are hurts")?;
        let lasts = match hurt {
            Hurt::Paused | Hurt::BackendPaused => chance.random_range(PAUSE),
            Hurt::Killed | Hurt::Stopped => chance.random_range(AWAY),
            Hurt::Terminated | Hurt::Wiped | Hurt::BackendKilled => 0,
        };
        let lasts = Duration::from_millis(lasts);
        if self.open.len() >= AT_ONCE || self.open.iter().any(|wound| wound.victim == victim) {
            return Ok(None);
        }
        let still = inflict(fleet, victim, hurt, chance)?;
        self.open.push(Wound { victim, hurt, heals_at: Instant::now() + lasts, still });
        *self.counts.entry(hurt).or_default() += 1;
        Ok(Some(format!("{victim} {hurt:?} for {lasts:?}")))
    }

    /// Heals what has been hurt for long enough.
    pub(crate) async fn heal(&mut self, fleet: &mut Fleet) -> anyhow::Result<()> {
        let now = Instant::now();
        let mut open = Vec::new();
        for wound in self.open.drain(..) {
            // What was asked to end heals when it has.
            let is_stopping = wound.hurt == Hurt::Terminated && fleet.deployment.runs(wound.victim);
            if wound.heals_at > now || is_stopping && wound.heals_at + STOPPING > now {
                open.push(wound);
            } else {
                wound.heal(fleet).await?;
            }
        }
        self.open = open;
        Ok(())
    }

    /// Heals everything at once.
    pub(crate) async fn heal_all(&mut self, fleet: &mut Fleet) -> anyhow::Result<()> {
        for wound in self.open.drain(..) {
            wound.heal(fleet).await?;
        }
        Ok(())
    }

    /// A process that has ended, and nobody has told it to.
    pub(crate) fn unexpected(&self, fleet: &mut Fleet) -> Option<&'static str> {
        let is_hurt = |part: &str| self.open.iter().any(|wound| wound.victim == part);
        PARTS.into_iter().find(|part| !is_hurt(part) && !fleet.deployment.runs(part))
    }

    /// How often what was done.
    pub(crate) fn counts(&self) -> impl Iterator<Item = (String, u32)> {
        self.counts.iter().map(|(hurt, count)| (format!("{hurt:?}"), *count))
    }
}

impl Wound {
    async fn heal(self, fleet: &mut Fleet) -> anyhow::Result<()> {
        match (self.victim, self.hurt) {
            (REDIS, Hurt::Killed) => fleet.redis.resume(),
            (REDIS, Hurt::Paused) => fleet.redis.unpause(),
            (POSTGRES, Hurt::Stopped) => fleet.postgres.resume(),
            (POSTGRES, _) => self.still.iter().for_each(|id| signal(*id, Signal::CONT)),
            (part, Hurt::Killed) => fleet.deployment.start(part)?,
            (part, Hurt::Paused) => fleet.deployment.signal(part, Signal::CONT)?,
            (part, Hurt::Terminated) => {
                fleet.deployment.exit(part).await?;
                fleet.deployment.start(part)?;
            }
            (_, Hurt::Wiped | Hurt::Stopped | Hurt::BackendKilled | Hurt::BackendPaused) => {}
        }
        Ok(())
    }
}

/// Does it; the processes of PostgreSQL that stand still now.
fn inflict(
    fleet: &mut Fleet,
    victim: &'static str,
    hurt: Hurt,
    chance: &mut StdRng,
) -> anyhow::Result<Vec<Pid>> {
    let mut still = Vec::new();
    match (victim, hurt) {
        (REDIS, Hurt::Killed) => fleet.redis.kill(),
        (REDIS, Hurt::Paused) => fleet.redis.pause(),
        (REDIS, _) => fleet.redis.flush(),
        (POSTGRES, Hurt::Stopped) => fleet.postgres.stop(),
        (POSTGRES, Hurt::Paused) => still = server(fleet)?,
        (POSTGRES, Hurt::BackendPaused) => still.extend(backends(fleet)?.choose(chance)),
        (POSTGRES, _) => {
            if let Some(id) = backends(fleet)?.choose(chance) {
                signal(*id, Signal::KILL);
            }
        }
        (part, Hurt::Paused) => fleet.deployment.signal(part, Signal::STOP)?,
        (part, Hurt::Terminated) => fleet.deployment.signal(part, Signal::TERM)?,
        (part, _) => fleet.deployment.kill(part),
    }
    still.iter().for_each(|id| signal(*id, Signal::STOP));
    Ok(still)
}

/// All processes of PostgreSQL, the first one first.
pub(crate) fn server(fleet: &Fleet) -> anyhow::Result<Vec<Pid>> {
    let text = fs::read_to_string(fleet.postgres.data().join("postmaster.pid"))?;
    let first = text.lines().next().unwrap_or_default().parse().context("postmaster.pid")?;
    let mut all = vec![Pid::from_raw(first).context("postmaster.pid")?];
    all.extend(children(first)?.into_iter().map(|(id, _)| id));
    Ok(all)
}

/// Those that serve a connection of ours.
fn backends(fleet: &Fleet) -> anyhow::Result<Vec<Pid>> {
    let first = server(fleet)?[0].as_raw_nonzero().get();
    let serves = |title: &String| title.contains("127.0.0.1(");
    Ok(children(first)?.into_iter().filter(|(_, title)| serves(title)).map(|(id, _)| id).collect())
}

/// Children of a process, and their command lines.
fn children(parent: i32) -> anyhow::Result<Vec<(Pid, String)>> {
    let mut found = Vec::new();
    for entry in fs::read_dir("/proc")?.flatten() {
        let Some(id) = entry.file_name().to_str().and_then(|name| name.parse().ok()) else { continue };
        // One that is gone by now is no child.
        let stat = fs::read_to_string(entry.path().join("stat")).unwrap_or_default();
        let after_name = stat.rsplit(')').next().unwrap_or_default();
        if after_name.split_whitespace().nth(1) == Some(&parent.to_string()) {
            let title = fs::read_to_string(entry.path().join("cmdline")).unwrap_or_default();
            found.extend(Pid::from_raw(id).map(|id| (id, title)));
        }
    }
    Ok(found)
}

/// Sends a signal; one that is gone needs none.
pub(crate) fn signal(id: Pid, signal: Signal) {
    let _ = kill_process(id, signal);
}
