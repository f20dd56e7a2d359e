//! The texts of this crate, in English and in Korean.

terminal::words! {
    starting(shop) { "Starting {shop}" "{shop} 시작 중" }
    nothing_is_up() {
        "no shop is up; start one with `{CLEAVE} up`"
        "실행 중인 쇼핑몰이 없습니다. `{CLEAVE} up`으로 시작하세요"
    }
    is_not_up(shop, up) { "{shop} is not up; these are: {up}" "{shop}은(는) 실행 중이 아닙니다. 실행 중: {up}" }
    no_such_service(service, known) {
        "there is no service {service} here; these are running: {known}"
        "{service} 서비스가 없습니다. 실행 중인 서비스: {known}"
    }
    up_already() {
        "`{CLEAVE} up` is running already; see `{CLEAVE} status`, or stop it with `{CLEAVE} down`"
        "`{CLEAVE} up`이 이미 실행 중입니다. `{CLEAVE} status`로 확인하거나 `{CLEAVE} down`으로 중지하세요"
    }
    up_is_silent() {
        "`{CLEAVE} up` does not respond; see `{CLEAVE} status`"
        "`{CLEAVE} up`이 응답하지 않습니다. `{CLEAVE} status`를 확인하세요"
    }
    not_json() { "the response of `{CLEAVE} up` is not JSON" "`{CLEAVE} up`의 응답이 JSON이 아닙니다" }
    refused() { "`{CLEAVE} up` refused the request" "`{CLEAVE} up`이 요청을 거부했습니다" }
    another_version() {
        "`{CLEAVE} up` has another version; stop it and start it again"
        "`{CLEAVE} up`의 버전이 다릅니다. 중지하고 다시 시작하세요"
    }
    state_damaged(path) { "{path} is damaged; remove it" "{path} 파일이 손상되었습니다. 삭제하세요" }
    cannot_create(path) { "cannot create {path}" "{path}을(를) 만들 수 없습니다" }
    cannot_read(path) { "cannot read {path}" "{path}을(를) 읽을 수 없습니다" }
    cannot_write(path) { "cannot write {path}" "{path}에 쓸 수 없습니다" }
    cannot_lock() { "cannot lock the state of `{CLEAVE} up`" "`{CLEAVE} up`의 상태를 잠글 수 없습니다" }
    no_port() { "no free port for the control interface" "제어 인터페이스가 쓸 포트가 없습니다" }
    not_opened() { "the control interface could not be opened" "제어 인터페이스를 열 수 없습니다" }
    another_mode(mode, driver) {
        "a {mode} shop cannot be run by {driver}; start another shop with `{CLEAVE} up {driver}`"
        "{mode} 쇼핑몰은 {driver}(으)로 실행할 수 없습니다. `{CLEAVE} up {driver}`으로 다른 쇼핑몰을 시작하세요"
    }
    stopping() { "the shops are being stopped" "모두 중지하는 중입니다" }
    is_up_already(shop) { "{shop} is up already" "{shop}은(는) 이미 실행 중입니다" }
    not_up(shop) { "{shop} is not up" "{shop}은(는) 실행 중이 아닙니다" }
    gateway_silent() {
        "the counts of the gateway could not be read"
        "그동안의 응답 수를 API 게이트웨이에서 읽을 수 없습니다"
    }
    no_requests() {
        "no requests came meanwhile, so the effect on them is not known"
        "그동안 요청이 없어서 영향이 있었을지 알 수 없습니다"
    }
    failed_of(what, failed, requests) { "{what} {failed} of {requests}" "{what} {requests}건 중 {failed}건" }
    requests_failed(list) { "requests that failed meanwhile: {list}" "그동안 실패한 요청: {list}" }
    browse() { "browse" "상품 조회" }
    order() { "order" "주문" }
    pay() { "pay" "충전" }
    track() { "track" "주문 조회" }

    wrong_host() { "the Host header is not that of this interface" "Host 헤더가 이 인터페이스의 것이 아닙니다" }
    other_origin() { "the request comes from another origin" "다른 출처(origin)에서 온 요청입니다" }
    wrong_token() {
        "the header x-cleave-token is missing or wrong"
        "x-cleave-token 헤더가 없거나 틀립니다"
    }
    send_json() {
        "send JSON, with content-type: application/json"
        "content-type: application/json으로 JSON을 보내세요"
    }
    bad_body(why) { "the body is not valid: {why}" "본문이 올바르지 않습니다: {why}" }
    no_monolith_up(up) {
        "no shop is up from which a module could move, only {up}; start one with: cleave up monolith"
        "모듈을 옮길 수 있는 쇼핑몰이 없습니다. 실행 중: {up}. cleave up monolith로 시작하세요"
    }
}
