//! Asking Sentinels where the primary is.

use redis::{ErrorKind, RedisError, Value, aio::MultiplexedConnection, cmd};

use super::{Endpoint, node::Dial};

/// Asks one after the other until one knows.
pub(super) async fn primary(dial: &Dial, sentinels: &[Endpoint], name: &str) -> Result<Endpoint, RedisError> {
    let mut problem = RedisError::from((ErrorKind::EmptySentinelList, "no Sentinel is named"));
    for sentinel in sentinels {
        match ask(dial, sentinel, name).await {
            Ok(Some(endpoint)) => return Ok(endpoint),
            Ok(None) => {
                let what = "a Sentinel watches no primary of this name";
                problem = RedisError::from((ErrorKind::MasterNameNotFoundBySentinel, what, name.to_owned()));
            }
            Err(error) => problem = error,
        }
    }
    Err(problem)
}

async fn ask(dial: &Dial, sentinel: &Endpoint, name: &str) -> Result<Option<Endpoint>, RedisError> {
    let mut connection = open(dial, sentinel).await?;
    let mut question = cmd("SENTINEL");
    let answer = question.arg("GET-MASTER-ADDR-BY-NAME").arg(name).query_async(&mut connection).await?;
    let address: Option<(String, u16)> = answer;
    Ok(address.map(|(host, port)| Endpoint { host, port }))
}

/// Sentinels have credentials of their own and mostly none; one that wants some gets those of the servers.
async fn open(dial: &Dial, sentinel: &Endpoint) -> Result<MultiplexedConnection, RedisError> {
    match dial.anonymous().open(sentinel, |_| Ok::<_, ()>(())).await {
        Err(error) if error.kind() == ErrorKind::AuthenticationFailed || error.code() == Some("NOAUTH") => {
            let mut dial = dial.clone();
            dial.login.database = 0;
            dial.open(sentinel, |_| Ok::<_, ()>(())).await
        }
        answer => answer,
    }
}

/// Fails when this is not a primary: a Sentinel may say so a moment before it is one.
pub(super) async fn check(connection: &mut MultiplexedConnection) -> Result<(), RedisError> {
    let role: Vec<Value> = cmd("ROLE").query_async(connection).await?;
    match role.into_iter().next().map(redis::from_redis_value::<String>).transpose()?.as_deref() {
        Some("master") => Ok(()),
        _ => Err(RedisError::from((ErrorKind::Client, "what the Sentinels name is not a primary yet"))),
    }
}
