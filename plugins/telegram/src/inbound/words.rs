//! Messages that are neither text nor file, in words: what a support person would want to read.

use frankenstein::types::{Checklist, Contact, Location, Message, Poll, Venue};

/// What stands in a message for its text; `None` when nothing that we know does.
pub(super) fn of(message: &Message) -> Option<String> {
    // The customer's client shows the emoji where it cannot show the sticker.
    let sticker = message.sticker.as_ref().and_then(|sticker| sticker.emoji.clone());
    let dice = message.dice.as_ref().map(|dice| format!("{} {}", dice.emoji, dice.value));
    let story = message.story.as_ref().map(|_| "Story".to_owned());
    // A venue has a location too.
    let place = message.venue.as_deref().map(venue);
    let place = place.or_else(|| message.location.as_deref().map(location));
    let contact = message.contact.as_deref().map(contact);
    let poll = message.poll.as_deref().map(poll);
    let checklist = message.checklist.as_ref().map(checklist);
    sticker.or(dice).or(place).or(contact).or(poll).or(checklist).or(story)
}

fn contact(contact: &Contact) -> String {
    let Contact { first_name, last_name, phone_number, .. } = contact;
    let last_name = last_name.as_deref().map(|name| format!(" {name}")).unwrap_or_default();
    format!("Contact: {first_name}{last_name}, {phone_number}")
}

fn location(location: &Location) -> String {
    let what = if location.live_period.is_some() { "Live location" } else { "Location" };
    format!("{what}: {}", map(location))
}

fn venue(venue: &Venue) -> String {
    format!("Location: {}, {}\n{}", venue.title, venue.address, map(&venue.location))
}

/// Where it is, for whoever has a browser.
fn map(Location { latitude, longitude, .. }: &Location) -> String {
    format!(
        "https://www.openstreetmap.org/?mlat={latitude:.6}&mlon={longitude:.6}#map=17/{latitude:.6}/{longitude:.6}"
    )
}

fn poll(poll: &Poll) -> String {
    let options = poll.options.iter().map(|option| option.text.as_str());
    list("Poll", &poll.question, options)
}

fn checklist(checklist: &Checklist) -> String {
    let tasks = checklist.tasks.iter().map(|task| task.text.as_str());
    list("Checklist", &checklist.title, tasks)
}

fn list<'a>(what: &str, title: &str, lines: impl Iterator<Item = &'a str>) -> String {
    lines.fold(format!("{what}: {title}"), |text, line| format!("{text}\n- {line}"))
}
