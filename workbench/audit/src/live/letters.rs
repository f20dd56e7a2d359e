//! Counts the dead letters of a shop with messages, which only the broker knows.

use std::time::Duration;

use lapin::{Channel, Connection, ConnectionProperties};

use super::super::{Subject, broker};

/// If a broker takes longer, it counts as unreachable.
const LIMIT: Duration = Duration::from_secs(2);

/// The connection to the shop's broker, if it has one.
pub(super) struct Letters {
    place: Option<(String, String)>,
    services: Vec<&'static str>,
    connection: Option<(Connection, Channel)>,
}

impl Letters {
    pub fn new(subject: &Subject) -> Letters {
        let place = subject.shop.amqp_url.clone().zip(subject.shop.namespace.clone());
        Letters { place, services: subject.shop.driver.services(), connection: None }
    }

    /// The number of dead letters; `None` if the broker does not respond.
    pub async fn count(&mut self) -> Option<u64> {
        let Some((url, namespace)) = self.place.clone() else { return Some(0) };
        let counted = tokio::time::timeout(LIMIT, self.ask(&url, &namespace)).await;
        match counted {
            Ok(Ok(letters)) => Some(letters),
            Ok(Err(_)) | Err(_) => {
                self.connection = None;
                None
            }
        }
    }

    async fn ask(&mut self, url: &str, namespace: &str) -> Result<u64, lapin::Error> {
        let (_, channel) = match &mut self.connection {
            Some(connection) => connection,
            none => {
                let connection = Connection::connect(url, ConnectionProperties::default()).await?;
                let channel = connection.create_channel().await?;
                none.insert((connection, channel))
            }
        };
        broker::dead_letters(channel, namespace, &self.services).await
    }
}
