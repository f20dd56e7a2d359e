//! Texts of the audit, in English and in Korean.

terminal::texts! {
    wrong_of(wrong, checked, example) { "{wrong} of {checked}: {example}" "{checked}개 가운데 {wrong}개: {example}" }
    nothing_to_look_at(seen) { "nothing to look at: {seen}" "확인할 것이 없습니다: {seen}" }

    i1() { "every accepted order exists and is decided" "접수된 주문은 모두 존재하고 결정됩니다" }
    still(order, status, placed_at) {
        "order {order} is still {status}, placed at {placed_at}" "주문 {order}: 아직 {status} 상태입니다(접수 {placed_at})"
    }
    order_lost(order) {
        "order {order} was accepted, but is not in the database" "접수된 주문 {order}: 데이터베이스에 없습니다"
    }
    ids_listed(ids) { "all {ids} ids that the load received are among them" "부하가 받은 주문 번호 {ids}개가 모두 있습니다" }
    no_list_of_ids() { "the load kept no list of ids" "부하가 주문 번호 목록을 남기지 않았습니다" }
    all_decided(orders, listed) {
        "{orders} orders in the database, all decided; {listed}" "데이터베이스의 주문 {orders}건이 모두 결정됨; {listed}"
    }

    i2() {
        "stock is never below zero, and received = on hand + reserved; sales keep to their quota"
        "재고는 0보다 작아지지 않고, 입고 = 보유 + 예약이며, 세일은 한정 수량을 지킵니다"
    }
    stock_off(sku, received, on_hand, reserved) {
        "{sku} received {received}, and has {on_hand} on hand and {reserved} reserved"
        "{sku}: 입고 {received}개, 보유 {on_hand}개, 예약 {reserved}개"
    }
    never_received(sku, reserved) {
        "{sku} was never received, but {reserved} are reserved" "{sku}: 입고된 적이 없는데 {reserved}개가 예약되어 있습니다"
    }
    sale_off(sku, quota, claimed, given_out, sold) {
        "the sale of {sku} has a quota of {quota}, counts {claimed} as claimed, orders hold {given_out}, and {sold} were sold at its price"
        "{sku} 세일: 한정 수량 {quota}개, 배정 기록 {claimed}개, 주문이 잡은 것 {given_out}개, 세일 가격에 팔린 것 {sold}개"
    }
    unknown_sale(sku, given_out) {
        "orders hold {given_out} of the sale of {sku}, which is not in the catalog"
        "카탈로그에 없는 {sku} 세일의 물량 {given_out}개를 주문이 잡고 있습니다"
    }
    stock_agrees(stocks, products, pieces) {
        "{stocks} stocks and {products} products agree with what orders hold; {pieces} units are reserved"
        "재고 {stocks}건, 상품 {products}건이 주문이 잡은 수량과 맞습니다; 예약된 수량 {pieces}개"
    }

    i3() {
        "at most one capture per order; net paid = total if confirmed, 0 otherwise; nothing still held"
        "주문마다 매입은 최대 한 번; 순결제액 = 확정이면 총액, 아니면 0; 묶인 돈이 남지 않습니다"
    }
    paid_for_nothing(paid, held, order) {
        "{paid} was paid and {held} held for order {order}, which does not exist"
        "없는 주문 {order}: 결제된 금액 {paid}, 묶인 금액 {held}"
    }
    captures_seen(orders, captures) { "{orders} orders against {captures} captures" "주문 {orders}건, 매입 {captures}건" }
    captured_twice(order, captures, refunds) {
        "order {order} has {captures} captures and {refunds} refunds" "주문 {order}: 매입 {captures}번, 환불 {refunds}번"
    }
    paid_wrong(order, outcome, total, paid) {
        "order {order} is {outcome} with a total of {total}, but {paid} was paid"
        "주문 {order}({outcome}): 총액 {total}, 결제액 {paid}"
    }
    still_held(held, order, outcome) {
        "{held} is still held for order {order}, which is {outcome}" "주문 {order}({outcome}): 아직 묶인 금액 {held}"
    }
    ledger_differs(order, row, ledger) {
        "the payment row of order {order} says {row}, but the ledger says {ledger}"
        "주문 {order}: 결제 행은 {row}, 원장은 {ledger}"
    }

    i4() {
        "the total amount of money is constant: every movement is recorded twice"
        "돈의 총액은 일정합니다: 돈이 움직일 때마다 두 번 기입합니다(복식부기)"
    }
    movement_off(operation, reference, sum) {
        "the entries of {operation} {reference} add up to {sum}, not 0" "{reference}의 {operation} 기입이 {sum}만큼 맞지 않습니다"
    }
    wallet_off(customer, balance, entered) {
        "the wallet of {customer} holds {balance}, but its entries add up to {entered}"
        "{customer}의 지갑: 잔액 {balance}, 기입 합계 {entered}"
    }
    no_such_account(sum, account) {
        "the ledger has {sum} in account {account}, which does not exist" "없는 계정 {account}: 원장의 금액 {sum}"
    }
    money_agrees(movements, wallets) {
        "{movements} movements add up to 0 each, and {wallets} wallets agree with their entries"
        "거래 {movements}건의 합이 각각 0이고, 지갑 {wallets}개의 잔액이 기입 합계와 맞습니다"
    }

    i5() {
        "each order is wholly confirmed or wholly compensated" "모든 주문은 전부 확정되거나, 보상 트랜잭션으로 전부 되돌려집니다"
    }
    undecided() { "it is not decided" "결정되지 않았습니다" }
    order_but(order, outcome, flaw) { "order {order} is {outcome}, but {flaw}" "주문 {order}({outcome}): {flaw}" }
    no_order_but(order, flaw) { "there is no order {order}, but {flaw}" "없는 주문 {order}: {flaw}" }
    votes(confirmed, compensated) {
        "{confirmed} wholly confirmed, {compensated} wholly compensated"
        "전부 확정 {confirmed}건, 전부 되돌림 {compensated}건"
    }
    nothing_reserved() { "no stock is reserved" "예약된 재고가 없습니다" }
    reserved_instead(reserved, wanted) { "{reserved} is reserved instead of {wanted}" "예약된 것 {reserved}, 예약되어야 할 것 {wanted}" }
    nothing_paid() { "nothing is paid" "결제되지 않았습니다" }
    other_customer(paid, ordered) { "{paid} paid instead of {ordered}" "{ordered} 대신 {paid}이(가) 결제했습니다" }
    nothing_shipped() { "nothing is shipped" "배송이 없습니다" }
    other_region(region, wanted) { "it is shipped to {region} instead of {wanted}" "{wanted} 대신 {region}(으)로 배송됩니다" }
    claim_off() {
        "its sale claim was released, or does not match the order" "세일 물량 배정이 해제되었거나 산 것과 다릅니다"
    }
    not_captured(status) { "its payment is {status}, not captured" "결제가 매입되지 않고 {status} 상태입니다" }
    not_committed() { "its reservation is not committed" "예약이 판매 확정되지 않았습니다" }
    still_reserved(pieces) { "{pieces} is still reserved" "아직 예약된 것: {pieces}" }
    still_claimed(pieces) { "{pieces} of a sale is still claimed" "아직 배정된 세일 물량: {pieces}" }
    still_paid(amount, status) { "{amount} is still {status}" "금액 {amount}: 아직 {status} 상태입니다" }
    still_shipped(region) { "it still has a shipment to {region}" "{region}(으)로 가는 배송이 있습니다" }
    no_saga() { "it has no saga" "사가가 없습니다" }
    saga_unfinished(last) { "its saga is not finished; its last event is {last}" "사가가 {last}까지 가고 끝나지 않았습니다" }
    saga_ended(last) { "its saga ended with {last}" "사가가 {last}(으)로 끝났습니다" }
    other_sale_price(sku, price) {
        "{sku} was sold at the sale price {price}, but the sale had another price" "{sku}: 세일 가격이 아닌 {price}에 세일로 팔렸습니다"
    }
    not_claimed(quantity, sku, price) {
        "{quantity} of {sku} were sold at the sale price {price}, but not claimed"
        "{sku} {quantity}개가 배정 없이 세일 가격 {price}에 팔렸습니다"
    }
    other_price(sku, price) { "{sku} was sold at {price}, which was not its price" "{sku}: 제 가격이 아닌 {price}에 팔렸습니다" }

    i6() {
        "outboxes and queues are empty; dead letters = the poison put in"
        "아웃박스와 큐가 비어 있습니다; 데드 레터 = 넣은 포이즌 메시지"
    }
    in_outbox(waiting, service) {
        "{waiting} messages wait in the outbox of {service}" "{service}의 아웃박스에 메시지 {waiting}개가 남아 있습니다"
    }
    no_messages(schemas) {
        "this mode has no outbox and no broker: {schemas} schemas searched"
        "아웃박스도 브로커도 없는 모드입니다: 스키마 {schemas}개를 찾아봄"
    }
    without_broker() { "a split shop was audited without its broker" "마이크로서비스(분리 모드)를 브로커 없이 감사했습니다" }
    taken_uncounted() {
        "the number of unacknowledged messages was not counted, because Cleave did not start the broker"
        "가져가고 수신 확인하지 않은 메시지는 세지 못함(Cleave가 띄운 브로커가 아님)"
    }
    none_taken() { "no message is unacknowledged" "수신 확인하지 않은 메시지 없음" }
    messages_done(taken, poison) {
        "all outboxes and queues are empty; {taken}; {poison} dead letters, as many as poison messages sent"
        "모든 아웃박스와 큐가 비어 있음; {taken}; 데드 레터 {poison}개(넣은 수와 같음)"
    }
    unacknowledged(taken, queue) {
        "{taken} messages were taken from the queue {queue} and never acknowledged"
        "큐 {queue}에서 가져간 메시지 {taken}개가 수신 확인되지 않았습니다"
    }
    in_queue(ready, queue) { "{ready} messages wait in the queue {queue}" "큐 {queue}에 메시지 {ready}개가 남아 있습니다" }
    letters_off(letters, poison, queues) {
        "{letters} dead letters, but {poison} poison messages were sent: {queues}" "데드 레터 {letters}개, 넣은 것 {poison}개: {queues}"
    }
    letters_in(letters, queue) { "{letters} in {queue}" "{queue}에 {letters}개" }
    letter_unknown(id, queue) {
        "message {id} is a dead letter in {queue}, but not poison"
        "{queue}의 데드 레터 {id}: 포이즌 메시지가 아닙니다"
    }

    i7() {
        "no transaction is left prepared or open, and none died in a deadlock"
        "미확정이거나 열린 트랜잭션이 남지 않고, 교착 상태로 중단된 트랜잭션도 없습니다"
    }
    left_prepared(gid) {
        "transaction {gid} was left prepared" "트랜잭션 {gid}: 준비된 채로 남아 있습니다"
    }
    left_open(pid, state, since, query) {
        "session {pid} is {state} in a transaction since {since}; its statement: {query}"
        "세션 {pid}: {since}부터 트랜잭션 안에서 {state} 상태입니다. SQL 문: {query}"
    }
    deadlocked(deadlocks, database) {
        "{deadlocks} transactions died in a deadlock in {database}"
        "{database}에서 트랜잭션 {deadlocks}개가 교착 상태로 중단되었습니다"
    }
    sessions_done(sessions, databases) {
        "{sessions} sessions on {databases} databases, none with an open transaction; none is prepared, and none died in a deadlock"
        "데이터베이스 {databases}개의 세션 {sessions}개에 열린 트랜잭션이 없고, 미확정 트랜잭션도 교착 상태로 중단된 트랜잭션도 없음"
    }

    i8() { "an order's events are in order" "주문의 이벤트는 순서대로 일어납니다" }
    order_flaw(order, flaw) { "order {order}: {flaw}" "주문 {order}: {flaw}" }
    sagas_walked(sagas) { "; {sagas} sagas followed the plan" "; 사가 {sagas}개가 계획대로 진행됨" }
    times_rise(orders, walks) { "{orders} orders with rising times{walks}" "주문 {orders}건의 시각이 순서대로임{walks}" }
    before(later, earlier_at, name, moment) {
        "it was {later} at {earlier_at}, and {name} before that, at {moment}"
        "{later}({earlier_at})보다 {name}({moment})이 먼저입니다"
    }
    made_at(moment) { "made at {moment}" "{moment}에 실행" }
    never_taken() { "never taken" "실행되지 않음" }
    undone_wrong(what, made, undone, decided) {
        "its {what} was {made} and undone at {undone}, and the order decided at {decided}"
        "{what}: {made}, {undone}에 취소, 주문 결정 {decided}"
    }
    saga_walked(history, legal) {
        "its saga was {history}, but the plan allows {legal}" "사가의 진행 {history}: 계획({legal})과 다릅니다"
    }
    answered_twice() { "a step replied twice" "같은 단계가 두 번 응답했습니다" }
    after_refusal() { "replies were counted after a refusal" "거절 뒤의 응답을 세었습니다" }
    not_all_tried() { "a step was not tried although none refused" "거절이 없는데 시도하지 않은 단계가 있습니다" }
    not_all_confirmed() { "not every step was confirmed exactly once" "모두 한 번씩 확정되지 않았습니다" }
    not_all_cancelled() { "not every step was cancelled exactly once" "모두 한 번씩 취소되지 않았습니다" }
    tries_walked(flaw, history) { "{flaw}; its saga was {history}" "{flaw}. 사가의 진행: {history}" }

    i9() {
        "every fault fired, and every outcome was reached often enough"
        "모든 장애가 실제로 일어났고, 모든 결과가 충분히 나왔습니다"
    }
    no_fault_wanted() { "no fault was requested" "주입한 장애 없음" }
    faults_fired(faults) { "{faults} faults fired" "장애 {faults}건이 일어남" }
    did_not_fire(faults) { "did not fire: {faults}" "일어나지 않은 장애: {faults}" }
    none_decided(faults) { "no order was decided; {faults}" "결정된 주문이 없음; {faults}" }
    too_few(least, rare, faults) {
        "fewer than {least} orders of an outcome: {rare}; {faults}" "{least}건이 안 되는 결과: {rare}; {faults}"
    }
    decided(counts, faults) { "decided: {counts}; {faults}" "결정: {counts}; {faults}" }

    // The live audit
    live_on_hand(sku) { "{sku}: stock on hand" "{sku}: 보유 재고" }
    live_quota(sku) { "{sku}: quota of its sale" "{sku}: 세일 한정 수량" }
    live_stock(sku) { "{sku}: reserved stock" "{sku}: 예약된 재고" }
    live_sale(sku) { "{sku}: claims of its sale" "{sku}: 세일 물량 배정" }
    live_messages(late, dead) {
        "{late} messages waiting in outboxes for too long, {dead} unexpected dead letters"
        "아웃박스에 너무 오래 남은 메시지 {late}개, 예상하지 못한 데드 레터 {dead}개"
    }
    live_sessions(prepared, open, deadlocks) {
        "{prepared} transactions prepared and {open} open for too long, {deadlocks} deadlocks"
        "너무 오래 준비된 채인 트랜잭션 {prepared}개, 너무 오래 열린 트랜잭션 {open}개, 교착 상태 {deadlocks}번"
    }
    live_given_up(orders) {
        "{orders} orders open for too long and no longer followed"
        "너무 오래 끝나지 않아 더는 지켜보지 않는 주문 {orders}건"
    }
}

terminal::words! {
    cannot_read_database(name) {
        "the audit cannot read the database of {name}" "감사가 {name}의 데이터베이스를 읽을 수 없습니다"
    }
    query_failed(query) { "the audit's query failed: {query}" "감사의 조회에 실패했습니다: {query}" }
    broker_silent(limit) {
        "the broker did not respond to the audit within {limit}" "브로커가 {limit} 안에 감사에 응답하지 않았습니다"
    }
    cannot_count(namespace) {
        "the audit cannot count the queues of {namespace}" "감사가 {namespace}의 큐를 셀 수 없습니다"
    }
    cannot_ask_for_taken() {
        "the audit cannot ask the broker for unacknowledged messages"
        "감사가 수신 확인되지 않은 메시지를 브로커에서 알아낼 수 없습니다"
    }
    took_too_long(program, limit) {
        "{program} took more than {limit}" "{program}이(가) {limit}보다 오래 걸렸습니다"
    }
    cannot_run(program) { "cannot run {program}" "{program}을(를) 실행할 수 없습니다" }
    program_failed(program, said) { "{program} failed: {said}" "{program} 실행에 실패했습니다: {said}" }
}
