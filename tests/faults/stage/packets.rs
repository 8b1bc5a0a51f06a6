//! Packets that are lost on our own loopback interface, by nftables: nobody is told, and TCP does what it does.

use super::{has, system};
use crate::apart;

/// The table with our rule.
const TABLE: [&str; 2] = ["inet", "faults"];

/// A rule under which packets are dropped; it goes when this is dropped.
pub(crate) struct Packets;

impl Packets {
    /// Whether packets can be lost here: it takes a network namespace and nft.
    pub(crate) fn can_be_lost() -> bool {
        apart::is_so() && has("nft")
    }

    /// So many of a hundred, to whomever.
    pub(crate) fn lose(of_hundred: u32) -> anyhow::Result<Self> {
        Self::rule(&[
            "tcp",
            "dport",
            ">=",
            "1024",
            "numgen",
            "random",
            "mod",
            "100",
            "<",
            &of_hundred.to_string(),
        ])
    }

    /// All, to one port.
    pub(crate) fn drop_to(port: u16) -> anyhow::Result<Self> {
        Self::rule(&["tcp", "dport", &port.to_string()])
    }

    fn rule(which: &[&str]) -> anyhow::Result<Self> {
        let with = |before: &[&str], after: &[&str]| system("nft", &[before, &TABLE, after].concat());
        with(&["add", "table"], &[])?;
        let packets = Self;
        with(&["add", "chain"], &["lossy", "{ type filter hook input priority 0; }"])?;
        with(&["add", "rule"], &[&["lossy"], which, &["drop"]].concat())?;
        Ok(packets)
    }
}

impl Drop for Packets {
    fn drop(&mut self) {
        drop(system("nft", &[&["delete", "table"], &TABLE[..]].concat()));
    }
}
