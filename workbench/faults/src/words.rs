//! Texts of this crate, in English and in Korean. Names of faults, links and attributes are the same in both.

terminal::words! {
    fault_on(kind, target) { "{kind} on {target}" "{target}에 {kind}" }

    // What each kind does: the catalogue of docs/faults.md, and of the dashboard.
    does_latency() {
        "every piece of data arrives later, by `latency` plus or minus up to `jitter`"
        "데이터 조각마다 `latency`에 최대 `jitter`를 더하거나 뺀 만큼 늦게 도착"
    }
    does_bandwidth() { "at most `rate` kilobytes pass per second" "초당 최대 `rate` 킬로바이트만 통과" }
    does_slow_close() { "connections close later" "연결이 늦게 닫힘" }
    does_timeout() {
        "no data passes; the connection closes after `timeout`, or never if it is 0"
        "데이터가 통과하지 못함. `timeout` 뒤에 연결이 닫히고, 0이면 닫히지 않음"
    }
    does_reset_peer() {
        "a connection is reset (RST) `timeout` after data arrived"
        "데이터가 온 뒤 `timeout`이 지나면 연결이 리셋됨(RST)"
    }
    does_slicer() {
        "data is passed on in small pieces, with pauses"
        "데이터를 작은 조각으로 나누어 간격을 두고 보냄"
    }
    does_limit_data() {
        "a connection closes when `bytes` bytes have passed"
        "`bytes`만큼 통과하면 연결이 닫힘"
    }
    does_down() { "connections close, and new ones are refused" "연결이 닫히고 새 연결은 거부됨" }
    does_kill() {
        "ends at once (SIGKILL); the supervisor restarts it"
        "즉시 종료됨(SIGKILL). 슈퍼바이저가 다시 시작함"
    }
    does_pause() {
        "stops (SIGSTOP) while holding its locks and connections, and continues at the end (SIGCONT)"
        "잠금과 연결을 유지한 채 멈추었다가(SIGSTOP) 다시 실행됨(SIGCONT)"
    }
    does_clock_skew() {
        "its clock is ahead by `skew`, or behind if `skew` is negative"
        "시계가 `skew`만큼 앞섬. 음수이면 뒤처짐"
    }
    does_crash_point() {
        "aborts when it reaches a point in the code for the `pass`-th time"
        "코드의 해당 지점을 `pass`번째로 지날 때 비정상 종료됨(abort)"
    }
    does_kill_database() {
        "PostgreSQL ends as in a power cut, and restarts when the fault ends"
        "PostgreSQL이 정전된 것처럼 종료되고, 장애가 끝날 때 다시 시작함"
    }
    does_restart_database() {
        "PostgreSQL ends as in a power cut, and restarts at once"
        "PostgreSQL이 정전된 것처럼 종료되고, 바로 다시 시작함"
    }
    does_connection_limit() {
        "sessions are ended, and Cleave takes all connections except `left`"
        "세션이 끊기고, `left`개를 뺀 나머지 연결을 Cleave가 차지함"
    }
    does_disk_full() {
        "the small file system that PostgreSQL was given with `--disk` is full"
        "`--disk`로 PostgreSQL에 준 작은 파일 시스템이 가득 참"
    }
    does_kill_broker() {
        "RabbitMQ ends as in a power cut, and restarts when the fault ends"
        "RabbitMQ가 정전된 것처럼 종료되고, 장애가 끝날 때 다시 시작함"
    }
    does_restart_broker() {
        "RabbitMQ ends as in a power cut, and restarts at once"
        "RabbitMQ가 정전된 것처럼 종료되고, 바로 다시 시작함"
    }
    does_broker_memory_alarm() {
        "RabbitMQ has no memory left, so publishing is blocked"
        "RabbitMQ의 메모리가 바닥나 발행이 막힘"
    }
    does_broker_disk_alarm() {
        "RabbitMQ has no disk left, so publishing is blocked"
        "RabbitMQ의 디스크가 바닥나 발행이 막힘"
    }
    does_duplicate() { "every message arrives twice" "메시지가 모두 두 번씩 옴" }
    does_delay() { "every message arrives later" "메시지가 늦게 옴" }
    does_reorder() {
        "up to `window` messages are collected for at most `wait`, and arrive in reverse"
        "메시지를 최대 `wait` 동안 `window`개까지 모았다가 역순으로 보냄"
    }
    does_drop_before_confirm() {
        "the broker refuses every message (nack); the sender must send it again"
        "브로커가 메시지를 거절하므로(nack) 보낸 쪽이 다시 보내야 함"
    }
    does_poison() { "unreadable messages arrive" "읽을 수 없는 메시지가 옴" }

    // The target in the monolith.
    on_links_of_monolith() {
        "the links that the monolith has too: to clients and to its database"
        "클라이언트 링크와 데이터베이스 링크에 적용"
    }
    on_monolith() { "the process `monolith`, so everything at once" "프로세스 `monolith`, 즉 전체에 적용" }
    on_database_of_monolith() { "its database server, which holds all data" "모든 데이터가 있는 서버에 적용" }
    no_broker_in_monolith() {
        "the monolith has no broker: its modules call each other"
        "모놀리스는 브로커 없이 모듈끼리 직접 호출하므로 해당 없음"
    }
    no_messages_in_monolith() {
        "the monolith sends no messages: its modules call each other"
        "모놀리스는 메시지 없이 모듈끼리 직접 호출하므로 해당 없음"
    }
    no_link_to_module(service) {
        "the modules of the monolith are in one process, so no link leads to {service} alone"
        "모놀리스의 모듈은 한 프로세스에 있으므로 {service} 하나로만 이어지는 링크가 없습니다"
    }

    no_messages_to(service) {
        "{service} has not left the monolith, so no messages lead to it"
        "{service}은(는) 모놀리스에 있으므로 이 모듈로 가는 메시지가 없습니다"
    }

    // Names that do not exist.
    no_such_fault(name, known) {
        "there is no fault \"{name}\"; use one of: {known}"
        "\"{name}\" 장애는 없습니다. 쓸 수 있는 장애: {known}"
    }
    no_such_toxic(name, known) {
        "there is no toxic \"{name}\"; use one of: {known}"
        "\"{name}\" 톡식은 없습니다. 쓸 수 있는 톡식: {known}"
    }
    no_such_point(name, known) {
        "there is no crash point \"{name}\"; use one of: {known}"
        "\"{name}\" 크래시 지점은 없습니다. 쓸 수 있는 지점: {known}"
    }
    no_such_link(name, known) {
        "there is no link \"{name}\"; use one of: {known}"
        "\"{name}\" 링크는 없습니다. 쓸 수 있는 링크: {known}"
    }
    no_link_in(mode, link, known) {
        "the {mode} shop has no link {link}; use one of: {known}"
        "{mode} 쇼핑몰에는 {link} 링크가 없습니다. 쓸 수 있는 링크: {known}"
    }
    no_such_process(name, known) {
        "there is no process \"{name}\"; use one of: {known}, or a further instance such as inventory-2"
        "\"{name}\" 프로세스는 없습니다. 쓸 수 있는 프로세스: {known}, 그리고 inventory-2처럼 추가한 인스턴스"
    }
    not_in_split(name) {
        "the split shop has no process {name}"
        "마이크로서비스(분리 모드) 쇼핑몰에는 {name} 프로세스가 없습니다"
    }
    no_such_service(name, known) {
        "there is no service \"{name}\"; use one of: {known}"
        "\"{name}\" 서비스는 없습니다. 쓸 수 있는 서비스: {known}"
    }
    no_such_key(key, service, driver, known) {
        "with {driver}, {service} receives no message \"{key}\"; use one of: {known}"
        "{driver}에서 {service}은(는) \"{key}\" 메시지를 받지 않습니다. 쓸 수 있는 키: {known}"
    }
    point_not_reached(process, point, driver, passing) {
        "with {driver}, {process} never reaches {point}; these do: {passing}"
        "{driver}에서 {process}은(는) {point} 지점을 지나지 않습니다. 지나는 프로세스: {passing}"
    }
    point_reached_by_none(point, driver) {
        "with {driver}, no process reaches {point}"
        "{driver}에는 {point} 지점을 지나는 프로세스가 없습니다"
    }

    // Targets.
    a_link() { "a link" "링크" }
    a_process() { "a process" "프로세스" }
    the_database() { "the database" "데이터베이스" }
    the_broker() { "the broker" "브로커" }
    a_service() { "a service, for the messages that it receives" "메시지를 받는 서비스" }
    needs_target(kind, sort) { "{kind} needs a target: {sort}" "{kind}에는 대상이 필요합니다: {sort}" }
    other_target(kind, sort, given) {
        "the target of {kind} is {sort}, not \"{given}\""
        "{kind}의 대상은 {sort}입니다. \"{given}\"에는 쓸 수 없습니다"
    }

    // Attributes.
    must_be_a_name(name, value) {
        "{name} must be a name, not {value}"
        "{name}에는 이름을 써야 합니다. {value}은(는) 쓸 수 없습니다"
    }
    is_empty(name) { "{name} must not be empty" "{name}이(가) 비어 있습니다" }
    must_be(name, what, value) {
        "{name} must be {what}, not {value}"
        "{name}에는 {what}을(를) 써야 합니다. {value}은(는) 쓸 수 없습니다"
    }
    whole_milliseconds() {
        "a whole number of milliseconds, or a text such as \"200ms\" or \"1.5s\""
        "밀리초 단위의 정수 또는 \"200ms\", \"1.5s\" 같은 문자열"
    }
    whole_microseconds() {
        "a whole number of microseconds, or a text such as \"50us\" or \"1ms\""
        "마이크로초 단위의 정수 또는 \"50us\", \"1ms\" 같은 문자열"
    }
    whole_kilobytes() { "a whole number of kilobytes per second" "초당 킬로바이트 단위의 정수" }
    whole_bytes() { "a whole number of bytes" "바이트 단위의 정수" }
    whole_number() { "a whole number" "정수" }
    a_name() { "a name" "이름" }
    out_of_range(name, least, most, unit, value) {
        "{name} must be between {least} and {most}{unit}, not {value}"
        "{name}은(는) {least}~{most}{unit} 범위여야 합니다. {value}은(는) 쓸 수 없습니다"
    }
    bytes() { " bytes" "바이트" }
    no_attribute(kind, name, known) {
        "{kind} has no attribute \"{name}\"; it has {known}"
        "{kind}에는 \"{name}\" 속성이 없습니다. 쓸 수 있는 속성: {known}"
    }
    no_attributes(kind, name) {
        "{kind} has no attributes, so \"{name}\" cannot be given"
        "{kind}에는 속성이 없으므로 \"{name}\"을(를) 쓸 수 없습니다"
    }
    needs_attribute(kind, name) { "{kind} needs a value for {name}" "{kind}에는 {name} 값이 필요합니다" }
    toxics_only(kind) {
        "{kind} takes neither stream nor toxicity: it is not a toxic"
        "{kind}은(는) 톡식이 아니므로 stream과 toxicity를 쓸 수 없습니다"
    }
    toxicity_out_of_range(toxicity) {
        "toxicity must be between 0 and 1, not {toxicity}"
        "toxicity는 0~1 범위여야 합니다. {toxicity}은(는) 쓸 수 없습니다"
    }
    not_a_time(text) {
        "\"{text}\" is not a time such as 10s, 500ms or 2m"
        "\"{text}\"은(는) 시간이 아닙니다. 예: 10s, 500ms, 2m"
    }
    over_an_hour(text) { "{text} is more than an hour" "{text}은(는) 1시간을 넘습니다" }
    time_is_zero() { "the time of a fault must be greater than 0" "장애의 지속 시간은 0보다 커야 합니다" }

    // Starting and healing.
    active_already(fault, id) {
        "{fault} is already active, as fault {id}; heal it first"
        "{fault}: 이미 진행 중입니다(장애 {id}번). 먼저 끝내세요"
    }
    no_proxy(link) {
        "there is no proxy in the link {link}; start the shop with --proxies"
        "{link} 링크에 프록시가 없습니다. --proxies로 쇼핑몰을 시작하세요"
    }
    no_such_number(id) {
        "there is no fault {id}; `{CLEAVE} fault list` shows all"
        "{id}번 장애는 없습니다. `{CLEAVE} fault list`로 확인하세요"
    }
    cannot_heal(id, fault) { "cannot heal fault {id}, {fault}" "장애 {id}번({fault})을 끝낼 수 없습니다" }
    shop_gone() { "the shop has stopped" "쇼핑몰이 중지되었습니다" }
    no_response(limit) { "no response within {limit}" "{limit} 안에 응답이 없습니다" }
    no_broker() { "the shop has no broker" "이 쇼핑몰에는 브로커가 없습니다" }
    messages_already_over() {
        "the task that disturbs messages has already ended"
        "메시지를 방해하던 작업이 이미 끝났습니다"
    }

    // Servers.
    not_our_server(server) {
        "Cleave did not start this {server}, and only servers that it started can have faults"
        "이 {server}은(는) Cleave가 시작하지 않았습니다. Cleave가 시작한 서버에만 장애를 일으킬 수 있습니다"
    }
    connections_too_long(limit) {
        "connection_limit must last less than {limit}, because PostgreSQL closes the connections then"
        "connection_limit은 {limit}보다 짧아야 합니다. 그때가 되면 PostgreSQL이 연결을 끊습니다"
    }
    no_alarm(limit) {
        "RabbitMQ raised no alarm within {limit}"
        "{limit}가 지났지만 RabbitMQ가 알람을 일으키지 않았습니다"
    }
    url_unreadable() { "the database URL is not valid" "데이터베이스 URL이 올바르지 않습니다" }
    postgres_silent(limit) {
        "PostgreSQL did not respond within {limit}"
        "PostgreSQL이 {limit} 안에 응답하지 않았습니다"
    }
    cannot_reach_broker() { "cannot connect to the broker" "브로커에 연결할 수 없습니다" }
    broker_silent(limit) { "the broker did not respond within {limit}" "브로커가 {limit} 안에 응답하지 않았습니다" }
    broker_unreachable() { "the broker remained unreachable" "브로커에 계속 연결할 수 없었습니다" }
    too_few_messages(wanted, key, held, limit) {
        "waited {limit} for {wanted} messages with the key {key}, and only {held} arrived"
        "{key} 키의 메시지 {wanted}개를 {limit} 동안 기다렸지만 {held}개만 왔습니다"
    }
    cannot_bind(key, queue) { "cannot bind {key} to {queue}" "{key} 키를 {queue} 큐에 바인딩할 수 없습니다" }
    cannot_unbind(key, queue) {
        "cannot unbind {key} from {queue}"
        "{key} 키와 {queue} 큐의 바인딩을 풀 수 없습니다"
    }
    queue_refuses(queue) {
        "the queue {queue} did not take a message"
        "{queue} 큐가 메시지를 받지 않았습니다"
    }

    // Proxies.
    cannot_start_proxy(name) { "cannot start the proxy {name}" "{name} 프록시를 시작할 수 없습니다" }
    cannot_listen_again(name) {
        "the proxy {name} cannot listen again"
        "{name} 프록시가 다시 연결을 받을 수 없습니다"
    }
    toxic_already(proxy, name) {
        "{proxy} has a toxic \"{name}\" already; remove it first, or give this one another name"
        "{proxy}에 이미 \"{name}\" 톡식이 있습니다. 먼저 제거하거나 다른 이름을 쓰세요"
    }
    no_toxic(proxy, name, known) {
        "{proxy} has no toxic \"{name}\"; it has: {known}"
        "{proxy}에는 \"{name}\" 톡식이 없습니다. 있는 톡식: {known}"
    }
}

terminal::texts! {
    // What a fault hit.
    connections_cut(cut) {
        "{cut} connections cut; refused ones are not counted"
        "끊긴 연결 {cut}개(거부된 연결은 세지 않음)"
    }
    messages_disturbed(count) { "{count} messages" "메시지 {count}개" }
    messages_to(count, service) { "{count} messages to {service}" "{service}에 보낸 메시지 {count}개" }
    server_killed(server) { "{server} was killed" "{server} 강제 종료" }
    server_back(server, ms) { "{server} was back after {ms} ms" "{ms} ms 뒤 {server} 복귀" }
    no_space(count) {
        "PostgreSQL ran out of space {count} times"
        "PostgreSQL의 공간 부족 {count}번"
    }
    connections_blocked(count) { "{count} connections were blocked" "막힌 연결 {count}개" }
    connections_taken(ended, taken) {
        "{ended} sessions ended, {taken} connections taken"
        "끊은 세션 {ended}개, 차지한 연결 {taken}개"
    }
}
