//! Reads the entries of a feed.

use std::time::Duration;

use feed_rs::{
    model::{Entry, Text},
    parser,
};

use crate::{
    inbound::{Found, version},
    settings::Target,
};

/// Most entries that are looked at, of those that stand first.
const ENTRIES: usize = 500;

/// What stands in a feed.
#[derive(Debug)]
pub(super) struct Contents {
    /// Oldest first, as far as feeds list the newest first.
    pub(super) found: Vec<Found>,
    /// How long it stays as it is; none when it does not say.
    pub(super) ttl: Duration,
}

/// Reads a feed, without the entries that were published before `oldest`, in seconds since the epoch. Fails with what is
/// wrong with it.
pub(super) fn read(body: &[u8], to: &Target, oldest: i64) -> Result<Contents, String> {
    let parser = parser::Builder::new().id_generator(|links, title, _| made_id(links, title)).build();
    let feed = parser.parse(body).map_err(|error| error.to_string())?;
    let minutes = u64::from(feed.ttl.unwrap_or(0));
    let entries = feed.entries.into_iter().take(ENTRIES).filter(|entry| {
        let date = entry.published.or(entry.updated);
        date.is_none_or(|date| date.timestamp() >= oldest)
    });
    let mut found: Vec<_> = entries.map(|entry| notice(entry, to)).collect();
    found.reverse();
    Ok(Contents { found, ttl: Duration::from_secs(60 * minutes) })
}

/// The id of an entry that brings none: the same whenever it is read. Empty when it says nothing at all.
fn made_id(links: &[feed_rs::model::Link], title: &Option<Text>) -> String {
    let link = links.first().map_or("", |link| link.href.as_str());
    let title = title.as_ref().map_or("", |title| title.content.as_str());
    if link.is_empty() && title.is_empty() {
        return String::new();
    }
    version([link.as_bytes(), title.as_bytes()])
}

fn notice(entry: Entry, to: &Target) -> Found {
    let title = entry.title.map(|title| plain(&title.content)).unwrap_or_default();
    let summary = entry.summary.map(|summary| summary.content);
    let text = summary.or_else(|| entry.content.and_then(|content| content.body));
    let message = text.map(|text| plain(&text)).unwrap_or_default();
    let authors: Vec<_> = entry.authors.into_iter().filter_map(|person| person.name).collect();
    let author = authors.join(", ");
    let is_page = |link: &&feed_rs::model::Link| link.rel.as_deref().is_none_or(|rel| rel == "alternate");
    let link = entry.links.iter().find(is_page).or(entry.links.first());
    let url = link.map(|link| link.href.clone()).unwrap_or_default();
    let version = version([title.as_bytes(), message.as_bytes(), url.as_bytes(), author.as_bytes()]);
    Found {
        id: if entry.id.is_empty() { version.clone() } else { entry.id },
        title,
        message,
        url,
        author,
        notification_type: String::new(),
        data: String::new(),
        to: Some(to.to_proto()),
        is_published: true,
        version,
    }
}

