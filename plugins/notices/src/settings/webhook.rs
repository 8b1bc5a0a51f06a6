//! Settings of a signed webhook.

use super::{Key, Publishing, Secret, WrongSetting, ensure};

/// A webhook that a backend calls with a notice; see [`crate`] for how it signs.
#[derive(Debug, Clone)]
pub struct Webhook {
    /// Its name, the last part of its path: 1 to 64 of A-Z, a-z, 0-9, "-", "_" and ".".
    pub name: String,
    /// What requests are signed with. The plugin does not start without it.
    pub secret: Option<Secret>,
    /// How its notices are published.
    pub publishing: Publishing,
}

impl Webhook {
    /// One of that name, without a secret.
    pub fn new(name: impl Into<String>) -> Self {
        Self { name: name.into(), secret: None, publishing: Publishing::default() }
    }

    pub(super) fn check(&self, key: &Key<'_>) -> Result<(), WrongSetting> {
        ensure(self.secret.is_some(), key.of("secret"), "is required: requests are signed with it")?;
        self.publishing.check(key)
    }
}
