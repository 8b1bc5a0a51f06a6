//! Which services and methods there are, from the descriptors of the protocol.

use prost::Message;
use prost_types::FileDescriptorSet;

/// The services of all packages.
pub(super) struct Catalogue {
    services: Vec<Entry>,
}

struct Entry {
    /// `causeway.chat.v1`.
    package: String,
    /// `Chat`.
    name: String,
    methods: Vec<Method>,
}

/// A method.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Method {
    /// `causeway.chat.v1.Chat`.
    pub(super) service: String,
    /// `SendMessages`.
    pub(super) name: String,
    /// Whether it answers a stream.
    pub(super) streams: bool,
}

impl Catalogue {
    /// Reads encoded descriptors; what cannot be read is left out.
    pub(super) fn read(descriptors: &[u8]) -> Self {
        let files = FileDescriptorSet::decode(descriptors).unwrap_or_default().file;
        let services = files.iter().flat_map(|file| {
            file.service.iter().map(|service| {
                let full = format!("{}.{}", file.package(), service.name());
                let methods = service.method.iter().map(|method| Method {
                    service: full.clone(),
                    name: method.name().to_owned(),
                    streams: method.server_streaming(),
                });
                Entry {
                    package: file.package().to_owned(),
                    name: service.name().to_owned(),
                    methods: methods.collect(),
                }
            })
        });
        Self { services: services.collect() }
    }

    /// Full names of the services of a part, whose name stands in their package.
    pub(super) fn services(&self, part: &str) -> Vec<String> {
        let package = format!("causeway.{part}.v1");
        let of_part = self.services.iter().filter(|entry| entry.package == package);
        of_part.map(|entry| format!("{package}.{}", entry.name)).collect()
    }

    pub(super) fn methods(&self) -> impl Iterator<Item = &Method> {
        self.services.iter().flat_map(|entry| &entry.methods)
    }
}

#[cfg(test)]
mod tests {
    use causeway_proto::FILE_DESCRIPTOR_SET;

    use super::*;

    #[test]
    fn a_part_has_the_services_of_its_package() {
        let catalogue = Catalogue::read(FILE_DESCRIPTOR_SET);
        assert_eq!(catalogue.services("chat"), ["causeway.chat.v1.Chat", "causeway.chat.v1.Directory"]);
        assert!(catalogue.services("nobody").is_empty());
    }

    #[test]
    fn streams_are_told_from_single_answers() {
        let catalogue = Catalogue::read(FILE_DESCRIPTOR_SET);
        let streams =
            |name| catalogue.methods().find(|method| method.name == name).map(|method| method.streams);
        assert_eq!(streams("Subscribe"), Some(true));
        assert_eq!(streams("Read"), Some(false));
    }
}
