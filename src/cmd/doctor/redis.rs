//! What processes share, as the doctor finds it: the Redis of `[redis]`.

use causeway_config::RedisSettings;
use causeway_link::redis::{Facts, Inspection, Node, Topology, inspect};

use super::Finding;
use crate::redis;

const SUBJECT: &str = "redis";
/// The oldest Redis that is supported.
const OLDEST: (u32, u32) = (6, 2);
/// The first that publishes by shard.
const SHARDED: (u32, u32) = (7, 0);

/// Whether it is there, fits, takes writes, and keeps what it is given.
pub(super) async fn redis(settings: &RedisSettings) -> Vec<Finding> {
    let reached = match redis::reach(settings) {
        Ok(Some(reached)) => reached,
        Ok(None) => return vec![Finding::well(SUBJECT, "none: each process is alone")],
        Err(error) => return vec![Finding::wrong(SUBJECT, error.to_string(), "correct it")],
    };
    let place = reached.address.to_string();
    match inspect(reached).await {
        Ok(found) => all(&place, &found, settings.sharded),
        Err(why) => {
            let found = format!("{place} (redis.url) cannot be used: {why}");
            vec![Finding::wrong(SUBJECT, found, "start it, correct redis.url, or remove it")]
        }
    }
}

fn all(place: &str, found: &Inspection, sharded: bool) -> Vec<Finding> {
    let Inspection { topology, nodes, silent } = found;
    let mut findings =
        vec![Finding::well(SUBJECT, format!("{place} is {}", summary(topology, nodes, sharded)))];
    findings.extend(silent.iter().map(|(endpoint, why)| match topology {
        Topology::Single | Topology::Cluster => Finding::note(
            SUBJECT,
            format!("{endpoint} does not answer: {why}"),
            "start it, or correct redis.url",
        ),
        Topology::Sentinel { .. } => {
            let found = format!("the Sentinel {endpoint} does not name the primary: {why}");
            Finding::note(SUBJECT, found, "start it, or correct redis.url")
        }
    }));
    findings.extend(nodes.iter().flat_map(node));
    findings
}

/// How it is built, and how events go over it.
fn summary(topology: &Topology, nodes: &[Node], sharded: bool) -> String {
    let built = match topology {
        Topology::Single => "one server".to_owned(),
        Topology::Sentinel { sentinels, primary } => {
            let at: Vec<_> = nodes.iter().map(|node| node.endpoint.to_string()).collect();
            format!("{sentinels} Sentinels, whose primary {primary} is {}", at.join(", "))
        }
        Topology::Cluster => format!("a cluster of {} primaries", nodes.len()),
    };
    let known: Vec<&Facts> = nodes.iter().filter_map(|node| node.facts.as_ref().ok()).collect();
    let mut versions: Vec<&str> = known.iter().map(|facts| facts.version.as_str()).collect();
    versions.sort_unstable();
    versions.dedup();
    // A server that does not tell its version is taken for a new one, as the bus does.
    let can_shard = known.iter().all(|facts| facts.release().is_none_or(|release| release >= SHARDED));
    let how = match (sharded, can_shard) {
        (true, true) => "events go by shard",
        (true, false) => "events go by plain publish and subscribe, because it is older than 7.0",
        (false, _) => "events go by plain publish and subscribe, as redis.sharded says",
    };
    format!("{built}, version {}; {how}", versions.join(" and "))
}

/// What is wrong or unusual with one server.
fn node(node: &Node) -> Vec<Finding> {
    let at = &node.endpoint;
    let facts = match &node.facts {
        Ok(facts) => facts,
        Err(why) => {
            let found = format!("{at} does not say how it is (INFO): {why}");
            return vec![Finding::note(SUBJECT, found, "start it, or allow the user of redis.url to ask")];
        }
    };
    let mut findings = Vec::new();
    if facts.release().is_some_and(|release| release < OLDEST) {
        let found = format!("{at} has version {}, which is older than 6.2", facts.version);
        findings.push(Finding::wrong(SUBJECT, found, "upgrade it"));
    }
    if facts.is_replica {
        let found = format!("{at} is a replica and takes no writes");
        findings.push(Finding::wrong(SUBJECT, found, "name its primary in redis.url, or its Sentinels"));
    }
    findings.extend(memory(node, facts));
    findings
}

