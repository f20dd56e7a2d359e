//! The texts of a model check, in English and in Korean. The names of properties are English in a record; [`property`]
//! shows them in the current language.

terminal::words! {
    model_within(model, bounds) { "The model {model}, within: {bounds}" "모델 {model}, 범위: {bounds}" }
    broken(flaw) { "BROKEN ON PURPOSE: {flaw}" "일부러 뺀 규칙: {flaw}" }
    so_far(states, depth) { "{states} distinct states so far, depth {depth}" "지금까지 서로 다른 상태 {states}개, 깊이 {depth}" }
    searched(states, distinct, depth, seconds) {
        "{states} states, {distinct} of them distinct, depth {depth}, {seconds} s"
        "상태 {states}개, 서로 다른 상태 {distinct}개, 깊이 {depth}, {seconds}초"
    }
    shortest_way(property) { "The shortest way to a violation of \"{property}\":" "\"{property}\"을(를) 깨는 가장 짧은 경로:" }
    other_model(model, flaw, other) {
        "the model {model} has no rule for the flaw {flaw}; use `{CLEAVE} model {other}`"
        "모델 {model}에는 결함 {flaw}에 해당하는 규칙이 없습니다. `{CLEAVE} model {other}`을(를) 쓰세요"
    }

    // The explorer
    give_address() {
        "give an address as 127.0.0.1:3000, or [::1]:3000" "주소를 127.0.0.1:3000 또는 [::1]:3000처럼 쓰세요"
    }
    loopback_only(address) {
        "{address} can be reached by other machines; the explorer is for this machine only: 127.0.0.1"
        "{address}에는 다른 컴퓨터도 접속할 수 있습니다. 탐색기는 이 컴퓨터에서만 쓸 수 있습니다: 127.0.0.1"
    }
    explorer_at(address) {
        "The explorer: http://{address}/ (Ctrl-C ends it)" "탐색기 주소: http://{address}/ (Ctrl-C를 누르면 끝남)"
    }
    explorer_hint() {
        "\"Run to completion\" on the page visits all states; before that, the page knows only those that you have visited."
        "페이지의 \"Run to completion\"을 누르면 모든 상태를 검사합니다. 그 전에는 방문한 상태만 알고 있습니다."
    }
    explorer_stopped() { "the explorer stopped unexpectedly" "탐색기가 예기치 않게 멈추었습니다" }
    cannot_listen(address) { "cannot listen on {address}" "{address}에서 접속을 받을 수 없습니다" }

    held() { "held" "지켜짐" }
    violated() { "violated" "깨짐" }
    found() { "found" "찾음" }
    not_found() { "not found" "찾지 못함" }
    always() { "always" "항상" }
    sometimes() { "sometimes" "가끔" }
    participants() { "participants" "참여자" }
    attempts() { "attempts" "시도" }
    crashes() { "crashes" "크래시" }
    duplicates() { "duplicates" "중복" }

    // Properties of two-phase commit
    agreement() { "agreement: none commits while another rolls back" "합의: 하나가 커밋하는데 다른 것이 롤백하지 않습니다" }
    unanimous() { "none commits unless all have voted yes" "모두 찬성하지 않으면 아무도 커밋하지 않습니다" }
    recorded() {
        "the decision is on record before the first commit (rule 30 (decision))"
        "첫 커밋보다 결정의 기록이 먼저입니다 (규칙 30(decision))"
    }
    told_truth() {
        "the customer is told of a commit only if there is one (rule 60 (abort record))"
        "커밋되었을 때만 고객에게 커밋되었다고 알립니다 (규칙 60(abort record))"
    }
    resolved() {
        "once nothing moves any more, every branch is resolved: rule 31 (recovery)"
        "더는 아무것도 진행되지 않으면 모든 브랜치가 마무리되어 있습니다: 규칙 31(recovery)"
    }
    fenced() { "a coordinator that was taken over may not decide" "권한을 넘겨준 코디네이터는 결정하지 못합니다" }
    all_commit() { "all commit" "모두 커밋합니다" }
    all_roll_back() { "all roll back" "모두 롤백합니다" }
    blocked() {
        "a participant is in doubt and blocked, because there is no coordinator"
        "코디네이터가 없어서 참여자가 미확정 상태로 멈춥니다"
    }
    partly() { "one has committed while another is in doubt" "하나는 커밋했는데 다른 것은 미확정입니다" }

    // Properties of the saga
    once() {
        "no effect twice (rules 12 (inbox) and 20 (once per order))"
        "효과는 두 번 나타나지 않습니다 (규칙 12(inbox), 20(once per order))"
    }
    stays_undone() {
        "what was undone stays undone (rule 19 (tombstone))" "되돌린 것은 되돌린 채로 있습니다 (규칙 19(tombstone))"
    }
    never_both() {
        "never both confirmed and compensated: rule 21 (compare-and-set)"
        "확정되면서 보상 트랜잭션까지 실행되는 일은 없습니다: 규칙 21(compare-and-set)"
    }
    wholly() {
        "without messages it is wholly confirmed or wholly compensated (I5)"
        "메시지가 남지 않으면 전부 확정되었거나 보상 트랜잭션으로 전부 되돌려졌습니다 (I5)"
    }
    confirmed() { "it is wholly confirmed" "전부 확정됩니다" }
    compensated() {
        "it is wholly compensated after all had to be undone" "모두 되돌려야 하는 경우에 보상 트랜잭션으로 전부 되돌려집니다"
    }
    early() { "a compensation comes before its action" "보상 트랜잭션이 그 동작보다 먼저 옵니다" }
    tombstone() { "an action finds a tombstone and does nothing" "동작이 툼스톤을 보고 아무것도 하지 않습니다" }
    stale() { "a stale save is refused" "오래된 상태를 저장하려는 시도는 거절됩니다" }

    // Steps of two-phase commit
    votes_yes(module) { "{module} does its part and votes yes" "{module}: 제 몫을 하고 찬성합니다" }
    votes_no(module) { "{module} votes no and rolls back" "{module}: 반대하고 롤백합니다" }
    copied(message) { "the network makes a copy of: {message}" "네트워크가 메시지를 복제합니다: {message}" }
    sends_decision(module) { "the coordinator sends its decision to {module}" "코디네이터가 {module}에 결정을 보냅니다" }
    times_out() { "the coordinator stops waiting and decides to roll back" "코디네이터가 더 기다리지 않고 롤백을 결정합니다" }
    coordinator_crashes() { "the coordinator crashes" "코디네이터가 죽습니다" }
    lock_lost() { "the coordinator loses its lock and does not notice" "코디네이터가 잠금을 잃고도 알아채지 못합니다" }
    takes_over() { "the successor acquires the lock and raises the epoch" "다음 코디네이터가 잠금을 얻고 에포크를 올립니다" }
    forgets() {
        "the successor finds nothing prepared and deletes the decision"
        "다음 코디네이터가 준비된 것을 찾지 못하고 결정을 지웁니다"
    }
    successor_starts() { "the successor starts" "다음 코디네이터가 시작합니다" }
    successor_crashes() { "the successor crashes" "다음 코디네이터가 죽습니다" }
    database_crashes(module) { "the database of {module} crashes" "{module}의 데이터베이스가 죽습니다" }
    database_restarts(module) { "the database of {module} restarts" "{module}의 데이터베이스가 다시 뜹니다" }
    session_ends(module) { "{module} notices that its client is gone and rolls back" "{module}: 클라이언트가 사라져서 롤백합니다" }
    recovers(module) {
        "the successor finds the branch of {module} prepared, and sends the recorded decision, or an abort"
        "다음 코디네이터가 {module}의 준비된 브랜치를 찾아, 기록된 결정을 보내거나 중단을 보냅니다"
    }
    gets_work(module) { "{module} receives its work" "{module}: 할 일을 받습니다" }
    hears(answer, module) { "the coordinator receives {answer} from {module}" "코디네이터가 {module}의 {answer} 응답을 받습니다" }
    yes() { "yes" "찬성" }
    no() { "no" "반대" }
    gets_prepare(module) { "{module} receives PREPARE TRANSACTION" "{module}: PREPARE TRANSACTION을 받습니다" }
    hears_prepared(module) { "the coordinator learns that {module} is prepared" "코디네이터가 {module}의 준비 응답을 받습니다" }
    hears_rolled_back(module) {
        "the coordinator learns that {module} rolled back" "코디네이터가 {module}의 롤백 응답을 받습니다"
    }
    record_commit() { "the decision to commit is recorded" "커밋 결정이 기록됩니다" }
    gets_commit(module) { "{module} receives COMMIT PREPARED" "{module}: COMMIT PREPARED를 받습니다" }
    gets_rollback(module) { "{module} receives ROLLBACK" "{module}: ROLLBACK을 받습니다" }

    // Steps of the saga
    handles(module, message) { "{module} handles: {message}" "{module}의 처리: {message}" }
    orchestrator_handles(message) { "the orchestrator handles: {message}" "오케스트레이터의 처리: {message}" }
    refuses(module, message) { "{module} refuses: {message}" "{module}의 거절: {message}" }
    then_crashes(step) { "{step}, and crashes before it acknowledges" "{step}, 수신 확인을 보내기 전에 죽습니다" }
    published_twice(message) {
        "published twice, because its sender crashed in between: {message}" "보낸 쪽이 도중에 죽어 두 번 발행됩니다: {message}"
    }
    asks_again() {
        "the orchestrator times out and sends the command again" "오케스트레이터가 기다리다가 명령을 다시 보냅니다"
    }
    reads_slowly(message) {
        "a slow worker reads the saga and takes: {message}" "느린 작업자가 사가를 읽고 메시지를 받습니다: {message}"
    }
    saves_at_last() { "the slow worker saves the result" "느린 작업자가 그 결과를 저장합니다" }
    do_step(module, attempt) { "do the step of {module} (attempt {attempt})" "{module} 단계 실행 명령(시도 {attempt})" }
    undo_step(module, attempt) { "undo the step of {module} (attempt {attempt})" "{module} 단계 되돌리기 명령(시도 {attempt})" }
    has_undone(module) { "{module} has undone its step" "{module}: 단계를 되돌림" }
    has_done(module) { "{module} has done its step" "{module}: 단계를 실행함" }
    has_refused(module) { "{module} has refused its step" "{module}: 단계를 거절함" }
}

