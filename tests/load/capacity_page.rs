//! The page on capacity says what the program works out.

mod capacity;

const PAGE: &str = include_str!("../../config/deploy/capacity.md");

#[test]
fn the_tables_of_the_page_are_what_the_program_prints() {
    let tables = capacity::tables();
    assert!(
        PAGE.contains(&tables),
        "write into config/deploy/capacity.md what `cargo bench --bench load -- capacity` prints:\n{tables}"
    );
}

#[test]
fn options_say_what_people_do_and_what_is_wrong_is_named() {
    let answer =
        |options: &[&str]| capacity::answer(&options.iter().map(|it| (*it).to_owned()).collect::<Vec<_>>());
    assert!(answer(&["--sockets", "1000", "--interval", "60"]).is_ok());
    assert_eq!(answer(&["--sockets"]), Err("--sockets needs a number".into()));
    assert_eq!(
        answer(&["--sockets", "many"]),
        Err("--sockets needs a number above 0, and many is none".into())
    );
    assert!(answer(&["--rate", "1"]).unwrap_err().starts_with("--rate is none of --sockets"));
}
