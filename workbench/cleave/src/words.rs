//! The texts of the commands, in English and in Korean. `cleave doctor` has its own table, and the help is in
//! [`crate::cli`].

terminal::words! {
    sending(rate) {
        "Sending {rate} orders per second to each shop; one in ten is meant to be refused."
        "쇼핑몰마다 초당 주문 {rate}건을 보냅니다. 열 건 중 한 건은 거절되도록 만든 주문입니다."
    }
    no_more_orders(why) { "No more orders are sent: {why}" "주문을 더는 보내지 않습니다: {why}" }

    // The first minute.
    first_steps() {
        "{CLEAVE} up              start the shop in both modes: as a monolith and as microservices\n\
         {CLEAVE} dashboard       watch both in a web page under the same load, and break things there\n\
         {CLEAVE} compare         measure both under the same load, and write a report\n\
         {CLEAVE} order --last    tell the story of the last order, while a shop is up\n\
         {CLEAVE} --help          list all commands; `doctor` shows what is missing on this machine"
        "{CLEAVE} up              쇼핑몰을 두 모드로 시작합니다. 하나는 모놀리스, 하나는 마이크로서비스\n\
         {CLEAVE} dashboard       같은 부하를 받는 두 모드를 웹 페이지에서 보고, 장애도 일으켜 봅니다\n\
         {CLEAVE} compare         같은 부하로 두 모드를 측정하고 보고서를 만듭니다\n\
         {CLEAVE} order --last    쇼핑몰이 실행 중일 때, 마지막 주문이 거친 과정을 보여 줍니다\n\
         {CLEAVE} --help          전체 명령을 보여 줍니다. 이 컴퓨터에 없는 것은 `doctor`가 알려 줍니다"
    }
    interrupted() { "interrupted; stopping everything" "중단 요청을 받았습니다. 모두 중지합니다" }
    stopping() { "Stopping" "중지하는 중" }
    stopped() { "stopped" "중지했습니다" }
    report_is_at(path) { "\nThe report: {path}" "\n보고서: {path}" }

    // up, status, down.
    ctrl_c_stops() {
        "Ctrl-C stops everything, and so does `{CLEAVE} down` in another terminal."
        "Ctrl-C를 누르거나 다른 터미널에서 `{CLEAVE} down`을 실행하면 모두 중지합니다."
    }
    decided_at_once() { "201: the response is the decision" "201: 응답에 결과가 들어 있습니다" }
    decided_later() {
        "202: pending; ask again at its Location, or add  -H 'prefer: wait=5'"
        "202: 대기 중. Location 주소로 다시 조회하거나  -H 'prefer: wait=5'  를 추가하세요"
    }
    decided_if_at_home() {
        "202: pending; 201 if a module at home has refused it already"
        "202: 대기 중. 아직 떠나지 않은 모듈에서 거절하면 바로 201"
    }
    shop_is_at(shop, address, ready_s) {
        "{shop} is at {address} (ready in {ready_s} s); its API: {address}/docs/"
        "{shop} 주소: {address} ({ready_s}초 만에 준비됨), API 문서: {address}/docs/"
    }
    still_in_use(what) { "{what} is still in use" "{what}을(를) 아직 쓰고 있습니다" }
    nothing_is_up() {
        "no shop is up; start one with `{CLEAVE} up`"
        "실행 중인 쇼핑몰이 없습니다. `{CLEAVE} up`으로 시작하세요"
    }
    nothing_to_stop() { "no shop is up" "실행 중인 쇼핑몰이 없습니다" }
    cannot_stop(pid) {
        "cannot stop `{CLEAVE} up`, process {pid}"
        "`{CLEAVE} up`(프로세스 {pid})을 중지할 수 없습니다"
    }
    does_not_end(pid, limit) {
        "`{CLEAVE} up`, process {pid}, has not ended after {limit}"
        "{limit}가 지났지만 `{CLEAVE} up`(프로세스 {pid})이 끝나지 않았습니다"
    }
    slowed_by_machine(busy) {
        "{busy}; slow figures may be due to the machine and not the shop"
        "{busy}. 느리다면 쇼핑몰이 아니라 컴퓨터 때문일 수 있습니다"
    }
    cannot_start_dashboard() { "cannot start the dashboard" "대시보드를 시작할 수 없습니다" }
    cannot_audit(shop) {
        "{shop} could not be audited: its databases and its broker must be up. If a fault holds one down, end it with \
         `{CLEAVE} heal` and try again"
        "{shop}을(를) 감사할 수 없습니다. 데이터베이스와 브로커가 실행 중이어야 합니다. 장애로 멈춰 있다면 `{CLEAVE} heal`로 \
         끝내고 다시 시도하세요"
    }

    // Headings and cells of tables.
    mode() { "mode" "모드" }
    process() { "process" "프로세스" }
    ready() { "ready" "준비" }
    pid() { "pid" "프로세스 번호" }
    restarts() { "restarts" "재시작" }
    cpu_s() { "CPU, s" "CPU(초)" }
    memory_mb() { "memory, MB" "메모리(MB)" }
    yes() { "yes" "예" }
    no() { "no" "아니요" }
    invariant() { "invariant" "불변식" }
    verdict() { "verdict" "판정" }
    evidence() { "evidence" "증거" }
    shop() { "shop" "쇼핑몰" }
    setting() { "setting" "설정" }
    value() { "value" "값" }
    from_to() { "from–to" "범위" }
    id() { "id" "번호" }
    fault() { "fault" "장애" }
    state() { "state" "상태" }
    hit() { "hit" "영향" }

    // logs.
    no_logs(folder) {
        "there are no logs in {folder}; start a shop with `{CLEAVE} up`"
        "{folder}에 로그가 없습니다. `{CLEAVE} up`으로 쇼핑몰을 시작하세요"
    }
    no_such_process(name, known) {
        "there is no process {name}; these have logs: {known}"
        "{name} 프로세스가 없습니다. 로그가 있는 프로세스: {known}"
    }
    cannot_read(path) { "cannot read {path}" "{path}을(를) 읽을 수 없습니다" }
    cannot_write(path) { "cannot write {path}" "{path}에 쓸 수 없습니다" }
    cannot_run(program) { "cannot run {program}" "{program}을(를) 실행할 수 없습니다" }

    // extract, merge.
    moving(module) { "Moving {module}; orders go on" "{module}을(를) 옮깁니다. 주문은 계속됩니다" }
    would_move(module, from, to) { "{module}: {from} would become {to}" "{module}을(를) 옮기면: {from} → {to}" }
    would_copy(rows, megabytes) {
        "To copy: {rows} rows, {megabytes} MB with indexes"
        "복사할 데이터: {rows}행, 인덱스를 포함해 {megabytes} MB"
    }
    would_cost(messages, messages_after, transactions, transactions_after) {
        "A confirmed order: {messages} messages now, {messages_after} then; {transactions} transactions now, {transactions_after} then"
        "확정된 주문 하나: 메시지 {messages}개 → {messages_after}개, 트랜잭션 {transactions}개 → {transactions_after}개"
    }
    would_be_inconsistent(databases, databases_after) {
        "It is written in {databases} databases now and in {databases_after} then; with more than one, they disagree for a moment"
        "기록하는 데이터베이스 {databases}개 → {databases_after}개. 둘 이상이면 잠시 서로 어긋납니다"
    }
    would_block() {
        "Blocked during the cut-over, usually for less than a second: orders, and writes to the module. They wait and do not fail"
        "전환하는 동안(보통 1초 미만) 주문과 이 모듈의 쓰기가 기다립니다. 실패하지는 않습니다"
    }
    move_prepare() {
        "prepared: the monolith and the service can exchange messages"
        "준비: 모놀리스와 서비스가 메시지를 주고받을 수 있습니다"
    }
    move_copy() { "copied, and changes follow" "복사: 변경 사항이 뒤따라 복제됩니다" }
    move_compare(same, different) {
        "compared: {same} reads were answered in the same way by both sides, {different} were not"
        "비교: 양쪽의 답이 같은 조회 {same}건, 다른 조회 {different}건"
    }
    move_cut_over(pause_ms) { "cut over: writes waited for {pause_ms} ms" "전환: 쓰기가 {pause_ms} ms 동안 기다렸습니다" }
    move_watch() { "cleared up" "정리했습니다" }
    has_moved(module, from, to) { "{module} has moved: {from} is now {to}" "{module}을(를) 옮겼습니다: {from} → {to}" }

    // scale, deploy, set, fault, heal.
    replaced(shop, new, old, ready_ms, drained_ms) {
        "{shop}: {new} replaces {old}: ready after {ready_ms} ms, {old} ended {drained_ms} ms later"
        "{shop}: {old} 대신 {new}: {ready_ms} ms 만에 준비, {drained_ms} ms 뒤 {old} 종료"
    }
    deployed(shop, service, ms) {
        "{shop}: {service} deployed in {ms} ms"
        "{shop}: {service} 배포 완료({ms} ms)"
    }
    fault_added(shop, id, fault) {
        "{shop}: fault {id}, {fault}; heals by itself"
        "{shop}: 장애 {id}번, {fault}. 시간이 지나면 저절로 끝납니다"
    }
    fault_not_added(shop, why) { "{shop}: not added: {why}" "{shop}: 추가하지 못했습니다: {why}" }
    cannot_heal(why) { "cannot be healed: {why}" "끝낼 수 없음: {why}" }
    over() { "over" "끝남" }
    active() { "active" "진행 중" }
    hit_nothing() { "nothing" "없음" }
    hit_so_far(hits) { "{hits} so far" "지금까지 {hits}건" }
    no_faults() { "no faults" "장애가 없습니다" }

    // order, in-doubt.
    no_order_yet() { "no order has been placed yet" "아직 주문이 없습니다" }
    none_refused_yet() { "no order has been refused yet" "아직 거절된 주문이 없습니다" }
    none_decided_yet() { "no order has been decided yet" "아직 결정된 주문이 없습니다" }
    none_stuck() { "no order is stuck: all are decided" "멈춘 주문이 없습니다. 모두 결정되었습니다" }
    no_such_order(id) {
        "no shop that is up has an order {id}"
        "실행 중인 쇼핑몰에 주문 {id}이(가) 없습니다"
    }
    is_not_up(shop, up) { "{shop} is not up; these are: {up}" "{shop}은(는) 실행 중이 아닙니다. 실행 중: {up}" }
    nothing_to_look_at() {
        "no shop is up; start one with `{CLEAVE} up`, or name its databases with --database-url"
        "실행 중인 쇼핑몰이 없습니다. `{CLEAVE} up`으로 시작하거나 --database-url로 데이터베이스를 지정하세요"
    }

    // audit --live.
    now_and_before(at, shop, said, now, before) {
        "{at} {shop} {said}; {now} inconsistent, {before}"
        "{at} {shop} {said}, 불일치 {now}건, {before}"
    }
    windows(resolved, p50, p99, longest) {
        "{resolved} resolved: p50 {p50} ms, p99 {p99} ms, longest {longest} ms"
        "해소 {resolved}건: p50 {p50} ms, p99 {p99} ms, 최장 {longest} ms"
    }
    none_resolved() { "none resolved" "해소 0건" }
    inconsistency() { "inconsistency" "불일치" }
    orders() { "orders" "주문" }
    longest_ms() { "longest, ms" "최장, ms" }
    still_open() { "still open" "미해소" }

    // clean.
    nothing_left() { "nothing is left" "남은 것이 없습니다" }
    how_to_clean() {
        "To remove: {CLEAVE} clean KIND, e.g. `{CLEAVE} clean runs --keep 3`, or `{CLEAVE} clean all`"
        "삭제하려면: {CLEAVE} clean 종류. 예: `{CLEAVE} clean runs --keep 3` 또는 `{CLEAVE} clean all`"
    }
    kind() { "kind" "종류" }
    name() { "name" "이름" }
    size() { "size" "크기" }
    in_use() { "in use" "사용 중" }
    unused() { "unused" "사용하지 않음" }
    removed() { "removed" "삭제함" }
    not_removed(why) { "not removed: {why}" "삭제하지 못함: {why}" }
    cannot_remove(path) { "cannot remove {path}" "{path}을(를) 삭제할 수 없습니다" }

    // Values of the command line.
    give_scaling() { "give a service and a number, e.g. inventory=3" "서비스와 개수를 쓰세요. 예: inventory=3" }
    not_instances(text) { "{text} is not a number of instances" "{text}은(는) 인스턴스 수가 아닙니다" }
    give_setting() {
        "give a name and a number, e.g. gateway.timeout_ms=500"
        "이름과 값을 쓰세요. 예: gateway.timeout_ms=500"
    }
    not_whole(text) { "{text} is not a whole number" "{text}은(는) 정수가 아닙니다" }
    between(least, most) { "must be between {least} and {most}" "{least}~{most} 범위여야 합니다" }
    give_url(form) { "give a URL, e.g. {form}" "URL을 쓰세요. 예: {form}" }
    no_ipv6() {
        "an IPv6 address is not supported here; give a host name that leads to it"
        "여기에는 IPv6 주소를 쓸 수 없습니다. 그 주소로 이어지는 호스트 이름을 쓰세요"
    }
    give_rate() { "give orders per second, e.g. 200 or 200/s" "초당 주문 수를 쓰세요. 예: 200 또는 200/s" }
    rate_between(least, most) {
        "must be between {least} and {most} orders per second"
        "초당 주문 {least}~{most}건이어야 합니다"
    }
    not_zero() { "must be greater than 0" "0보다 커야 합니다" }
    at_least_a_second() { "must be at least 1s" "1s 이상이어야 합니다" }
    give_order_id() {
        "an order id is a UUID, e.g. 01938a5e-7c1f-7d2a-9f3e-2b6c5d4e3f2a; `{CLEAVE} order --last` finds one"
        "주문 번호는 UUID입니다. 예: 01938a5e-7c1f-7d2a-9f3e-2b6c5d4e3f2a. `{CLEAVE} order --last`로 찾을 수 있습니다"
    }
    no_shop(error) {
        "not the description of a shop: {error}"
        "쇼핑몰 설명이 아닙니다: {error}"
    }
    give_public_address() {
        "give a host and its port, in lower case, e.g. 127.0.0.1:8080"
        "호스트와 포트를 소문자로 쓰세요. 예: 127.0.0.1:8080"
    }
    give_address() { "give an IP address, e.g. 127.0.0.1" "IP 주소를 쓰세요. 예: 127.0.0.1" }
    no_such_mode(text, modes) {
        "\"{text}\" is not a mode; give monolith, split, or a driver: {modes}"
        "\"{text}\"은(는) 모드가 아닙니다. monolith, split 또는 드라이버를 쓰세요: {modes}"
    }
    no_such_mode_or_both(text, modes) {
        "\"{text}\" is not a mode; give monolith, split, both, or a driver: {modes}"
        "\"{text}\"은(는) 모드가 아닙니다. monolith, split, both 또는 드라이버를 쓰세요: {modes}"
    }
    not_an_option(text) {
        "{text} is not an option; give --NAME VALUE"
        "{text}은(는) 옵션이 아닙니다. --NAME VALUE 꼴로 쓰세요"
    }
    needs_a_value(name) { "--{name} needs a value" "--{name}에 값이 필요합니다" }
    one_target(name) { "there can be one target; --{name} is the second" "대상은 하나만 쓸 수 있습니다. --{name}이(가) 두 번째입니다" }

    // What the settings mean. The English texts are those of the programs.
    gateway_timeout() {
        "how long the gateway waits for an instance's response to a GET before it tries another"
        "GET 요청의 응답을 기다리는 시간. 지나면 API 게이트웨이가 다른 인스턴스에 시도함"
    }
    gateway_write_timeout() {
        "how long the gateway waits for an instance's response to anything but a GET, plus any `Prefer: wait`"
        "GET이 아닌 요청의 응답을 API 게이트웨이가 기다리는 시간. `Prefer: wait`가 있으면 더해짐"
    }
    gateway_concurrency() {
        "how many requests to one dependency the gateway may have in progress"
        "API 게이트웨이가 의존 대상 하나에 동시에 보낼 수 있는 요청 수"
    }
    gateway_retry_budget() {
        "how many retries the gateway may add per hundred requests to a dependency"
        "의존 대상에 보낸 요청 100건마다 API 게이트웨이가 할 수 있는 재시도 수"
    }
    breaker_failures() {
        "how many consecutive failures of a dependency open its circuit breaker"
        "서킷 브레이커를 여는 연속 실패 횟수"
    }
    breaker_open() {
        "how long a circuit breaker stays open before it lets one request through as a probe"
        "서킷 브레이커가 열린 뒤 요청 하나를 시험 삼아 보내기까지의 시간"
    }
    placement_away() {
        "modules that have left the monolith, as a sum: catalog 1, inventory 2, payments 4, shipping 8"
        "모놀리스에서 떼어 낸 모듈의 합: catalog 1, inventory 2, payments 4, shipping 8"
    }
    placement_held() {
        "modules whose writes, and all orders, wait in the gateway while they move, as a sum like placement.away"
        "옮기는 동안 쓰기와 모든 주문이 API 게이트웨이에서 기다리는 모듈의 합(placement.away와 같은 값)"
    }
    placement_compared() {
        "modules whose reads go to the monolith and to the service, which are compared, as a sum like placement.away"
        "조회를 모놀리스와 서비스 양쪽에 보내 비교하는 모듈의 합(placement.away와 같은 값)"
    }
    drain_grace() {
        "how long an instance keeps serving clients that have not yet noticed that it deregistered"
        "등록을 해제한 인스턴스가, 아직 모르는 클라이언트의 요청을 계속 처리하는 시간"
    }
}

