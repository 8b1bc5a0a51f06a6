//! What processes share: Redis, and the bus over it.

use std::{fs, path::PathBuf};

use anyhow::Context;
use causeway_config::RedisSettings;
use causeway_kit::bus::redis::{RedisDriver, Settings as BusSettings};
use causeway_link::redis::{ALLOWED, Address, AddressError, Redis, Settings};

use crate::{failure::Usage, host::Host};

/// Waits for Redis, where one is configured, and has what parts share be there and the bus of services go over it. Before any
/// part is started. Fails as [`share`] does.
pub(crate) async fn join(host: &mut Host) -> anyhow::Result<()> {
    share(host).await?;
    let context = &mut host.context;
    let Some(redis) = context.redis.clone() else { return Ok(()) };
    let RedisSettings { prefix, sharded, fallback_poll, linger, .. } = host.settings.redis.clone();
    let settings = BusSettings { prefix, fallback_poll, linger, sharded };
    context.bus = RedisDriver::bus(redis, settings, &context.tasks, &context.stop, &context.metrics);
    Ok(())
}

/// Waits for Redis, where one is configured, for a process that shares something but has no bus, such as a bridge: events come to
/// it from the services. Fails when Redis does not come in time, or when a signal comes first.
pub(crate) async fn share(host: &mut Host) -> anyhow::Result<()> {
    let Some(settings) = reach(&host.settings.redis)? else { return Ok(()) };
    host.context.redis = Some(host.lifecycle.until(async { Ok(Redis::connect(settings).await?) }).await?);
    Ok(())
}

/// How it is reached; `None` when none is configured.
pub(crate) fn reach(settings: &RedisSettings) -> anyhow::Result<Option<Settings>> {
    let Some(url) = &settings.url else { return Ok(None) };
    let address: Result<Address, AddressError> = url.expose().parse();
    let address = address.map_err(|why| Usage::error(format!("redis.url: {why}; allowed: {ALLOWED}")))?;
    let read = |file: &PathBuf| {
        fs::read(file).with_context(|| format!("redis.ca_file: {} cannot be read", file.display()))
    };
    let ca = settings.ca_file.as_ref().map(read).transpose()?;
    let RedisSettings { start_timeout, connect_timeout, response_timeout, .. } = *settings;
    Ok(Some(Settings { address, ca, connect_timeout, response_timeout, start_timeout }))
}

#[cfg(test)]
mod tests {
    use causeway_config::Sources;

    use super::*;

    fn settings(url: &str) -> RedisSettings {
        let mut settings = causeway_config::Settings::load(&Sources::default()).unwrap().settings.redis;
        settings.url = causeway_config::Secret::new(url);
        settings
    }

    #[test]
    fn no_url_is_no_redis() {
        assert!(reach(&settings("")).unwrap().is_none());
        let reached = reach(&settings("redis+sentinel://a,b/main")).unwrap().unwrap();
        assert_eq!(reached.address.to_string(), "redis+sentinel://a:26379,b:26379/main");
    }

    #[test]
    fn a_url_that_cannot_be_used_is_wrong_usage_and_not_repeated() {
        let error = reach(&settings("redis://:hunter2@host:port")).unwrap_err();
        let text = error.to_string();
        assert!(text.starts_with("redis.url: its port is not a number; allowed: "), "{text}");
        assert!(error.is::<Usage>() && !text.contains("hunter2"));
    }
}
