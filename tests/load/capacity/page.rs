//! The tables, in Markdown.

use std::fmt::Write;

use super::{
    layout::Layout,
    limits::{self, Limit, Part, Use},
    load::Load,
};

/// What runs at each load and what is full first, and what each part then has to do.
pub(super) fn tables(loads: &[Load]) -> String {
    let rows: Vec<_> = loads.iter().map(|load| (load, Layout::of(load))).collect();
    let mut page = String::new();
    // Writing into a string does not fail.
    let _ = write!(page, "{}\n{}", steps(&rows), uses(&rows));
    page
}

fn steps(rows: &[(&Load, Layout)]) -> String {
    let head = [
        "sockets",
        "messages/s",
        "deliveries/s",
        "runs",
        "breaks first",
        "moved by",
        "breaks next",
        "moved by",
    ];
    let body = rows.iter().map(|(load, layout)| {
        let mut all = limits::of(load, layout);
        all.sort_by(|one, other| other.used.total_cmp(&one.used));
        // What grows with processes and not with sockets breaks only where it does already.
        all.retain(|limit| limit.part != Part::Nothing || limit.used > 1.0);
        let first = all[0];
        // More of the same part moves most of its limits.
        let next = all.iter().find(|limit| limit.part != first.part).copied().unwrap_or(first);
        let at = |limit: Limit| format!("{}, at {}", limit.name, number(load.sockets / limit.used));
        [
            number(load.sockets),
            number(load.messages()),
            number(load.deliveries()),
            runs(layout),
            at(first),
            first.moved_by.to_owned(),
            at(next),
            next.moved_by.to_owned(),
        ]
    });
    table(head, body)
}

fn uses(rows: &[(&Load, Layout)]) -> String {
    let head = [
        "sockets",
        "our cores",
        "bridges use",
        "chats use",
        "presence uses",
        "Redis uses",
        "PostgreSQL",
        "to clients",
    ];
    let body = rows.iter().map(|(load, layout)| {
        let each = Use::of(load, layout);
        let all = |of: f64| of * layout.installations;
        let part =
            |cores: f64, kib: f64| format!("{} cores, {}", number(all(cores)), bytes(all(kib) * 1_024.0));
        [
            number(load.sockets),
            number(layout.cores()),
            part(each.bridge_cores, each.bridge_kib),
            part(each.chat_cores, each.chat_kib),
            part(each.presence_cores, each.presence_kib),
            part(each.redis_cores, each.redis_kib),
            format!(
                "{} cores, {} jobs/s, {}/s of log, {} a day",
                number(all(each.postgres_cores)),
                number(all(each.writes)),
                bytes(all(each.postgres_log)),
                bytes(all(each.postgres_tables) * 86_400.0)
            ),
            format!("{}/s", bytes(all(each.network))),
        ]
    });
    table(head, body)
}

fn runs(layout: &Layout) -> String {
    if layout.is_one_process() {
        return "one process, or one of each part".into();
    }
    let count = |count: f64, one: &str, many: &str| {
        format!("{} {}", number(count), if count == 1.0 { one } else { many })
    };
    let mut parts = vec![
        count(layout.bridges, "bridge", "bridges"),
        count(layout.chats, "chat", "chats"),
        count(layout.presences, "presence", "presences"),
        count(layout.redis_nodes, "Redis node", "Redis nodes"),
        "1 PostgreSQL".to_owned(),
    ];
    if !layout.reports {
        parts.push("no reports".to_owned());
    }
    if layout.installations > 1.0 {
        parts.insert(0, format!("{} installations, each", number(layout.installations)));
    }
    parts.join(", ").replace("each, ", "each ")
}

fn table<const N: usize>(head: [&str; N], body: impl Iterator<Item = [String; N]>) -> String {
    let line = |cells: &[String]| format!("| {} |\n", cells.join(" | "));
    let head = line(&head.map(str::to_owned));
    let rule = line(&[(); N].map(|()| "---".to_owned())).replace(' ', "");
    head + &rule + &body.map(|cells| line(&cells)).collect::<String>()
}

/// Two digits that count, with thousands apart.
fn number(value: f64) -> String {
    if value < 10.0 && value.fract() != 0.0 {
        return format!("{value:.*}", if value < 1.0 { 2 } else { 1 });
    }
    let unit = 10_f64.powf((value.log10().floor() - 1.0).max(0.0));
    let digits = format!("{:.0}", (value / unit).round() * unit);
    let mut grouped = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            grouped.push(' ');
        }
        grouped.push(digit);
    }
    grouped
}

fn bytes(value: f64) -> String {
    let units = ["B", "KB", "MB", "GB", "TB"];
    let (mut value, mut at) = (value, 0);
    while value >= 1_000.0 && at + 1 < units.len() {
        (value, at) = (value / 1_000.0, at + 1);
    }
    format!("{} {}", number(value), units[at])
}
