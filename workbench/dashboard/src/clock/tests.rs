use actix_web::web::{self, Bytes, Data};
use actix_web::{App, HttpRequest, HttpResponse, HttpServer};
use serde_json::json;

use super::*;

/// The requests that a shop received: keys and bodies.
type Heard = Arc<Mutex<Vec<(String, Bytes)>>>;

/// A shop that accepts every order, except for the first `refuses` requests.
fn shop(refuses: usize) -> (String, Heard) {
    let heard = Heard::default();
    let (told, data) = (heard.clone(), Data::new((heard.clone(), refuses)));
    let server =
        HttpServer::new(move || App::new().app_data(data.clone()).route("/orders", web::post().to(take)))
            .workers(1)
            .disable_signals()
            .bind(("127.0.0.1", 0))
            .unwrap();
    let address = format!("http://{}", server.addrs()[0]);
    tokio::spawn(server.run());
    (address, told)
}

async fn take(request: HttpRequest, body: Bytes, shop: Data<(Heard, usize)>) -> HttpResponse {
    let key = request.headers().get("idempotency-key").unwrap().to_str().unwrap().to_owned();
    let mut heard = shop.0.lock();
    heard.push((key, body));
    if heard.len() <= shop.1 {
        return HttpResponse::ServiceUnavailable().finish();
    }
    HttpResponse::Accepted().json(json!({ "order_id": Uuid::now_v7(), "status": "pending", "refusal": null }))
}

fn plan(shops: Vec<(Driver, String)>) -> Plan {
    let per_mille = Intended::SHARES.into_iter().map(|(of, share)| (of.as_str().to_owned(), share)).collect();
    Plan { rate_per_s: 30.0, per_mille, on_sale: 0, shops }
}

/// Sends the orders of one second, and waits until each has a response or is given up.
async fn send(plan: Plan) -> Tick {
    let runtime = Handle::current();
    let sending = move || {
        let mut clock = Clock::new(&runtime, 1);
        clock.follow(&plan).unwrap();
        clock.second(Duration::ZERO, plan.rate_per_s);
        let deadline = Instant::now() + Duration::from_secs(60);
        while clock.shops.iter().any(|shop| shop.permits.available_permits() < IN_FLIGHT) {
            assert!(Instant::now() < deadline, "an order is still in flight");
            thread::sleep(Duration::from_millis(20));
        }
        clock.tell()
    };
    tokio::task::spawn_blocking(sending).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn both_shops_get_the_same_orders() {
    let ((one, heard_one), (other, heard_other)) = (shop(0), shop(0));
    let tick = send(plan(vec![(Driver::Local, one), (Driver::Orchestrated, other)])).await;
    let sorted = |heard: Heard| {
        let mut all = heard.lock().clone();
        all.sort();
        all
    };
    let (one, other) = (sorted(heard_one), sorted(heard_other));
    assert_eq!((one.len(), &one), (30, &other), "the same keys, and the same orders");
    assert_eq!(
        tick.shops.iter().map(|shop| (shop.sent, shop.taken.len())).collect::<Vec<_>>(),
        [(30, 30); 2]
    );
    let intended = |shop: &ShopTick| {
        let mut all: Vec<DateTime<Utc>> = shop.taken.iter().map(|taken| taken.intended).collect();
        all.sort();
        all
    };
    assert_eq!(intended(&tick.shops[0]), intended(&tick.shops[1]), "at the same intended moments");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failed_request_is_repeated_with_its_key_and_counted_once() {
    let (address, heard) = shop(3);
    let tick = send(plan(vec![(Driver::Local, address)])).await;
    let shop = &tick.shops[0];
    assert_eq!((shop.sent, shop.taken.len()), (30, 30));
    assert_eq!(shop.errors, BTreeMap::from([("HTTP 503".to_owned(), 3)]));
    let heard = heard.lock();
    let keys: std::collections::BTreeSet<&String> = heard.iter().map(|(key, _)| key).collect();
    assert_eq!((heard.len(), keys.len()), (33, 30));
}

#[tokio::test]
async fn a_machine_that_slept_does_not_make_up_for_it() {
    let mut clock = Clock::new(&Handle::current(), 1);
    assert_eq!(clock.next_second(Duration::from_secs(7)), Duration::from_secs(8));
    clock.started = Instant::now().checked_sub(Duration::from_secs(3_600)).unwrap();
    assert_eq!(clock.next_second(Duration::from_secs(7)), Duration::from_secs(3_600));
}

#[test]
fn shares_name_outcomes_and_sum_to_all() {
    let all =
        |pairs: &[(&str, u32)]| shares(&pairs.iter().map(|(of, share)| ((*of).to_owned(), *share)).collect());
    let mixed = all(&[("confirmed", 400), ("out_of_stock", 600)]).unwrap();
    assert!(mixed.contains(&(Intended::OutOfStock, 600)) && mixed.contains(&(Intended::PriceChanged, 0)));
    assert!(all(&[("confirmed", 999)]).is_none());
    assert!(all(&[("confirmed", 500), ("lost", 500)]).is_none());
    assert!(all(&[("confirmed", u32::MAX), ("out_of_stock", 1_001)]).is_none());
}
