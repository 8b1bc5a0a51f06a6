//! What a seed says: how fast and how reliable everything is, and what breaks when.

use std::time::Duration;

use rand::{Rng, SeedableRng, rngs::StdRng, seq::IndexedRandom};

use crate::{
    hosts::{BRIDGES, BUS, CHATS, REST},
    options::{Control, Run},
};

/// Nothing is broken any more, so long after everybody was ready.
const HEALED: Duration = Duration::from_secs(34);
const HEALED_BRIEFLY: Duration = Duration::from_secs(10);
/// The last fault begins so long before that.
const LAST: Duration = Duration::from_secs(2);

/// Who is there, and what happens to them.
#[derive(Debug, Clone)]
pub(crate) struct Plan {
    pub(crate) control: Option<Control>,
    pub(crate) rooms: usize,
    pub(crate) writers: usize,
    pub(crate) readers: usize,
    /// Between two messages of one writer.
    pub(crate) pace: Duration,
    /// The share of messages that a writer sends twice, because it can.
    pub(crate) twice: f64,
    /// The share of its messages that the bus loses.
    pub(crate) loss: f64,
    /// How long the network takes at most.
    pub(crate) latency: Duration,
    /// How long the database takes at most, before and after a commit.
    pub(crate) database_delay: Duration,
    /// In the order in which they happen.
    pub(crate) faults: Vec<Fault>,
    /// When nothing is broken any more.
    pub(crate) healed: Duration,
}

/// Something that goes wrong.
#[derive(Debug, Clone)]
pub(crate) struct Fault {
    /// From when everybody is ready, as the end.
    pub(crate) at: Duration,
    pub(crate) until: Duration,
    pub(crate) kind: Kind,
}

/// What goes wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Kind {
    /// What two hosts send to each other comes later, all of it.
    Hold(String, String),
    /// What two hosts send to each other is lost.
    Partition(String, String),
    /// What one host sends to another is lost; the way back is good.
    OneWay(String, String),
    /// A machine dies, and starts again.
    Crash(&'static str),
    /// A program is stopped in order, and started again.
    Stop(&'static str),
    /// The database answers nobody.
    NoDatabase,
}

impl Plan {
    /// What a seed says.
    pub(crate) fn of(Run { seed, brief, control }: Run) -> Self {
        let mut chance = StdRng::seed_from_u64(seed);
        let healed = if brief { HEALED_BRIEFLY } else { HEALED };
        let millis =
            |chance: &mut StdRng, from: u64, to: u64| Duration::from_millis(chance.random_range(from..to));
        let mut plan = Self {
            control,
            rooms: chance.random_range(1..3),
            writers: chance.random_range(1..3),
            readers: chance.random_range(1..4),
            pace: millis(&mut chance, 60, 400),
            twice: chance.random_range(0.0..0.2),
            loss: if chance.random_bool(0.3) { 0.0 } else { chance.random_range(0.0..0.4) },
            latency: millis(&mut chance, 2, 60),
            database_delay: millis(&mut chance, 1, 40),
            faults: Vec::new(),
            healed,
        };
        let mut at = millis(&mut chance, 0, 2_000);
        while at + LAST < healed {
            let until = (at + millis(&mut chance, 100, 8_000)).min(healed);
            let kind = plan.fault(&mut chance);
            plan.faults.push(Fault { at, until, kind });
            at += millis(&mut chance, 50, 3_000);
        }
        plan
    }

    /// Names of the hosts of clients: room, place, whether it writes.
    pub(crate) fn clients(&self) -> Vec<(usize, usize, bool)> {
        let places = self.writers + self.readers;
        (0..self.rooms)
            .flat_map(|room| (0..places).map(move |place| (room, place)))
            .map(|(room, place)| (room, place, place < self.writers))
            .collect()
    }

    fn fault(&self, chance: &mut StdRng) -> Kind {
        let hosts = [CHATS[0], CHATS[1], BRIDGES[0], BRIDGES[1], BUS, REST];
        match chance.random_range(0..12) {
            0..3 => self.between(chance, Kind::Hold),
            3..5 => self.between(chance, Kind::Partition),
            5 => self.between(chance, Kind::OneWay),
            6..9 => Kind::Crash(hosts.choose(chance).expect("some")),
            9..11 => Kind::Stop([CHATS[0], CHATS[1], BRIDGES[0], BRIDGES[1]].choose(chance).expect("some")),
            _ => Kind::NoDatabase,
        }
    }

    /// Something between two hosts that talk to each other.
    fn between(&self, chance: &mut StdRng, kind: impl Fn(String, String) -> Kind) -> Kind {
        let pick = |chance: &mut StdRng, of: &[&str]| (*of.choose(chance).expect("some")).to_owned();
        let (one, other) = match chance.random_range(0..6) {
            0..2 => {
                let (room, place, _) = *self.clients().choose(chance).expect("some");
                (client(room, place), pick(chance, &BRIDGES))
            }
            2..4 => (pick(chance, &BRIDGES), pick(chance, &CHATS)),
            4 => (pick(chance, &CHATS), BUS.to_owned()),
            _ => (pick(chance, &[BRIDGES[0], BRIDGES[1], CHATS[0], CHATS[1], BUS]), REST.to_owned()),
        };
        if chance.random_bool(0.5) { kind(one, other) } else { kind(other, one) }
    }
}

/// The host, and user, of a client.
pub(crate) fn client(room: usize, place: usize) -> String {
    format!("client-{room}-{place}")
}

/// A room's name.
pub(crate) fn room(number: usize) -> String {
    format!("room-{number}")
}
