//! Bringing updates to a webhook: those of one chat one after the other, of all chats forty at a time, each until it is answered
//! with success.

use std::{sync::Arc, time::Duration};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::{sleep, timeout},
};

use super::desk::{Desk, State, Update, Webhook, now};

/// How long an answer may take.
const PATIENCE: Duration = Duration::from_secs(60);
/// How long after a failure an update is brought again, at first and at last. Telegram's are longer.
const AGAIN: (Duration, Duration) = (Duration::from_millis(20), Duration::from_secs(1));

/// Puts an update into its chat's lane.
pub(crate) fn queue(desk: &Arc<Desk>, state: &mut State, update: Update) {
    let chat = update.chat;
    let lane = state.lanes.entry(chat).or_default();
    lane.push_back(update);
    if lane.len() == 1 {
        tokio::spawn(drive(desk.clone(), chat));
    }
}

/// Brings what is in a lane, until it is empty.
async fn drive(desk: Arc<Desk>, chat: i64) {
    let mut wait = AGAIN.0;
    loop {
        let Some((webhook, update)) = next(&desk, chat) else { return };
        let turn = desk.bringing.acquire().await.unwrap();
        let brought = timeout(PATIENCE, bring(&webhook, &update)).await;
        drop(turn);
        let error = match brought {
            Ok(Ok(status)) if (200..300).contains(&status) => {
                wait = AGAIN.0;
                forget(&desk, chat, update.id);
                continue;
            }
            Ok(Ok(status)) => format!("Wrong response from the webhook: {status}"),
            Ok(Err(error)) => error.to_string(),
            Err(_) => "Read timeout expired".to_owned(),
        };
        desk.state().webhook_error = Some((now(), error));
        sleep(wait).await;
        wait = (wait * 2).min(AGAIN.1);
    }
}

fn next(desk: &Desk, chat: i64) -> Option<(Webhook, Update)> {
    let state = desk.state();
    Some((state.webhook.clone()?, state.lanes.get(&chat)?.front()?.clone()))
}

fn forget(desk: &Desk, chat: i64, id: u64) {
    let mut state = desk.state();
    let Some(lane) = state.lanes.get_mut(&chat) else { return };
    if lane.front().is_some_and(|update| update.id == id) {
        lane.pop_front();
    }
    if lane.is_empty() {
        state.lanes.remove(&chat);
    }
}

/// One POST; its status.
async fn bring(webhook: &Webhook, update: &Update) -> std::io::Result<u16> {
    let bad = |what: &str| std::io::Error::other(what.to_owned());
    let rest = webhook.url.strip_prefix("http://").ok_or_else(|| bad("not http"))?;
    let (host, path) = rest.split_once('/').unwrap_or((rest, ""));
    let secret =
        webhook.secret.as_deref().map(|secret| format!("X-Telegram-Bot-Api-Secret-Token: {secret}\r\n"));
    let head = format!(
        "POST /{path} HTTP/1.1\r\nHost: {host}\r\nContent-Type: application/json\r\nContent-Length: {}\r\n{}\
         Connection: close\r\n\r\n",
        update.json.len(),
        secret.unwrap_or_default(),
    );
    let mut stream = TcpStream::connect(host).await?;
    stream.write_all(&[head.as_bytes(), update.json.as_bytes()].concat()).await?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await?;
    let line = String::from_utf8_lossy(&answer);
    let status = line.split(' ').nth(1).and_then(|status| status.parse().ok());
    status.ok_or_else(|| bad("Connection closed"))
}
