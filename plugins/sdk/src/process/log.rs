//! Logs on standard error: for people at a terminal, and otherwise as JSON, in which a value cannot forge a line.

use std::io::IsTerminal;

use tracing::{Level, Metadata};
use tracing_subscriber::{
    EnvFilter, Layer, filter, filter::FilterExt, fmt, layer::SubscriberExt, util::SubscriberInitExt,
};

/// Libraries that print frames and headers, and with them tokens and messages, below `info`.
const TALKATIVE: [&str; 6] = ["h2", "hyper", "hyper_util", "reqwest", "tonic", "tower"];

/// Starts logging, unless the author's own program has.
pub(super) fn start(wanted: Option<String>) {
    let wanted =
        EnvFilter::try_new(wanted.as_deref().unwrap_or("info")).unwrap_or_else(|_| EnvFilter::new("info"));
    // Without the hint nothing knows that most levels are off, and every call would ask.
    let discreet = filter::filter_fn(is_discreet).with_max_level_hint(filter::LevelFilter::TRACE);
    let wanted = wanted.and(discreet);
    let lines = fmt::layer().with_writer(std::io::stderr);
    let layer = match std::io::stderr().is_terminal() {
        true => lines.with_filter(wanted).boxed(),
        false => lines.json().flatten_event(true).with_filter(wanted).boxed(),
    };
    let _ = tracing_subscriber::registry().with(layer).try_init();
}

fn is_discreet(event: &Metadata<'_>) -> bool {
    let library = event.target().split("::").next().unwrap_or_default();
    // Each certificate that is not trusted is an error to it; we say the same with the way out, and once.
    let is_said = library == "rustls_platform_verifier";
    !is_said && (!TALKATIVE.contains(&library) || *event.level() <= Level::INFO)
}
