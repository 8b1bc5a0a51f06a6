//! Row 5: between two starts the disk loses or changes what it was given. Causeway refuses to start on it and says why, or nothing
//! is missing; it never serves a history that is silently shorter or other than what was acknowledged.

use std::{
    collections::BTreeMap,
    fmt,
    fs::{self, OpenOptions},
    os::unix::fs::FileExt,
    path::{Path, PathBuf},
    time::Duration,
};

use anyhow::Context;
use rand::{Rng, rngs::StdRng};

use crate::{
    ledger::{Ledger, Stored, check},
    outcome::{Failure, Outcome, Tally, broken},
    row::Row,
    stage::{Crowd, CrowdPlan, Deployment, Scene, database, deployment::UP},
    trial::Trial,
};

pub(crate) const ROW: Row = Row {
    number: 5,
    name: "bit-rot",
    must_hold: "refuse to start and say why; never silently shorter history",
    control: "the history lacks a message, and nothing on the disk shows it",
    short: 3,
    long: 100,
    is_alone: false,
    run: |trial| Box::pin(run(trial)),
};

/// A page of the database, in bytes.
const PAGE: u64 = 4096;
/// Messages that are stored before anything is hurt.
const MESSAGES: u64 = 400;
/// How long they may take.
const WRITTEN: Duration = Duration::from_secs(20);

/// What happens to a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Hurt {
    BitFlipped,
    PageZeroed,
    TailCut,
    FileGone,
}

/// Which file: the database, when its log is empty, or the write-ahead log, when everything is in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Of {
    Database,
    Log,
}

const CASES: [(Of, Hurt); 8] = [
    (Of::Database, Hurt::BitFlipped),
    (Of::Database, Hurt::PageZeroed),
    (Of::Database, Hurt::TailCut),
    (Of::Database, Hurt::FileGone),
    (Of::Log, Hurt::BitFlipped),
    (Of::Log, Hurt::PageZeroed),
    (Of::Log, Hurt::TailCut),
    (Of::Log, Hurt::FileGone),
];

/// What came of starting on a hurt file.
enum Came {
    /// It refused, and named the file.
    Refused,
    /// It served, and nothing was missing or other than it was.
    Whole,
    /// It served, and who reads what is damaged gets an error: what sits inside a text is found when it is read.
    Loud,
    /// It served, and something was: the worst of it.
    Wrong(String),
}

async fn run(trial: &mut Trial) -> Outcome {
    let ledger = trial.ledger("ledger")?;
    let (full, folded) = write(trial, &ledger).await?;
    if trial.control {
        let mut pen = ledger.pen("nobody")?;
        pen.attempt("room-0", "never-stored")?;
        pen.acknowledged("room-0", "never-stored", 1 << 40)?;
    }
    let (mut refused, mut whole, mut loud, mut wrong) = (0, 0, 0, BTreeMap::<_, Vec<_>>::new());
    for round in 0..trial.rounds {
        for (of, hurt) in CASES {
            let place = trial.place(&format!("hurt-{round}"))?;
            copy(if of == Of::Log { &full } else { &folded }, &place)?;
            let file = database::beside(&place.join("chat.db"), if of == Of::Log { "-wal" } else { "" });
            // What a control lacks must not hide behind a start that is refused.
            let where_ =
                if trial.control { "nowhere".into() } else { hurt_file(&file, hurt, &mut trial.chance)? };
            match start_on(trial.home(), &place, &ledger).await? {
                Came::Refused => refused += 1,
                Came::Whole => whole += 1,
                Came::Loud => loud += 1,
                Came::Wrong(what) if trial.control => broken!("{what}"),
                Came::Wrong(what) => {
                    trial.say(format_args!("{of} {hurt}, {where_}: {what}"));
                    wrong.entry((of, hurt)).or_default().push(what);
                }
            }
            fs::remove_dir_all(&place)?;
        }
    }
    if !wrong.is_empty() {
        let of_each = |((of, hurt), all): (&(Of, Hurt), &Vec<String>)| {
            format!("\n      {of} {hurt}: {} of {}, as: {}", all.len(), trial.rounds, all[0])
        };
        let wrong: String = wrong.iter().map(of_each).collect();
        broken!(
            "{refused} starts refused, {loud} errors when read, {whole} with nothing missing, and silently:{wrong}"
        );
    }
    Ok(Tally::new()
        .with("damages", refused + loud + whole)
        .with("starts refused", refused)
        .with("errors when read", loud)
        .with("harmless", whole))
}

