//! A script and what it is called with.

use redis::{Cmd, RedisResult, Script, ToRedisArgs, Value, aio::ConnectionLike as _};

use super::line::Line;

/// A call of a script.
///
/// The driver answers `NOSCRIPT` by loading the script on every master, which fails while one of them is down, and leaves out one
/// that becomes a master in between. Here the whole text goes to the one server that lacks it.
pub(super) struct Call {
    text: &'static str,
    keys: Vec<Vec<u8>>,
    arguments: Vec<Vec<u8>>,
}

impl Call {
    pub(super) fn of(text: &'static str) -> Self {
        Self {
            text,
            keys: Vec::new(),
            arguments: Vec::new(),
        }
    }

    pub(super) fn key(&mut self, key: impl ToRedisArgs) -> &mut Self {
        self.keys.extend(key.to_redis_args());
        self
    }

    pub(super) fn arg(&mut self, argument: impl ToRedisArgs) -> &mut Self {
        self.arguments.extend(argument.to_redis_args());
        self
    }

    pub(super) async fn on(&self, line: &mut Line) -> RedisResult<Value> {
        let short = self.command("EVALSHA", Script::new(self.text).get_hash());
        match line.req_packed_command(&short).await {
            Ok(Value::ServerError(error)) if error.code() == "NOSCRIPT" => {}
            Err(error) if error.code() == Some("NOSCRIPT") => {}
            answer => return answer,
        }
        line.req_packed_command(&self.command("EVAL", self.text))
            .await
    }

    fn command(&self, name: &str, script: &str) -> Cmd {
        let mut command = redis::cmd(name);
        command.arg(script).arg(self.keys.len());
        command.arg(&self.keys).arg(&self.arguments);
        command
    }
}
