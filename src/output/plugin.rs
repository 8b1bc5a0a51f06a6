//! Plugins and outboxes, as programs and people see them.

use causeway_proto::plugin::{
    AccountState, AccountStatus, OutboxItem, OutboxState, PluginKind, PluginStatus, SetAside,
};
use serde::Serialize;

use super::{ForPeople, table, view::time};

/// A plugin as it stands. Times are RFC 3339 in UTC, waits are milliseconds.
#[derive(Serialize)]
pub(crate) struct PluginView {
    name: String,
    kind: &'static str,
    attached: bool,
    since: Option<String>,
    version: String,
    accounts: Vec<AccountView>,
    event_credit: u32,
    delivery_credit: u32,
    event_lag_ms: Option<u64>,
    deliveries_waiting: u64,
    deliveries_dead: u64,
    delivery_lag_ms: u64,
    set_aside: u64,
    last_error: String,
    last_error_at: Option<String>,
}

#[derive(Serialize)]
struct AccountView {
    account: String,
    state: &'static str,
    advice: String,
    reported_at: Option<String>,
}

/// An event that was kept for a person. What the provider sent is text where it can be, with what is none shown as such.
#[derive(Serialize)]
pub(crate) struct SetAsideView {
    plugin: String,
    account: String,
    provider_id: String,
    reason: String,
    time: Option<String>,
    payload: String,
}

/// Something owed.
#[derive(Serialize)]
pub(crate) struct OutboxView {
    id: u64,
    service: String,
    kind: String,
    key: String,
    state: &'static str,
    attempts: u32,
    last_error: String,
    owed_at: Option<String>,
    due_at: Option<String>,
    uncertain: bool,
}

/// What a kind of plugin is called on the command line.
pub(crate) fn kind_name(kind: PluginKind) -> &'static str {
    match kind {
        PluginKind::Channel => "channel",
        PluginKind::NoticeSource => "notice-source",
        PluginKind::Agent => "agent",
        PluginKind::Unspecified => "unknown",
    }
}

impl From<PluginStatus> for PluginView {
    fn from(plugin: PluginStatus) -> Self {
        Self {
            kind: kind_name(plugin.kind()),
            since: time(plugin.since.as_ref()),
            last_error_at: time(plugin.last_error_at.as_ref()),
            accounts: plugin.accounts.into_iter().map(AccountView::from).collect(),
            name: plugin.name,
            attached: plugin.attached,
            version: plugin.version,
            event_credit: plugin.event_credit,
            delivery_credit: plugin.delivery_credit,
            event_lag_ms: plugin.event_lag_ms,
            deliveries_waiting: plugin.deliveries_waiting,
            deliveries_dead: plugin.deliveries_dead,
            delivery_lag_ms: plugin.delivery_lag_ms,
            set_aside: plugin.set_aside,
            last_error: plugin.last_error,
        }
    }
}

impl From<AccountStatus> for AccountView {
    fn from(account: AccountStatus) -> Self {
        let state = match account.state() {
            AccountState::Connected => "connected",
            AccountState::Reconnecting => "reconnecting",
            AccountState::BadCredentials => "bad-credentials",
            AccountState::Stopped => "stopped",
            AccountState::Unspecified => "unknown",
        };
        let reported_at = time(account.reported_at.as_ref());
        Self { account: account.account, state, advice: account.advice, reported_at }
    }
}

impl From<SetAside> for SetAsideView {
    fn from(event: SetAside) -> Self {
        Self {
            time: time(event.time.as_ref()),
            payload: String::from_utf8_lossy(&event.payload).into_owned(),
            plugin: event.plugin,
            account: event.account,
            provider_id: event.provider_id,
            reason: event.reason,
        }
    }
}

impl From<OutboxItem> for OutboxView {
    fn from(item: OutboxItem) -> Self {
        let state = match item.state() {
            OutboxState::Waiting => "waiting",
            OutboxState::InHand => "in-hand",
            OutboxState::Dead => "dead",
            OutboxState::Unspecified => "unknown",
        };
        Self {
            state,
            owed_at: time(item.owed_at.as_ref()),
            due_at: time(item.due_at.as_ref()),
            id: item.id,
            service: item.service,
            kind: item.kind,
            key: item.key,
            attempts: item.attempts,
            last_error: item.last_error,
            uncertain: item.uncertain,
        }
    }
}

impl ForPeople for Vec<PluginView> {
    fn for_people(&self) -> String {
        if self.is_empty() {
            return "no plugin may attach: `causeway plugin add` lets one in".to_owned();
        }
        let plugins = table(
            ["NAME", "KIND", "STATE", "CREDIT IN/OUT", "LAG", "WAITING", "DEAD", "SET ASIDE", "LAST ERROR"],
            self.iter().map(PluginView::row),
        );
        let accounts: Vec<[String; 4]> = self.iter().flat_map(PluginView::account_rows).collect();
        if accounts.is_empty() {
            return plugins;
        }
        format!("{plugins}\n\n{}", table(["PLUGIN", "ACCOUNT", "STATE", "WHAT TO DO"], accounts))
    }
}

impl PluginView {
    fn row(&self) -> [String; 9] {
        let since = self.since.as_deref().unwrap_or_default();
        let state = match (self.attached, since) {
            (true, since) => format!("attached since {since}"),
            (false, "") => "never attached".to_owned(),
            (false, since) => format!("away since {since}"),
        };
        [
            self.name.clone(),
            self.kind.to_owned(),
            state,
            format!("{}/{}", self.event_credit, self.delivery_credit),
            self.event_lag_ms.map_or_else(|| "-".to_owned(), |lag| format!("{lag} ms")),
            self.deliveries_waiting.to_string(),
            self.deliveries_dead.to_string(),
            self.set_aside.to_string(),
            self.last_error.clone(),
        ]
    }

    fn account_rows(&self) -> impl Iterator<Item = [String; 4]> {
        self.accounts.iter().map(|account| {
            [self.name.clone(), account.account.clone(), account.state.to_owned(), account.advice.clone()]
        })
    }
}

impl ForPeople for Vec<SetAsideView> {
    fn for_people(&self) -> String {
        if self.is_empty() {
            return "nothing was kept".to_owned();
        }
        let rows = self.iter().map(|event| {
            [
                event.time.clone().unwrap_or_default(),
                event.plugin.clone(),
                event.account.clone(),
                event.provider_id.clone(),
                event.reason.clone(),
            ]
        });
        table(["TIME", "PLUGIN", "ACCOUNT", "PROVIDER'S ID", "WHY"], rows)
    }
}

impl ForPeople for Vec<OutboxView> {
    fn for_people(&self) -> String {
        if self.is_empty() {
            return "nothing is owed".to_owned();
        }
        let rows = self.iter().map(|item| {
            let doubt = if item.uncertain { " (may have arrived)" } else { "" };
            [
                item.id.to_string(),
                item.service.clone(),
                item.kind.clone(),
                item.key.clone(),
                format!("{}{doubt}", item.state),
                item.attempts.to_string(),
                item.due_at.clone().unwrap_or_else(|| "-".to_owned()),
                item.last_error.clone(),
            ]
        });
        table(["ID", "SERVICE", "KIND", "KEY", "STATE", "ATTEMPTS", "DUE", "LAST ERROR"], rows)
    }
}