/// A text without its markup: feeds write HTML where text is meant, and the other way round.
fn plain(html: &str) -> String {
    let mut text = String::new();
    let mut rest = html;
    while let Some(at) = rest.find('<') {
        text.push_str(&rest[..at]);
        rest = &rest[at..];
        if !rest[1..].starts_with(|c: char| c.is_ascii_alphabetic() || matches!(c, '/' | '!')) {
            text.push('<');
            rest = &rest[1..];
            continue;
        }
        // A tag that does not end has no text behind it.
        rest = rest.find('>').map_or("", |end| &rest[end + 1..]);
        // What stood in two blocks is not one word.
        text.push(' ');
    }
    text.push_str(rest);
    let text =
        [("&lt;", "<"), ("&gt;", ">"), ("&quot;", "\""), ("&#39;", "'"), ("&nbsp;", " "), ("&amp;", "&")]
            .iter()
            .fold(text, |text, (entity, plain)| text.replace(entity, plain));
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    const RSS: &str = r#"<rss version="2.0"><channel><title>News</title><link>https://example.org</link>
        <description>d</description><ttl>30</ttl>
        <item><title>Second &amp; last</title><link>https://example.org/2</link><guid>two</guid>
            <pubDate>Tue, 02 Jan 2024 00:00:00 GMT</pubDate>
            <description>&lt;p&gt;Fish&lt;/p&gt;&lt;p&gt;&amp;amp; chips, 1 &lt; 2&lt;/p&gt;</description></item>
        <item><title>First</title><link>https://example.org/1</link><guid>one</guid>
            <pubDate>Mon, 01 Jan 2024 00:00:00 GMT</pubDate></item>
        <item><title>Undated</title><link>https://example.org/0</link></item>
        </channel></rss>"#;

    const ATOM: &str = r#"<feed xmlns="http://www.w3.org/2005/Atom"><title>News</title><id>urn:feed</id>
        <updated>2024-01-02T00:00:00Z</updated>
        <entry><id>urn:1</id><title>One</title><updated>2024-01-02T00:00:00Z</updated>
            <author><name>Ada</name></author><link rel="self" href="https://example.org/1.atom"/>
            <link href="https://example.org/1"/><content type="html">&lt;b&gt;Bold&lt;/b&gt;</content></entry></feed>"#;

    fn found(feed: &str, oldest: i64) -> Vec<Found> {
        read(feed.as_bytes(), &Target::Everybody, oldest).unwrap().found
    }

    #[test]
    fn entries_come_oldest_first_as_plain_text() {
        let found = found(RSS, 0);
        let titles: Vec<_> = found.iter().map(|found| found.title.as_str()).collect();
        assert_eq!(titles, ["Undated", "First", "Second & last"]);
        assert_eq!(found[2].id, "two");
        assert_eq!(found[2].message, "Fish & chips, 1 < 2");
        assert_eq!(found[2].url, "https://example.org/2");
    }

    #[test]
    fn an_entry_of_atom_has_its_author_and_its_page() {
        let one = found(ATOM, 0).remove(0);
        assert_eq!((one.id.as_str(), one.author.as_str()), ("urn:1", "Ada"));
        assert_eq!((one.url.as_str(), one.message.as_str()), ("https://example.org/1", "Bold"));
    }

    #[test]
    fn old_entries_are_left_alone_and_those_without_a_date_are_not() {
        let second = 1_704_153_600;
        let titles: Vec<_> = found(RSS, second).into_iter().map(|found| found.title).collect();
        assert_eq!(titles, ["Undated", "Second & last"]);
    }

    #[test]
    fn the_same_entry_is_the_same_event_and_a_changed_one_another() {
        assert_eq!(found(RSS, 0), found(RSS, 0), "also where ids are made");
        let changed = RSS.replace("Fish", "Bread");
        assert_eq!(found(&changed, 0)[2].id, found(RSS, 0)[2].id);
        assert_ne!(found(&changed, 0)[2].version, found(RSS, 0)[2].version);
    }

    #[test]
    fn a_feed_says_how_long_it_stays_as_it_is() {
        let contents = read(RSS.as_bytes(), &Target::Everybody, 0).unwrap();
        assert_eq!(contents.ttl, Duration::from_secs(1_800));
    }

    #[test]
    fn markup_goes_and_text_stays() {
        assert_eq!(plain("<p>a</p><p>b</p>"), "a b");
        assert_eq!(plain("1 < 2 <- 3"), "1 < 2 <- 3");
        assert_eq!(plain("a<!-- b --> c &amp;lt; &lt;"), "a c &lt; <");
        assert_eq!(plain("a <b"), "a");
        assert_eq!(plain(&"<a".repeat(1 << 20)), "");
    }

    #[test]
    fn what_is_no_feed_is_refused() {
        for bad in ["", "<html></html>", "{}", "\u{0}", &RSS[..200]] {
            assert!(read(bad.as_bytes(), &Target::Everybody, 0).is_err(), "{bad}");
        }
    }
}
