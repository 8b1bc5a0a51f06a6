//! Why presence refuses.

use std::time::Duration;

use causeway_kit::Error;

/// When somebody who was turned away should come back.
const RETRY: Duration = Duration::from_secs(5);

/// The service ends.
pub(crate) fn stopping() -> Error {
    Error::unavailable("the presence service is stopping")
}

/// Redis does not answer.
pub(crate) fn away() -> Error {
    Error::unavailable("presence is not known while Redis is away")
}

/// The stream is not the bridge's any more.
pub(crate) fn superseded() -> Error {
    Error::conflict("the bridge has attached with another stream")
}

/// There are as many bridges as there may be.
pub(crate) fn too_many_bridges() -> Error {
    Error::Exhausted { why: "too many bridges are attached".into(), retry: RETRY }
}

/// There are as many typing as there may be.
pub(crate) fn too_many_typing() -> Error {
    Error::Exhausted { why: "too many users are typing".into(), retry: RETRY }
}
