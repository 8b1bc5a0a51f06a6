//! Things of the services as people see them.

use super::{
    ForPeople, fields, table,
    view::{BulkView, ConversationView, MessageView, NotificationView, UserView},
};

impl ForPeople for UserView {
    fn for_people(&self) -> String {
        fields([
            ("id", self.id.clone()),
            ("name", self.name.clone()),
            ("username", self.username.clone()),
            ("email", self.email.clone()),
            ("audiences", self.audiences.join(", ")),
            ("source", self.source.clone()),
            ("picture", self.profile_picture.clone()),
            ("active", if self.is_active { "yes" } else { "no" }.to_owned()),
            ("since", self.created_at.clone().unwrap_or_default()),
        ])
    }
}

impl ForPeople for Vec<UserView> {
    fn for_people(&self) -> String {
        table(
            ["ID", "NAME", "USERNAME", "AUDIENCES"],
            self.iter().map(|user| {
                [user.id.clone(), user.name.clone(), user.username.clone(), user.audiences.join(", ")]
            }),
        )
    }
}

impl ForPeople for ConversationView {
    fn for_people(&self) -> String {
        let participants: Vec<String> = self
            .participants
            .iter()
            .map(|participant| match participant.role {
                "admin" => format!("{} ({}, admin)", participant.id, participant.name),
                _ => format!("{} ({})", participant.id, participant.name),
            })
            .collect();
        let support = self.kind == "support";
        let only_support = |text: String| if support { text } else { String::new() };
        let customer = self.customer.as_ref().map(|user| format!("{} ({})", user.id, user.name));
        fields([
            ("id", self.id.clone()),
            ("kind", self.kind.to_owned()),
            ("title", self.title.clone()),
            ("status", only_support(self.status.to_owned())),
            ("priority", only_support(self.priority.to_string())),
            ("customer", customer.unwrap_or_default()),
            ("participants", participants.join(", ")),
            ("last message", self.last_message.as_ref().map(|m| m.content.clone()).unwrap_or_default()),
            ("since", self.created_at.clone().unwrap_or_default()),
            ("changed", self.updated_at.clone().unwrap_or_default()),
        ])
    }
}

impl ForPeople for Vec<ConversationView> {
    fn for_people(&self) -> String {
        table(
            ["ID", "KIND", "TITLE", "PARTICIPANTS", "UNREAD", "CHANGED"],
            self.iter().map(|conversation| {
                [
                    conversation.id.clone(),
                    conversation.kind.to_owned(),
                    conversation.title.clone(),
                    conversation.participant_count.to_string(),
                    conversation.unread_count.to_string(),
                    conversation.updated_at.clone().unwrap_or_default(),
                ]
            }),
        )
    }
}

impl ForPeople for MessageView {
    fn for_people(&self) -> String {
        format!("message {} is stored in conversation {}", self.id, self.conversation_id)
    }
}

impl ForPeople for NotificationView {
    fn for_people(&self) -> String {
        let whom = if self.audience.is_empty() { "user" } else { "audience" };
        format!("notification {} is stored for {whom} {}{}", self.id, self.user_id, self.audience)
    }
}

impl ForPeople for BulkView {
    fn for_people(&self) -> String {
        format!("bulk message {}: {}, {} of {} notified", self.id, self.state, self.done, self.total)
    }
}
