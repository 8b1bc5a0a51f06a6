//! What the keys of `[plugins.notices]` mean.

use causeway_config::plugins::notices::{
    ColumnSettings, FeedSettings, NoticeTarget, PublishSettings, TableSettings, WebhookSettings,
};
use causeway_notices::{Columns, Feed, Publishing, Secret, Table, Target, Webhook};

use super::makings::secret;

pub(super) fn webhook(index: usize, set: &WebhookSettings) -> anyhow::Result<Webhook> {
    let key = format!("plugins.notices.webhooks[{index}].secret");
    let secret = secret(&key, &set.secret, &set.secret_file)?;
    Ok(Webhook {
        secret: Secret::new(secret.expose()),
        publishing: publishing(&set.publish),
        ..Webhook::new(&set.name)
    })
}

pub(super) fn feed(set: &FeedSettings) -> Feed {
    Feed {
        interval: set.interval,
        max_age: set.max_age,
        allow_private_addresses: set.allow_private_addresses,
        publishing: publishing(&set.publish),
        ..Feed::new(&set.name, &set.url, target(&set.to))
    }
}

pub(super) fn table(index: usize, set: &TableSettings) -> anyhow::Result<Table> {
    let key = format!("plugins.notices.tables[{index}].connection_secret");
    let connection = secret(&key, &set.connection_secret, &set.connection_secret_file)?;
    Ok(Table {
        ca_file: set.ca_file.clone(),
        table: set.table.clone(),
        channel: set.channel.clone(),
        columns: columns(&set.columns),
        to: set.to.as_ref().map(target),
        catch_up: set.catch_up,
        publishing: publishing(&set.publish),
        ..Table::new(&set.name, Secret::new(connection.expose()))
    })
}

fn columns(set: &ColumnSettings) -> Columns {
    let usual = Columns::default();
    let named = |set: &Option<String>, usual: String| set.clone().unwrap_or(usual);
    Columns {
        id: named(&set.id, usual.id),
        title: named(&set.title, usual.title),
        is_published: named(&set.is_published, usual.is_published),
        updated_at: named(&set.updated_at, usual.updated_at),
        message: named(&set.message, usual.message),
        user_id: named(&set.user_id, usual.user_id),
        audience: named(&set.audience, usual.audience),
        college_id: named(&set.college_id, usual.college_id),
        notification_type: named(&set.notification_type, usual.notification_type),
        url: named(&set.url, usual.url),
        author: named(&set.author, usual.author),
        data: named(&set.data, usual.data),
    }
}

fn target(set: &NoticeTarget) -> Target {
    match set {
        NoticeTarget::User(id) => Target::User(id.clone()),
        NoticeTarget::Audience(name) => Target::Audience(name.clone()),
        NoticeTarget::College(id) => Target::College(id.clone()),
        NoticeTarget::Everybody => Target::Everybody,
        NoticeTarget::Users(ids) => Target::Users(ids.clone()),
    }
}

fn publishing(set: &PublishSettings) -> Publishing {
    let usual = Publishing::default();
    Publishing {
        title: set.title.clone().unwrap_or(usual.title),
        message: set.message.clone().unwrap_or(usual.message),
        url: set.url.clone().unwrap_or(usual.url),
        notification_type: set.notification_type.clone().unwrap_or(usual.notification_type),
        update_when_changed: set.update_when_changed.unwrap_or(usual.update_when_changed),
        retract_when_unpublished: set.retract_when_unpublished.unwrap_or(usual.retract_when_unpublished),
    }
}
