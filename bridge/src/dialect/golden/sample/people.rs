//! People.

use causeway_proto::chat::User;

use super::at;

/// Has a login name only.
pub(super) fn siaziz() -> User {
    User {
        id: "1".to_owned(),
        username: "siazizextra".to_owned(),
        email: "siaziz@example.com".to_owned(),
        is_active: true,
        created_at: at(-86_400),
        ..User::default()
    }
}

/// Has a given and a family name, and no login name.
pub(super) fn john() -> User {
    User {
        id: "456".to_owned(),
        first_name: "John".to_owned(),
        last_name: "Doe".to_owned(),
        is_active: true,
        created_at: at(-3_600),
        ..User::default()
    }
}

/// Is known by a string.
pub(super) fn alice() -> User {
    User { id: "alice".to_owned(), is_active: true, created_at: at(-60), ..User::default() }
}

/// Writes from outside.
pub(super) fn customer() -> User {
    User {
        id: "12".to_owned(),
        first_name: "John".to_owned(),
        last_name: "Doe".to_owned(),
        source: "telegram".to_owned(),
        profile_picture: "https://example.com/profile.jpg".to_owned(),
        is_active: true,
        created_at: at(-30),
        ..User::default()
    }
}
