//! A TCP proxy between any two, which does to their connections what networks do.

use std::{io, net::SocketAddr, time::Duration};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{
        TcpListener, TcpStream,
        tcp::{OwnedReadHalf, OwnedWriteHalf},
    },
    sync::watch,
    task::{JoinHandle, JoinSet},
    time::sleep,
};

/// What it does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Way {
    /// Passes everything on.
    Pass,
    /// Passes everything on, this much later.
    Delay(Duration),
    /// Takes connections and bytes and passes nothing on: nobody is told.
    BlackHole,
    /// Resets every connection (RST), old and new.
    Reset,
}

/// What all connections look at.
#[derive(Debug, Clone, Copy)]
struct Weather {
    way: Way,
    /// How often connections were cut: one that is older than the last cut is reset.
    cuts: u64,
}

/// A running proxy; it ends when this is dropped.
pub(crate) struct Proxy {
    /// Where it listens.
    pub(crate) at: SocketAddr,
    weather: watch::Sender<Weather>,
    accepting: JoinHandle<()>,
}

impl Proxy {
    /// A proxy that passes everything on to `target`.
    pub(crate) async fn to(target: SocketAddr) -> io::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let weather = watch::Sender::new(Weather { way: Way::Pass, cuts: 0 });
        let at = listener.local_addr()?;
        let accepting = tokio::spawn(accept(listener, target, weather.subscribe()));
        Ok(Self { at, weather, accepting })
    }

    /// From now on, for all connections.
    pub(crate) fn set(&self, way: Way) {
        self.weather.send_modify(|weather| weather.way = way);
    }

    /// Resets the connections that there are (RST); new ones are as before.
    pub(crate) fn cut(&self) {
        self.weather.send_modify(|weather| weather.cuts += 1);
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

impl Weather {
    /// Whether a connection that has seen so many cuts is to be reset.
    fn resets(self, seen: u64) -> bool {
        self.way == Way::Reset || self.cuts != seen
    }
}

async fn accept(listener: TcpListener, target: SocketAddr, weather: watch::Receiver<Weather>) {
    let mut connections = JoinSet::new();
    while let Ok((client, _)) = listener.accept().await {
        // How a connection ends is the business of those who talk.
        let carried = carry(client, target, weather.clone());
        connections.spawn(async move { drop(carried.await) });
        while connections.try_join_next().is_some() {}
    }
}

async fn carry(
    client: TcpStream,
    target: SocketAddr,
    mut weather: watch::Receiver<Weather>,
) -> io::Result<()> {
    let seen = weather.borrow().cuts;
    // Nobody behind a black hole hears of connections that it takes.
    let now = weather.wait_for(|it| it.way != Way::BlackHole || it.resets(seen)).await.map(|it| *it);
    if now.map_or(true, |now| now.resets(seen)) {
        return client.set_zero_linger();
    }
    let server = TcpStream::connect(target).await?;
    client.set_nodelay(true)?;
    server.set_nodelay(true)?;
    let (from_client, to_client) = client.into_split();
    let (from_server, to_server) = server.into_split();
    // One that has read to its end leaves the other direction open.
    tokio::try_join!(
        pump(from_client, to_server, weather.clone(), seen),
        pump(from_server, to_client, weather, seen),
    )?;
    Ok(())
}

/// Passes bytes on in one direction, as the weather is.
async fn pump(
    mut from: OwnedReadHalf,
    mut to: OwnedWriteHalf,
    mut weather: watch::Receiver<Weather>,
    seen: u64,
) -> io::Result<()> {
    let mut buffer = vec![0; 16 << 10];
    loop {
        let length = tokio::select! {
            length = from.read(&mut buffer) => length?,
            // A sender that is gone has taken the proxy with it.
            now = weather.wait_for(|it| it.resets(seen)) => {
                drop(now);
                return reset(&from, &to);
            }
        };
        if length == 0 {
            return to.shutdown().await;
        }
        let now = *weather.borrow();
        if let Way::Delay(by) = now.way {
            sleep(by).await;
        }
        let open = weather.wait_for(|it| it.way != Way::BlackHole || it.resets(seen)).await.map(|it| *it);
        if open.map_or(true, |it| it.resets(seen)) {
            return reset(&from, &to);
        }
        to.write_all(&buffer[..length]).await?;
    }
}

/// Has both connections end with a reset, and the other direction end too.
fn reset(from: &OwnedReadHalf, to: &OwnedWriteHalf) -> io::Result<()> {
    from.as_ref().set_zero_linger()?;
    to.as_ref().set_zero_linger()?;
    Err(io::ErrorKind::ConnectionReset.into())
}
