//! Texts of this crate, in English and in Korean. The supervisor's journal is a log, and stays English.

terminal::words! {
    no_database(name) {
        "cannot connect to the database of {name}"
        "{name}의 데이터베이스에 연결할 수 없습니다"
    }
    not_drained(limit, shop, orders, sagas, transactions, in_doubt, messages) {
        "after {limit} the shop {shop} still has {orders} pending orders, {sagas} open sagas, {transactions} open \
         transactions, {in_doubt} branches in doubt and {messages} unsent messages"
        "{limit}가 지났지만 쇼핑몰 {shop}에 아직 대기 중인 주문 {orders}개, 진행 중인 사가 {sagas}개, 열린 트랜잭션 \
         {transactions}개, 미확정 브랜치 {in_doubt}개, 보내지 않은 메시지 {messages}개가 있습니다"
    }
    cannot_read_progress(query) {
        "cannot read the shop's progress: {query}"
        "쇼핑몰의 진행 상황을 읽을 수 없습니다: {query}"
    }
    cannot_change(name, services) {
        "{name} cannot be scaled or deployed; these can: {services}"
        "{name}은(는) 스케일 아웃하거나 배포할 수 없습니다. 가능한 서비스: {services}"
    }
    instances_out_of_range(most, asked) {
        "the number of instances must be between 1 and {most}, not {asked}"
        "인스턴스 수는 1~{most}이어야 합니다({asked}은(는) 쓸 수 없습니다)"
    }
    no_instance(service) { "no instance of {service} is running" "실행 중인 {service} 인스턴스가 없습니다" }
    registry_silent() { "the registry does not respond" "서비스 레지스트리가 응답하지 않습니다" }
    not_set(name, value, why) {
        "{name} was not set to {value}: {why}"
        "{name}을(를) {value}(으)로 바꾸지 못했습니다: {why}"
    }
    still_runs(name, limit) {
        "{name} is still running after {limit}"
        "{limit}가 지났지만 {name}이(가) 아직 실행 중입니다"
    }
    runs_already(name) {
        "{name} is still running; kill it before starting it again"
        "{name}이(가) 아직 실행 중입니다. 다시 시작하기 전에 종료하세요"
    }
    is_the_door(name, shop) {
        "{name} is the entry point of shop {shop} and cannot be removed"
        "{name}은(는) 쇼핑몰 {shop}의 입구라서 뺄 수 없습니다"
    }
    no_process(shop, name) {
        "the shop {shop} has no process {name}"
        "쇼핑몰 {shop}에는 {name} 프로세스가 없습니다"
    }
    cannot_create_logs(path) { "cannot create the log folder {path}" "로그 폴더 {path}을(를) 만들 수 없습니다" }
    needs_broker() { "the split mode needs a broker" "분리 모드에는 브로커가 필요합니다" }
    bad_address(name, address) {
        "{name} reports the address {address}, which is not valid"
        "{name}이(가) 알린 주소 {address}이(가) 올바르지 않습니다"
    }
    no_announcement(name, limit, said) {
        "{name} did not report its address within {limit}{said}"
        "{name}이(가) {limit} 안에 주소를 알리지 않았습니다{said}"
    }
    not_ready(name, limit, answer, said) {
        "{name} was not ready after {limit}; its last response: {answer}{said}"
        "{name}이(가) {limit} 안에 준비되지 않았습니다. 마지막 응답: {answer}{said}"
    }
    not_seeded() { "the shop did not accept its initial stock" "쇼핑몰에 초기 재고를 넣지 못했습니다" }
    not_seeded_with(status, text) {
        "the shop did not accept its initial stock: {status} {text}"
        "쇼핑몰에 초기 재고를 넣지 못했습니다: {status} {text}"
    }
    cannot_analyze() { "cannot analyze the seeded tables" "첫 데이터를 넣은 테이블을 분석(ANALYZE)할 수 없습니다" }
    still_in_use() { "the shop is still in use" "쇼핑몰이 아직 사용 중입니다" }
    cannot_write(path) { "cannot write {path}" "{path}에 쓸 수 없습니다" }
    no_address(host) { "{host} has no address" "{host}의 주소를 찾을 수 없습니다" }
}

