//! What a webhook needs beside its provider's own format: signatures, secrets, bodies that end, refusals that are seen.
//!
//! A webhook reads its [`body()`], checks it with [`verify_hmac_sha256`] or [`same_secret`] before anything else is done with
//! it, [`Refusals::refuse`]s what is not the provider's with 401, and answers 200 when [`crate::Host::push`] has answered.

mod body;
mod refusals;
mod signature;

pub use body::body;
pub use refusals::Refusals;
pub(crate) use refusals::refused;
pub use signature::{same_secret, sign_hmac_sha256, verify_hmac_sha256};
