//! What an idle connection costs in resident memory, over ten thousand of them.

use std::time::Duration;

use tokio::{task::JoinSet, time::sleep};

use crate::{
    report::{Report, Row, Target},
    scene::Scene,
    server::Server,
    socket::{self, Reader, Writer},
};

const ROOMS: usize = 1_000;
const PEOPLE: usize = 10;
/// How long the server may take to come to rest.
const REST: Duration = Duration::from_secs(3);
/// KiB.
const AT_MOST: f64 = 20.0;

/// Measures resident memory without and with the sockets.
pub(crate) async fn measure(report: &mut Report) {
    let server = Server::causeway().await;
    let scene = Scene::new(&server);
    scene.rooms(ROOMS, PEOPLE).await;
    sleep(REST).await;
    let before = server.resident();
    let mut sockets = JoinSet::new();
    for room in 0..ROOMS {
        let places: Vec<_> = (0..PEOPLE).map(|person| (server.sockets, scene.path(room, person))).collect();
        for (writer, reader) in socket::open_all(places).await {
            sockets.spawn(idle(writer, reader));
        }
    }
    sleep(REST).await;
    assert!(sockets.try_join_next().is_none(), "a socket was closed");
    let count = ROOMS * PEOPLE;
    let each = (server.resident() - before) / f64::from(u32::try_from(count).expect("ten thousand"));
    report.add(Row {
        figure: format!("an idle connection, over {count}"),
        value: each,
        unit: "KiB resident",
        target: Some(Target::AtMost(AT_MOST)),
    });
    report.add(Row {
        figure: "the server before them".into(),
        value: before / 1024.0,
        unit: "MiB resident",
        target: None,
    });
    drop(sockets);
    server.stop().await;
}

/// Reads so that pings are answered.
async fn idle(_writer: Writer, mut reader: Reader) {
    while reader.message().await.is_some() {}
}
