//! The programs on the simulated machines: the real parts, put together as `causeway bridge`, `chat`, `notification` and
//! `presence` do it, over the simulated network, database and bus.

use std::{
    cell::RefCell,
    collections::BTreeMap,
    path::PathBuf,
    rc::Rc,
    sync::{Arc, atomic::AtomicBool},
    time::Duration,
};

use causeway_config::{
    AuthSettings, Secret, Settings, Sources,
    auth::{Algorithm, KeySettings},
};
use causeway_kit::store::simulated::Database;
use causeway_link::grpc::{self, Link, Reach, Targets};
use causeway_proto::{client::Credential, peer::Peer};
use jsonwebtoken::{EncodingKey, Header, encode};
use serde_json::json;
use tokio_util::sync::CancellationToken;

use crate::{net, plan::Plan};

pub(crate) mod bridge;
pub(crate) mod bus;
pub(crate) mod driver;
pub(crate) mod service;

/// The hosts that can be crashed and stopped.
pub(crate) const CHATS: [&str; 2] = ["chat-1", "chat-2"];
pub(crate) const BRIDGES: [&str; 2] = ["bridge-1", "bridge-2"];
/// Notification and presence.
pub(crate) const REST: &str = "rest";
pub(crate) const BUS: &str = "bus";

const SECRET: &str = "a secret of the simulation that is long enough";
const SERVICE_TOKEN: &str = "the token of the simulated services";
/// Beyond every simulation, in seconds since its beginning.
const EXPIRES: i64 = 1_000_000;

/// What all hosts know.
pub(crate) struct Site {
    /// What happens.
    pub(crate) plan: Plan,
    /// Where data directories are.
    pub(crate) home: PathBuf,
    /// What chat replicas share.
    pub(crate) database: Arc<Database>,
    /// Where rest keeps what it keeps.
    pub(crate) own_database: Arc<Database>,
    settings: Settings,
    /// Cancelled to stop the program of a host in order.
    ends: RefCell<BTreeMap<&'static str, CancellationToken>>,
    /// Whether the bus loses nothing of itself any more.
    pub(crate) is_calm: AtomicBool,
}

impl Site {
    pub(crate) fn new(plan: Plan, home: PathBuf) -> anyhow::Result<Rc<Self>> {
        let mut settings = Settings::load(&Sources::default())?.settings;
        settings.auth.keys = vec![KeySettings {
            id: None,
            algorithm: Algorithm::HS256,
            secret: Secret::new(SECRET),
            secret_file: None,
            public_key_file: None,
            private_key_file: None,
            issuer: None,
            audience: None,
        }];
        settings.bridge.rate.frames_per_second = 0;
        settings.bridge.ping_interval = Duration::from_secs(2);
        settings.bridge.idle_timeout = Duration::from_secs(5);
        settings.bridge.drain = Duration::from_secs(1);
        Ok(Rc::new(Self {
            database: Arc::new(Database::new(home.join("shared"), plan.database_delay)),
            own_database: Arc::new(Database::new(home.join("rest"), plan.database_delay)),
            plan,
            home,
            settings,
            ends: RefCell::default(),
            is_calm: AtomicBool::new(false),
        }))
    }

    /// A host has started: what its end is told by.
    pub(crate) fn begin(&self, host: &'static str) -> CancellationToken {
        let end = CancellationToken::new();
        self.ends.borrow_mut().insert(host, end.clone());
        end
    }

    /// Stops the program of a host in order.
    pub(crate) fn stop(&self, host: &str) {
        if let Some(end) = self.ends.borrow().get(host) {
            end.cancel();
        }
    }

    pub(crate) fn auth(&self) -> &AuthSettings {
        &self.settings.auth
    }

    pub(crate) fn bridge(&self) -> &causeway_config::BridgeSettings {
        &self.settings.bridge
    }
}

/// How a process reaches services. Made once in each.
pub(crate) struct Ways {
    reach: Reach,
}

impl Ways {
    pub(crate) fn of(part: &'static str) -> Self {
        Self { reach: Reach { here: Peer::here(part), ..Reach::new(part) } }
    }

    pub(crate) fn to(&self, service: grpc::Service) -> anyhow::Result<Link> {
        let hosts: &[&str] = match service {
            grpc::Service::Chat => &CHATS,
            grpc::Service::Notification | grpc::Service::Presence => &[REST],
        };
        let urls: Vec<_> = hosts.iter().map(|host| format!("http://{host}:{}", net::GRPC)).collect();
        let targets: Targets = urls.join(",").parse()?;
        Ok(self.reach.service_over(service, &targets, Box::new(net::connect))?)
    }
}

/// What calls to services show.
pub(crate) fn credential() -> anyhow::Result<Credential> {
    Credential::bearer(SERVICE_TOKEN).ok_or_else(|| anyhow::anyhow!("no credential"))
}

/// A user's token.
pub(crate) fn token(user: &str) -> anyhow::Result<String> {
    let key = EncodingKey::from_secret(SECRET.as_bytes());
    Ok(encode(&Header::default(), &json!({"sub": user, "exp": EXPIRES}), &key)?)
}
