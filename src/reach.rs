//! How a process reaches services that are processes of their own, as `[services.client]` and their `url` say.

use causeway_config::{ClientSettings, Settings};
use causeway_link::grpc::{self, Link, Metrics, Reach, Service, Targets};
use causeway_proto::peer::Peer;

use crate::{failure::Usage, host::Host, tls};

/// Where a service is configured to be, and by which key.
pub(crate) fn configured(settings: &Settings, service: Service) -> (&'static str, &str) {
    let services = &settings.services;
    match service {
        Service::Chat => ("services.chat.url", &services.chat.url),
        Service::Notification => ("services.notification.url", &services.notification.url),
        Service::Presence => ("services.presence.url", &services.presence.url),
    }
}

/// Reads where a service is; `key` is who says so.
pub(crate) fn targets(key: &str, url: &str) -> anyhow::Result<Targets> {
    url.parse::<Targets>().map_err(|error| Usage::error(format!("{key}: {error}")))
}

/// The services, as a process of this part reaches them. To be made once: it registers metrics, and takes new certificates. Fails
/// when one cannot be read.
pub(crate) fn of_host(host: &mut Host, part: &str) -> anyhow::Result<Reach> {
    let tls = tls::of_calls(&host.settings, &mut host.reloads)?;
    let mut metrics = Metrics::default();
    host.context.metrics.register(|registry| metrics = Metrics::register(registry));
    Ok(Reach {
        here: Peer::here(part),
        settings: settings(&host.settings.services.client),
        metrics,
        tls,
        tasks: host.context.tasks.clone(),
        stop: host.context.stop.clone(),
        ..Reach::new(part)
    })
}

/// The way to a service.
pub(crate) fn link(reach: &Reach, key: &str, url: &str, service: Service) -> anyhow::Result<Link> {
    let targets = targets(key, url)?;
    let link = reach.service(service, &targets);
    link.map_err(|error| Usage::error(format!("{key}: {url} is not where a service can be: {error}")))
}

/// `[services.client]`, as the clients have it.
pub(crate) fn settings(client: &ClientSettings) -> grpc::Settings {
    let ClientSettings {
        timeout,
        health_interval,
        dns_interval,
        attempts,
        retry_ratio,
        retry_burst,
        eject_after,
        eject_for,
        eject_at_most,
        breaker_calls,
        breaker_window,
        breaker_pause,
        max_clock_skew,
        // Of the connections: `tls` has them.
        ca_file: _,
        cert_file: _,
        key_file: _,
        server_name: _,
    } = *client;
    grpc::Settings {
        timeout,
        attempts,
        retry_ratio,
        retry_burst,
        health_interval,
        dns_interval,
        eject_after,
        eject_for,
        eject_at_most,
        breaker_calls,
        breaker_window,
        breaker_pause,
        max_clock_skew,
    }
}

#[cfg(test)]
mod tests {
    use causeway_config::Sources;

    use super::*;

    #[test]
    fn what_the_reference_says_is_what_clients_do_by_themselves() {
        let loaded = Settings::load(&Sources::default()).unwrap();
        assert_eq!(settings(&loaded.settings.services.client), grpc::Settings::default());
    }

    #[test]
    fn what_the_configuration_takes_for_a_url_clients_do_too() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("causeway.toml");
        for (url, is_right) in [
            ("http://127.0.0.1:8011", true),
            ("http://a:1, http://b:2/", true),
            ("http://[::1]:3", true),
            ("http://chat", true),
            ("dns:///chat.internal:8011", true),
            ("", false),
            ("https://a:1,https://b:1", true),
            ("https://a:1,http://b:1", false),
            ("dns+tls:///chat.internal:8011", true),
            ("http://a:port", false),
            ("http://a:1,http://a:1", false),
            ("http://a:1,", false),
            ("dns:///a", false),
            ("dns:///a:0", false),
        ] {
            std::fs::write(&file, format!("[services.chat]\nurl = {url:?}\n")).unwrap();
            let loaded = Settings::load(&Sources { file: Some(file.clone()), ..Sources::default() });
            assert_eq!(loaded.is_ok(), is_right, "{url}");
            assert_eq!(targets("services.chat.url", url).is_ok(), is_right, "{url}");
        }
    }
}
