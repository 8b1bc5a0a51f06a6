//! Endpoints as a person is told of them.

use std::io::{Read, Write};

use causeway_proto::{
    peer::{PEER, TIME},
    time::Clock,
};

use super::stage::{Served, urls};
use crate::grpc::{Condition, Inspected, Reach, Service, Targets};

async fn inspect(service: Service, urls: &str) -> Vec<Inspected> {
    let targets: Targets = urls.parse().unwrap();
    Reach::new("test").inspect(service, &targets).await.unwrap()
}

#[tokio::test]
async fn each_of_several_is_looked_at_in_their_order() {
    let servers = [Served::start(), Served::start()];
    servers[1].serves(false).await;
    let dead = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let found = inspect(Service::Chat, &format!("{},http://{dead}", urls(&servers))).await;
    assert!(found.iter().zip(&servers).all(|(found, server)| found.url == server.url()));
    let [first, second, third] = found.try_into().unwrap();
    assert!(matches!(first.condition, Condition::Well), "{first:?}");
    assert!(matches!(second.condition, Condition::NotServing), "{second:?}");
    assert!(
        matches!(&third.condition, Condition::Unreachable(why) if why.contains("Connection refused")),
        "{third:?}"
    );
    let [other] = inspect(Service::Presence, &servers[0].url()).await.try_into().unwrap();
    assert!(matches!(other.condition, Condition::Another), "{other:?}");
}

#[tokio::test]
async fn another_protocol_and_another_time_are_seen() {
    let server = Served::saying(PEER, "chat/9.9.9; protocol=77".to_owned());
    let [found] = inspect(Service::Chat, &server.url()).await.try_into().unwrap();
    let Condition::Incompatible(misfit) = found.condition else { panic!("{found:?}") };
    assert_eq!((misfit.there.protocol, misfit.here.part.as_str()), (77, "test"));
    let an_hour_ago = Clock::default().now_micros() - 3_600_000_000;
    let server = Served::saying(TIME, an_hour_ago.to_string());
    let [found] = inspect(Service::Chat, &server.url()).await.try_into().unwrap();
    assert!(found.skew.is_some_and(|skew| skew < -3_500_000_000), "{found:?}");
}

#[tokio::test]
async fn whoever_speaks_something_else_is_not_taken_to_be_away() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let serve = move || {
        let mut client = listener.accept()?.0;
        // What HTTP/2 begins with.
        client.read_exact(&mut [0; 24])?;
        client.write_all(b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n")?;
        // Until the other side has read it and gone.
        client.read_to_end(&mut Vec::new())
    };
    let server = std::thread::spawn(serve);
    let [found] = inspect(Service::Chat, &url).await.try_into().unwrap();
    assert!(server.join().is_ok());
    assert!(matches!(&found.condition, Condition::Mistrusted(why) if why.contains("HTTP/2")), "{found:?}");
}
