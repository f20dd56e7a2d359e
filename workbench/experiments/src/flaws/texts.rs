//! What each flaw leaves out, and the result of its experiment.

terminal::texts! {
    no_outbox() {
        "Messages are sent when they are created, outside the transaction: a dual write."
        "메시지를 트랜잭션과 따로, 만들자마자 보냅니다: 이중 쓰기."
    }
    no_outbox_seen() {
        "The inventory dies after it has reserved and before it has answered. It never answers: its inbox already has the message, and the orders stay pending forever. This is done three times, because what was sent before the commit is created again. (An orchestrator would send the command again after 30 s and repair it.)"
        "재고 서비스가 예약한 뒤 알리기 전에 죽습니다. 인박스에는 그 메시지를 처리했다고 적혀 있으므로 다시 알리지 않고, 주문은 영영 대기 상태로 남습니다. 커밋 전에 보낸 것은 다시 만들어지므로 세 번 되풀이합니다. (오케스트레이터라면 30초 뒤에 다시 요청하여 복구합니다.)"
    }
    id_ordered_polling() {
        "The relay selects the rows above the last id that it saw, instead of those that are still pending."
        "릴레이가 기다리는 행이 아니라 마지막으로 본 번호보다 큰 행을 찾습니다."
    }
    id_ordered_polling_seen() {
        "32 customers order at once, and their rows are committed in another order than their ids. The relay passes some rows that it cannot see yet, and they wait in the outbox forever."
        "고객 32명이 동시에 주문하여 행이 번호와 다른 순서로 커밋됩니다. 릴레이는 아직 보이지 않는 행을 지나치고, 그 행은 아웃박스에 영영 남습니다."
    }
    unchecked_confirm() {
        "A message counts as sent when it is written to the connection, even if the broker refuses it."
        "브로커가 거절해도, 연결에 쓴 메시지를 보낸 것으로 칩니다."
    }
    unchecked_confirm_seen() {
        "The inventory's queue is full for a moment, and the broker refuses messages (nack). The refusals are ignored: the messages are gone, and their orders stay pending. A broker that dies with messages in hand does the same, but not every time."
        "재고 서비스의 큐가 잠시 가득 차서 브로커가 메시지를 거절합니다(nack). 거절을 무시하므로 메시지가 사라지고 주문은 대기 상태로 남습니다. 메시지를 가진 채 죽는 브로커도 같은 일을 일으키지만 매번 그런 것은 아닙니다."
    }
    not_mandatory() {
        "A message that no queue takes is dropped by the broker, and acknowledged."
        "받는 큐가 없는 메시지를 브로커가 버리고 확인을 보냅니다."
    }
    not_mandatory_seen() {
        "The inventory's queue is unbound for a moment. The messages sent meanwhile are gone, and their orders stay pending."
        "재고 서비스의 큐가 잠시 묶여 있지 않습니다. 그동안의 메시지는 사라지고 주문은 대기 상태로 남습니다."
    }
    sent_before_published() {
        "The relay removes rows from the outbox before it publishes them."
        "릴레이가 발행하기 전에 아웃박스에서 행을 지웁니다."
    }
    sent_before_published_seen() {
        "The inventory dies between the two: the messages are in neither outbox nor broker, and their orders stay pending."
        "재고 서비스가 그 사이에 죽습니다. 메시지는 아웃박스에도 브로커에도 없고 주문은 대기 상태로 남습니다."
    }
    ack_before_commit() {
        "A delivery is acknowledged before its effects are committed."
        "메시지의 효과를 커밋하기 전에 수신 확인을 보냅니다."
    }
    ack_before_commit_seen() {
        "The inventory dies before a commit. The broker considers the messages handled, and never sends them again."
        "재고 서비스가 커밋 전에 죽습니다. 브로커는 처리가 끝났다고 알고 메시지를 다시 보내지 않습니다."
    }
    no_inbox() {
        "Handled messages are not recorded."
        "처리한 메시지를 기록하지 않습니다."
    }
    no_inbox_seen() {
        "The inventory refuses an order, which is cancelled. Then new units arrive, and so does the refused message, once more. Now it is accepted: the customer of a cancelled order pays and gets a parcel."
        "재고 서비스가 거절하여 주문이 취소됩니다. 그 뒤 물건이 입고되고 거절한 메시지가 한 번 더 옵니다. 이번에는 승낙하므로, 취소된 주문의 고객이 결제하고 물건을 받습니다."
    }
    inbox_apart() {
        "The inbox row is committed separately, before the effects."
        "인박스 행을 효과보다 먼저, 따로 커밋합니다."
    }
    inbox_apart_seen() {
        "The inventory dies before it commits the effects. The messages come again, and count as handled."
        "재고 서비스가 효과를 커밋하기 전에 죽습니다. 메시지가 다시 오지만 이미 처리한 것으로 칩니다."
    }
    trust_redelivered() {
        "A message counts as handled because the broker marks it as redelivered."
        "브로커가 재전달이라고 표시한 메시지를 이미 처리한 것으로 칩니다."
    }
    trust_redelivered_seen() {
        "The inventory dies before a commit. The messages come again, marked as redelivered, and are dropped although they were never handled."
        "재고 서비스가 커밋 전에 죽습니다. 메시지가 재전달 표시를 달고 다시 오고, 처리한 적이 없는데도 버려집니다."
    }
    requeue_at_once() {
        "A message that cannot be handled goes straight back to its queue."
        "처리할 수 없는 메시지를 곧바로 큐에 되돌려 놓습니다."
    }
    requeue_at_once_seen() {
        "An unreadable message is redelivered in a hot loop, and is never set aside as a dead letter."
        "읽을 수 없는 메시지가 쉬지 않고 큐를 맴돌고, 데드 레터로 옮겨지지 않습니다."
    }
    no_tombstone() {
        "A compensation that finds nothing to undo leaves nothing behind."
        "되돌릴 것이 없는 보상 트랜잭션이 아무것도 남기지 않습니다."
    }
    no_tombstone_seen() {
        "The command to reserve is late, and arrives after the one to release, because the payment was refused meanwhile. The units stay reserved for an order that is cancelled."
        "예약 명령이 늦어져 해제 명령보다 나중에 옵니다. 그 사이에 결제가 거절되었으므로, 취소된 주문의 예약이 그대로 남습니다."
    }
    no_version_guard() {
        "A save of a saga overwrites what another instance has changed meanwhile."
        "그동안 다른 인스턴스가 바꾸었더라도 사가를 덮어씁니다."
    }
    no_version_guard_seen() {
        "Two instances of the orders service receive answers for the same order at the same time. Each saves its own version, one answer is lost, and the order waits for it forever."
        "주문 서비스의 두 인스턴스가 같은 주문에 대한 응답을 동시에 받습니다. 저마다 아는 것만 저장하여 응답 하나가 사라지고, 주문은 그 응답을 영영 기다립니다."
    }
    intent_not_stored() {
        "The order is committed first, and its saga and first message after it."
        "주문을 먼저 커밋하고, 사가와 첫 메시지는 그 뒤에 커밋합니다."
    }
    intent_not_stored_seen() {
        "The orders service dies between the two: the order exists, but no saga and no message continue it."
        "주문 서비스가 그 사이에 죽습니다. 주문은 있지만 무엇을 해야 하는지는 어디에도 없습니다."
    }
    time_out_means_failure() {
        "An answer that takes too long counts as a refusal."
        "오래 걸리는 응답을 거절로 여깁니다."
    }
    time_out_means_failure_seen() {
        "The command to schedule a parcel takes longer than the orchestrator waits (2 s here). The order is cancelled and paid back, and then the parcel goes out."
        "배송 명령이 오케스트레이터의 제한 시간(여기서는 2초)보다 오래 걸립니다. 주문을 취소하고 환불한 뒤에 물건이 나갑니다."
    }
    no_stock_guard() {
        "Stock is read without a lock, and taken without a guard."
        "재고를 잠그지 않고 읽고, 조건 없이 뺍니다."
    }
    no_stock_guard_seen() {
        "32 customers want the last 3 units, five times in a row: more units are sold than there were."
        "고객 32명이 마지막 세 개를 원하기를 다섯 번 되풀이합니다. 있던 것보다 많이 팔립니다."
    }
    unsorted_locks() {
        "Each order locks its products in a different sequence."
        "주문마다 상품을 저마다 다른 순서로 잠급니다."
    }
    unsorted_locks_seen() {
        "24 orders of the same six products, eight at once: they deadlock, until the database ends some of the transactions."
        "같은 상품 여섯 개의 주문 24건을 여덟 건씩 동시에 보냅니다. 서로의 잠금을 기다리다가 데이터베이스가 교착 상태를 끊습니다."
    }
    decision_not_durable() {
        "The decision to commit is kept in memory only."
        "커밋 결정을 메모리에만 둡니다."
    }
    decision_not_durable_seen() {
        "The coordinator dies when one branch is committed. Recovery finds no decision, which means abort, and rolls the others back: only half of the order exists."
        "브랜치 하나를 커밋했을 때 코디네이터가 죽습니다. 복구할 때 결정이 없으므로 중단으로 보고 나머지를 롤백합니다. 주문의 절반만 남습니다."
    }
    no_recovery() {
        "There is no recovery of transactions in doubt."
        "미확정 트랜잭션을 복구하지 않습니다."
    }
    no_recovery_seen() {
        "The coordinator dies between the votes and the decision. The prepared branches keep all their locks, and everything that needs the same rows waits."
        "코디네이터가 투표와 결정 사이에 죽습니다. 준비된 브랜치가 모든 잠금을 쥔 채 남아, 같은 행이 필요한 것은 모두 기다립니다."
    }
    recovery_ignores_epoch() {
        "Recovery treats every prepared transaction as one of a dead process."
        "복구할 때 준비된 트랜잭션을 모두 죽은 프로세스의 것으로 여깁니다."
    }
    recovery_ignores_epoch_seen() {
        "Prepared transactions wait two seconds for their decision. Recovery rolls them back meanwhile, and customers have ids of orders that do not exist."
        "진행 중인 트랜잭션이 준비된 채 결정을 2초 기다립니다. 그 사이에 복구가 롤백하여, 고객은 어디에도 없는 주문의 번호를 갖게 됩니다."
    }
}
