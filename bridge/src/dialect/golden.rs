//! Runs the golden frames in `tests/frames/<dialect>/`, which are the specification of each dialect: every
//! frame it takes and the command that it becomes, every frame it sends and what it comes from, byte for byte
//! but for white space.
//!
//! A file is about one kind of frame and holds cases. What a case starts from is a frame as a client sends
//! it, or the name of a value in [`sample`]. [`coverage`] fails where a dialect does something that no golden
//! frame shows.

mod case;
mod coverage;
mod sample;
mod show;

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

use serde::Deserialize;
use serde_json::value::RawValue;

use self::case::{InCase, OutCase, RefusalCase, RouteCase};
use super::Dialect;

/// What the cases of a dialect have shown, as words such as `command send`.
type Shown = BTreeSet<String>;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Golden<'a> {
    /// What the frame is called.
    name: String,
    direction: Direction,
    #[serde(borrow)]
    cases: Vec<&'a RawValue>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Direction {
    /// From a client into a command.
    In,
    /// From an event, a reply or a fault to a client.
    Out,
    /// How sockets are refused.
    Refusal,
    /// Paths.
    Route,
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/frames")
}

/// Runs every file of a dialect and answers what they show.
fn run(dialect: Dialect) -> Shown {
    let mut shown = Shown::new();
    for entry in fs::read_dir(folder().join(dialect.name())).expect("the dialect has a folder") {
        let path = entry.expect("the folder can be read").path();
        assert_eq!(path.extension().and_then(|end| end.to_str()), Some("json"), "{}", path.display());
        let text = fs::read_to_string(&path).expect("the file can be read");
        let golden: Golden<'_> = read(&text, &path.display().to_string());
        assert!(!golden.cases.is_empty(), "{} has no case", path.display());
        for (at, case) in golden.cases.iter().enumerate() {
            let place = format!("{} ({}), case {at}", path.display(), golden.name);
            run_case(dialect, golden.direction, case.get(), &place, &mut shown);
        }
    }
    shown
}

fn run_case(dialect: Dialect, direction: Direction, text: &str, place: &str, shown: &mut Shown) {
    match direction {
        Direction::In => read::<InCase<'_>>(text, place).run(dialect, place, shown),
        Direction::Out => read::<OutCase<'_>>(text, place).run(dialect, place, shown),
        Direction::Refusal => read::<RefusalCase>(text, place).run(dialect, place, shown),
        Direction::Route => read::<RouteCase>(text, place).run(dialect, place, shown),
    }
}

fn read<'a, T: Deserialize<'a>>(text: &'a str, place: &str) -> T {
    serde_json::from_str(text).unwrap_or_else(|error| unreachable!("{place} cannot be read: {error}"))
}

#[test]
fn every_folder_is_a_dialects() {
    let names = fs::read_dir(folder()).expect("the frames are there").map(|entry| {
        entry.expect("the folder can be read").file_name().into_string().expect("names are text")
    });
    let dialects: BTreeSet<_> = Dialect::ALL.iter().map(|dialect| dialect.name().to_owned()).collect();
    assert_eq!(names.collect::<BTreeSet<_>>(), dialects);
}
