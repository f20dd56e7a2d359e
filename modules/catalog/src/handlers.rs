//! One function per command: load, decide, save.

use contracts::{BoxError, Command, Error, Event, OrderId, OrderLine, RefusalCode, Sku};

use crate::domain::{self, Claim, Product};
use crate::ports::CatalogStore;

/// Carries out one command, in the caller's transaction.
pub async fn handle<S: CatalogStore>(store: &mut S, command: Command) -> Result<Event, Error> {
    match command {
        Command::HonourPrices { order_id, lines } => honour_prices(store, order_id, &lines).await,
        Command::ReleasePrices { order_id } => release_prices(store, order_id).await,
        other => Err(Error::Broken(format!("catalog does not handle {}", other.routing_key()).into())),
    }
}

/// Locks the rows that several of these commands touch, sorted, before a batch is handled in one transaction:
/// rule 48 (batch locks). A single command needs no such call: its handler locks in the same order.
pub async fn lock<S: CatalogStore>(store: &mut S, commands: &[&Command]) -> Result<(), BoxError> {
    let (mut skus, mut released) = (Vec::new(), Vec::new());
    for command in commands {
        match command {
            Command::HonourPrices { lines, .. } => skus.extend(lines.iter().map(|line| &line.sku)),
            Command::ReleasePrices { order_id } => released.push(*order_id),
            _ => {}
        }
    }
    store.lock_all(&skus, &released).await
}

async fn honour_prices<S: CatalogStore>(
    store: &mut S,
    order: OrderId,
    lines: &[OrderLine],
) -> Result<Event, Error> {
    let skus: Vec<&Sku> = lines.iter().map(|line| &line.sku).collect();
    let offer = store.load(order, &skus).await?;
    match offer.claim {
        Some(Claim::Claimed(_)) => {}
        Some(Claim::Released) => {
            return Err(Error::refused(
                RefusalCode::Withdrawn,
                "the prices were released before they were honoured",
            ));
        }
        None => {
            let at_sale_price = domain::honour(lines, &offer.products)?;
            if !at_sale_price.is_empty() {
                // Other orders may be claiming the same sale right now: decide again, with the rows locked.
                let products = store.lock(&skus).await?;
                store.save_claimed(order, &domain::honour(lines, &products)?).await?;
            }
        }
    }
    Ok(Event::PricesHonoured { order_id: order })
}

async fn release_prices<S: CatalogStore>(store: &mut S, order: OrderId) -> Result<Event, Error> {
    let mut found = store.load_claim(order).await?;
    // A row that does not exist yet cannot be locked. Inserting the tombstone waits for a claim in progress:
    // rule 47 (missing row).
    if found.is_none() && !store.save_tombstone(order).await? {
        found = store.load_claim(order).await?;
    }
    if let Some(Claim::Claimed(pieces)) = found {
        store.save_released(order, &pieces).await?;
    }
    Ok(Event::PricesReleased { order_id: order })
}

/// Adds products, or changes them.
pub async fn put<S: CatalogStore>(store: &mut S, products: &[Product]) -> Result<(), BoxError> {
    store.save_products(products).await
}
