//! Messages to customers: one call for each delivery, and none outside the time in which Instagram lets us write.
//!
//! Instagram takes an answer within 24 hours of the customer's last message, and within seven days when a person gives it and
//! the app has the Human Agent feature ("Human Agent" in the documentation of Instagram's messaging API).

use std::time::{Duration, SystemTime};

use causeway_plugin_sdk::{
    Host, Sent, Undelivered,
    proto::plugin::{Delivery, Typing, Voice, delivery::Body},
};

use crate::{
    Inner,
    api::{HUMAN_AGENT, Message, Payload, Recipient, ReplyTo, Send, Tagged},
    error::{ApiError, Kind},
    settings::Account,
};

/// How long anybody may answer.
const WINDOW: Duration = Duration::from_secs(24 * 60 * 60);
/// How long a person may.
const HUMAN_WINDOW: Duration = Duration::from_secs(7 * 24 * 60 * 60);
/// What the Send API takes as attachments.
pub(crate) const KINDS: [&str; 4] = ["image", "video", "audio", "file"];

/// Hands a delivery to Instagram.
pub(crate) async fn deliver(plugin: &Inner, host: &Host, delivery: Delivery) -> Result<Sent, Undelivered> {
    let Some(watched) = plugin.accounts.named(&delivery.account) else {
        return Err(permanent(
            "unknown_account",
            "This account is not configured any more: add it, and replay the message",
        ));
    };
    let account = &watched.account;
    let (message, reply_to, voice) = content(&delivery)?;
    let age = delivery.customer_wrote_at.and_then(|at| age(&at, SystemTime::now()));
    let tag = allowance(account, age, voice)?;
    let send = Send {
        recipient: Recipient { id: &delivery.customer_id },
        message: Some(message),
        reply_to: (!reply_to.is_empty()).then_some(ReplyTo { mid: reply_to }),
        tag,
        sender_action: None,
    };
    match plugin.graph.send(account, &send).await {
        Ok(taken) => {
            watched.works(host).await;
            Ok(Sent { message_id: taken.message_id })
        }
        Err(error) => {
            watched.failed(host, &error).await;
            Err(explained(account, error).undelivered(plugin.check_every))
        }
    }
}

/// Shows that somebody types, or does not any more. It is not worth a second try.
pub(crate) async fn typing(plugin: &Inner, typing: Typing) {
    let Some(watched) = plugin.accounts.named(&typing.account) else { return };
    if watched.limited_for().await.is_some() {
        return;
    }
    let send = Send {
        recipient: Recipient { id: &typing.customer_id },
        message: None,
        reply_to: None,
        tag: None,
        sender_action: Some(if typing.is_typing { "typing_on" } else { "typing_off" }),
    };
    if let Err(error) = plugin.graph.send(&watched.account, &send).await {
        tracing::debug!(account = %typing.account, %error, "typing is not shown");
    }
}

/// What is to be sent, the message that it answers, and on whose behalf.
fn content(delivery: &Delivery) -> Result<(Message<'_>, &str, Voice), Undelivered> {
    match &delivery.body {
        Some(Body::Text(text)) => Ok((Message::Text(&text.text), &text.reply_to, text.voice())),
        Some(Body::File(sent)) => {
            let file = sent.file.as_ref();
            let Some(file) = file.filter(|file| KINDS.contains(&file.kind.as_str())) else {
                return Err(permanent("unsupported", "Instagram takes images, videos, audio and files"));
            };
            let message = Message::Attachment { kind: &file.kind, payload: Payload { url: &file.url } };
            Ok((message, &sent.reply_to, sent.voice()))
        }
        Some(Body::Edit(_) | Body::Delete(_) | Body::CustomerWrote(_)) | None => Err(permanent(
            "unsupported",
            "Instagram lets programs neither change messages nor take them back",
        )),
    }
}

/// With which tag a message may be sent, if any is needed. A customer whose last message is not known may be written to as
/// far as we can tell; Instagram knows better.
fn allowance(account: &Account, age: Option<Duration>, voice: Voice) -> Result<Option<Tagged>, Undelivered> {
    let Some(age) = age.filter(|age| *age > WINDOW) else { return Ok(None) };
    let is_person = voice == Voice::Support;
    if is_person && account.human_agent && age <= HUMAN_WINDOW {
        return Ok(Some(HUMAN_AGENT));
    }
    Err(permanent("outside_window", &outside(account, is_person && age <= HUMAN_WINDOW)))
}

/// What a person can do outside the window.
fn outside(account: &Account, would_be_human: bool) -> String {
    let mut text =
        "The customer last wrote too long ago for Instagram to take a message: 24 hours, or 7 days when a \
                    support person answers. It can be sent when the customer writes again"
            .to_owned();
    if would_be_human && !account.human_agent {
        text.push_str(
            ", or now, if Meta has given the app the Human Agent feature: set human_agent, and replay it",
        );
    }
    text
}

/// An error of the API, in the words of [`outside`] where it is that.
fn explained(account: &Account, mut error: ApiError) -> ApiError {
    if error.kind == Kind::OutsideWindow {
        error.text = format!("{}. Instagram says: {}", outside(account, false), error.text);
    }
    error
}

/// How long ago that was; `None` for what is no time, and nothing for what is still to come.
fn age(at: &prost_types::Timestamp, now: SystemTime) -> Option<Duration> {
    let at = SystemTime::try_from(*at).ok()?;
    Some(now.duration_since(at).unwrap_or_default())
}

fn permanent(code: &str, text: &str) -> Undelivered {
    Undelivered::Permanent { code: code.to_owned(), text: text.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::Secret;

    fn account(human_agent: bool) -> Account {
        Account {
            account: "shop".into(),
            instagram_id: "1".into(),
            access_token: Secret::new("token").unwrap(),
            app_id: None,
            human_agent,
        }
    }

    #[test]
    fn a_message_goes_inside_the_window_and_a_persons_goes_longer_with_a_tag() {
        let (hour, day) = (Duration::from_secs(60 * 60), WINDOW);
        let [tagging, plain] = [account(true), account(false)];
        assert_eq!(allowance(&plain, Some(day), Voice::Ai), Ok(None));
        assert_eq!(allowance(&plain, None, Voice::Support), Ok(None));
        assert_eq!(allowance(&tagging, Some(day + hour), Voice::Support), Ok(Some(HUMAN_AGENT)));
        assert_eq!(allowance(&tagging, Some(HUMAN_WINDOW), Voice::Support), Ok(Some(HUMAN_AGENT)));
        for (account, age, voice) in [
            (&plain, day + hour, Voice::Support),
            (&tagging, day + hour, Voice::Ai),
            (&tagging, day + hour, Voice::Marketing),
            (&tagging, HUMAN_WINDOW + hour, Voice::Support),
        ] {
            let refused = allowance(account, Some(age), voice).unwrap_err();
            assert!(matches!(refused, Undelivered::Permanent { code, .. } if code == "outside_window"));
        }
    }

    #[test]
    fn who_could_write_with_the_feature_is_told_of_it() {
        assert!(outside(&account(false), true).ends_with("set human_agent, and replay it"));
        assert!(outside(&account(true), true).ends_with("when the customer writes again"));
    }

    #[test]
    fn a_time_to_come_is_no_age() {
        let now = SystemTime::UNIX_EPOCH + WINDOW;
        let at = |seconds| age(&prost_types::Timestamp { seconds, nanos: 0 }, now);
        assert_eq!(at(0), Some(WINDOW));
        assert_eq!(at(1_000_000), Some(Duration::ZERO));
    }
}
