//! The user's notifications.

use causeway_proto::notification::{ListNotificationsRequest, MarkReadRequest};

use crate::{
    backend::{Backend, ask, call::Caller, status::fault},
    command::{Page, Reply},
    fault::Fault,
};

impl Backend {
    pub(super) async fn notifications(
        &self,
        caller: &Caller,
        unread_only: bool,
        page: Page,
    ) -> Result<Reply, Fault> {
        let request = ListNotificationsRequest {
            user_id: caller.user.id.clone(),
            audiences: caller.user.audiences.clone(),
            unread_only,
            before: page.before,
            limit: page.limit,
        };
        let result = ask!(self.notifications, "Notifications.ListNotifications", list_notifications, request);
        let found = result.map_err(fault)?;
        Ok(Reply::Notifications {
            notifications: found.notifications,
            unread_count: found.unread_count,
            has_more: found.has_more,
        })
    }

    pub(super) async fn read_notifications(
        &self,
        caller: &Caller,
        notification_id: Option<u64>,
    ) -> Result<Reply, Fault> {
        let (user_id, audiences) = (caller.user.id.clone(), caller.user.audiences.clone());
        let request = MarkReadRequest { user_id, audiences, notification_id };
        let result = ask!(self.notifications, "Notifications.MarkRead", mark_read, request);
        result.map(|_| Reply::Done).map_err(fault)
    }
}
