//! The services, as the doctor finds them: every endpoint of each.

use causeway_config::{Loaded, Origin, Settings};
use causeway_link::grpc::{Condition, Inspected, Reach, Service, Targets};

use super::Finding;
use crate::{client::ClientArgs, data_dir, reach};

/// Somewhere a service may be.
#[derive(Debug, PartialEq, Eq)]
struct Place {
    url: String,
    /// Whether it is wrong when nobody is there.
    is_expected: bool,
    /// What to do then.
    way_out: String,
}

/// Whether each endpoint answers, fits, has the right time, and can do its job.
pub(super) async fn services(loaded: &Loaded, client: &ClientArgs) -> Vec<Finding> {
    let reach = match ClientArgs::reach(&loaded.settings) {
        Ok(reach) => reach,
        Err(error) => return vec![Finding::wrong("services.client", format!("{error:#}"), "correct it")],
    };
    let mut findings = Vec::new();
    for service in [Service::Chat, Service::Notification, Service::Presence] {
        let mut seen: Vec<String> = Vec::new();
        for place in places(loaded, client.server(), service) {
            for finding in look(&reach, service, &place, &mut seen).await {
                findings.push(finding);
            }
        }
    }
    findings
}

/// Where to look: where a call says; else where a process of this data directory says that it listens, and what is configured.
/// Where everything runs in one process, nobody goes by what is configured.
fn places(loaded: &Loaded, given: Option<String>, service: Service) -> Vec<Place> {
    let name = service.name();
    if let Some(url) = given {
        let way_out = "start it, or name another with --server".to_owned();
        return vec![Place { url, is_expected: true, way_out }];
    }
    let (key, configured) = reach::configured(&loaded.settings, service);
    let announced = data_dir::announced(&loaded.settings.data_dir, name);
    let is_set =
        loaded.provenance.entries.iter().any(|entry| entry.key == key && entry.origin != Origin::Default);
    let is_one = announced.is_some() && is_one_process(&loaded.settings);
    let mut places = Vec::new();
    if is_set && !is_one {
        let way_out = format!("start it, or correct {key}");
        places.push(Place { url: configured.to_owned(), is_expected: true, way_out });
    } else if announced.is_none() {
        let way_out = "start it with `causeway up`".to_owned();
        places.push(Place { url: configured.to_owned(), is_expected: false, way_out });
    }
    places.extend(announced.map(|url| {
        let way_out = "start it with `causeway up`, or see its log".to_owned();
        Place { url, is_expected: true, way_out }
    }));
    places
}

/// Whether all services say that they listen at the same address.
fn is_one_process(settings: &Settings) -> bool {
    let [chat, others @ ..] =
        ["chat", "notification", "presence"].map(|name| data_dir::announced(&settings.data_dir, name));
    others.iter().all(|other| *other == chat)
}

/// Looks at the endpoints of a place, but not at one that was seen before.
async fn look(reach: &Reach, service: Service, place: &Place, seen: &mut Vec<String>) -> Vec<Finding> {
    let name = service.name();
    let Place { url, is_expected, way_out } = place;
    let targets = match url.parse::<Targets>() {
        Ok(targets) => targets,
        Err(error) => {
            return vec![Finding::wrong(name, error.to_string(), format!("correct services.{name}.url"))];
        }
    };
    match reach.inspect(service, &targets).await {
        Ok(mut found) => {
            found.retain(|endpoint| !seen.contains(&endpoint.url));
            seen.extend(found.iter().map(|endpoint| endpoint.url.clone()));
            found
                .into_iter()
                .flat_map(|endpoint| told(reach, name, endpoint, *is_expected, way_out))
                .collect()
        }
        Err(why) => {
            let found = format!("the addresses of {url} are not found: {why}");
            vec![Finding::wrong(name, found, format!("see to its DNS, or correct services.{name}.url"))]
        }
    }
}

