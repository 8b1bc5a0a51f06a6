use std::{fs, path::Path};

use causeway_config::Sources;

use super::*;

/// A process on one file, which takes origins as long as there are not three of them.
struct Stage {
    home: tempfile::TempDir,
    reloads: Arc<Reloads>,
    origins: Arc<Mutex<Vec<String>>>,
}

impl Stage {
    fn new() -> Self {
        let home = tempfile::tempdir().unwrap();
        let file = home.path().join("causeway.toml");
        fs::write(&file, "").unwrap();
        let sources = Sources { file: Some(file), ..Sources::default() };
        let again = move || Ok(Settings::load(&sources)?);
        let provenance = again().unwrap().provenance;
        let mut reloads = Reloads::new(Box::new(again), Reader::Bridge, provenance);
        let origins = Arc::new(Mutex::new(Vec::new()));
        let taken = origins.clone();
        reloads.add(&["bridge.origins"], move |settings| {
            let (taken, new) = (taken.clone(), settings.bridge.origins.clone());
            anyhow::ensure!(new.len() < 3, "bridge.origins: too many");
            Ok(Box::new(move || *taken.lock().unwrap() = new))
        });
        Self { home, reloads: Arc::new(reloads), origins }
    }

    fn write(&self, text: &str) {
        fs::write(self.home.path().join("causeway.toml"), text).unwrap();
    }

    fn origins(&self) -> Vec<String> {
        self.origins.lock().unwrap().clone()
    }

    fn path(&self) -> &Path {
        self.home.path()
    }
}

fn keys<const N: usize>(keys: [&str; N]) -> Vec<String> {
    keys.map(str::to_owned).to_vec()
}

#[test]
fn what_a_part_takes_is_in_force_and_the_rest_needs_a_restart_until_it_had_one() {
    let stage = Stage::new();
    stage.write("[bridge]\norigins = [\"https://a.example\"]\nlisten = \"127.0.0.1:1\"\n");
    let reloaded = stage.reloads.reload().unwrap();
    assert_eq!(reloaded, Reloaded { changed: keys(["bridge.origins"]), restart: keys(["bridge.listen"]) });
    assert_eq!(stage.origins(), ["https://a.example"]);
    let again = stage.reloads.reload().unwrap();
    assert_eq!(again, Reloaded { changed: Vec::new(), restart: keys(["bridge.listen"]) });
}

#[test]
fn a_mistake_anywhere_changes_nothing() {
    let stage = Stage::new();
    stage.write("[bridge]\norigins = [\"https://a.example\"]\n");
    stage.reloads.reload().unwrap();
    for (text, wrong) in [
        ("[bridge]\norigins = [\"https://b.example\"]\nlisen = 1\n", "bridge.lisen"),
        ("[bridge]\norigins = [\"https://b.example/\"]\n", "bridge.origins[0]"),
        (
            "[bridge]\norigins = [\"https://b.example\", \"https://c.example\", \"https://d.example\"]\n",
            "too many",
        ),
    ] {
        stage.write(text);
        let error = stage.reloads.reload().unwrap_err().to_string();
        assert!(error.contains(wrong), "{error}");
        assert_eq!(stage.origins(), ["https://a.example"]);
    }
}

#[tokio::test]
async fn a_process_is_found_by_its_data_directory_and_says_what_came_of_it() {
    let stage = Stage::new();
    // Longer than the path of a socket may be.
    let data_dir = stage.path().join("d".repeat(120));
    let stop = CancellationToken::new();
    let control = Control::listen(&data_dir, "bridge").unwrap();
    let serving = tokio::spawn(control.serve(stage.reloads.clone(), stop.clone()));
    let ask = async || {
        let mut found = running(&data_dir).await.unwrap();
        let process = found.pop().unwrap();
        assert_eq!((process.name.as_str(), process.pid, found.len()), ("bridge", std::process::id(), 0));
        process.reload().await
    };
    stage.write("[bridge]\norigins = [\"https://a.example\"]\n");
    assert_eq!(ask().await.unwrap().changed, ["bridge.origins"]);
    stage.write("[bridge]\nlisen = 1\n");
    assert!(ask().await.unwrap_err().to_string().contains("bridge.lisen"));
    stop.cancel();
    serving.await.unwrap();
    assert!(running(&data_dir).await.unwrap().is_empty());
}

#[tokio::test]
async fn what_a_dead_process_left_behind_is_taken_away() {
    let home = tempfile::tempdir().unwrap();
    assert!(running(home.path()).await.unwrap().is_empty());
    fs::create_dir(home.path().join("run")).unwrap();
    // Above the largest number that a process has.
    let left = home.path().join("run/chat.99999999.sock");
    drop(std::os::unix::net::UnixListener::bind(&left).unwrap());
    fs::write(home.path().join("run/chat.addr"), "http://127.0.0.1:1").unwrap();
    assert!(running(home.path()).await.unwrap().is_empty());
    assert!(!left.exists());

    drop(std::os::unix::net::UnixListener::bind(&left).unwrap());
    let _control = Control::listen(home.path(), "chat").unwrap();
    assert!(!left.exists(), "a start takes it away as well");
}
