//! A web server with one feed.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, MutexGuard},
    time::{Duration, Instant},
};

use causeway_plugin_sdk::axum::{
    Router,
    body::Body,
    extract::State,
    http::{HeaderMap, Response, StatusCode, header},
    routing::get,
};
use tokio::{net::TcpListener, task::JoinSet};

/// The server. It ends with it.
pub(crate) struct FeedServer {
    /// Its feed.
    pub(crate) url: String,
    /// What redirects to it.
    pub(crate) redirect: String,
    world: Arc<Mutex<World>>,
    _serving: JoinSet<()>,
}

/// What the server says, and what it was asked.
#[derive(Default)]
struct World {
    body: String,
    etag: Option<String>,
    last_modified: Option<String>,
    cache_control: Option<String>,
    failures: VecDeque<(u16, Option<String>)>,
    asked: Vec<Asked>,
}

/// One request.
#[derive(Debug, Clone)]
pub(crate) struct Asked {
    pub(crate) at: Instant,
    /// What it was answered.
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
}

impl FeedServer {
    pub(crate) async fn start(body: impl Into<String>) -> Self {
        let world = Arc::new(Mutex::new(World { body: body.into(), ..World::default() }));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let moved = || async { (StatusCode::FOUND, [(header::LOCATION, "/feed")]) };
        let router =
            Router::new().route("/feed", get(answer)).route("/moved", get(moved)).with_state(world.clone());
        let mut serving = JoinSet::new();
        serving.spawn(async move { causeway_plugin_sdk::axum::serve(listener, router).await.unwrap() });
        let [url, redirect] = ["feed", "moved"].map(|path| format!("http://{address}/{path}"));
        Self { url, redirect, world, _serving: serving }
    }

    /// Its feed is this from now on, with these validators.
    pub(crate) fn serve(&self, body: impl Into<String>, etag: Option<&str>, last_modified: Option<&str>) {
        let mut world = self.world();
        world.body = body.into();
        world.etag = etag.map(str::to_owned);
        world.last_modified = last_modified.map(str::to_owned);
    }

    pub(crate) fn cache_control(&self, value: &str) {
        self.world().cache_control = Some(value.to_owned());
    }

    /// Answers the next request so.
    pub(crate) fn fail(&self, status: u16, retry_after: Option<&str>) {
        self.world().failures.push_back((status, retry_after.map(str::to_owned)));
    }

    /// All requests so far.
    pub(crate) fn asked(&self) -> Vec<Asked> {
        self.world().asked.clone()
    }

    /// Waits for a request that was answered so, and is the one of that number.
    pub(crate) async fn answered(&self, status: u16, number: usize) -> Asked {
        let until = Instant::now() + Duration::from_secs(10);
        loop {
            let mut asked = self.asked().into_iter().filter(|asked| asked.status == status);
            if let Some(asked) = asked.nth(number) {
                return asked;
            }
            assert!(Instant::now() < until, "nobody was answered {status}: {:?}", self.asked());
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    fn world(&self) -> MutexGuard<'_, World> {
        self.world.lock().unwrap()
    }
}

async fn answer(State(world): State<Arc<Mutex<World>>>, headers: HeaderMap) -> Response<Body> {
    let mut world = world.lock().unwrap();
    let is = |name, value: &Option<String>| {
        value.is_some() && headers.get(name).and_then(|given| given.to_str().ok()) == value.as_deref()
    };
    let is_known = is(header::IF_NONE_MATCH, &world.etag)
        || (world.etag.is_none() && is(header::IF_MODIFIED_SINCE, &world.last_modified));
    let mut response = Response::builder();
    let (status, body) = match world.failures.pop_front() {
        Some((status, retry_after)) => {
            if let Some(retry_after) = retry_after {
                response = response.header(header::RETRY_AFTER, retry_after);
            }
            (status, String::new())
        }
        None if is_known => (304, String::new()),
        None => (200, world.body.clone()),
    };
    let said = [
        (header::ETAG, &world.etag),
        (header::LAST_MODIFIED, &world.last_modified),
        (header::CACHE_CONTROL, &world.cache_control),
    ];
    for (name, value) in said {
        if let Some(value) = value {
            response = response.header(name, value);
        }
    }
    world.asked.push(Asked { at: Instant::now(), status, headers });
    response.status(status).body(body.into()).unwrap()
}