terminal::texts! {
    // What a fault hit.
    was_killed(name) { "{name} was killed" "{name} 강제 종료" }
    was_paused(name) { "{name} was paused" "{name} 일시 정지" }
    was_restarted(name) { "{name} was restarted with another clock" "{name} 시계를 바꾸어 다시 시작" }
    aborted(name) { "{name} aborted" "{name} 비정상 종료(abort)" }

    // Moving a module.
    orders_does_not_move() {
        "orders stays in the monolith: it runs the checkout and calls all other modules"
        "orders는 모놀리스에 남습니다. 체크아웃을 실행하고 나머지 모듈을 모두 호출하기 때문입니다"
    }
    cannot_move(module, movable) {
        "there is no module \"{module}\" that can move; these can: {movable}"
        "\"{module}\"은(는) 옮길 수 있는 모듈이 아닙니다. 옮길 수 있는 모듈: {movable}"
    }
    is_out_already(module) { "{module} has already left the monolith" "{module}은(는) 이미 모놀리스에서 떼어 냈습니다" }
    is_home_already(module) { "{module} is already in the monolith" "{module}은(는) 이미 모놀리스에 있습니다" }
    cannot_move_from(driver) {
        "modules cannot move in {driver}; use a shop that was started as monolith or as a hybrid, for example hybrid:payments"
        "{driver}에서는 모듈을 옮길 수 없습니다. monolith나 hybrid:payments 같은 하이브리드로 시작한 쇼핑몰을 쓰세요"
    }
    moves_already() {
        "a module is moving; wait until it has arrived"
        "지금 다른 모듈을 옮기고 있습니다. 끝날 때까지 기다리세요"
    }
    given_up(module) {
        "{module} was not moved, and the shop goes on as before"
        "{module}을(를) 옮기지 못했습니다. 쇼핑몰은 이전과 같이 동작합니다"
    }
    has_changed_after_all(module) { "{module} has moved after all" "{module}은(는) 이미 옮겨졌습니다" }
    not_settled(module, why) {
        "it is not known whether {module} has moved, or not everything could be put back ({why}); run the command again"
        "{module}이(가) 옮겨졌는지 알 수 없거나, 모두 되돌리지 못했습니다({why}). 같은 명령을 다시 실행하세요"
    }
    not_finished(module) {
        "{module} has moved, but what comes after that was not finished; run the command again"
        "{module}을(를) 옮겼지만 뒷정리를 끝내지 못했습니다. 같은 명령을 다시 실행하세요"
    }
    no_service_database(module) {
        "{module} has no database as a service"
        "{module} 서비스의 데이터베이스가 없습니다"
    }
    cannot_replicate() {
        "the database server cannot replicate logically; set wal_level = logical and restart it"
        "데이터베이스 서버에서 논리적 복제를 쓸 수 없습니다. wal_level = logical로 설정하고 다시 시작하세요"
    }
    no_tables(module) { "there are no tables of {module}" "{module}의 테이블이 없습니다" }
    not_copied(tables, bound) {
        "{tables} tables were not copied within {bound}"
        "{bound} 안에 테이블 {tables}개를 복사하지 못했습니다"
    }
    does_not_follow(bound) {
        "what was written before did not arrive in the other database within {bound}"
        "앞서 기록한 내용이 {bound} 안에 다른 데이터베이스에 도착하지 않았습니다"
    }
    lag_does_not_shrink() {
        "the copy does not catch up"
        "복제가 따라잡지 못합니다"
    }
    move_statement_failed(statement) { "this statement failed: {statement}" "이 문장이 실패했습니다: {statement}" }
}
