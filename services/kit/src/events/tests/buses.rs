//! The same over each bus: within a process, and between one that writes and one that serves, over Redis.

use super::House;
use crate::bus::redis::tests::{Process, stand_in};

/// Two processes at a Redis.
pub(super) struct Ground {
    pub(super) server: stand_in::Redis,
    pub(super) writing: Process,
    pub(super) serving: Process,
}

impl Ground {
    /// `None` where Redis is not installed.
    pub(super) async fn start() -> Option<Self> {
        let server = stand_in::Redis::start()?;
        let (writing, serving) = Process::two(&server.url()).await;
        Some(Self { server, writing, serving })
    }
}

async fn over_redis() -> Option<House> {
    let ground = Ground::start().await?;
    let house = House::between(ground.writing.bus.clone(), ground.serving.bus.clone()).await;
    Some(House { _ground: Some(ground), ..house })
}

macro_rules! over_every_bus {
    ($($name:ident),+ $(,)?) => {
        mod within_a_process {
            $(#[tokio::test]
            async fn $name() {
                super::super::$name(super::House::new().await).await;
            })+
        }

        mod over_redis {
            $(#[tokio::test]
            async fn $name() {
                let Some(house) = super::over_redis().await else { return };
                super::super::$name(house).await;
            })+
        }
    };
}

over_every_bus!(
    a_subscriber_gets_what_comes_after_it_came,
    a_subscriber_that_comes_back_gets_what_it_missed_first,
    a_topic_that_is_dropped_is_silent,
    ephemeral_events_pass_and_are_not_kept,
    services_of_one_process_share_a_stream_and_not_their_topics,
    who_stops_asking_may_go_on_listening,
    history_that_is_not_there_is_lost_and_not_silent,
    a_topic_nobody_wrote_to_is_empty,
    history_is_read_in_pages,
    what_makes_no_sense_is_refused,
    subscriptions_end_when_the_server_stops,
);
