//! Commands that wait for the one under way. They are carried out in order; messages that follow each other
//! go together.

use std::collections::VecDeque;

use crate::{
    backend::call::Call,
    command::{Command, MessageId, Send, Token},
};

/// Messages that go to the service in one call.
const MOST_TOGETHER: usize = 64;

/// Bytes of text that go together: the answer repeats the messages, and must fit into one gRPC message of 4 MiB.
const MOST_BYTES: usize = 1 << 20;

/// What waits.
#[derive(Debug)]
pub(crate) struct Queue {
    jobs: VecDeque<Job>,
    limit: usize,
}

/// One thing that waits.
#[derive(Debug)]
pub(crate) enum Job {
    /// A message.
    Send(Box<Send>),
    /// Any other command that one call answers.
    Command(Command),
    /// Receipts that were merged: the newest message first, or all when there are none.
    Read(Vec<MessageId>),
    /// A new token.
    Refresh(Token),
}

/// What is being carried out, and what is still needed of it.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum UnderWay {
    /// Messages, or anything with one answer.
    Any,
    /// A receipt, and the messages to try when its message is not found.
    Read(Vec<MessageId>),
}

impl Queue {
    /// Nothing waits; at `limit` it is full.
    pub(crate) fn new(limit: usize) -> Self {
        Self { jobs: VecDeque::new(), limit }
    }

    /// Adds something at the end.
    pub(crate) fn push(&mut self, job: Job) {
        self.jobs.push_back(job);
    }

    /// Whether no more should be added.
    pub(crate) fn is_full(&self) -> bool {
        self.jobs.len() >= self.limit
    }

    /// Whether nothing waits.
    pub(crate) fn is_empty(&self) -> bool {
        self.jobs.is_empty()
    }

    /// Takes what is to be carried out next.
    pub(crate) fn next(&mut self) -> Option<(Call, UnderWay)> {
        let next = match self.jobs.pop_front()? {
            Job::Send(first) => (Call::Send(self.messages(*first)), UnderWay::Any),
            Job::Command(command) => (Call::Command(command), UnderWay::Any),
            Job::Refresh(token) => (Call::Refresh(token), UnderWay::Any),
            Job::Read(messages) => receipt(messages),
        };
        if self.jobs.is_empty() {
            // Most sockets are quiet most of the time, and keep nothing for it.
            self.jobs = VecDeque::new();
        }
        Some(next)
    }

    fn messages(&mut self, first: Send) -> Vec<Send> {
        let mut bytes = first.content.len() + first.metadata.len();
        let mut messages = vec![first];
        while messages.len() < MOST_TOGETHER && bytes < MOST_BYTES {
            match self.jobs.pop_front() {
                Some(Job::Send(message)) => {
                    bytes += message.content.len() + message.metadata.len();
                    messages.push(*message);
                }
                Some(other) => {
                    self.jobs.push_front(other);
                    break;
                }
                None => break,
            }
        }
        messages
    }
}

/// The receipt for the first of these messages; the rest are tried when it is not found.
pub(crate) fn receipt(messages: Vec<MessageId>) -> (Call, UnderWay) {
    let mut messages = messages.into_iter();
    (Call::Read(messages.next()), UnderWay::Read(messages.collect()))
}
