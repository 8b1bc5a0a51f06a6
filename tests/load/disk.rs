//! The disk alone: what nobody who fsyncs before answering can be faster than. Appends to a file that does not grow, at an
//! even pace whatever the disk does; what became due during an fsync shares the next, as in the store.

use std::{
    fs::File,
    io::{Seek, SeekFrom, Write},
    path::Path,
    thread,
    time::{Duration, Instant},
};

/// Bytes that one message costs in the file: what a group commit of one writes, roughly.
const EACH: usize = 16 << 10;
/// Messages until the file is written from its beginning again.
const AROUND: usize = 1_024;

/// The milliseconds from when each append was due until it was fsynced.
pub(crate) fn appends(folder: &Path, every: Duration, length: Duration) -> Vec<f64> {
    let mut file = File::create(folder.join("appends")).expect("the folder is writable");
    let block = vec![0x5a; EACH];
    (0..AROUND).for_each(|_| file.write_all(&block).expect("room on the disk"));
    file.sync_all().expect("a disk");
    let (begun, mut latencies, mut due) = (Instant::now(), Vec::new(), Duration::ZERO);
    while due < length {
        thread::sleep(due.saturating_sub(begun.elapsed()));
        let first = due;
        while due <= begun.elapsed() {
            if latencies.len().is_multiple_of(AROUND) {
                file.seek(SeekFrom::Start(0)).expect("a file");
            }
            file.write_all(&block).expect("room on the disk");
            latencies.push(0.0);
            due += every;
        }
        file.sync_data().expect("a disk");
        let group = ((due - first).as_nanos() / every.as_nanos()) as usize;
        let (count, now) = (latencies.len(), begun.elapsed());
        for (index, latency) in latencies.iter_mut().skip(count - group).enumerate() {
            *latency = (now - first - every * index as u32).as_secs_f64() * 1_000.0;
        }
    }
    latencies
}
