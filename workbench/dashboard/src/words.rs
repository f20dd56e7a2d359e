//! The texts of this crate at the terminal. Those of the page are in `page/`.

terminal::words! {
    rate_out_of_range(most, rate) {
        "the rate must be between 0 and {most} orders per second, not {rate}"
        "부하는 초당 주문 0~{most}건이어야 합니다. {rate}은(는) 쓸 수 없습니다"
    }
    shares_do_not_sum(outcomes) {
        "the shares of {outcomes} must sum to 1"
        "다음 비율의 합이 1이어야 합니다: {outcomes}"
    }
    sale_out_of_range(products, seconds) {
        "a sale has 1 to {products} products, at least 1 unit of each, and lasts 1 to {seconds} seconds"
        "세일은 상품 1~{products}개, 상품마다 수량 1개 이상, 길이 1~{seconds}초여야 합니다"
    }
    during_sale(shop) { "{shop}: the sale" "{shop}: 세일" }
    no_such_order(id) { "no shop that is up has an order {id}" "실행 중인 쇼핑몰에 주문 {id}이(가) 없습니다" }
    line_is_no_story(path, line, why) {
        "{path} is damaged: line {line} is not a story: {why}"
        "{path} 파일이 손상되었습니다. {line}번째 줄이 주문 이야기가 아닙니다: {why}"
    }
    dashboard_at(address) { "the dashboard is at {address}" "대시보드 주소: {address}" }
    without_controls(address) {
        "the dashboard is at {address}; it has no controls"
        "대시보드 주소: {address} (제어판 없음)"
    }
    recorded(folder) {
        "Recording to {folder}; play it back with: {CLEAVE} replay {folder}"
        "녹화 폴더: {folder}. 재생하려면: {CLEAVE} replay {folder}"
    }
    shops_ended() { "no shop is up any more; the dashboard ends" "실행 중인 쇼핑몰이 없어 대시보드를 끝냅니다" }
    cannot_go_on() { "the dashboard cannot continue" "대시보드를 계속할 수 없습니다" }
    no_browser(why) { "cannot open a browser: {why}" "브라우저를 열 수 없습니다: {why}" }
    no_opener(program) {
        "{program} is missing; open the address yourself"
        "{program}이(가) 없습니다. 주소를 직접 여세요"
    }
    cannot_listen(address) {
        "cannot listen at {address}; is the port in use? Choose another with --port, or 0 for a free one"
        "{address}에서 접속을 받을 수 없습니다. 포트를 다른 프로그램이 쓰고 있나요? --port로 다른 포트를 쓰거나 0으로 빈 포트를 \
         쓰세요"
    }
    server_not_opened() { "the page's server could not be opened" "페이지 서버를 열 수 없습니다" }
    replay_at(samples, began_at, address) {
        "{samples} samples, recorded from {began_at} on, are at {address}"
        "{began_at}부터 녹화한 표본 {samples}개, 주소: {address}"
    }
    thinned(every) {
        "The recording is long: only one of {every} samples is in the file"
        "녹화가 길어서 표본 {every}개 중 하나만 파일에 넣었습니다"
    }
    opens_anywhere(file) { "{file} opens in any browser" "{file}은(는) 어느 브라우저에서나 열립니다" }
    too_many_recordings(number) {
        "{number} recordings given; give one, or two to show side by side"
        "녹화를 {number}개 지정했습니다. 하나, 또는 나란히 볼 두 개를 지정하세요"
    }
    cannot_read_recording(path) {
        "cannot read the recording {path}; `{CLEAVE} dashboard` leaves one in .cleave/runs/…-live"
        "녹화 {path}을(를) 읽을 수 없습니다. `{CLEAVE} dashboard`는 .cleave/runs/…-live에 녹화를 남깁니다"
    }
    recording_too_large(path, most_mb) {
        "{path} is larger than any recording ({most_mb} MB at most)"
        "{path}은(는) 녹화라기에 너무 큽니다(최대 {most_mb} MB)"
    }
    recording_no_text(path) { "{path} is damaged: it is not text" "{path} 파일이 손상되었습니다. 텍스트가 아닙니다" }
    line_is_no_sample(path, line) {
        "{path} is damaged: line {line} is not a sample"
        "{path} 파일이 손상되었습니다. {line}번째 줄이 표본이 아닙니다"
    }
    no_samples(path) {
        "{path} has no sample: the session ended before its first second"
        "{path}에 표본이 없습니다. 첫 1초가 되기 전에 끝난 녹화입니다"
    }
    no_recording(path) {
        "{path} is no recording of `{CLEAVE} dashboard`"
        "{path}은(는) `{CLEAVE} dashboard`의 녹화가 아닙니다"
    }
    another_version(path, schema, own) {
        "{path} has another version, {schema}; this cleave reads {own}: use the cleave that recorded it"
        "{path}은(는) 다른 버전({schema})입니다. 이 cleave는 {own}을(를) 읽습니다. 녹화한 버전의 cleave를 쓰세요"
    }
    no_header(path) {
        "{path} is damaged: line 1 is not a header"
        "{path} 파일이 손상되었습니다. 첫 줄이 머리글이 아닙니다"
    }
    no_recording_in(folder) {
        "there is no recording in {folder}; `{CLEAVE} dashboard` leaves one"
        "{folder}에 녹화가 없습니다. `{CLEAVE} dashboard`를 실행하면 남습니다"
    }
    nothing_in_common() {
        "the loads of the two recordings do not overlap"
        "두 녹화에 부하가 겹치는 구간이 없습니다"
    }
    loads_differ(unlike, seconds) {
        "In {unlike} of {seconds} seconds the two loads differ: the figures of those seconds are not comparable"
        "{seconds}초 중 {unlike}초는 두 부하가 달라서 그 구간의 수치는 비교할 수 없습니다"
    }
    no_load_in(began_at) {
        "the recording from {began_at} has no load in it"
        "{began_at}에 시작한 녹화에는 부하가 없습니다"
    }
    several_shops(began_at, shops) {
        "the recording from {began_at} shows {shops} shops; two recordings can be shown side by side if each is of one \
         shop, e.g. of `{CLEAVE} dashboard monolith` and `{CLEAVE} dashboard split`"
        "{began_at}에 시작한 녹화에는 쇼핑몰이 {shops}개 있습니다. 쇼핑몰이 하나씩인 녹화만 나란히 볼 수 있습니다. 예: `{CLEAVE} \
         dashboard monolith`와 `{CLEAVE} dashboard split`의 녹화"
    }
    cannot_read(path) { "cannot read {path}" "{path}을(를) 읽을 수 없습니다" }
    no_lesson(path) { "{path} is not a lesson" "{path}은(는) 따라 보기 파일이 아닙니다" }
    no_such_second(step, second) {
        "step {step} of the lesson: the recording has no second {second}"
        "따라 보기 {step}단계: 녹화에 {second}초째가 없습니다"
    }
    no_such_story(step, second) {
        "step {step} of the lesson: up to second {second}, the recording has no story of such an order; give a later second"
        "따라 보기 {step}단계: {second}초까지의 녹화에 그런 주문의 이야기가 없습니다. 더 늦은 시각을 지정하세요"
    }
    no_more_stories(why) {
        "No more stories are recorded: {why}"
        "주문 이야기를 더는 기록하지 않습니다: {why}"
    }
    cannot_write(path) { "cannot write {path}" "{path}에 쓸 수 없습니다" }
    cannot_create(path) { "cannot create {path}" "{path}을(를) 만들 수 없습니다" }
    up_is_older() {
        "`{CLEAVE} up` has an older version; start it again"
        "실행 중인 `{CLEAVE} up`이 이전 버전입니다. 다시 시작하세요"
    }
    being_replaced() {
        "it is being replaced; if that failed, reset it again"
        "쇼핑몰을 교체하는 중입니다. 교체에 실패했다면 다시 초기화하세요"
    }
    processes_unread(why) {
        "its processes cannot be read: {why}"
        "프로세스의 상태를 읽을 수 없습니다: {why}"
    }
    orders_unread(why) { "its orders cannot be read: {why}" "주문을 읽을 수 없습니다: {why}" }
    queues_unread(why) { "its queues cannot be read: {why}" "큐를 읽을 수 없습니다: {why}" }
    gateway_unread(why) {
        "its gateway cannot be read: {why}"
        "API 게이트웨이의 상태를 읽을 수 없습니다: {why}"
    }
    no_gateway() { "the gateway is not up" "API 게이트웨이가 실행 중이 아닙니다" }
    no_answer(limit) { "no response within {limit}" "{limit} 안에 응답이 없습니다" }
    no_connection() { "cannot connect to the database" "데이터베이스에 연결할 수 없습니다" }
    not_connected(limit) { "not connected within {limit}" "{limit} 안에 연결되지 않았습니다" }
    no_service(service) {
        "no shop that is up has a service {service}"
        "실행 중인 쇼핑몰에 {service} 서비스가 없습니다"
    }
    order_is_gone() {
        "no shop has the order any more"
        "이 주문이 남아 있는 쇼핑몰이 없습니다"
    }
    cannot_start_load() {
        "cannot start the process that sends the load"
        "부하를 보내는 프로세스를 시작할 수 없습니다"
    }
    load_ended() { "the process that sends the load has ended" "부하를 보내는 프로세스가 끝났습니다" }
}
