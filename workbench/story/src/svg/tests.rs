use super::super::made_up::{event, hops, story};
use super::*;
use topology::Driver;

fn count(text: &str, what: &str) -> usize {
    text.matches(what).count()
}

#[test]
fn every_event_can_be_stepped_to_and_says_what_it_is() {
    let bar = vec![event(0, "monolith", What::Step, "inventory.reserve-stock", None)];
    for story in [hops(), story(Driver::Local, &["monolith"], bar)] {
        for language in [Language::English, Language::Korean] {
            let drawn = svg(&story, language);
            for place in 0..story.events.len() {
                assert_eq!(count(&drawn, &format!("<g id=\"e{place}\" class=\"event ")), 1, "{drawn}");
            }
            assert_eq!(count(&drawn, "<g"), count(&drawn, "</g>"));
            assert!(count(&drawn, "<title>") > story.events.len());
            assert_eq!(count(&drawn, "<title></title>"), 0);
        }
    }
}

#[test]
fn kinds_differ_in_more_than_their_colour() {
    let drawn = svg(&hops(), Language::English);
    for what in [What::Retry, What::Compensate] {
        assert!(drawn.contains(&format!("text-anchor=\"middle\">{}</text>", what.sign())), "{drawn}");
        assert!(drawn.contains(what.says(Language::English)));
    }
    assert_eq!(count(&drawn, "class=\"hop\""), 3);
}

#[test]
fn what_a_customer_wrote_does_not_become_markup() {
    let mut bad = hops();
    let evil = "</text><script>alert(\"1\")</script>'\u{1}&";
    bad.events[0].name = evil.into();
    bad.lanes[0] = evil.into();
    bad.events[0].lane = evil.into();
    bad.outcome = crate::OrderOutcome::Cancelled { code: evil.into(), detail: evil.into() };
    let drawn = svg(&bad, Language::Korean);
    assert!(!drawn.contains("<script") && !drawn.contains('\u{1}'), "{drawn}");
    assert!(drawn.contains("&lt;script&gt;"));
}

#[test]
fn an_order_of_which_nothing_is_known_is_drawn_too() {
    for driver in Driver::ALL {
        assert!(svg(&story(driver, &[], Vec::new()), Language::English).ends_with("</svg>"));
    }
}
