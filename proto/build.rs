//! Compiles `causeway/**/*.proto` without `protoc`.

use std::{env, error::Error, fs, path::PathBuf};

use prost::Message;

const FILES: [&str; 7] = [
    "causeway/event/v1/event.proto",
    "causeway/chat/v1/chat.proto",
    "causeway/chat/v1/directory.proto",
    "causeway/notification/v1/notification.proto",
    "causeway/presence/v1/presence.proto",
    "causeway/plugin/v1/plugin.proto",
    "causeway/plugin/v1/plugins.proto",
];

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo:rerun-if-changed=causeway");
    let descriptors = protox::compile(FILES, ["."])?;
    let out = PathBuf::from(env::var("OUT_DIR")?);
    fs::write(out.join("causeway.binpb"), descriptors.encode_to_vec())?;
    tonic_prost_build::configure()
        // Comments in the .proto files are written for readers of any language, not for rustdoc.
        .disable_comments(["."])
        .compile_fds(descriptors)?;
    Ok(())
}
