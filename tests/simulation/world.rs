//! Plays a plan: makes the hosts, and breaks and heals what the plan says, step by step.

use std::{
    cell::RefCell,
    fs,
    path::{Path, PathBuf},
    process::ExitCode,
    rc::Rc,
    sync::atomic::Ordering::Relaxed,
    thread,
    time::{Duration, SystemTime},
};

use rand_of_mad_turmoil::{SeedableRng, rngs::StdRng};
use turmoil::{Builder, Sim};

use crate::{
    client::{self, Client, Company},
    hosts::{BRIDGES, BUS, CHATS, REST, Site, bridge, bus, service},
    journal::Journal,
    judge::{Judge, Verdict},
    ledger::Ledger,
    options::Run,
    plan::{self, Fault, Kind, Plan},
    seeds::BROKEN,
};

/// No run takes longer in simulated time.
const LONGEST: Duration = Duration::from_secs(240);
/// The network's grain. A finer one takes as much longer.
const TICK: Duration = Duration::from_millis(5);
/// A run has large futures, and unoptimized ones.
const STACK: usize = 64 << 20;

/// Plays one seed in this process, which does nothing else: its clocks and its randomness are the simulation's from here on.
pub(crate) fn alone(run: Run, log: Option<PathBuf>, wire: bool) -> ExitCode {
    let home = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("simulation-{}", std::process::id()));
    // What a process left behind that had the same id.
    drop(fs::remove_dir_all(&home));
    mad_turmoil::rand::set_rng(StdRng::seed_from_u64(run.seed));
    // A thread of its own, whose hash maps know no other randomness.
    let place = home.clone();
    let playing = thread::Builder::new().stack_size(STACK).spawn(move || {
        let journal = Journal::start(wire);
        let _clocks = mad_turmoil::time::SimClocksGuard::init();
        let played = play(run, place);
        (journal, played)
    });
    let (journal, played) = playing.expect("a thread").join().expect("no panic");
    drop(fs::remove_dir_all(&home));
    if let Some(log) = &log
        && let Err(error) = journal.save(log)
    {
        eprintln!("error: {}: {error}", log.display());
    }
    let (seed, digest) = (run.seed, journal.digest());
    match played {
        Ok((Ok(checked), connects)) => {
            println!(
                "seed {seed} {digest}: kept, {} attempted, {} acknowledged, {} stored, {} shown, {connects} sockets",
                checked.attempted, checked.acknowledged, checked.stored, checked.received
            );
            ExitCode::SUCCESS
        }
        Ok((Err(broken), _)) => {
            println!("seed {seed} {digest}: broken: {broken}");
            ExitCode::from(BROKEN)
        }
        Err(error) => {
            println!("seed {seed} {digest}: the simulation failed: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn play(run: Run, home: PathBuf) -> anyhow::Result<(Verdict, u64)> {
    let plan = Plan::of(run);
    tracing::info!(?plan, "the plan");
    let site = Site::new(plan, home)?;
    let company = Rc::new(Company::default());
    let verdict = Rc::new(RefCell::new(None));
    let mut sim = Builder::new()
        .epoch(SystemTime::UNIX_EPOCH)
        .simulation_duration(LONGEST)
        .tick_duration(TICK)
        .min_message_latency(Duration::from_millis(1))
        .max_message_latency(site.plan.latency)
        .tcp_capacity(4096)
        .enable_random_order()
        .rng_seed(run.seed)
        .build();
    populate(&mut sim, &site, &company, &verdict)?;
    let mut troubles = Troubles { site: &site, pending: site.plan.faults.clone(), under_way: Vec::new() };
    while verdict.borrow().is_none() {
        if let Some(ready) = company.ready_at.get() {
            let now = sim.elapsed();
            troubles.look(&mut sim, now.saturating_sub(ready));
        }
        if sim.step().map_err(|error| anyhow::anyhow!("{error}"))? {
            break;
        }
    }
    let verdict = verdict.borrow_mut().take();
    let verdict = verdict.ok_or_else(|| anyhow::anyhow!("no verdict in {LONGEST:?}"))?;
    let connects = company.connects.borrow().values().sum();
    Ok((verdict, connects))
}

fn populate(
    sim: &mut Sim<'_>,
    site: &Rc<Site>,
    company: &Rc<Company>,
    verdict: &Rc<RefCell<Option<Verdict>>>,
) -> anyhow::Result<()> {
    fn ended(result: anyhow::Result<()>) -> turmoil::Result {
        result.map_err(|error| format!("{error:#}").into())
    }
    let at = site.clone();
    sim.host(BUS, move || {
        let run = bus::run(at.clone());
        async { ended(run.await) }
    });
    for host in CHATS {
        let at = site.clone();
        sim.host(host, move || {
            let run = service::chat(at.clone(), host);
            async { ended(run.await) }
        });
    }
    let at = site.clone();
    sim.host(REST, move || {
        let run = service::rest(at.clone());
        async { ended(run.await) }
    });
    for host in BRIDGES {
        let at = site.clone();
        sim.host(host, move || {
            let run = bridge::run(at.clone(), host);
            async { ended(run.await) }
        });
    }
    let ledger = Ledger::new(site.home.join("ledger"))?;
    for place in site.plan.clients() {
        let name = plan::client(place.0, place.1);
        let (site, company, pen) = (site.clone(), company.clone(), ledger.pen(&name)?);
        sim.client(name, async move {
            // Made here, where its clock is.
            let client = Client::new(site, company, place, pen);
            ended(async { client?.live().await }.await)
        });
    }
    let backend = client::backend(site.clone(), company.clone(), ledger.pen("backend")?);
    sim.client("backend", async { ended(backend.await) });
    let judge = Judge { site: site.clone(), company: company.clone(), ledger, verdict: verdict.clone() };
    sim.client("judge", async { ended(judge.run().await) });
    Ok(())
}

/// What is still to go wrong, and what is wrong now.
struct Troubles<'s> {
    site: &'s Site,
    pending: Vec<Fault>,
    under_way: Vec<Fault>,
}

impl Troubles<'_> {
    /// Ends and begins what is due so long after everybody was ready.
    fn look(&mut self, sim: &mut Sim<'_>, now: Duration) {
        let mut at = 0;
        while at < self.under_way.len() {
            if self.under_way[at].until <= now {
                let fault = self.under_way.remove(at);
                tracing::info!(?fault.kind, at = ?now, "over");
                self.end(sim, &fault.kind);
            } else {
                at += 1;
            }
        }
        while self.pending.first().is_some_and(|fault| fault.at <= now) {
            let fault = self.pending.remove(0);
            // One thing at a time for each link and host.
            if self.under_way.iter().any(|other| is_same_place(&fault.kind, &other.kind)) {
                continue;
            }
            tracing::info!(?fault.kind, at = ?now, "trouble");
            self.begin(sim, &fault.kind);
            self.under_way.push(fault);
        }
        if now >= self.site.plan.healed {
            self.site.is_calm.store(true, Relaxed);
        }
    }

    fn begin(&self, sim: &mut Sim<'_>, kind: &Kind) {
        match kind {
            Kind::Hold(one, other) => sim.hold(one.as_str(), other.as_str()),
            Kind::Partition(one, other) => sim.partition(one.as_str(), other.as_str()),
            Kind::OneWay(one, other) => sim.partition_oneway(one.as_str(), other.as_str()),
            Kind::Crash(host) => sim.crash(*host),
            Kind::Stop(host) => self.site.stop(host),
            Kind::NoDatabase => self.site.database.set_away(true),
        }
    }

    fn end(&self, sim: &mut Sim<'_>, kind: &Kind) {
        match kind {
            Kind::Hold(one, other) => sim.release(one.as_str(), other.as_str()),
            Kind::Partition(one, other) => sim.repair(one.as_str(), other.as_str()),
            Kind::OneWay(one, other) => sim.repair_oneway(one.as_str(), other.as_str()),
            // What has not stopped in order by then is killed.
            Kind::Crash(host) | Kind::Stop(host) => sim.bounce(*host),
            Kind::NoDatabase => self.site.database.set_away(false),
        }
    }
}

/// Whether two faults are on the same link or the same host.
fn is_same_place(one: &Kind, other: &Kind) -> bool {
    fn link(kind: &Kind) -> Option<[&str; 2]> {
        match kind {
            Kind::Hold(one, other) | Kind::Partition(one, other) | Kind::OneWay(one, other) => {
                Some([one.min(other), one.max(other)])
            }
            Kind::Crash(_) | Kind::Stop(_) | Kind::NoDatabase => None,
        }
    }
    fn host(kind: &Kind) -> Option<&str> {
        match kind {
            Kind::Crash(host) | Kind::Stop(host) => Some(host),
            Kind::NoDatabase => Some("database"),
            Kind::Hold(..) | Kind::Partition(..) | Kind::OneWay(..) => None,
        }
    }
    let same = |one: Option<&str>, other: Option<&str>| one.is_some() && one == other;
    same(host(one), host(other)) || (link(one).is_some() && link(one) == link(other))
}