/// What a setting means; in the running program's own words if it is unknown here.
pub fn meaning(setting: &str, own: String) -> String {
    match setting {
        "gateway.timeout_ms" => gateway_timeout(),
        "gateway.write_timeout_ms" => gateway_write_timeout(),
        "gateway.concurrency" => gateway_concurrency(),
        "gateway.retry_budget_percent" => gateway_retry_budget(),
        "breaker.failures" => breaker_failures(),
        "breaker.open_ms" => breaker_open(),
        "drain.grace_ms" => drain_grace(),
        "placement.away" => placement_away(),
        "placement.held" => placement_held(),
        "placement.compared" => placement_compared(),
        _ => own,
    }
}

#[cfg(test)]
mod tests {
    use terminal::language::{self, Language};

    use super::*;

    #[test]
    fn every_setting_of_the_programs_has_its_meaning_here() {
        let registry = include_str!("../../../split/registry/src/settings.rs");
        let platform = include_str!("../../../modules/platform/src/settings.rs");
        let mut known = 0;
        for setting in
            [registry, platform].into_iter().flat_map(|text| text.split("Setting = Setting {").skip(1))
        {
            let field = |name: &str| setting.split_once(name).unwrap().1.split('"').nth(1).unwrap();
            let (name, what) = (field("name: "), field("what: "));
            let shown = |language| language::with(language, || meaning(name, String::new()));
            assert_eq!(shown(Language::English), what, "{name}");
            assert!(language::has_hangul(&shown(Language::Korean)), "{name}");
            known += 1;
        }
        assert_eq!(known, 10);
    }
}
