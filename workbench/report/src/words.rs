//! All texts of a report, in English and in Korean. The file is long because a crate has one table of texts.

use terminal::language::current;

/// The value of the attribute `lang` of a page.
pub fn language_tag() -> &'static str {
    current().code()
}

terminal::words! {
    // Writing a run
    cannot_create_folder(path) { "cannot create the folder {path}" "{path} 폴더를 만들 수 없습니다" }
    cannot_write_json() { "cannot write the run as JSON" "실행 기록을 JSON으로 쓸 수 없습니다" }
    cannot_write(path) { "cannot write {path}" "{path}에 쓸 수 없습니다" }
    cannot_find(path) { "cannot find {path}" "{path}을(를) 찾을 수 없습니다" }
    needs_own_folder(path) {
        "a run cannot be written to {path}: give it a separate folder"
        "{path}에는 실행 기록을 쓸 수 없습니다. 전용 폴더를 지정하세요"
    }
    cannot_link(path) {
        "cannot link {path} to this run; if it is not a link, move it away"
        "{path} 링크를 이 실행으로 바꿀 수 없습니다. 링크가 아니면 다른 곳으로 옮기세요"
    }
    cannot_measure() { "cannot connect to the databases to measure" "측정할 데이터베이스에 연결할 수 없습니다" }
    cannot_connect_orders() {
        "cannot connect to the database of orders" "주문 데이터베이스에 연결할 수 없습니다"
    }
    cannot_read_orders() { "cannot read the orders" "주문을 읽을 수 없습니다" }

    // Verdicts
    held() { "✓ held" "✓ 지켜짐" }
    violated() { "✗ VIOLATED" "✗ 깨짐" }
    no_evidence() { "? no evidence" "? 증거 없음" }
    verdict(verdict) { "Verdict: {verdict}" "판정: {verdict}" }
    flaws_on(flaws) {
        "FLAWS ARE SWITCHED ON: {flaws}. Rules are left out on purpose; expect violations."
        "결함을 켠 실행: {flaws}. 규칙을 일부러 뺐으므로 불변식이 깨질 수 있습니다."
    }
    driver_broken(driver) {
        "{driver} IS BROKEN ON PURPOSE, to show what is lost."
        "{driver}: 무엇을 잃는지 보려고 일부러 잘못 만든 드라이버입니다."
    }
    broken_on_purpose(label) { "{label} (broken on purpose)" "{label} (일부러 고장 냄)" }
    broken(label) { "{label}, broken" "{label}, 고장" }

    // Figures
    throughput() { "throughput" "처리량" }
    answered_p50() { "answered p50" "응답 p50" }
    answered_p99() { "answered p99" "응답 p99" }
    decided_p50() { "decided p50" "결정 p50" }
    decided_p99() { "decided p99" "결정 p99" }
    cpu_per_order() { "CPU per order" "주문당 CPU" }
    transactions_per_order() { "transactions per order" "주문당 트랜잭션" }
    wal_per_order() { "WAL per order" "주문당 WAL" }
    peak_memory() { "peak memory" "최대 메모리" }
    time_to_ready() { "time to ready" "준비까지 걸린 시간" }
    decided_p50_ms() { "decided p50, ms" "결정 p50, ms" }
    decided_p99_ms() { "decided p99, ms" "결정 p99, ms" }
    cpu_ms_per_order() { "CPU per order, ms" "주문당 CPU, ms" }
    peak_memory_mb() { "peak memory, MB" "최대 메모리, MB" }
    disagreed_p50_ms() { "databases disagreed p50, ms" "데이터베이스 불일치 p50, ms" }
    disagreed_p99_ms() { "databases disagreed p99, ms" "데이터베이스 불일치 p99, ms" }
    leaves(modules) { "{modules} leaves" "{modules} 내보냄" }
    ladder_head() { "price of each module that leaves" "모듈이 하나씩 나갈 때의 비용" }
    messages_per_order() { "messages per order" "주문당 메시지" }
    orders_per_s() { "orders/s" "주문/초" }
    cost_per_order() { "costs per order" "주문당 비용" }
    shop_cpu() { "processor time of the shop" "쇼핑몰의 CPU 시간" }
    servers_cpu() { "processor time of the servers" "서버의 CPU 시간" }
    messages() { "messages" "메시지" }
    shop_cpu_ms() { "processor time of the shop, ms" "쇼핑몰의 CPU 시간, ms" }
    servers_cpu_ms() { "processor time of the servers, ms" "서버의 CPU 시간, ms" }
    transactions() { "database transactions" "데이터베이스 트랜잭션" }
    wal_kb() { "write-ahead log, kB" "WAL(로그 선행 기록), kB" }
    median() { "median (min–max)" "중앙값 (최소–최대)" }
    not_measured() { "not measured" "측정하지 못함" }
    none_shown() { "none shown" "드러나지 않음" }
    no_ratio() { "no ratio" "비율 없음" }
    one_trial(ratio) { "{ratio}, one trial" "{ratio}, 시행 1회" }

    // Orders
    orders_all_trials() { "orders, all trials" "주문, 모든 시행" }
    sent() { "sent" "보냄" }
    accepted() { "accepted" "접수됨" }
    confirmed() { "confirmed" "확정됨" }
    refused(reason) { "refused: {reason}" "거절: {reason}" }
    unknown() { "unknown at the end" "끝까지 결정되지 않음" }
    failed(reason) { "failed: {reason}" "실패: {reason}" }
    timed_out() { "timed out" "제한 시간 초과" }
    no_connection() { "no connection" "연결되지 않음" }
    connection_lost() { "connection lost" "연결이 끊김" }
    response_cut_short() { "response cut short" "응답이 중간에 끊김" }
    too_many_in_flight() { "not sent: too many in flight" "보내지 않음: 응답을 기다리는 주문이 너무 많음" }
    many_open_files() {
        "too many open files in the load generator (ulimit -n)" "부하 생성기가 연 파일이 너무 많음(ulimit -n)"
    }
    machine_open_files() { "too many open files on this machine" "이 컴퓨터에서 연 파일이 너무 많음" }
    no_local_port() { "no local port left for the load generator" "부하 생성기가 쓸 로컬 포트가 없음" }
    no_memory() { "no memory left for the load generator" "부하 생성기가 쓸 메모리가 없음" }
    disagreed(which) { "databases disagreed, {which}" "데이터베이스 불일치 구간, {which}" }
    longest() { "longest" "최장" }
    trial_hindered(mode, trial, orders, reason) {
        "{mode}, trial {trial} is no evidence: {orders} orders could not be sent, {reason}"
        "{mode}, 시행 {trial}: 증거가 되지 못합니다. 주문 {orders}건을 보내지 못했습니다({reason})"
    }
    figure_missing(mode, trial, figure, why) {
        "{mode}, trial {trial} has no figure for {figure}: {why}"
        "{mode}, 시행 {trial}에는 {figure} 수치가 없습니다: {why}"
    }

    // The audit
    audit() { "audit" "감사" }
    checked(verdict, number) { "{verdict} ({number} checked)" "{verdict} ({number}개 확인)" }
    number_checked(number) { "{number} checked" "{number}개 확인" }
    in_trial(trial, evidence) { "trial {trial}: {evidence}" "시행 {trial}: {evidence}" }

    // Where the time of an order goes
    time_of_order_ms() { "where an order's time goes, ms" "주문 처리 시간의 내역, ms" }
    whole() { "the whole" "전체" }
    of_orders(orders, of, mode) { "{orders} of {of} orders of {mode}" "{mode}의 주문 {of}건 가운데 {orders}건" }
    tax_sample(samples) {
        "The mean of {samples}: the last ones of each trial, whose spans were still kept."
        "{samples}의 평균: 스팬이 남아 있는, 각 시행의 마지막 주문들입니다."
    }
    and() { " and " "과 " }
    tax_of_mode(mode, whole, parts) { "{mode}: {whole} ms, of which {parts}" "{mode}: {whole} ms, 그 가운데 {parts}" }

    // Charts
    time_until(clock) { "Time until {clock}" "{clock}까지 걸린 시간" }
    clock_answered() { "answered" "응답" }
    clock_decided() { "decided" "결정" }
    latency_by_percentile(clock, modes) {
        "Latency until {clock} by percentile. {modes}" "{clock}까지의 지연 시간을 백분위수별로 나타낸 차트. {modes}"
    }
    median_and_p99(median, p99) {
        "median {median} ms, 99th percentile {p99} ms" "중앙값 {median} ms, 99번째 백분위수 {p99} ms"
    }
    from_intended_to_answer() {
        "From the intended moment of sending to the HTTP response." "보내기로 예정된 시각부터 HTTP 응답까지입니다."
    }
    from_intended_to_decision() {
        "From the intended moment of sending to the final decision." "보내기로 예정된 시각부터 최종 결정까지입니다."
    }
    per_second(clock) { "Orders {clock} per second" "초당 {clock}된 주문" }
    in_each_second(clock, modes) { "Orders {clock} in each second. {modes}" "1초마다 {clock}된 주문. {modes}" }
    decided_over_window(rate) {
        "{rate} orders decided per second over the whole window" "측정 구간 전체에서 초당 {rate}건 결정"
    }
    responses_per_second() {
        "Responses in each second, mean of the trials." "1초마다의 응답 수입니다. 시행들의 평균입니다."
    }
    decisions_per_second() {
        "Orders confirmed or refused in each second, mean of the trials."
        "1초마다 확정되거나 거절된 주문 수입니다. 시행들의 평균입니다."
    }
    share_axis() { "share of the orders that took no longer" "이 시간 안에 끝난 주문의 비율" }
    seconds_axis() { "seconds since the warm-up" "워밍업이 끝난 뒤 흐른 시간(초)" }
    cost_of_order() { "What an order costs" "주문 하나의 비용" }
    cost_described(costs) { "Cost of one order. {costs}." "주문 하나의 비용. {costs}." }
    cost_caption() {
        "The median of the trials. Each group of bars has its own unit and scale."
        "시행들의 중앙값입니다. 막대 묶음마다 단위와 눈금이 다릅니다."
    }

    // What was run
    open_loop(rate) { "open loop, {rate} orders/s sent by a clock" "열린 루프, 시계에 맞추어 초당 {rate}건" }
    closed_loop(clients) {
        "closed loop, {clients} clients that wait for the decision"
        "닫힌 루프, 결정을 기다렸다가 다음 주문을 보내는 클라이언트 {clients}개"
    }
    load(arrivals, duration, warm_up, products, customers) {
        "{arrivals}, for {duration} s after {warm_up} s of warm-up; {products} products, {customers} customers"
        "{arrivals}, 워밍업 {warm_up}초 뒤 {duration}초 동안; 상품 {products}개, 고객 {customers}명"
    }
    server_not_used() { "not used" "사용하지 않음" }
    server_url() { "at a given URL" "지정한 URL의 서버" }
    server_private() { "private, started for this run" "이 실행을 위해 시작한 전용 서버" }
    server_container() { "container, started for this run" "이 실행을 위해 시작한 컨테이너" }
    schedule(p50, p99, most) {
        "p50 {p50} ms, p99 {p99} ms, at most {most} ms" "p50 {p50} ms, p99 {p99} ms, 최대 {most} ms"
    }
    late_against(mode, late) { "late by {late} for {mode}" "{mode}에서 늦은 시간: {late}" }
    commit(commit) { "commit {commit}" "커밋 {commit}" }
    no_commit() { "not in a git checkout" "git 체크아웃이 아님" }

    // The page
    overline() { "Cleave · one shop, two architectures" "Cleave · 쇼핑몰 하나, 아키텍처 둘" }
    trials_of_each(trials) { "{trials} trials of each" "각각 시행 {trials}회" }
    one_trial_of_each() { "1 trial of each" "각각 시행 1회" }
    seed(seed) { "seed {seed}" "시드 {seed}" }
    all_held() {
        "Every invariant held in every trial: these are the figures of a correct shop."
        "모든 시행에서 모든 불변식이 지켜졌습니다. 올바르게 동작한 쇼핑몰의 수치입니다."
    }
    one_violated() {
        "An invariant was violated. These are the figures of an incorrect shop: fix that first."
        "깨진 불변식이 있습니다. 아래는 잘못 동작한 쇼핑몰의 수치이므로 그것부터 고쳐야 합니다."
    }
    one_without_evidence() {
        "For at least one invariant there is no evidence. That is not a pass: see the audit."
        "증거가 없는 불변식이 있습니다. 통과가 아닙니다. 감사 결과를 보세요."
    }
    answer_title() { "The answer" "결론" }
    range_note() {
        "In brackets, the range in which the true ratio lies: 95 % sure for all figures together."
        "괄호 안은 실제 비율이 들어 있는 구간입니다. 모든 수치를 통틀어 95 % 확실합니다."
    }
    one_mode() { "There is only one mode, so there is nothing to compare it with." "모드가 하나뿐이어서 비교할 것이 없습니다." }
    no_difference_at_all() { "No difference was shown in any figure." "어느 수치에서도 차이가 드러나지 않았습니다." }
    no_difference_title() { "No difference shown" "차이가 드러나지 않은 수치" }
    audit_title() { "The audit" "감사" }
    audit_intro() {
        "After the load, when all orders were decided, the audit read every database. If an invariant is violated, the other figures mean nothing."
        "부하가 멈추고 남은 일이 모두 끝난 뒤 모든 데이터베이스를 읽었습니다. 하나라도 깨졌다면 속도는 의미가 없습니다."
    }
    nothing_audited() { "nothing was audited" "감사한 것이 없습니다" }
    invariant() { "Invariant" "불변식" }
    figures_title() { "The figures" "수치" }
    figures_intro() {
        "The median of the trials; below it the smallest and the largest." "시행들의 중앙값이며, 그 아래는 최솟값과 최댓값입니다."
    }
    last_columns() {
        "The last columns: how many times the first mode’s figure, and the interval."
        "마지막 열은 첫 번째 모드의 몇 배인지와 그 구간입니다."
    }
    second_table() {
        "The second table: how many times the first mode’s figure, and the interval."
        "두 번째 표는 첫 번째 모드의 몇 배인지와 그 구간입니다."
    }
    figure() { "Figure" "수치" }
    latency_title() { "How long an order takes" "주문 하나에 걸리는 시간" }
    latency_intro() {
        "<strong>Answered</strong> is when the shop’s HTTP response arrives. <strong>Decided</strong> is when the order is finally confirmed or refused: in a monolith at the same moment, in a split shop later."
        "<strong>응답</strong>은 쇼핑몰의 HTTP 응답이 도착한 때이고, <strong>결정</strong>은 주문이 확정되거나 거절된 때입니다. 모놀리스에서는 두 순간이 같고, 마이크로서비스(분리 모드)에서는 결정이 더 늦습니다."
    }
    no_latency() { "No latency was measured." "측정한 지연 시간이 없습니다." }
    throughput_title() { "How many orders per second" "초당 주문 수" }
    none_answered() { "No order was answered." "응답을 받은 주문이 없습니다." }
    cost_title() { "What it costs" "비용" }
    ladder_title() { "The price of each module that leaves" "모듈이 하나씩 나갈 때의 비용" }
    ladder_intro() {
        "From left to right one module more has left the monolith. Every stage runs behind the same gateway. Below a figure, how many times that of the stage before."
        "오른쪽으로 갈수록 모놀리스에서 모듈이 하나씩 더 나갑니다. 모든 단계는 같은 API 게이트웨이 뒤에서 실행됩니다. 수치 아래는 바로 앞 단계의 몇 배인지입니다."
    }
    ladder_caption() {
        "A module’s price is the step to its bar from the one above."
        "바로 위 막대와의 차이가 그 모듈을 내보낸 비용입니다."
    }
    ladder_described(figures) { "One bar per stage. {figures}" "단계마다 막대 하나입니다. {figures}" }
    tax_title() { "Where an order’s time goes" "주문 처리 시간의 내역" }
    tax_intro() {
        "From the intended moment of sending to the decision. Only what the order waited for counts, and every instant counts once, so the parts add up to the whole."
        "주문을 보내기로 예정된 시각부터 결정될 때까지입니다. 주문이 실제로 기다린 것만 세고 어느 순간도 두 번 세지 않으므로, 부분을 더하면 전체가 됩니다."
    }
    tax_caption(sample) {
        "Each bar shows the whole of its mode, regardless of its duration; the letters are those of the table. {sample}"
        "막대의 길이는 시간과 관계없이 각 모드의 전체입니다. 글자는 표의 글자와 같습니다. {sample}"
    }
    tax_head() { "Milliseconds of an order" "주문 하나에 든 밀리초" }
    no_spans() { "the processes recorded no spans" "프로세스가 스팬을 기록하지 않았습니다" }
    orders_title() { "What became of the orders" "주문의 결과" }
    orders_intro() { "All trials together, in the measured window." "모든 시행을 합친, 측정 구간의 값입니다." }
    orders() { "Orders" "주문" }
    ran_title() { "What was run" "실행 조건" }
    dt_load() { "Load" "부하" }
    dt_mix() { "Intended outcomes" "의도한 결과" }
    dt_seed() { "Seed" "시드" }
    dt_machine() { "Machine" "컴퓨터" }
    dt_program() { "Program" "프로그램" }
    dt_generator() { "Load generator" "부하 생성기" }
    generator_late() {
        "It was as late as the shop was slow: these latencies are partly its own. Repeat with a lower rate."
        "부하 생성기가 쇼핑몰의 지연 시간만큼 늦었습니다. 이 지연 시간의 일부는 생성기 때문이므로 초당 주문 수를 낮추어 다시 실행하세요."
    }
    read_title() { "How to read this" "읽는 법" }
    read_latency() {
        "A latency runs from the moment at which an order <em>should</em> have been sent, so that a shop that stalls cannot hide it by making the load wait."
        "지연 시간은 주문을 보내기로 <em>예정된</em> 시각부터 잽니다. 쇼핑몰이 멈추어 부하가 기다리더라도 그 시간이 숨겨지지 않습니다."
    }
    read_percentiles() {
        "The percentile charts stretch their right end: each step is ten times rarer than the last. A steep end means that a few orders wait very long."
        "백분위수 차트는 오른쪽 끝을 늘여 놓았습니다. 한 눈금마다 열 배 드문 주문입니다. 끝이 가파르면 아주 오래 기다린 주문이 있다는 뜻입니다."
    }
    read_pairs() {
        "Trials of the modes alternate and are compared in pairs, because a machine’s own speed changes from minute to minute. Do not compare figures with those of another run or machine; compare ratios, or use <code>{CLEAVE} diff</code>."
        "컴퓨터의 속도는 시시각각 달라지므로 모드를 번갈아 시행하고 짝을 지어 비교합니다. 다른 실행이나 다른 컴퓨터의 수치와 직접 비교하지 말고, 비율을 비교하거나 <code>{CLEAVE} diff</code>를 쓰세요."
    }
    read_different() {
        "“Different” means more than 5 %, and that chance would show as much in at most one run of twenty, over all figures together. “No difference shown” does not say that there is none."
        "‘다름’은 차이가 5 %를 넘고, 우연만으로 이런 차이가 나올 실행이 모든 수치를 통틀어 스무 번에 한 번 이하라는 뜻입니다. ‘차이가 드러나지 않음’은 차이가 없다는 뜻이 아닙니다."
    }
    read_costs() {
        "Costs and memory include the servers, where they could be measured; a page of memory that processes share counts once."
        "비용과 메모리에는 측정할 수 있는 경우 서버도 포함됩니다. 프로세스들이 공유하는 메모리 페이지는 한 번만 셉니다."
    }
    repeat_title() { "How to repeat it" "다시 실행하는 법" }
    repeat_note() {
        "The same seed sends the same orders. Every figure here, and more, is in <code>run.json</code> beside this page."
        "시드가 같으면 같은 주문을 보냅니다. 여기에 있는 모든 수치와 그 밖의 수치가 이 페이지 옆의 <code>run.json</code>에 있습니다."
    }
    written_by(version) {
        "Written by cleave {version}. This page is one file and needs no network."
        "cleave {version}에서 만든 보고서입니다. 파일 하나로 되어 있으며 네트워크가 필요 없습니다."
    }

    // Why a run cannot be read
    cannot_read(path) { "cannot read {path}" "{path} 파일을 읽을 수 없습니다" }
    no_run_in(folder) {
        "{folder} has no run.json: give the folder of a run that `{CLEAVE} compare` wrote, e.g. .cleave/runs/latest"
        "{folder} 폴더에 run.json이 없습니다. `{CLEAVE} compare`가 만든 실행 폴더를 지정하세요. 예: .cleave/runs/latest"
    }
    too_large(path) {
        "{path} is larger than 64 MB; a run is far smaller: give the run.json that `{CLEAVE} compare` wrote"
        "{path} 파일이 64 MB보다 큽니다. 실행 기록은 훨씬 작습니다. `{CLEAVE} compare`가 만든 run.json을 지정하세요"
    }
    other_version(path, found, read) {
        "{path} says its schema is \"{found}\", and this program reads \"{read}\": read it with the version of cleave that wrote it, or run `{CLEAVE} compare` again"
        "{path} 파일의 형식은 \"{found}\"이고 이 프로그램은 \"{read}\"을 읽습니다. 파일을 만든 버전의 cleave로 읽거나 `{CLEAVE} compare`를 다시 실행하세요"
    }
    other_record(path, found, read) {
        "{path} is a record of another kind, \"{found}\"; this needs \"{read}\", as `{CLEAVE} compare` writes it without --scenario"
        "{path} 파일은 다른 종류의 기록(\"{found}\")입니다. `{CLEAVE} compare`가 --scenario 없이 만든 \"{read}\"이 필요합니다"
    }
    damaged(path, schema, why) {
        "{path} is not a whole {schema} file ({why}); run `{CLEAVE} compare` again"
        "{path} 파일은 온전한 {schema} 파일이 아닙니다({why}). `{CLEAVE} compare`를 다시 실행하세요"
    }

    // Two runs side by side
    run_line(which, started, version, seed) {
        "{which}: {started}, cleave {version}, seed {seed}" "{which}: {started}, cleave {version}, 시드 {seed}"
    }
    first() { "first" "첫 번째" }
    second() { "second" "두 번째" }
    second_over_first() { "second ÷ first" "두 번째 ÷ 첫 번째" }
    differs(what, first, second) { "different {what}: {first} | {second}" "다른 {what}: {first} | {second}" }
    what_machine() { "machine" "컴퓨터" }
    what_load() { "load" "부하" }
    what_mix() { "intended outcomes" "의도한 결과" }
    what_seed() { "seed" "시드" }
    what_version() { "version of cleave" "cleave 버전" }
    what_commit() { "commit" "커밋" }
    what_flaws() { "flaws" "결함" }
    what_servers() { "servers" "서버" }
    what_trials() { "trials" "시행 횟수" }
    nothing() { "none" "없음" }
    nothing_differs() {
        "Machine, load, seed, version and settings are the same." "컴퓨터, 부하, 시드, 버전, 설정이 모두 같습니다."
    }
    only_in(driver, run) { "{driver}: only in {run}" "{driver}: {run}에만 있습니다" }
    no_difference_in(driver) { "{driver}: no difference shown" "{driver}: 차이가 드러나지 않았습니다" }
    driver_verdicts(driver, first, second) { "{driver}: audit {first} | {second}" "{driver}: 감사 {first} | {second}" }
}

