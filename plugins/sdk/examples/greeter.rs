//! Greets customers who say hello.

use std::process::ExitCode;

use causeway_plugin_sdk::{
    Host, Plugin, Profile, Sent, Undelivered, event,
    proto::plugin::{Answer, Capabilities, Delivery, PluginKind, delivery, inbound_event},
};

struct Greeter;

impl Plugin for Greeter {
    fn profile(&self) -> Profile {
        Profile {
            name: "greeter".to_owned(),
            version: "1.0.0".to_owned(),
            kind: PluginKind::Agent,
            capabilities: Capabilities::default(),
        }
    }

    async fn deliver(&self, host: &Host, delivery: Delivery) -> Result<Sent, Undelivered> {
        let Some(delivery::Body::CustomerWrote(wrote)) = delivery.body else {
            return Err(Undelivered::permanent("unknown", "not what a customer wrote"));
        };
        if wrote.text.to_lowercase().starts_with("hello") {
            let answer = inbound_event::Body::Answer(Answer {
                conversation_id: wrote.conversation_id.clone(),
                text: format!("Hello {}! Somebody will be with you soon.", wrote.customer_name),
                marketing: false,
            });
            // However often the same message comes, this is the same event, and the host applies it once.
            let id = format!("greeting/{}", wrote.message_id);
            host.push(event("greeter", id, wrote.conversation_id, answer)).await?;
        }
        Ok(Sent::default())
    }
}

fn main() -> ExitCode {
    causeway_plugin_sdk::run(Greeter)
}
