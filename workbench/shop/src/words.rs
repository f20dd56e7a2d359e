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
}
