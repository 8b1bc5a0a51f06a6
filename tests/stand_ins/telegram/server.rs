//! The HTTP server: finds the bot by the token in the path, and the method.

use std::{net::SocketAddr, sync::Arc};

use axum::{
    Router,
    body::{Body, to_bytes},
    extract::{ConnectInfo, Request, State},
    http::{StatusCode, header::CONTENT_TYPE},
    response::{IntoResponse, Response},
};
use serde_json::json;
use tokio::net::TcpListener;

use super::{
    Desks,
    answer::{Answer, Refusal, response},
    desk::Desk,
    failure::Failure,
    messages,
    params::Params,
    updates,
    wire::{Wire, Wires},
};

/// Largest request that is read, in bytes.
const MAX_REQUEST: usize = 1 << 20;

pub(crate) async fn start(desks: Desks) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let router = Router::new().fallback(serve).with_state(desks);
    let service = router.into_make_service_with_connect_info::<Wire>();
    tokio::spawn(async move { axum::serve(Wires(listener), service).await });
    address
}

async fn serve(
    State(desks): State<Desks>,
    ConnectInfo(wire): ConnectInfo<Wire>,
    request: Request,
) -> Response {
    let path = request.uri().path().to_owned();
    if let Some(rest) = path.strip_prefix("/file/bot") {
        return file(&desks, rest);
    }
    let Some((token, method)) = path.strip_prefix("/bot").and_then(|rest| rest.split_once('/')) else {
        return response(Err(Refusal::new(404, "Not Found")));
    };
    let desk = match find(&desks, token) {
        Ok(desk) => desk,
        Err(refusal) => return response(Err(refusal)),
    };
    let query = request.uri().query().map(str::to_owned);
    let content_type = request.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let content_type = content_type.unwrap_or_default().to_owned();
    let Ok(body) = to_bytes(request.into_body(), MAX_REQUEST).await else {
        return response(Err(Refusal::new(413, "Request Entity Too Large")));
    };
    match Params::read(query.as_deref(), &content_type, &body) {
        Some(params) => call(&desk, &wire, &method.to_ascii_lowercase(), &params).await,
        None => response(Err(Refusal::bad("can't parse parameters"))),
    }
}

/// The bot of a token: 401 when there is none, 404 when it is none.
fn find(desks: &Desks, token: &str) -> Result<Arc<Desk>, Refusal> {
    if let Some(desk) = desks.lock().unwrap().get(token) {
        return Ok(desk.clone());
    }
    let is_token = token.split_once(':').is_some_and(|(id, _)| id.parse::<u64>().is_ok());
    Err(if is_token { Refusal::new(401, "Unauthorized") } else { Refusal::new(404, "Not Found") })
}

/// Carries out a method, or fails as it is planned.
async fn call(desk: &Arc<Desk>, wire: &Wire, method: &str, params: &Params) -> Response {
    let is_poll = method == "getupdates";
    let failure = {
        let mut state = desk.state();
        *state.calls.entry(method.to_owned()).or_default() += 1;
        state.failures.next(is_poll)
    };
    if let Some(refusal) = failure.and_then(Failure::refusal) {
        return response(Err(refusal));
    }
    if failure == Some(Failure::BadGateway) {
        return (StatusCode::BAD_GATEWAY, "<html><h1>502 Bad Gateway</h1></html>").into_response();
    }
    let done = carry_out(desk, method, params).await;
    match failure {
        Some(Failure::Hang) => std::future::pending().await,
        Some(Failure::CloseAfterReceiving) => {
            wire.cut();
            done
        }
        Some(Failure::Status(..) | Failure::BadGateway) | None => done,
    }
}

async fn carry_out(desk: &Arc<Desk>, method: &str, params: &Params) -> Response {
    let answer: Answer = match method {
        "getupdates" => return polled(updates::get(desk, params).await),
        "getme" => Ok(me(desk)),
        "setwebhook" => updates::set_webhook(desk, params),
        "deletewebhook" => Ok(updates::delete_webhook(desk, params)),
        "getwebhookinfo" => Ok(updates::webhook_info(desk)),
        "getfile" => messages::get_file(desk, params),
        _ => messages::call(desk, method, params),
    };
    response(answer)
}

fn me(desk: &Desk) -> serde_json::Value {
    let mut me = desk.user();
    let can = json!({ "can_join_groups": true, "can_read_all_group_messages": false, "supports_inline_queries": false,
                      "can_connect_to_business": false, "has_main_web_app": false });
    super::people::merge(&mut me, can);
    me
}

fn polled(updates: Result<String, Refusal>) -> Response {
    match updates {
        Ok(updates) => {
            let body = format!(r#"{{"ok":true,"result":{updates}}}"#);
            ([(CONTENT_TYPE, "application/json")], body).into_response()
        }
        Err(refusal) => response(Err(refusal)),
    }
}

/// `<token>/<path>`, the path as `getFile` gave it.
fn file(desks: &Desks, rest: &str) -> Response {
    let not_found = || response(Err(Refusal::new(404, "Not Found")));
    let Some((token, path)) = rest.split_once('/') else { return not_found() };
    let Ok(desk) = find(desks, token) else { return not_found() };
    let state = desk.state();
    let Some((_, file)) = state.paths.get(path).and_then(|id| state.files.get(id)) else {
        return not_found();
    };
    ([(CONTENT_TYPE, "application/octet-stream")], Body::from(file.bytes.clone())).into_response()
}
