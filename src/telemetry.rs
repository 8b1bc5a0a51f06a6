//! Logs, on standard error: for people or as JSON. One event is one line, whatever its fields hold.

use std::io::{self, IsTerminal, Write};

use causeway_config::{LogSettings, telemetry::LogFormat};
use tracing::{Level, Metadata};
use tracing_subscriber::{
    EnvFilter, Layer, Registry, filter,
    filter::FilterExt,
    fmt,
    fmt::MakeWriter,
    layer::{self, SubscriberExt},
    reload::{self, Handle},
    util::SubscriberInitExt,
};

use crate::reload::Apply;

/// What is logged and what not.
type Wanted = Box<dyn layer::Filter<Registry> + Send + Sync>;

/// The levels in force, which can be changed.
#[derive(Clone)]
pub(crate) struct Levels(Handle<Wanted, Registry>);

/// Starts logging as the settings say. Once per process.
pub(crate) fn start(settings: &LogSettings) -> anyhow::Result<Levels> {
    let (wanted, levels) = reload::Layer::new(wanted(settings)?);
    let lines = fmt::layer().with_writer(Lines);
    let layer = match settings.format {
        LogFormat::Human => lines.with_ansi(io::stderr().is_terminal()).with_filter(wanted).boxed(),
        LogFormat::Json => lines.json().flatten_event(true).with_filter(wanted).boxed(),
    };
    tracing_subscriber::registry().with(layer).try_init()?;
    Ok(Levels(levels))
}

impl Levels {
    /// Makes ready to log as other settings say.
    pub(crate) fn prepare(&self, settings: &LogSettings) -> anyhow::Result<Apply> {
        let (levels, wanted) = (self.0.clone(), wanted(settings)?);
        // It fails only once there is nothing to log with any more.
        Ok(Box::new(move || drop(levels.reload(wanted))))
    }
}

fn wanted(settings: &LogSettings) -> anyhow::Result<Wanted> {
    // Without the hint nothing knows that most levels are off, and every frame would ask.
    let discreet = filter::filter_fn(is_discreet).with_max_level_hint(filter::LevelFilter::TRACE);
    Ok(Box::new(EnvFilter::try_new(&settings.level)?.and(discreet)))
}

/// Libraries print frames and headers, and with them tokens and messages, below `info`, whatever level is asked for.
fn is_discreet(event: &Metadata<'_>) -> bool {
    let target = event.target();
    // Each certificate that is not trusted is an error to it; we say the same with the way out, and once.
    let is_said = target.starts_with("rustls_platform_verifier");
    target.starts_with("causeway") || (*event.level() <= Level::INFO && !is_said)
}

/// A writer that gets whole events and keeps each on its line. Escape sequences in values are the formatter's to escape;
/// line ends are not, so a name with one in it could otherwise forge an event.
struct Lines;

impl<'a> MakeWriter<'a> for Lines {
    type Writer = Line<io::StderrLock<'a>>;

    fn make_writer(&'a self) -> Self::Writer {
        Line(io::stderr().lock())
    }
}

struct Line<W>(W);

impl<W: Write> Write for Line<W> {
    fn write(&mut self, event: &[u8]) -> io::Result<usize> {
        let text = event.strip_suffix(b"\n").unwrap_or(event);
        if text.iter().any(|byte| matches!(byte, b'\n' | b'\r')) {
            let escaped: Vec<u8> = text
                .iter()
                .flat_map(|byte| match byte {
                    b'\n' => b"\\n".as_slice(),
                    b'\r' => b"\\r".as_slice(),
                    other => std::slice::from_ref(other),
                })
                .copied()
                .chain(*b"\n")
                .collect();
            self.0.write_all(&escaped)?;
        } else {
            self.0.write_all(event)?;
        }
        Ok(event.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_end_in_a_value_does_not_make_a_second_line() {
        let mut out = Line(Vec::new());
        out.write_all(b"INFO name=a\r\nINFO forged\n").unwrap();
        assert_eq!(out.0, b"INFO name=a\\r\\nINFO forged\n");
    }
}
