//! Texts about prepared transactions, in English and in Korean.

terminal::words! {
    nothing(databases) { "Nothing is in doubt in {databases}." "{databases}에 미확정 트랜잭션이 없습니다." }
    resolve_now() {
        "A monolith finishes its own branches when it restarts. To finish them now, run `{CLEAVE} in-doubt --resolve`."
        "모놀리스는 다시 시작할 때 자신의 미확정 트랜잭션을 마무리합니다. 지금 마무리하려면 `{CLEAVE} in-doubt --resolve`를 실행하세요."
    }
    branch(module, database, age) {
        "{module}'s branch in database {database}, prepared {age} s ago"
        "{module}의 브랜치, 데이터베이스 {database}, {age}초 전에 준비됨"
    }
    coordinator(coordinator) { "coordinator: {coordinator}" "코디네이터: {coordinator}" }
    decision(decision) { "decision: {decision}" "결정: {decision}" }
    locks(locks) { "locks: {locks}" "잠금: {locks}" }
    no_waiters() { "no session waits for it" "기다리는 세션 없음" }
    behind(sessions) { ", and {sessions} behind it" ", 그 뒤에 {sessions}개" }
    waiter(pid, seconds, behind, statement) {
        "session {pid} has waited for it for {seconds} s{behind}: {statement}"
        "세션 {pid}, {seconds}초 동안 기다림{behind}: {statement}"
    }
    committed() { "resolved: committed" "마무리함: 커밋" }
    rolled_back() { "resolved: rolled back" "마무리함: 롤백" }
    left(reason) { "not resolved: {reason}" "마무리하지 않음: {reason}" }
    alive(name) { "{name}, which is running" "{name}, 실행 중" }
    alive_again(name) { "{name}, restarted since this was prepared" "{name}, 준비된 뒤에 다시 시작됨" }
    not_running(name) { "{name}, which is not running" "{name}, 실행 중이 아님" }
    not_looked_into(name) {
        "{name}, whose database was not read" "{name}, 데이터베이스를 확인하지 않음"
    }
    commit() { "commit" "커밋" }
    abort() { "abort" "중단" }
    none() { "none on record, which means abort" "기록된 결정 없음(중단으로 처리)" }
    unknown() { "unknown; it is stored in the orders database" "알 수 없음(주문 데이터베이스에 있음)" }
    cannot_connect(database) { "cannot connect to {database}" "{database}에 연결할 수 없습니다" }
    cannot_read(database) {
        "cannot read the prepared transactions of {database}"
        "{database}의 준비된 트랜잭션을 읽을 수 없습니다"
    }
    cannot_finish(gid) { "cannot finish {gid}" "{gid}을(를) 마무리할 수 없습니다" }
}

terminal::texts! {
    // Why a branch is left alone.
    coordinator_is_running(name) {
        "its coordinator {name} is running and will finish it"
        "코디네이터 {name}이(가) 실행 중이고 스스로 마무리합니다"
    }
    decisions_not_found(name) {
        "the decisions of its coordinator {name} are in none of these databases, or in more than one; use --database-url \
         to name the orders database of its shop, and no database of another shop"
        "코디네이터 {name}의 결정이 이 데이터베이스들 중 어디에도 없거나 둘 이상에 있습니다. --database-url로 이 쇼핑몰의 주문 \
         데이터베이스를 지정하고, 다른 쇼핑몰의 데이터베이스는 빼세요"
    }
    finished_elsewhere() {
        "another process has already finished it"
        "다른 프로세스가 이미 마무리했습니다"
    }
}