/// What is to be said of an endpoint.
fn told(
    reach: &Reach,
    name: &'static str,
    endpoint: Inspected,
    is_expected: bool,
    way_out: &str,
) -> Vec<Finding> {
    let Inspected { url, condition, there, skew } = endpoint;
    let first = match condition {
        Condition::Well => {
            let there = there.map(|there| format!(" as {there}")).unwrap_or_default();
            Finding::well(name, format!("{url} serves{there}"))
        }
        Condition::NotServing => Finding::wrong(name, format!("{url} cannot do its job"), "see its log"),
        Condition::Another => {
            Finding::wrong(name, format!("{url} is a server without this service"), "name the right one")
        }
        Condition::Incompatible(misfit) => {
            let found = format!("{url} is {}, and this is {}", misfit.there, misfit.here);
            Finding::wrong(name, found, "run versions of Causeway that fit each other")
        }
        Condition::Unreachable(why) if is_expected => {
            Finding::wrong(name, format!("{url} does not answer: {why}"), way_out)
        }
        Condition::Unreachable(_) => Finding::note(name, format!("nothing runs at {url}"), way_out),
        Condition::Mistrusted(why) => {
            let way_out = "see services.tls where it runs, and services.client and the URL here";
            Finding::wrong(name, format!("{url} cannot be used: {why}"), way_out)
        }
        Condition::Silent => Finding::wrong(name, format!("{url} does not answer in time"), "see its log"),
        Condition::Strange(why) => {
            Finding::wrong(name, format!("{url} is not a Causeway server: {why}"), "name the right one")
        }
    };
    let skew = skew.and_then(|skew| {
        let most = i64::try_from(reach.settings.max_clock_skew.as_micros()).unwrap_or(i64::MAX);
        (skew.saturating_abs() > most).then(|| {
            let found = format!("the clock of {url} is {} this machine's", super::apart(skew));
            Finding::wrong(name, found, "see which is wrong, and let NTP keep both")
        })
    });
    [first].into_iter().chain(skew).collect()
}

#[cfg(test)]
mod tests {
    use std::{fs, net::TcpListener, path::Path};

    use causeway_config::Sources;

    use super::*;
    use crate::{cmd::doctor::State, data_dir::DataDir};

    fn loaded(data_dir: &Path, lines: &str) -> Loaded {
        let file = data_dir.join("causeway.toml");
        fs::write(&file, format!("data_dir = {data_dir:?}\n{lines}")).unwrap();
        Settings::load(&Sources { file: Some(file), ..Sources::default() }).unwrap()
    }

    fn urls(loaded: &Loaded) -> Vec<(String, bool)> {
        let places = places(loaded, None, Service::Chat);
        places.into_iter().map(|place| (place.url, place.is_expected)).collect()
    }

    #[test]
    fn a_configured_service_is_looked_at_also_where_one_of_its_processes_says_that_it_is() {
        let dir = tempfile::tempdir().unwrap();
        let open = DataDir::open(dir.path()).unwrap();
        let none = loaded(dir.path(), "");
        assert_eq!(urls(&none), [("http://127.0.0.1:8011".to_owned(), false)]);

        let _chat = open.announce("chat", "http", "127.0.0.1:9".parse().unwrap()).unwrap();
        let announced = ("http://127.0.0.1:9".to_owned(), true);
        assert_eq!(urls(&none), std::slice::from_ref(&announced));
        let two = loaded(dir.path(), "services.chat.url = \"http://a:1,http://b:1\"\n");
        assert_eq!(urls(&two), [("http://a:1,http://b:1".to_owned(), true), announced.clone()]);

        let _others = ["notification", "presence"]
            .map(|name| open.announce(name, "http", "127.0.0.1:9".parse().unwrap()));
        assert_eq!(urls(&two), [announced], "everything is one process");
    }

    #[tokio::test]
    async fn an_endpoint_that_is_gone_is_wrong_where_one_is_expected() {
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let (reach, url) = (Reach::new("doctor"), format!("http://127.0.0.1:{port}"));
        for (is_expected, state) in [(true, State::Wrong), (false, State::Note)] {
            let place = Place { url: url.clone(), is_expected, way_out: "start it".to_owned() };
            let found = look(&reach, Service::Chat, &place, &mut Vec::new()).await;
            assert_eq!(found.iter().map(|finding| finding.state).collect::<Vec<_>>(), [state]);
            assert!(found[0].found.contains(&url) && found[0].way_out.as_deref() == Some("start it"));
        }
    }

    #[tokio::test]
    async fn every_endpoint_of_a_list_is_looked_at_once() {
        let reach = Reach::new("doctor");
        let port = || TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let (first, second) =
            (format!("http://127.0.0.1:{}", port()), format!("http://127.0.0.1:{}", port()));
        let mut seen = vec![second.clone()];
        let place = Place { url: format!("{first},{second}"), is_expected: true, way_out: String::new() };
        let found = look(&reach, Service::Chat, &place, &mut seen).await;
        assert!(found.len() == 1 && found[0].found.contains(&first), "{found:?}");
    }

    #[test]
    fn a_clock_that_differs_is_told_beside_the_rest() {
        let endpoint = |skew| Inspected {
            url: "http://a:1".to_owned(),
            condition: Condition::Well,
            there: None,
            skew: Some(skew),
        };
        let reach = Reach::new("doctor");
        assert_eq!(told(&reach, "chat", endpoint(1_000), true, "").len(), 1);
        let told = told(&reach, "chat", endpoint(-3_600_000_000), true, "");
        assert_eq!(told[1].found, "the clock of http://a:1 is 3600.0 s behind this machine's");
        assert_eq!((told[0].state, told[1].state), (State::Well, State::Wrong));
    }
}