terminal::texts! {
    // Why a figure is missing
    unreadable() {
        "not every process could be read: it had ended, or this process may open no more files (ulimit -n)"
        "읽지 못한 프로세스가 있습니다. 이미 끝났거나, 파일을 더 열 수 없었습니다(ulimit -n)"
    }
    none_decided() {
        "no order was decided in the measured time" "측정한 시간에 결정된 주문이 없습니다"
    }
    not_on_this_machine() {
        "their processes cannot be seen from here" "여기에서는 서버의 프로세스를 볼 수 없습니다"
    }
    no_inbox_counts() { "this shop has no inbox that counts them" "메시지를 세는 인박스가 없는 쇼핑몰입니다" }

    // Sentences of a comparison
    throughput_differs(other, seen, baseline) {
        "{other} decides orders at {seen}× the rate of {baseline}"
        "{other}의 초당 결정 건수는 {baseline}의 {seen}배입니다"
    }
    answered_p50_differs(other, seen, baseline) {
        "{other} answers the median order in {seen}× the time of {baseline}"
        "{other}의 응답 시간 중앙값은 {baseline}의 {seen}배입니다"
    }
    answered_p99_differs(other, seen, baseline) {
        "{other} answers 99 of 100 orders within {seen}× the time of {baseline}"
        "{other}에서 주문 100건 가운데 99건이 응답을 받기까지의 시간은 {baseline}의 {seen}배입니다"
    }
    decided_p50_differs(other, seen, baseline) {
        "{other} decides the median order in {seen}× the time of {baseline}"
        "{other}의 결정 시간 중앙값은 {baseline}의 {seen}배입니다"
    }
    decided_p99_differs(other, seen, baseline) {
        "{other} decides 99 of 100 orders within {seen}× the time of {baseline}"
        "{other}에서 주문 100건 가운데 99건이 결정되기까지의 시간은 {baseline}의 {seen}배입니다"
    }
    cpu_differs(other, seen, baseline) {
        "{other} spends {seen}× the processor time per order of {baseline}"
        "{other}의 주문당 CPU 시간은 {baseline}의 {seen}배입니다"
    }
    transactions_differ(other, seen, baseline) {
        "{other} runs {seen}× the database transactions per order of {baseline}"
        "{other}의 주문당 데이터베이스 트랜잭션은 {baseline}의 {seen}배입니다"
    }
    wal_differs(other, seen, baseline) {
        "{other} writes {seen}× the write-ahead log per order of {baseline}"
        "{other}의 주문당 WAL(로그 선행 기록)은 {baseline}의 {seen}배입니다"
    }
    memory_differs(other, seen, baseline) {
        "{other} holds {seen}× the memory of {baseline}" "{other}의 메모리 사용량은 {baseline}의 {seen}배입니다"
    }
    ready_differs(other, seen, baseline) {
        "{other} is ready in {seen}× the time of {baseline}" "{other}의 준비까지 걸린 시간은 {baseline}의 {seen}배입니다"
    }
    with_range(sentence, range) { "{sentence} ({range})" "{sentence} (구간 {range})" }
    no_pair(figure, other, baseline) {
        "{figure}: no trial has a figure for both {other} and {baseline}, so there is no ratio"
        "{figure}: {other}, {baseline} 양쪽의 수치가 있는 시행이 없어서 비율이 없습니다"
    }
    one_pair(figure, other, baseline, seen) {
        "{figure}: no difference shown between {other} and {baseline}; {seen} was seen, but one pair of trials cannot tell a difference from chance"
        "{figure}: {other}, {baseline} 사이에 차이가 드러나지 않았습니다. 측정된 비율은 {seen}입니다. 하지만 시행 한 쌍으로는 차이와 우연을 구별할 수 없습니다"
    }
    not_shown(figure, other, baseline, seen, range) {
        "{figure}: no difference shown between {other} and {baseline} ({seen}, {range})"
        "{figure}: {other}, {baseline} 사이에 차이가 드러나지 않았습니다 ({seen}, 구간 {range})"
    }
    too_varied(sentence) {
        "{sentence}; the trials vary too much to tell" "{sentence}. 시행마다 값이 너무 달라서 판단할 수 없습니다"
    }
    too_small(sentence) {
        "{sentence}; it is below 5 %, too small to matter" "{sentence}. 5 %보다 작아서 의미가 없습니다"
    }

    // Two runs side by side
    first_run() { "the first run" "첫 번째 실행" }
    second_run() { "the second run" "두 번째 실행" }
    no_driver_in_common() {
        "No driver is in both runs, so there is nothing to compare."
        "두 실행에 함께 있는 드라이버가 없어서 비교할 것이 없습니다."
    }
    trial_without_evidence(run, driver, trial) {
        "In {run}, {driver}, trial {trial} is no evidence: its load generator could not send every order."
        "{run}의 {driver}, 시행 {trial}: 증거가 되지 못합니다. 부하 생성기가 모든 주문을 보내지 못했습니다."
    }
    not_alternated() {
        "The trials of two runs did not alternate: a ratio also includes everything else that changed on the machine between them. Repeat both runs before you trust a small difference."
        "두 실행의 시행은 번갈아 가며 실행되지 않았습니다. 그 사이에 컴퓨터에서 달라진 것도 비율에 들어 있으므로, 작은 차이는 두 실행을 모두 다시 해 본 뒤에 믿으세요."
    }
    machines_differ() {
        "The machines differ: the ratios compare the machines as well as the programs."
        "컴퓨터가 다릅니다. 이 비율은 프로그램뿐 아니라 컴퓨터도 함께 비교한 것입니다."
    }
    load_differs() {
        "The loads differ: each run did different work." "부하가 다릅니다. 두 실행이 서로 다른 일을 했습니다."
    }
    few_trials() {
        "A driver has fewer than two trials in one of the runs: no difference can be shown."
        "시행이 두 번이 안 되는 드라이버가 있어서 차이를 보일 수 없습니다."
    }
    run_violated(run) {
        "In {run} an invariant was violated: its figures are those of an incorrect shop."
        "{run}에서 불변식이 깨졌습니다. 잘못 동작한 쇼핑몰의 수치입니다."
    }
    run_without_evidence(run) {
        "In {run} at least one invariant has no evidence; that is not a pass." "{run}에 증거가 없는 불변식이 있습니다. 통과가 아닙니다."
    }
}