/// What becomes of us when its memory is full. Presence has no time to live; what limits remember has.
fn memory(node: &Node, facts: &Facts) -> Option<Finding> {
    let Facts { memory, most_memory, policy, .. } = facts;
    if *most_memory == 0 {
        return None;
    }
    let at = format!(
        "{}, when its {} MiB are full (maxmemory-policy {policy}, {} in use),",
        node.endpoint,
        most_memory >> 20,
        memory >> 20
    );
    let keep = "set maxmemory-policy to noeviction, and give it memory enough";
    if policy.starts_with("allkeys") {
        let found = format!("{at} forgets who is online: people seem to leave who are there");
        return Some(Finding::note(SUBJECT, found, keep));
    }
    if policy.starts_with("volatile") {
        let found = format!("{at} forgets what limits of connections and frames have counted");
        return Some(Finding::note(SUBJECT, found, keep));
    }
    (*memory >= most_memory / 10 * 9).then(|| {
        let found = format!("{at} takes no writes, and presence goes on as without it");
        Finding::note(SUBJECT, found, "give it more memory")
    })
}

#[cfg(test)]
mod tests {
    use causeway_link::redis::Endpoint;

    use super::*;
    use crate::cmd::doctor::State;

    fn server(facts: Facts) -> Node {
        Node { endpoint: Endpoint { host: "a".to_owned(), port: 1 }, facts: Ok(facts) }
    }

    fn facts(version: &str) -> Facts {
        Facts { version: version.to_owned(), policy: "noeviction".to_owned(), ..Facts::default() }
    }

    fn found(topology: Topology, nodes: Vec<Node>, sharded: bool) -> Vec<Finding> {
        let silent = Vec::new();
        all("redis://a:1", &Inspection { topology, nodes, silent }, sharded)
    }

    #[test]
    fn it_is_said_how_it_is_built_and_how_events_go() {
        let one = |version: &str, sharded| {
            found(Topology::Single, vec![server(facts(version))], sharded).remove(0).found
        };
        assert_eq!(one("7.0.15", true), "redis://a:1 is one server, version 7.0.15; events go by shard");
        assert!(one("6.2.1", true).ends_with("because it is older than 7.0"));
        assert!(one("7.2.0", false).ends_with("as redis.sharded says"));
        let cluster = vec![server(facts("7.0.1")), server(facts("7.2.0")), server(facts("7.0.1"))];
        let cluster = found(Topology::Cluster, cluster, true).remove(0).found;
        assert!(cluster.contains("a cluster of 3 primaries, version 7.0.1 and 7.2.0"), "{cluster}");
        let topology = Topology::Sentinel { sentinels: 3, primary: "main".to_owned() };
        let sentinels = found(topology, vec![server(facts("7.0.1"))], true).remove(0).found;
        assert!(sentinels.contains("3 Sentinels, whose primary main is a:1"), "{sentinels}");
    }

    #[test]
    fn what_does_not_fit_is_wrong() {
        let replica = server(Facts { is_replica: true, ..facts("7.0.1") });
        for (wrong, word) in [(server(facts("6.0.9")), "6.0.9"), (replica, "replica")] {
            let findings = node(&wrong);
            assert!(findings[0].state == State::Wrong && findings[0].found.contains(word), "{findings:?}");
        }
        assert!(node(&server(facts("6.2.0"))).is_empty());
        assert!(node(&server(facts(""))).is_empty(), "one that does not say is taken for new");
    }

    #[test]
    fn memory_that_runs_out_in_a_way_that_matters_is_told() {
        let full = |policy: &str, memory| {
            let facts = Facts { policy: policy.to_owned(), most_memory: 100 << 20, memory, ..facts("7.0.1") };
            node(&server(facts)).into_iter().map(|finding| finding.found).collect::<Vec<_>>().concat()
        };
        assert!(full("allkeys-lru", 0).contains("who is online"));
        assert!(full("volatile-ttl", 0).contains("limits"));
        assert!(full("noeviction", 95 << 20).contains("takes no writes"));
        assert_eq!(full("noeviction", 0), "");
        let unbounded = Facts { policy: "allkeys-lru".to_owned(), ..facts("7.0.1") };
        assert!(node(&server(unbounded)).is_empty(), "without a limit nothing is evicted");
    }
}
