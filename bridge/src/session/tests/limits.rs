//! How much a client may say.

use super::*;

const LIMITED: Caps = Caps { frames_per_second: 20, burst: 40, ..UNLIMITED };

fn limited() -> Stage {
    Cast { caps: LIMITED, ..Cast::default() }.enter()
}

#[tokio::test(start_paused = true)]
async fn over_the_limit_a_frame_is_not_carried_out_and_says_when_to_come_back() {
    let mut stage = limited();
    let history = r#"{"type":"history"}"#;
    for _ in 0..40 {
        assert!(!stage.says(history).contains(&"fault rate_limited".to_owned()));
    }
    let mut out = Vec::new();
    stage.session.on_text(stage.now, history, &mut out);
    let [Action::Fault(_, frame)] = out.as_slice() else { panic!("{out:?}") };
    let frame: Value = serde_json::from_str(frame).unwrap();
    assert_eq!(frame["code"], "rate_limited");
    assert!((1..=50).contains(&frame["retry_after_ms"].as_u64().unwrap()), "{frame}");
}

#[tokio::test(start_paused = true)]
async fn five_seconds_of_abuse_close() {
    let mut stage = limited();
    let begun = stage.now.at;
    loop {
        let lines = stage.says("nonsense");
        let time = Duration::from_millis(10);
        if lines.contains(&"close 1008".to_owned()) {
            assert!(stage.now.at - begun >= Duration::from_secs(5));
            return;
        }
        assert!(stage.now.at - begun < Duration::from_secs(8), "never closed");
        tokio::time::advance(time).await;
        stage.now.at += time;
    }
}

#[tokio::test(start_paused = true)]
async fn receipts_typing_and_pings_have_ten_times_as_much_and_are_dropped_without_a_word() {
    let mut stage = limited();
    let mut ignored = 0;
    for _ in 0..500 {
        stage.says(r#"{"type":"read","message_id":1}"#);
        let lines = stage.says(r#"{"type":"ping"}"#);
        assert!(lines == ["frame pong"] || lines == ["ignored"]);
        ignored += usize::from(lines == ["ignored"]);
    }
    assert_eq!(ignored, 100);
    assert_eq!(stage.says(r#"{"type":"message","content":"a"}"#), ["send a"]);
}
