//! Notices, from each of their sources to the sockets of those whom they concern, once.

mod backend;
mod campus;
mod feed;
mod table;
mod whom;
