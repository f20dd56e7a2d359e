//! The words of a story, in English and in Korean. Its sentences are in `sentences.rs`, the labels of its pictures in
//! `labels.rs`.

terminal::words! {
    // Why a story is incomplete
    cannot_connect(service) {
        "cannot connect to the database of {service}" "{service}의 데이터베이스에 연결할 수 없습니다"
    }
    broker_silent(limit) { "the broker did not respond within {limit}" "브로커가 {limit} 안에 응답하지 않았습니다" }
    process_silent(limit) {
        "no response within {limit}: it is paused or very busy" "{limit} 안에 응답이 없습니다. 멈추었거나 매우 바쁩니다"
    }
    process_gone() {
        "connection refused: it has ended or is being restarted" "연결이 거부되었습니다. 종료되었거나 다시 시작하는 중입니다"
    }
    process_answered(status) { "it responded {status}" "응답 상태: {status}" }
    cannot_read_spans() { "cannot read its spans" "스팬을 읽을 수 없습니다" }
    records_none() { "it records no spans" "스팬을 기록하지 않습니다" }
    not_found(id, why) {
        "order {id} was not found, and not every shop could be asked: {why}"
        "주문 {id}을(를) 찾지 못했고, 확인하지 못한 쇼핑몰이 있습니다: {why}"
    }
    // Where the time of an order goes
    handler() { "handler" "핸들러" }
    database() { "database" "데이터베이스" }
    serialization() { "serialization" "직렬화" }
    queue() { "queue" "큐" }
    relay_wait() { "relay wait" "릴레이 대기" }
    network() { "network" "네트워크" }
    gateway() { "gateway" "API 게이트웨이" }
    left_over() { "left over" "나머지" }
    order_line(order, began, decided) { "order {order}, from {began}, {decided}" "주문 {order}, 시작 {began}, {decided}" }
    // What is missing from a story
    spans() { "spans" "스팬" }
    rows() { "rows" "행" }
    nothing_from(what, names, why) { "(no {what} from {names}: {why})" "({names}: {what} 없음: {why})" }
}
