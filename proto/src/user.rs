//! The name to show for a user.

use crate::chat::User;

impl User {
    /// `name`, else given and family name, else `username`, else the id.
    pub fn display_name(&self) -> String {
        let full = [self.first_name.trim(), self.last_name.trim()].join(" ");
        [self.name.trim(), full.trim(), self.username.trim(), &self.id]
            .into_iter()
            .find(|name| !name.is_empty())
            .unwrap_or_default()
            .to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_name_that_is_there_is_shown() {
        let mut user = User { id: "7".into(), ..User::default() };
        assert_eq!(user.display_name(), "7");
        user.username = "jd".into();
        assert_eq!(user.display_name(), "jd");
        user.last_name = "Doe".into();
        assert_eq!(user.display_name(), "Doe");
        user.first_name = "John".into();
        assert_eq!(user.display_name(), "John Doe");
        user.name = "Johnny".into();
        assert_eq!(user.display_name(), "Johnny");
    }
}