/// A name and the function that returns its text.
type Named = (&'static str, fn() -> String);

/// Every property, with the text that shows it.
pub const PROPERTIES: [Named; 19] = [
    ("agreement: none commits while another rolls back", agreement),
    ("none commits unless all have voted yes", unanimous),
    ("the decision is on record before the first commit (rule 30 (decision))", recorded),
    ("the customer is told of a commit only if there is one (rule 60 (abort record))", told_truth),
    ("once nothing moves any more, every branch is resolved: rule 31 (recovery)", resolved),
    ("a coordinator that was taken over may not decide", fenced),
    ("all commit", all_commit),
    ("all roll back", all_roll_back),
    ("a participant is in doubt and blocked, because there is no coordinator", blocked),
    ("one has committed while another is in doubt", partly),
    ("no effect twice (rules 12 (inbox) and 20 (once per order))", once),
    ("what was undone stays undone (rule 19 (tombstone))", stays_undone),
    ("never both confirmed and compensated: rule 21 (compare-and-set)", never_both),
    ("without messages it is wholly confirmed or wholly compensated (I5)", wholly),
    ("it is wholly confirmed", confirmed),
    ("it is wholly compensated after all had to be undone", compensated),
    ("a compensation comes before its action", early),
    ("an action finds a tombstone and does nothing", tombstone),
    ("a stale save is refused", stale),
];

/// The text of a property.
pub fn property(name: &str) -> String {
    PROPERTIES.iter().find(|(known, _)| *known == name).map_or_else(|| name.to_owned(), |(_, shown)| shown())
}

/// The text of a bound.
pub fn bound(name: &str) -> String {
    match name {
        "participants" => participants(),
        "attempts" => attempts(),
        "crashes" => crashes(),
        "duplicates" => duplicates(),
        other => other.to_owned(),
    }
}
