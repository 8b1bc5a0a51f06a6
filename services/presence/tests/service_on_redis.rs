//! The same tests as `service`, with the presence of the service in a Redis of each test's own.

#![expect(clippy::unwrap_used, clippy::panic, reason = "tests")]

#[path = "service/attach.rs"]
mod attach;
#[path = "service/presence.rs"]
mod presence;
#[path = "service/running.rs"]
mod running;
#[path = "../../../tests/stand_ins/redis.rs"]
mod server;
#[path = "service/several.rs"]
mod several;
#[path = "service/typing.rs"]
mod typing;

/// Where presence is, for those tests that there is a Redis for.
async fn shared(server: Option<&server::Redis>) -> Option<causeway_presence::SharedAt> {
    let address = server?.url().parse().unwrap();
    let redis = causeway_link::redis::Redis::connect(causeway_link::redis::Settings::new(address)).await;
    Some(causeway_presence::SharedAt::new(redis.unwrap(), "causeway"))
}