/// Has clients write, kills it, and takes two copies of what is on the disk: as it is, with a full log, and with everything
/// in the database itself.
async fn write(trial: &Trial, ledger: &Ledger) -> Result<(PathBuf, PathBuf), Failure> {
    let data = trial.place("data")?;
    let (full, folded) = (trial.place("full")?, trial.place("folded")?);
    let mut deployment = Deployment::single(trial.home(), &data);
    deployment.up().await?;
    let scene = Scene::new(&deployment)?;
    let mut crowd = Crowd::start(&scene, CrowdPlan::default(), &[deployment.at.bridge], ledger).await?;
    crowd.acknowledges(MESSAGES, WRITTEN).await?;
    crowd.settle(&scene).await?;
    crowd.leave().await?;
    deployment.kill(UP);
    copy(&data, &full)?;
    copy(&data, &folded)?;
    database::fold(&folded.join("chat.db"))?;
    Ok((full, folded))
}

/// Starts on a hurt file, and reads everything.
async fn start_on(home: &Path, data: &Path, ledger: &Ledger) -> Result<Came, Failure> {
    let mut deployment = Deployment::single(home, data);
    if deployment.up().await.is_err() {
        if deployment.ended().is_some() {
            deployment.exit(UP).await?;
        }
        let said = deployment.printed(UP);
        let complaint =
            said.lines().rev().find(|line| line.starts_with("error:")).unwrap_or_default().to_owned();
        deployment.kill_all();
        return Ok(match complaint {
            complaint if complaint.contains("chat.db") => Came::Refused,
            complaint => {
                Came::Wrong(format!("it does not start, and does not say which file: {complaint:?}"))
            }
        });
    }
    let scene = Scene::new(&deployment)?;
    let told = ledger.read()?;
    let mut rooms: Vec<_> = told.0.values().flat_map(|account| account.views.keys().cloned()).collect();
    rooms.sort();
    rooms.dedup();
    let stored = Stored::read(&scene.grpc, &rooms).await;
    deployment.kill_all();
    Ok(match stored {
        Err(_) => Came::Loud,
        Ok(stored) => match check(&told, &stored) {
            Ok(_) => Came::Whole,
            Err(breaches) => Came::Wrong(format!("{} breaches, {}", breaches.0.len(), breaches.0[0])),
        },
    })
}

/// Hurts a file; where.
fn hurt_file(file: &Path, hurt: Hurt, chance: &mut StdRng) -> anyhow::Result<String> {
    let length = fs::metadata(file).with_context(|| file.display().to_string())?.len();
    let handle = OpenOptions::new().read(true).write(true).open(file)?;
    Ok(match hurt {
        Hurt::BitFlipped => {
            let at = chance.random_range(0..length);
            let mut byte = [0];
            handle.read_exact_at(&mut byte, at)?;
            handle.write_all_at(&[byte[0] ^ (1 << chance.random_range(0..8))], at)?;
            format!("byte {at} of {length}")
        }
        Hurt::PageZeroed => {
            let page = chance.random_range(0..length / PAGE);
            handle.write_all_at(&[0; PAGE as usize], page * PAGE)?;
            format!("page {page} of {}", length / PAGE)
        }
        Hurt::TailCut => {
            let cut = chance.random_range(1..=length / 2);
            handle.set_len(length - cut)?;
            format!("{cut} bytes of {length}")
        }
        Hurt::FileGone => {
            fs::remove_file(file)?;
            format!("{length} bytes")
        }
    })
}

/// Copies the files of a data directory.
fn copy(from: &Path, to: &Path) -> anyhow::Result<()> {
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        if entry.file_type()?.is_file() {
            fs::copy(entry.path(), to.join(entry.file_name()))?;
        }
    }
    Ok(())
}

impl fmt::Display for Hurt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::BitFlipped => "with a bit flipped",
            Self::PageZeroed => "with a page zeroed",
            Self::TailCut => "with its tail cut off",
            Self::FileGone => "gone",
        })
    }
}

impl fmt::Display for Of {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Database => "the database",
            Self::Log => "its log",
        })
    }
}
