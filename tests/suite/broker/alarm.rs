//! A memory alarm of the broker: it accepts no messages, and publishers get no confirm and no error.

use std::time::Duration;

use anyhow::{Result, ensure};
use audit::Expected;
use faults::ServerAct;
use tests::{Driver, Stage};

use super::{Means, all_confirmed};

/// Longer than a relay waits for a confirm before it reconnects. That nothing is decided meanwhile is the case: there is
/// nothing to wait for.
const LONG: Duration = Duration::from_secs(12);

/// The shop accepts orders during the alarm. They wait, and all of them are decided after it.
pub async fn a_memory_alarm_is_waited_out(stage: &Stage) -> Result<Option<String>> {
    let mut infrastructure = stage.new_infrastructure().await?;
    if infrastructure.rabbitmq.as_mut().and_then(|broker| broker.running.private()).is_none() {
        return Ok(Some("the broker is not a private one, so the case sets no alarm".into()));
    }
    // In a choreography no command is sent again, so a lost message stays lost.
    let world = stage.new_world(Driver::Choreographed, &infrastructure).await?;
    let means = Means::of(&world).await?;
    let before = means.order(&world, 5).await?;
    ServerAct::MemoryAlarm(true).perform(&mut infrastructure).await?;
    let mut places = means.order(&world, 5).await?;
    tokio::time::sleep(LONG).await;
    for place in &places {
        let order = world.get(place).await?.expect(200)?.json;
        ensure!(order["status"] == "pending", "decided in spite of the alarm: {order}");
    }
    places.extend(means.order(&world, 5).await?);
    ServerAct::MemoryAlarm(false).perform(&mut infrastructure).await?;
    places.extend(before);
    all_confirmed(&world, &places).await?;
    stage.close(world, &infrastructure, Expected::default()).await?;
    infrastructure.stop().await?;
    Ok(None)
}
