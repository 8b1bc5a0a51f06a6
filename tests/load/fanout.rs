//! One sender to 500 sockets of one conversation: deliveries for each second of the server's processor time, beside those
//! of the bare broadcast in the same run.

use std::sync::Arc;

use tokio_tungstenite::tungstenite::Utf8Bytes;

use crate::{
    audience::Audience,
    report::{Report, Row, Target, median},
    scene::Scene,
    server::Server,
    socket,
};

/// Sockets that listen.
pub(crate) const READERS: usize = 500;
/// The sender hears its own messages too.
pub(crate) const SOCKETS: usize = READERS + 1;
/// What one says.
pub(crate) const TEXT: &str = "A message as people write them, neither long nor short.";
const ROUNDS: usize = 3;

/// What is compared: the ratio of the two must be at least this.
const AT_LEAST: f64 = 0.5;

/// Measures with one message under way and with 32.
pub(crate) async fn measure(report: &mut Report) {
    let server = Arc::new(Server::causeway().await);
    let (mut causeway, sample) = gather(&server).await;
    let bare = Arc::new(Server::reference().await);
    let places = (0..SOCKETS).map(|_| (bare.sockets, "/".to_owned())).collect();
    let mut reference = Audience::gather(places, sample, cpu_of(&bare)).await;
    for under_way in [1, 32] {
        let (mut ours, mut theirs, mut wall) = (Vec::new(), Vec::new(), Vec::new());
        for _ in 0..ROUNDS {
            theirs.push(reference.round(under_way).await.per_cpu_second);
            let round = causeway.round(under_way).await;
            ours.push(round.per_cpu_second);
            wall.push(round.per_second);
        }
        let (ours, theirs) = (median(ours), median(theirs));
        let row = |figure: &str, value, unit, target| Row {
            figure: format!("fan-out to {READERS}, {under_way} under way: {figure}"),
            value,
            unit,
            target,
        };
        report.add(row("causeway", ours, "deliveries/CPU s", Some(Target::AtLeast(theirs * AT_LEAST))));
        report.add(row("bare broadcast", theirs, "deliveries/CPU s", None));
        report.add(row("causeway", median(wall), "deliveries/s", None));
    }
    drop((causeway, reference));
    for server in [server, bare] {
        Server::stop_shared(server).await;
    }
}

/// Everybody in one room of one process, and a frame as its readers get it.
pub(crate) async fn gather(server: &Arc<Server>) -> (Audience, Utf8Bytes) {
    let scene = Scene::new(server);
    scene.rooms(1, SOCKETS).await;
    let places: Vec<_> = (0..SOCKETS).map(|person| (server.sockets, scene.path(0, person))).collect();
    let frame = socket::frame(TEXT);
    let (mut writer, mut reader) = socket::open(places[0].0, &places[0].1).await;
    writer.send(frame.clone()).await;
    let sample = reader.message().await.expect("the message comes back");
    drop((writer, reader));
    (Audience::gather(places, frame, cpu_of(server)).await, sample)
}

fn cpu_of(server: &Arc<Server>) -> impl Fn() -> f64 + Send + Sync + use<> {
    let server = Arc::clone(server);
    move || server.cpu()
}
