//! All rows, in the order of the matrix.
//!
//! To add one: a file of `rows` with a `ROW` and its program, and a line below.

mod bad_cursor;
mod bit_rot;
mod clock;
mod dependency_reset;
mod deploy;
mod disk_full;
mod duplicate_send;
mod flaky_clients;
mod order;
mod partition;
mod pause;
mod plugin_crash;
mod plugin_flood;
mod power_cut;
mod process_death;
mod reconnect_storm;
mod soak;
mod write_error;

use crate::row::Row;

/// Every row.
pub(crate) const ALL: [&Row; 18] = [
    &process_death::ROW,
    &power_cut::ROW,
    &write_error::ROW,
    &disk_full::ROW,
    &bit_rot::ROW,
    &flaky_clients::ROW,
    &reconnect_storm::ROW,
    &bad_cursor::ROW,
    &duplicate_send::ROW,
    &order::ROW,
    &partition::ROW,
    &pause::ROW,
    &dependency_reset::ROW,
    &plugin_crash::ROW,
    &plugin_flood::ROW,
    &deploy::ROW,
    &clock::ROW,
    &soak::ROW,
];

/// The row of a name or a number.
pub(crate) fn find(name: &str) -> Result<&'static Row, String> {
    let named = |row: &&&Row| row.name == name || row.number.to_string() == name;
    ALL.iter().find(named).copied().ok_or_else(|| {
        let names: Vec<_> = ALL.iter().map(|row| row.name).collect();
        format!("{name} is not one of all, {}", names.join(", "))
    })
}

/// Prints them.
pub(crate) fn list() {
    println!("{:>2}  {:<16} {:>6} {:>6}  must hold", "", "row", "short", "long");
    for Row { number, name, must_hold, control, short, long, .. } in ALL {
        println!("{number:>2}  {name:<16} {short:>6} {long:>6}  {must_hold}");
        println!("{:>35}control: {control}", "");
    }
    println!("\ntests/faults/run NAME|all [--short|--long] [--rounds N] [--seed S] [--control|--no-control]");
}
