//! Texts and files, as messages of the bot.

use causeway_plugin_sdk::proto::plugin::{File, FileDelivery, TextDelivery};
use frankenstein::{
    input_file::FileUpload,
    methods::{SendAudioParams, SendDocumentParams, SendMessageParams, SendPhotoParams, SendVideoParams},
    types::{MessageId, ReplyParameters},
};

use super::Failure;
use crate::{
    account::Account,
    error::{ApiError, Refusal},
};

/// What Telegram says when it cannot make a message of what it finds at a URL: too large, away, or of a type that it does not
/// fetch.
const NOT_FETCHED: [&str; 6] = [
    "failed to get http url content",
    "wrong type of the web page content",
    "wrong file identifier/http url specified",
    "wrong http url specified",
    "can't upload file by url",
    "photo_invalid_dimensions",
];

/// Sends a text; the message's id.
pub(super) async fn text(account: &Account, chat: i64, text: TextDelivery) -> Result<String, Failure> {
    let reply = reply(&text.reply_to);
    message(account, chat, text.text, reply).await
}

/// Sends a file, which Telegram fetches from its URL; the message's id. What Telegram does not fetch is sent as a link, so that
/// the customer gets it all the same. See <https://core.telegram.org/bots/api#sending-files>.
pub(super) async fn file(account: &Account, chat: i64, delivery: FileDelivery) -> Result<String, Failure> {
    let Some(file) = delivery.file else {
        return Err(Failure::Untried(crate::error::permanent("no_file", "the delivery names no file")));
    };
    let reply = reply(&delivery.reply_to);
    account.pace.turn(chat).await?;
    match by_url(account, chat, &file, reply.clone()).await {
        Ok(id) => Ok(id.message_id.to_string()),
        Err(error) if error.refusal().is_some_and(is_not_fetched) => {
            message(account, chat, link(&file), reply).await
        }
        Err(error) => Err(error.into()),
    }
}

async fn message(
    account: &Account,
    chat: i64,
    text: String,
    reply: Option<ReplyParameters>,
) -> Result<String, Failure> {
    let params = SendMessageParams::builder().chat_id(chat).text(text).maybe_reply_parameters(reply).build();
    account.pace.turn(chat).await?;
    let sent: MessageId = account.api.call("sendMessage", &params).await?;
    Ok(sent.message_id.to_string())
}

async fn by_url(
    account: &Account,
    chat: i64,
    file: &File,
    reply: Option<ReplyParameters>,
) -> Result<MessageId, ApiError> {
    let (api, upload) = (&account.api, FileUpload::String(file.url.clone()));
    match file.kind.as_str() {
        "image" => {
            let params = SendPhotoParams::builder().chat_id(chat).photo(upload);
            api.call("sendPhoto", &params.maybe_reply_parameters(reply).build()).await
        }
        "video" => {
            let params = SendVideoParams::builder().chat_id(chat).video(upload);
            api.call("sendVideo", &params.maybe_reply_parameters(reply).build()).await
        }
        "audio" => {
            let params = SendAudioParams::builder().chat_id(chat).audio(upload);
            api.call("sendAudio", &params.maybe_reply_parameters(reply).build()).await
        }
        _ => {
            let params = SendDocumentParams::builder().chat_id(chat).document(upload);
            api.call("sendDocument", &params.maybe_reply_parameters(reply).build()).await
        }
    }
}

fn is_not_fetched(refusal: &Refusal) -> bool {
    refusal.code == 400 && NOT_FETCHED.iter().any(|words| refusal.says(words))
}

fn link(file: &File) -> String {
    if file.name.is_empty() { file.url.clone() } else { format!("{}\n{}", file.name, file.url) }
}

/// What the message answers. It is sent all the same when that is gone.
fn reply(to: &str) -> Option<ReplyParameters> {
    let id = to.parse::<i32>().ok()?;
    Some(ReplyParameters::builder().message_id(id).allow_sending_without_reply(true).build())
}
