//! Two processes of each part, and what they share: a PostgreSQL, a Redis, and nginx in front of the bridges.

use std::{collections::BTreeMap, fs, net::SocketAddr, path::Path, process::Command};

use super::{
    process::{Process, free_address},
    setup::Addresses,
};
use crate::postgres::Postgres;

/// What is started, in this order.
pub(crate) const PARTS: [&str; 9] = [
    "chat",
    "chat-2",
    "notification",
    "notification-2",
    "presence",
    "presence-2",
    "bridge",
    "bridge-2",
    NGINX,
];
/// What stands in front.
pub(crate) const NGINX: &str = "nginx";
/// What the name of a second process of a part ends with.
pub(crate) const SECOND: &str = "-2";

/// The servers, and where the parts listen that have no place in the file.
pub(crate) struct Replicas {
    postgres: Postgres,
    redis_at: SocketAddr,
    _redis: Process,
    at: BTreeMap<&'static str, SocketAddr>,
    admin: SocketAddr,
    front: SocketAddr,
}

impl Replicas {
    /// Starts the servers. Panics where one is not installed.
    pub(super) fn start(home: &Path, at: &Addresses) -> Self {
        let postgres = Postgres::start().expect("PostgreSQL is installed");
        let redis_at = free_address();
        let mut redis = Command::new("redis-server");
        redis.args(["--port", &redis_at.port().to_string(), "--bind", "127.0.0.1", "--save", ""]);
        let redis = Process::start(redis, &home.join("redis"));
        let places = ["bridge", "bridge-2", "chat-2", "notification-2", "presence-2"];
        Self {
            postgres,
            redis_at,
            _redis: redis,
            at: places.into_iter().map(|part| (part, free_address())).collect(),
            admin: at.admin,
            front: at.bridge,
        }
    }

    /// Whether all that is needed is installed. Where it is not, that is said, and a panic where CI is set.
    pub(crate) fn are_possible() -> bool {
        let runs = |program: &str, flag: &str| Command::new(program).arg(flag).output().is_ok();
        let possible = runs("nginx", "-v") && runs("redis-server", "--version") && Postgres::is_installed();
        if !possible {
            assert!(std::env::var_os("CI").is_none(), "nginx, Redis or PostgreSQL is not installed");
            eprintln!("left out: nginx, Redis or PostgreSQL is not installed");
        }
        possible
    }

    /// Where the second process of a service listens.
    pub(super) fn address(&self, service: &str) -> SocketAddr {
        self.at[format!("{service}{SECOND}").as_str()]
    }

    /// The one line for each that has the parts share what they need.
    pub(super) fn environment(&self) -> [(String, String); 2] {
        [
            ("CAUSEWAY_STORE__URL".to_owned(), self.postgres.database("causeway")),
            ("CAUSEWAY_REDIS__URL".to_owned(), format!("redis://{}", self.redis_at)),
        ]
    }

    /// What tells a process apart from the other of its part.
    pub(super) fn flags(&self, part: &str) -> Vec<String> {
        let listen = self.at.get(part).map(|at| ["--listen".to_owned(), at.to_string()]);
        let admin = match part {
            "bridge" => Some(self.admin.to_string()),
            "bridge-2" => Some("127.0.0.1:0".to_owned()),
            _ => None,
        };
        let admin = admin.map(|at| ["--admin".to_owned(), at]);
        listen.into_iter().chain(admin).flatten().collect()
    }

    /// nginx, which gives each connection to the bridge that has fewer.
    pub(super) fn nginx(&self, home: &Path) -> Command {
        let Self { at, front, .. } = self;
        let folder = home.join("nginx");
        let configuration = format!(
            "daemon off; pid {folder}/pid; error_log stderr warn;
             events {{ worker_connections 4096; }}
             http {{
                 access_log off;
                 client_body_temp_path {folder}; proxy_temp_path {folder}; fastcgi_temp_path {folder};
                 uwsgi_temp_path {folder}; scgi_temp_path {folder};
                 map $http_upgrade $connection_upgrade {{ default upgrade; \"\" \"\"; }}
                 upstream bridges {{ least_conn; server {}; server {}; }}
                 server {{
                     listen {front};
                     location / {{
                         proxy_pass http://bridges;
                         proxy_http_version 1.1;
                         proxy_set_header Host $http_host;
                         proxy_set_header Upgrade $http_upgrade;
                         proxy_set_header Connection $connection_upgrade;
                         proxy_next_upstream error timeout http_503;
                         proxy_read_timeout 1h; proxy_send_timeout 1h; proxy_buffering off;
                     }}
                 }}
             }}",
            at["bridge"],
            at["bridge-2"],
            folder = folder.display(),
        );
        fs::create_dir_all(&folder).expect("the target directory is writable");
        let file = folder.join("nginx.conf");
        fs::write(&file, configuration).expect("the target directory is writable");
        let mut command = Command::new("nginx");
        command.arg("-c").arg(file).arg("-p").arg(folder);
        command
    }
}
