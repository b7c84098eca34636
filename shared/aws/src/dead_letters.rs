//! The queue that keeps what was given up on, for people to look at.

use std::sync::Arc;

use aws_config::SdkConfig;
use aws_sdk_sqs::Client;
use serde_json::Value;

use crate::{Counting, Meter, ResponseClass, SQS, UnreadableResponses, said};

/// Bytes of a letter at most. SQS takes 1 MB by now, though not in all partitions; 256 KB is what holds everywhere.
pub const MAX_BYTES: usize = 256 * 1024;

/// The queue of dead letters.
#[derive(Clone, Debug)]
pub struct DeadLetters {
    client: Client,
    url: String,
}

/// A letter that did not arrive, with the class and the message of the error.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unsent {
    /// Class of the response.
    pub class: ResponseClass,
    message: String,
}

impl DeadLetters {
    /// The queue of this URL, each call to it counted by `meter`.
    pub fn new(config: &SdkConfig, url: String, meter: &Arc<Meter>) -> Self {
        let config = aws_sdk_sqs::config::Builder::from(config)
            .interceptor(Counting::other(meter))
            .retry_classifier(UnreadableResponses)
            .build();
        Self { client: Client::from_conf(config), url }
    }

    /// Sends a letter.
    ///
    /// # Errors
    /// [`Unsent`] with the response of SQS, or the reason why it was not reached. SQS may have the letter all the same.
    pub async fn send(&self, letter: &Value) -> Result<(), Unsent> {
        let sent = self.client.send_message().queue_url(&self.url).message_body(body(letter)).send().await;
        sent.map(|_| ()).map_err(|error| Unsent { class: ResponseClass::of_error(SQS, &error), message: said(&error) })
    }
}

/// A letter as SQS takes it: not the two characters that XML has not ("SendMessage", Amazon SQS API Reference), which are
/// escaped. As long as the letter or a little longer.
fn body(letter: &Value) -> String {
    letter.to_string().replace('\u{FFFE}', "\\ufffe").replace('\u{FFFF}', "\\uffff")
}

impl std::fmt::Display for Unsent {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "{}: {}", self.class, self.message)
    }
}

impl std::error::Error for Unsent {}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_letter_has_no_character_that_sqs_refuses_and_says_the_same() {
        let letter = json!({"a\u{FFFF}": "\u{FFFE}\u{0}\u{1F}\\ \u{1F600}"});
        let body = body(&letter);
        let taken = |one: char| matches!(one, '\t' | '\n' | '\r' | ' '..='\u{FFFD}' | '\u{10000}'..);
        assert!(body.chars().all(taken), "{body}");
        assert_eq!(serde_json::from_str::<Value>(&body).unwrap(), letter);
    }
}
