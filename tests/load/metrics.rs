//! The numbers that a process shows of itself.

use std::{collections::BTreeMap, net::SocketAddr, ops::Sub};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

/// Every sample at one moment, or what has come to it since another, by its name and labels as they stand on the page.
#[derive(Debug, Clone, Default)]
pub(crate) struct Reading(BTreeMap<String, f64>);

impl Reading {
    /// What is shown at an address now.
    pub(crate) async fn of(admin: SocketAddr) -> Self {
        let mut stream = TcpStream::connect(admin).await.expect("it shows its metrics");
        let request = format!("GET /metrics HTTP/1.1\r\nHost: {admin}\r\nConnection: close\r\n\r\n");
        stream.write_all(request.as_bytes()).await.expect("a question");
        let mut page = String::new();
        stream.read_to_string(&mut page).await.expect("a page");
        let samples = page.lines().filter(|line| line.starts_with("causeway_"));
        let sample = |line: &str| {
            let (name, value) = line.rsplit_once(' ')?;
            Some((name.to_owned(), value.parse().ok()?))
        };
        Self(samples.filter_map(sample).collect())
    }

    /// The sum of all samples whose names begin so.
    pub(crate) fn sum(&self, begin: &str) -> f64 {
        self.0
            .range(begin.to_owned()..)
            .take_while(|(name, _)| name.starts_with(begin))
            .map(|(_, value)| value)
            .sum()
    }
}

impl Sub for Reading {
    type Output = Self;

    fn sub(mut self, earlier: Self) -> Self {
        for (name, value) in earlier.0 {
            *self.0.entry(name).or_default() -= value;
        }
        self
    }
}
