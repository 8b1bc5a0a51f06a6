//! What `causeway up` prints: on the first start how to see a message travel, later one line.

use std::{env, net::SocketAddr, path::Path};

/// Where the listeners of a process are.
pub(crate) struct Addresses {
    pub(crate) bridge: SocketAddr,
    pub(crate) grpc: SocketAddr,
    pub(crate) admin: SocketAddr,
    /// Plugins that run, and where their webhooks come in; empty when none does.
    pub(crate) plugins: String,
}

impl Addresses {
    /// On the first start. `flags` are what further calls need to find the same data, as they are typed.
    pub(crate) fn first_time(&self, data_dir: &Path, flags: &str) -> String {
        let Self { bridge, grpc, admin, plugins } = self;
        let plugins = match plugins.as_str() {
            "" => String::new(),
            plugins => format!("\n  plugins             {plugins}"),
        };
        let (causeway, data_dir) = (command(env::args().next()), data_dir.display());
        format!(
            r#"Causeway is ready.

  WebSocket and HTTP  http://{bridge}   (GET /readyz)
  gRPC services       {grpc}
  metrics             http://{admin}/metrics{plugins}
  data                {data_dir}

To see a message travel, make two users and a conversation in a second terminal, and listen as Alice:

  {causeway} user put alice --first-name Alice{flags}
  {causeway} user put bob --first-name Bob{flags}
  {causeway} conversation create --kind group --id lobby --participant alice bob{flags}
  npx wscat -c "ws://{bridge}/ws/group/lobby/?token=$({causeway} token --user alice{flags})"

In a third, talk as Bob:

  npx wscat -c "ws://{bridge}/ws/group/lobby/?token=$({causeway} token --user bob{flags})"
  > {{"type":"message","content":"hello"}}

or, as a backend would:

  {causeway} send --conversation lobby --as bob "hello"{flags}

Ctrl-C stops it."#
        )
    }

    /// On every later start.
    pub(crate) fn again(&self, data_dir: &Path) -> String {
        let Self { bridge, grpc, admin, plugins } = self;
        let plugins = if plugins.is_empty() { String::new() } else { format!(", plugins {plugins}") };
        let data_dir = data_dir.display();
        format!(
            "Causeway is ready: http://{bridge}, gRPC {grpc}, metrics http://{admin}/metrics{plugins}, data {data_dir}"
        )
    }
}

/// How this program was called, so that printed lines can be pasted: `causeway` when it is found by its name.
fn command(called: Option<String>) -> String {
    match called {
        Some(path) if path.contains('/') => path,
        _ => "causeway".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn addresses() -> Addresses {
        let at = |port| SocketAddr::from(([127, 0, 0, 1], port));
        Addresses { bridge: at(8000), grpc: at(8001), admin: at(8002), plugins: "telegram".into() }
    }

    #[test]
    fn the_first_start_says_what_to_paste_and_shows_no_token() {
        let text = addresses().first_time(Path::new("d"), " --data-dir d");
        for wanted in [
            "http://127.0.0.1:8000",
            "127.0.0.1:8001",
            "plugins             telegram\n",
            "user put bob --first-name Bob --data-dir d",
            "ws://127.0.0.1:8000/ws/group/lobby/?token=$(",
        ] {
            assert!(text.contains(wanted), "{wanted} is not in\n{text}");
        }
    }

    #[test]
    fn later_starts_say_one_line() {
        let text = addresses().again(Path::new("d"));
        assert_eq!(text.lines().count(), 1);
    }

    #[test]
    fn the_command_is_printed_as_it_was_called() {
        assert_eq!(command(Some("target/release/causeway".into())), "target/release/causeway");
        assert_eq!(command(Some("causeway".into())), "causeway");
        assert_eq!(command(None), "causeway");
    }
}
