use causeway_proto::event::Source;
use futures_util::FutureExt;

use super::*;

fn lost(bytes: usize) -> Delivery {
    let topic = Topic { source: Source::Chat, name: "x".repeat(bytes).into() };
    Delivery::Lost(Arc::new(Loss { topic, after: 0 }))
}

fn mailbox(limit: usize) -> Mailbox {
    Mailbox::new(limit, Gauge::default())
}

fn take(mailbox: &Mailbox, most: usize) -> Option<Result<usize, Overflow>> {
    let mut into = Vec::new();
    mailbox.take(&mut into, most).now_or_never().map(|result| result.map(|()| into.len()))
}

/// A mailbox whose reader writes to a peer that does not read.
fn blocked(limit: usize) -> Mailbox {
    let mailbox = mailbox(limit);
    assert_eq!(mailbox.overflow().now_or_never(), None);
    mailbox
}

fn push<const N: usize>(mailbox: &Mailbox, mail: [Delivery; N]) -> usize {
    mailbox.push(mail, &mut Wakes::default())
}

#[test]
fn mail_is_taken_in_batches() {
    let mailbox = mailbox(100);
    assert_eq!(take(&mailbox, 2), None);
    for _ in 0..3 {
        push(&mailbox, [lost(1)]);
    }
    assert_eq!(take(&mailbox, 2), Some(Ok(2)));
    assert_eq!(take(&mailbox, 2), Some(Ok(1)));
    assert_eq!(take(&mailbox, 2), None);
}

#[test]
fn what_was_taken_makes_room() {
    let mailbox = mailbox(100);
    for _ in 0..10 {
        push(&mailbox, [lost(60)]);
        assert_eq!(take(&mailbox, 1), Some(Ok(1)));
    }
}

#[test]
fn over_the_limit_everything_is_gone_until_it_starts_again() {
    let mailbox = blocked(100);
    push(&mailbox, [lost(60)]);
    push(&mailbox, [lost(60)]);
    push(&mailbox, [lost(1)]);
    assert_eq!(take(&mailbox, 9), Some(Err(Overflow)));
    mailbox.restart();
    assert_eq!(take(&mailbox, 9), None);
    push(&mailbox, [lost(1)]);
    assert_eq!(take(&mailbox, 9), Some(Ok(1)));
}

#[test]
fn of_mail_that_comes_together_what_is_before_the_limit_counts_as_taken() {
    let mailbox = blocked(100);
    assert_eq!(push(&mailbox, [lost(60), lost(30), lost(30), lost(1)]), 2);
    assert_eq!(take(&mailbox, 9), Some(Err(Overflow)));
}

#[test]
fn a_reader_whose_turn_has_not_come_has_more_room_but_not_without_end() {
    let mailbox = mailbox(100);
    assert_eq!(push(&mailbox, [lost(100), lost(100), lost(100), lost(100)]), 4);
    assert_eq!(push(&mailbox, [lost(1)]), 0);
    assert_eq!(take(&mailbox, 9), Some(Err(Overflow)));
}

#[tokio::test]
async fn what_comes_together_is_found_together() {
    let mailbox = Arc::new(mailbox(100));
    let reader = tokio::spawn({
        let mailbox = mailbox.clone();
        async move {
            let mut taken = Vec::new();
            mailbox.take(&mut taken, 9).await.map(|()| taken.len())
        }
    });
    tokio::task::yield_now().await;
    let mut wakes = Wakes::default();
    mailbox.push([lost(1)], &mut wakes);
    tokio::task::yield_now().await;
    mailbox.push([lost(1)], &mut wakes);
    drop(wakes);
    assert_eq!(reader.await.unwrap(), Ok(2));
}

#[tokio::test]
async fn a_waiting_reader_is_woken() {
    let mailbox = Arc::new(mailbox(100));
    let reader = tokio::spawn({
        let mailbox = mailbox.clone();
        async move { mailbox.take(&mut Vec::new(), 1).await }
    });
    tokio::task::yield_now().await;
    push(&mailbox, [lost(1)]);
    assert!(reader.await.is_ok_and(|taken| taken.is_ok()));
}

#[tokio::test]
async fn a_writing_reader_is_woken_for_an_overflow_only() {
    let mailbox = Arc::new(mailbox(100));
    let writer = tokio::spawn({
        let mailbox = mailbox.clone();
        async move { mailbox.overflow().await }
    });
    tokio::task::yield_now().await;
    push(&mailbox, [lost(60)]);
    tokio::task::yield_now().await;
    assert!(!writer.is_finished());
    push(&mailbox, [lost(60)]);
    assert!(writer.await.is_ok());
}
