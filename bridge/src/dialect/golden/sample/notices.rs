//! Notifications.

use causeway_proto::notification::Notification;

use super::at;

/// To an audience, with data of its own.
pub(super) fn notice() -> Notification {
    Notification {
        id: 790,
        audience: "college:5".to_owned(),
        title: "New Notice Published".to_owned(),
        message: "Mid-term exam schedule has been released".to_owned(),
        notification_type: "notice".to_owned(),
        data: r#"{"notice_id":42,"url":"/notices/42"}"#.to_owned(),
        timestamp: at(0),
        ..Notification::default()
    }
}

/// Without data, and read.
pub(super) fn bare() -> Notification {
    Notification {
        id: 791,
        user_id: "456".to_owned(),
        title: "Alert".to_owned(),
        message: "Your request approved".to_owned(),
        notification_type: "info".to_owned(),
        timestamp: at(1),
        is_read: true,
        ..Notification::default()
    }
}

/// About a message that came while the user was away.
pub(super) fn of_a_message() -> Notification {
    Notification {
        id: 789,
        user_id: "101".to_owned(),
        title: "New Message".to_owned(),
        message: "You have a new message from John Doe".to_owned(),
        notification_type: "message".to_owned(),
        data: r#"{"conversation_id":"123","sender_id":"456","message_id":"4"}"#.to_owned(),
        timestamp: at(2),
        ..Notification::default()
    }
}
