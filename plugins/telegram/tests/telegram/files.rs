//! Files of customers, for whoever opens their links.

use reqwest::{Response, StatusCode, header};

use crate::{
    stage::{Stage, TOKEN},
    telegram::{Content, Failure, Person},
};

async fn get(url: &str) -> Response {
    reqwest::Client::builder()
        .redirect(reqwest::redirect::Policy::none())
        .build()
        .unwrap()
        .get(url)
        .send()
        .await
        .unwrap()
}

async fn link(stage: &Stage, content: &Content) -> String {
    stage.bot.customer_sends(&Person::new(77, "Anna"), content);
    stage.next_message().await.files[0].url.clone()
}

fn document(name: &str, bytes: &[u8]) -> Content {
    let (name, bytes) = (name.to_owned(), bytes.to_vec());
    Content::Document { name, mime_type: String::new(), bytes, caption: String::new() }
}

fn of<'a>(response: &'a Response, name: &header::HeaderName) -> &'a str {
    response.headers()[name].to_str().unwrap()
}

#[tokio::test]
async fn a_file_comes_from_telegram_when_it_is_opened() {
    let stage = Stage::start().await;
    let bytes: Vec<u8> = (0..3_000_000).map(|number: u32| number.to_le_bytes()[0]).collect();
    let link = link(&stage, &Content::Photo { bytes: bytes.clone(), caption: String::new() }).await;
    assert_eq!(stage.bot.calls("getFile"), 0);
    assert!(!link.contains(TOKEN));
    let response = get(&link).await;
    assert_eq!(response.status(), StatusCode::OK);
    assert_eq!(of(&response, &header::CONTENT_TYPE), "image/jpeg");
    assert_eq!(of(&response, &header::CONTENT_LENGTH), "3000000");
    assert_eq!(response.bytes().await.unwrap(), bytes);
    assert_eq!(stage.bot.calls("getFile"), 1);
}

#[tokio::test]
async fn what_could_act_in_our_name_is_to_be_saved() {
    let stage = Stage::start().await;
    let link = link(&stage, &document("Grüße.html", b"<script>")).await;
    let response = get(&link).await;
    assert_eq!(of(&response, &header::CONTENT_TYPE), "application/octet-stream");
    assert_eq!(
        of(&response, &header::CONTENT_DISPOSITION),
        "attachment; filename*=UTF-8''Gr%C3%BC%C3%9Fe%2Ehtml"
    );
    assert_eq!(of(&response, &header::X_CONTENT_TYPE_OPTIONS), "nosniff");
}

#[tokio::test]
async fn a_link_that_is_not_ours_opens_nothing() {
    let stage = Stage::start().await;
    let link = link(&stage, &document("a.pdf", b"%PDF")).await;
    let (path, signature) = link.split_once("?signature=").unwrap();
    for forged in [
        path.to_owned(),
        format!("{path}?signature="),
        format!("{path}?signature={}", signature.replace(|digit: char| digit.is_ascii_digit(), "0")),
        format!("{}?signature={signature}", path.replace("a.pdf", "b.pdf")),
    ] {
        assert_eq!(get(&forged).await.status(), StatusCode::UNAUTHORIZED, "{forged}");
    }
    assert_eq!(stage.bot.calls("getFile"), 0);
    assert_eq!(get(&link).await.status(), StatusCode::OK);
}

#[tokio::test]
async fn what_telegram_does_not_give_is_not_there() {
    let stage = Stage::start().await;
    let huge = Content::Huge { name: "film.mkv".into(), size: 50 << 20 };
    let link_to_huge = link(&stage, &huge).await;
    assert_eq!(get(&link_to_huge).await.status(), StatusCode::NOT_FOUND);
    let link = link(&stage, &document("a.pdf", b"%PDF")).await;
    for (failure, status) in [
        (Failure::Status(400, None), StatusCode::NOT_FOUND),
        (Failure::Status(429, Some(3)), StatusCode::SERVICE_UNAVAILABLE),
        (Failure::Status(500, None), StatusCode::BAD_GATEWAY),
        (Failure::CloseAfterReceiving, StatusCode::BAD_GATEWAY),
        (Failure::Hang, StatusCode::BAD_GATEWAY),
    ] {
        stage.bot.fail_next(1, failure);
        let response = get(&link).await;
        assert_eq!(response.status(), status, "{failure:?}");
        assert!(!response.text().await.unwrap().contains(TOKEN));
    }
    assert_eq!(get(&link).await.status(), StatusCode::OK);
}