/// A missing figure by its shown name.
pub fn missing(figure: &str) -> String {
    match figure {
        "costs per order" => cost_per_order(),
        "processor time of the shop" => shop_cpu(),
        "processor time of the servers" => servers_cpu(),
        "messages" => messages(),
        "peak memory" => peak_memory(),
        other => other.to_owned(),
    }
}

/// Why an order was not accepted or not sent. HTTP statuses are the same in every language.
pub fn reason(reason: &str) -> String {
    match reason {
        "timed out" => timed_out(),
        "no connection" => no_connection(),
        "connection lost" => connection_lost(),
        // "answer" in runs that were recorded before this reason was renamed.
        "response cut short" | "answer cut short" => response_cut_short(),
        "not sent: too many in flight" => too_many_in_flight(),
        "too many open files in the load generator (ulimit -n)" => many_open_files(),
        "too many open files on this machine" => machine_open_files(),
        "no local port left for the load generator" => no_local_port(),
        "no memory left for the load generator" => no_memory(),
        other => other.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use terminal::language::{Language, has_hangul, with};

    #[test]
    fn reasons_of_old_runs_are_translated() {
        for (recorded, english) in
            [("response cut short", "response cut short"), ("answer cut short", "response cut short")]
        {
            assert_eq!(with(Language::English, || super::reason(recorded)), english);
            assert!(with(Language::Korean, || has_hangul(&super::reason(recorded))), "{recorded}");
        }
    }
}
