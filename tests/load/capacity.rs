//! How many processes it takes for so many sockets, what each of them has to do, and what is full first: worked out of what was
//! measured, for config/deploy/capacity.md.
//!
//! `costs` has what was measured and what is taken for granted, `load` what people do, `layout` what runs, `limits` what may be
//! full and which line of configuration moves it, `page` the tables. It is arithmetic: nothing here was run at these sizes.

mod costs;
mod layout;
mod limits;
mod load;
mod page;

use load::Load;

/// The steps of the page.
const STEPS: [f64; 5] = [1e3, 1e4, 1e5, 1e6, 1e7];

/// The tables of the page.
pub(crate) fn tables() -> String {
    page::tables(&STEPS.map(|sockets| Load { sockets, ..Load::default() }))
}

/// What the options say: `--sockets`, `--topics`, `--size`, `--interval`, `--stay`, each with a number; without any, the page's
/// tables. Fails with what is wrong with them.
pub(crate) fn answer(options: &[String]) -> Result<String, String> {
    if options.is_empty() {
        return Ok(tables());
    }
    let mut load = Load::default();
    for pair in options.chunks(2) {
        let [name, value] = pair else { return Err(format!("{} needs a number", pair[0])) };
        let number = value.parse::<f64>().ok().filter(|number| number.is_finite() && *number > 0.0);
        let number = number.ok_or_else(|| format!("{name} needs a number above 0, and {value} is none"))?;
        load.set(name, number)?;
    }
    Ok(page::tables(&[load]))
}
