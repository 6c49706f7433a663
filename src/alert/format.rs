//! What an alert looks like where it is posted, and whether the answer means that it got through.

use std::str::FromStr;

use chrono::{DateTime, Utc};
use serde::Deserialize;
use serde_json::{Value, json};

use super::Cause;
use crate::site::SiteCode;

/// What the receiver of `ALERT_WEBHOOK_URL` understands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum AlertFormat {
    /// Every field by its name, for a program.
    #[default]
    Json,
    /// Slack's incoming webhooks, and what imitates them.
    Slack,
    /// A custom bot of Feishu or Lark.
    Feishu,
    /// A custom bot of `DingTalk`.
    Dingtalk,
    /// A group bot of `WeCom`.
    Wecom,
}

/// A text that names no format.
#[derive(Debug, thiserror::Error, Clone, Copy, PartialEq, Eq)]
#[error("an alert format is json, slack, feishu, dingtalk or wecom")]
pub struct BadAlertFormat;

impl FromStr for AlertFormat {
    type Err = BadAlertFormat;

    fn from_str(text: &str) -> Result<Self, BadAlertFormat> {
        match text {
            "json" => Ok(Self::Json),
            "slack" => Ok(Self::Slack),
            "feishu" => Ok(Self::Feishu),
            "dingtalk" => Ok(Self::Dingtalk),
            "wecom" => Ok(Self::Wecom),
            _other => Err(BadAlertFormat),
        }
    }
}

/// Whether a message tells that something is wrong, or that it no longer is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum State {
    Raised,
    Cleared,
}

impl State {
    fn as_str(self) -> &'static str {
        match self {
            Self::Raised => "raised",
            Self::Cleared => "cleared",
        }
    }
}

/// One message.
#[derive(Debug, Clone)]
pub(super) struct Message {
    pub(super) cause: Cause,
    pub(super) site: Option<SiteCode>,
    pub(super) state: State,
    pub(super) text: String,
    pub(super) at: DateTime<Utc>,
}

impl Message {
    pub(super) fn body(&self, format: AlertFormat) -> Value {
        match format {
            AlertFormat::Json => json!({
                "alert": self.cause,
                "state": self.state.as_str(),
                "site": self.site,
                "text": self.text,
                "advice": self.cause.advice(),
                "at": self.at,
            }),
            AlertFormat::Slack => json!({ "text": escaped_for_slack(&self.spoken()) }),
            AlertFormat::Feishu => {
                json!({ "msg_type": "text", "content": { "text": self.spoken() } })
            }
            AlertFormat::Dingtalk | AlertFormat::Wecom => {
                json!({ "msgtype": "text", "text": { "content": self.spoken() } })
            }
        }
    }

    /// For people. The service's name comes first: a bot that demands a keyword can be given that one.
    fn spoken(&self) -> String {
        let title = self.cause.title();
        let site = self
            .site
            .as_ref()
            .map(|site| format!(" [{site}]"))
            .unwrap_or_default();
        match self.state {
            State::Raised => format!(
                "shopify-warmer{site}: {title}\n{}\n{}",
                self.text,
                self.cause.advice()
            ),
            State::Cleared => format!("shopify-warmer{site}: cleared: {title}"),
        }
    }
}

/// These three open markup in Slack, and nothing else does.
fn escaped_for_slack(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
}

/// What the chats answer with HTTP 200, whether or not they took the message. Feishu's older bots only know `StatusCode`.
#[derive(Debug, Deserialize)]
struct ChatAnswer {
    code: Option<i64>,
    #[serde(rename = "StatusCode")]
    status_code: Option<i64>,
    errcode: Option<i64>,
}

/// Why an answer with HTTP 200 is none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Refused {
    /// The chat's own error code.
    Code(i64),
    /// Not what this chat answers: another address, or a proxy in between.
    Unreadable,
}

impl AlertFormat {
    /// Looks into the body of an answer with HTTP 200.
    pub(super) fn check(self, body: &[u8]) -> Result<(), Refused> {
        let code_of = |field: fn(&ChatAnswer) -> Option<i64>| {
            serde_json::from_slice(body)
                .ok()
                .as_ref()
                .and_then(field)
                .ok_or(Refused::Unreadable)
        };
        let code = match self {
            Self::Json | Self::Slack => return Ok(()),
            Self::Feishu => code_of(|answer| answer.code.or(answer.status_code))?,
            Self::Dingtalk | Self::Wecom => code_of(|answer| answer.errcode)?,
        };
        if code == 0 {
            Ok(())
        } else {
            Err(Refused::Code(code))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_chats_own_zero_means_that_it_got_through() {
        use AlertFormat::{Dingtalk, Feishu, Json, Slack, Wecom};
        let answers: &[(AlertFormat, &str, Result<(), Refused>)] = &[
            (Json, "", Ok(())),
            (Slack, "ok", Ok(())),
            (Feishu, r#"{"code":0,"data":{},"msg":"success"}"#, Ok(())),
            (
                Feishu,
                r#"{"Extra":null,"StatusCode":0,"StatusMessage":"success"}"#,
                Ok(()),
            ),
            (
                Feishu,
                r#"{"code":19024,"msg":"Key Words Not Found"}"#,
                Err(Refused::Code(19024)),
            ),
            (Feishu, r#"{"errcode":0}"#, Err(Refused::Unreadable)),
            (Dingtalk, r#"{"errcode":0,"errmsg":"ok"}"#, Ok(())),
            (
                Dingtalk,
                r#"{"errcode":310000,"errmsg":"keywords not in content"}"#,
                Err(Refused::Code(310_000)),
            ),
            (
                Wecom,
                r#"{"errcode":93000,"errmsg":"invalid webhook url"}"#,
                Err(Refused::Code(93000)),
            ),
            (Wecom, "<html>", Err(Refused::Unreadable)),
        ];
        for (format, body, verdict) in answers {
            assert_eq!(format.check(body.as_bytes()), *verdict, "{format:?} {body}");
        }
    }

    #[test]
    fn slack_gets_no_markup() {
        assert_eq!(
            escaped_for_slack("a < b & c > d"),
            "a &lt; b &amp; c &gt; d"
        );
    }
}
