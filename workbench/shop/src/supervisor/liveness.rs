//! A process that runs and does not answer is as good as ended: it is ended, and so started again.

use std::collections::BTreeMap;
use std::time::Duration;

use futures_util::future::join_all;
use tokio::task::JoinHandle;

use super::Supervisor;

/// Between two questions.
const EVERY: Duration = Duration::from_secs(1);
/// How long an answer may take.
const LIMIT: Duration = Duration::from_secs(2);
/// So many questions in a row without an answer end a process. With the two above: 15 s, far longer than any pause that
/// is only a pause.
const MISSES: u32 = 5;

/// Asks every process again and again whether it is live.
pub(super) fn watch(supervisor: Supervisor) -> JoinHandle<()> {
    tokio::spawn(async move {
        let client = reqwest::Client::builder().no_proxy().timeout(LIMIT).build();
        let client = client.expect("the settings are valid");
        let mut misses: BTreeMap<String, u32> = BTreeMap::new();
        loop {
            tokio::time::sleep(EVERY).await;
            let places: Vec<(String, String)> = {
                let shop = supervisor.shop().await;
                let names = shop.processes().into_iter().map(|(name, _)| name.to_owned());
                names
                    .filter_map(|name| Some((name.clone(), shop.address_of(&name).ok()?.to_owned())))
                    .collect()
            };
            misses.retain(|name, _| places.iter().any(|(known, _)| known == name));
            let answers = join_all(places.iter().map(|(_, address)| is_live(&client, address))).await;
            for ((name, _), live) in places.into_iter().zip(answers) {
                let missed = misses.entry(name.clone()).or_default();
                *missed = if live { 0 } else { *missed + 1 };
                if *missed >= MISSES {
                    *missed = 0;
                    end(&supervisor, &name).await;
                }
            }
        }
    })
}

async fn is_live(client: &reqwest::Client, address: &str) -> bool {
    let answer = client.get(format!("{address}/health/live")).send().await;
    answer.is_ok_and(|answer| answer.status().is_success())
}

/// Only one that runs: one that has ended is looked after already.
async fn end(supervisor: &Supervisor, name: &str) {
    let mut shop = supervisor.shop().await;
    if matches!(shop.ended(name), Ok(None)) {
        supervisor.journal().warn(name, format!("gave no answer {MISSES} times; is ended"));
        if let Err(error) = shop.kill(name) {
            supervisor.journal().warn(name, format!("cannot be ended: {error:#}"));
        }
    }
}
