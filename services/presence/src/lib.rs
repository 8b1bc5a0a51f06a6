//! Who is online, where, since when, and who is typing.
