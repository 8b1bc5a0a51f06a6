//! All rows, in the order of the matrix.
//!
//! To add one: a file of `rows` with a `ROW` and its program, and a line below.

mod bad_cursor;
mod bit_rot;
mod chaos;
mod clock;
mod dependency_away;
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
mod replica_partition;
mod soak;
mod write_error;

use crate::row::Row;

/// Every row.
pub(crate) const ALL: [&Row; 22] = [
    &process_death::ROW,
    &power_cut::ROW,
    &write_error::ROW,
    &disk_full::ROW,
    &bit_rot::ROW,
    &flaky_clients::ROW,
    &reconnect_storm::ROW,
    &bad_cursor::ROW,
    &duplicate_send::ROW,
    &duplicate_send::REPLICAS,
    &order::ROW,
    &partition::ROW,
    &replica_partition::ROW,
    &pause::ROW,
    &dependency_reset::ROW,
    &dependency_away::ROW,
    &plugin_crash::ROW,
    &plugin_flood::ROW,
    &deploy::ROW,
    &clock::ROW,
    &soak::ROW,
    &chaos::ROW,
];

/// The row of a name, or the rows of a number.
pub(crate) fn find(name: &str) -> Result<Vec<&'static Row>, String> {
    let named = |row: &&Row| row.name == name || row.number.to_string() == name;
    let found: Vec<_> = ALL.into_iter().filter(named).collect();
    if found.is_empty() {
        let names: Vec<_> = ALL.iter().map(|row| row.name).collect();
        return Err(format!("{name} is not one of all, {}", names.join(", ")));
    }
    Ok(found)
}

/// Prints them.
pub(crate) fn list() {
    println!("{:>2}  {:<16} {:>6} {:>6}  must hold", "", "row", "short", "long");
    for Row { number, name, must_hold, control, short, long, .. } in ALL {
        println!("{number:>2}  {name:<16} {short:>6} {long:>6}  {must_hold}");
        println!("{:>35}control: {control}", "");
    }
    println!(
        "\ntests/faults/run NAME|all [--short|--long] [--rounds N] [--seed S] [--control|--no-control] [--jobs N]"
    );
}
