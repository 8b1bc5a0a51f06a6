//! No token in any output, whatever is logged.

use std::fs;

use causeway_proto::{
    chat::{GetUserRequest, directory_client::DirectoryClient},
    client::{Credential, remote},
};
use serde_json::json;

use crate::stage::{Causeway, Setup, fresh_id, with_token};

/// Tokens that were used, and everything that must not be found anywhere.
#[derive(Default)]
struct Canaries(Vec<String>);

impl Canaries {
    fn add(&mut self, secret: &str) -> String {
        self.0.push(secret.to_owned());
        secret.to_owned()
    }

    /// A bad token of the usual form.
    fn forge(&mut self) -> String {
        let part = || format!("{:x}", rand::random::<u128>());
        self.add(&format!("eyJhbGciOiJIUzI1NiJ9.{}.{}", part(), part()))
    }

    /// Not the whole, nor the part that is secret.
    fn check(&self, place: &str, text: &str) {
        for secret in &self.0 {
            let signature = secret.rsplit('.').next().unwrap_or(secret);
            if let Some(at) = text.find(signature) {
                let around = &text[text.floor_char_boundary(at.saturating_sub(300))..at];
                panic!("{place} has the secret {signature} after {around:?}");
            }
        }
    }
}

/// Tokens good and bad go in by every door.
async fn use_tokens(causeway: &Causeway, canaries: &mut Canaries) {
    let [alice] = causeway.people(["Alice"]).await;
    let id = causeway.group([&alice]).await;
    let good = canaries.add(&causeway.token(&alice.id).await);
    let expired = canaries.add(&causeway.expired_token(&alice.id));
    let forged = canaries.forge();
    for path in [format!("/ws/group/{id}/"), format!("/ws/chat/{id}/"), "/ws/chat/".to_owned()] {
        for token in [&good, &expired, &forged] {
            let bearer = format!("Bearer {token}");
            let protocols = format!("bearer, {token}");
            for (query, header) in [
                (with_token(&path, token), None),
                (path.clone(), Some(("Authorization", bearer.as_str()))),
                (path.clone(), Some(("Sec-WebSocket-Protocol", protocols.as_str()))),
                (with_token(&path, token), Some(("Authorization", bearer.as_str()))),
            ] {
                let headers: Vec<_> = header.into_iter().collect();
                match causeway.knock("Alice", &query, &headers).await {
                    Ok((mut client, _)) => {
                        let refresh = json!({"type": "refresh_token", "token": canaries.forge()});
                        client.try_send(refresh).await;
                        client.try_send(json!({"type": "refresh_token", "token": good})).await;
                        client.next(std::time::Duration::from_millis(200)).await;
                    }
                    Err(refused) => canaries.check("a refusal", &refused.body),
                }
            }
        }
    }
    let odd = [
        format!("/no/such/path?token={good}"),
        format!("/api/conversations/{id}/?token={forged}"),
        format!("/api/conversations/{id}/?access=1&token={good}&token={forged}"),
        format!("/ws/group/{good}/?token={good}"),
        format!("/healthz?token={good}"),
    ];
    for path in odd {
        canaries.check(&path[..8], &causeway.get(&path, &[]).await.body);
    }
}

/// A service credential that is wrong.
async fn call_with_a_wrong_credential(causeway: &Causeway, canaries: &mut Canaries) {
    let wrong = canaries.forge();
    let grpc = remote(&format!("http://{}", causeway.at.chat), Credential::bearer(&wrong).unwrap()).unwrap();
    let status = DirectoryClient::new(grpc).get_user(GetUserRequest { user_id: fresh_id() }).await;
    canaries.check("a status", &format!("{:?}", status.unwrap_err()));
}

async fn nothing_leaks(setup: Setup) {
    let causeway = setup.start().await;
    let mut canaries = Canaries::default();
    canaries.add(&causeway.service_token());
    canaries.add(fs::read_to_string(causeway.data_dir().join("signing.key")).unwrap().trim());
    use_tokens(&causeway, &mut canaries).await;
    call_with_a_wrong_credential(&causeway, &mut canaries).await;
    for arguments in [&["config", "show"][..], &["doctor"], &["user", "list"]] {
        let output = causeway.run(arguments).await;
        canaries.check(arguments[0], &String::from_utf8_lossy(&output.stdout));
        canaries.check(arguments[0], &String::from_utf8_lossy(&output.stderr));
    }
    let metrics = causeway.metrics().await;
    assert!(metrics.contains("causeway"), "{metrics}");
    canaries.check("the metrics", &metrics);
    let printed = causeway.printed();
    assert!(printed.len() > 1_000, "it logs nothing: {printed}");
    canaries.check("the log", &printed);
}

#[tokio::test]
async fn no_secret_is_in_any_output_even_at_trace() {
    nothing_leaks(Setup::default().set("log.level", "trace")).await;
}

#[tokio::test]
async fn no_secret_is_in_any_output_of_four_processes_in_json() {
    nothing_leaks(Setup::default().split().set("log.level", "trace").set("log.format", "json")).await;
}

#[tokio::test]
async fn keys_are_for_their_owner_only() {
    use std::os::unix::fs::PermissionsExt;
    let causeway = Causeway::shared().await;
    for name in ["signing.key", "service.token"] {
        let mode = fs::metadata(causeway.data_dir().join(name)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{name}");
    }
}
