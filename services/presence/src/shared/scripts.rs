//! The scripts that run in Redis, as they lie beside this file.

use redis::Script;

/// Each with the head that all begin with.
#[derive(Debug)]
pub(super) struct Scripts {
    pub attach: Script,
    pub report: Script,
    pub synced: Script,
    pub lose: Script,
    pub renew: Script,
    pub sweep: Script,
    pub presences: Script,
    pub present: Script,
    pub typing: Script,
}

macro_rules! script {
    ($file:literal) => {
        Script::new(concat!(include_str!("lua/head.lua"), include_str!($file)))
    };
}

impl Default for Scripts {
    fn default() -> Self {
        Self {
            attach: script!("lua/attach.lua"),
            report: script!("lua/report.lua"),
            synced: script!("lua/synced.lua"),
            lose: script!("lua/lose.lua"),
            renew: script!("lua/renew.lua"),
            sweep: script!("lua/sweep.lua"),
            presences: script!("lua/presences.lua"),
            present: script!("lua/present.lua"),
            typing: script!("lua/typing.lua"),
        }
    }
}
