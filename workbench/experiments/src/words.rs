//! The texts of the experiments, in English and in Korean: scenarios, comparisons, soaks, crash matrices, flaws,
//! benchmarks.

terminal::words! {
    // Progress
    starting(driver) { "{driver}: starting" "{driver}: 시작하는 중" }
    starting_and_seeding() { "starting and seeding" "시작하고 데이터를 넣는 중" }
    auditing(driver) {
        "{driver}: waiting until all is decided, and auditing" "{driver}: 모든 주문이 결정되기를 기다려 감사하는 중"
    }
    waiting_and_auditing() { "waiting until all is decided, and auditing" "모든 주문이 결정되기를 기다려 감사하는 중" }
    trial_of(driver, number, trials) { "{driver}, trial {number} of {trials}" "{driver}, 시행 {number}/{trials}" }
    at_rate(rate, seconds) { "{rate} orders/s for {seconds} s" "초당 주문 {rate}건, {seconds}초 동안" }
    at_full_speed(clients, seconds) {
        "{clients} clients for {seconds} s, each as fast as it can" "클라이언트 {clients}개, {seconds}초 동안 최대 속도로"
    }
    playing(driver, scenario, length) { "{driver}: {scenario} for {length}" "{driver}: {scenario}, {length} 동안" }
    step_at(step, seconds) { "{step}, at {seconds} s" "{step}, {seconds}초에" }
    crash_in(driver, point, process) { "{driver}: {point} in {process}" "{driver}: {process}의 {point}" }
    soaking(driver, rate, length) { "{driver}: {rate} orders/s for {length}" "{driver}: 초당 주문 {rate}건, {length} 동안" }
    faults_so_far(elapsed, faults, next) {
        "{elapsed}: {faults} faults, next {next}" "{elapsed}: 장애 {faults}건, 다음 {next}"
    }
    one_more(elapsed, fault) { "{elapsed}: one more {fault}" "{elapsed}: 한 번 더 {fault}" }
    without_and_with(flaw) { "{flaw}: without the flaw, and with it" "{flaw}: 결함 없이, 그리고 결함을 켜고 실행" }

    // Steps of a scenario
    scale_to(service, instances) { "scale {service} to {instances}" "{service} 스케일 아웃: {instances}개" }
    deploy(service) { "deploy {service}" "{service} 배포" }
    deploy_again(service, time) {
        "deploy {service} again and again for {time}" "{service} 배포를 {time} 동안 되풀이"
    }
    flash_sale(products) { "flash sale of {products} products" "상품 {products}개의 반짝 세일" }

    // The report of a scenario
    nothing_disturbed(driver) { "{driver}: nothing was disturbed" "{driver}: 주입한 장애가 없습니다" }
    radius_of(driver) {
        "{driver}, the blast radius: served (failed), first failure and recovery after the start"
        "{driver}, 영향 범위: 응답 비율(실패 수), 장애 시작부터 첫 실패와 회복까지"
    }
    radius() {
        "Blast radius: served (failed), first failure and recovery after the start"
        "영향 범위: 응답 비율(실패 수), 장애 시작부터 첫 실패와 회복까지"
    }
    not_sent(times, reason) {
        "no evidence, because {times} requests could not be sent: {reason}"
        "증거 없음: 요청 {times}건을 보내지 못했습니다. 원인: {reason}"
    }
    no_counterpart(driver, step) { "no counterpart in {driver}: {step}" "{driver}에는 해당하는 것이 없음: {step}" }
    without_counterpart() { "Without counterpart here" "이 모드에는 해당하는 것이 없는 단계" }
    hit_nothing_in(driver, fault) { "hit nothing in {driver}: {fault}" "{driver}에서 영향을 준 것이 없음: {fault}" }
    deployed(service, times, each, slowest) {
        "{service} deployed {times}×, {each} ms per instance, the slowest {slowest} ms"
        "{service} 배포 {times}번, 인스턴스마다 {each} ms, 가장 느린 것 {slowest} ms"
    }
    browse() { "browse" "둘러보기" }
    order_accepted() { "order, accepted" "주문(접수)" }
    order() { "order" "주문" }
    pay() { "pay" "충전" }
    track() { "track" "조회" }
    stale(answers) { ", {answers} stale" ", 오래된 응답 {answers}" }
    of_failed(share, failed, sent, stale) { "{share} ({failed} of {sent} failed{stale})" "{share} ({sent}건 가운데 {failed}건 실패{stale})" }
    orders_accepted() { "orders accepted" "접수된 주문" }
    orders_lost() { "orders lost" "유실된 주문" }
    orders_doubled() { "orders doubled" "중복된 주문" }
    of(some, all) { "{some} of {all}" "{all}건 가운데 {some}건" }
    decided_in_2_s() { "decided in 2 s" "2초 안에 결정" }
    decided_later() { "decided later" "그 뒤에 결정" }
    later_of(delayed, decided, slowest) {
        "{delayed} of {decided}, the slowest {slowest} s" "{decided}건 가운데 {delayed}건, 가장 느린 것 {slowest}초"
    }
    none_decided() { "none was decided" "결정된 주문 없음" }
    none_wanted() { "no orders to send" "보낸 주문 없음" }
    databases_disagreed() { "databases disagreed" "불일치 구간" }
    steady_before() { "steady before" "시작 전 정상 상태" }
    steady_after() { "steady after" "끝난 뒤 정상 상태" }
    started_again() { "started again" "다시 시작됨" }
    nothing() { "nothing" "없음" }
    none() { "none" "없음" }
    yes() { "✓ yes" "✓ 예" }
    no() { "✗ no" "✗ 아니요" }
    not_asked_for() { "not asked for" "요청하지 않음" }
    untouched() { "untouched" "영향 없음" }
    no_evidence() { "no evidence" "증거 없음" }
    second_served(second, served, sent) { "second {second}: {served} of {sent} served" "{second}초: {sent}건 가운데 {served}건 응답" }
    second_of(second, said) { "second {second}: {said}" "{second}초: {said}" }
    disagreeing(orders) { "{orders} orders inconsistent" "불일치 주문 {orders}건" }
    chart_disagreeing() { "inconsistent orders" "불일치 주문" }
    chart_anomalies() { "anomalies" "이상" }
    at_most(most, top) { "at most {most} at once; the scale ends at {top}" "동시에 최대 {most}건, 눈금 최댓값 {top}" }
    windows(p50, p99, longest, open) { "p50 {p50}, p99 {p99}, longest {longest}{open}" "p50 {p50}, p99 {p99}, 최장 {longest}{open}" }
    still_open(orders) { ", {orders} still open" ", 아직 열린 것 {orders}건" }
    page_soft(length, seed, machine) {
        "{length} s of load, seed {seed}; {machine}. Shaded: something was disturbed. The upper part of a bar, in the other colour, is what was not served in that second."
        "부하 {length}초, 시드 {seed}; {machine}. 음영은 장애를 주입한 구간입니다. 막대의 위쪽(다른 색)은 그 1초 동안 응답하지 못한 부분입니다."
    }
    served_failed(share, failed) { "{share} served, {failed} failed" "{share} 응답, {failed}건 실패" }
    served_over_time(name, share) { "{name}: {share} served over time" "{name}: 시간에 따른 응답 비율, {share}" }
    over_time(name, most) { "{name} over time: {most}" "시간에 따른 {name}: {most}" }
    meanwhile() { "The databases during the run" "실행 중 데이터베이스의 상태" }
    disagreement_head() { "disagreement about an order" "주문 하나의 불일치 구간" }
    lasted() { "lasted" "길이" }
    longest() { "longest" "최장" }
    orders() { "orders" "주문" }
    open_head() { "still open" "아직 열린 것" }
    orders_title() { "Orders" "주문" }
    orders_line(wanted, accepted, decided, delayed) {
        "{wanted} attempted, {accepted} accepted, {decided} decided, {delayed} of them later than 2 s after they were wanted."
        "보내려던 주문 {wanted}건, 접수 {accepted}건, 결정 {decided}건, 그 가운데 2초보다 늦은 것 {delayed}건."
    }
    decided_within(share) { "Decided within 2 s: {share}" "2초 안에 결정: {share}" }
    lost_doubled(lost, doubled) { "{lost} lost, {doubled} doubled" "유실된 주문 {lost}건, 중복된 주문 {doubled}건" }
    faults_title() { "Faults" "장애" }
    hit_nothing() { "hit nothing" "영향을 준 것이 없음" }
    hits(hits) { "{hits} hits" "영향 {hits}회" }
    was_deployed(service, instances, took) {
        "{service} was deployed: {instances} instances replaced in {took} ms." "{service} 배포: 인스턴스 {instances}개를 {took} ms에 교체했습니다."
    }
    audit_title() { "Audit" "감사" }
    verdict(verdict) { "Verdict: {verdict}" "판정: {verdict}" }

    // A soak
    soaked(driver, seconds, verdict) { "{driver}, in {seconds} s: {verdict}" "{driver}, {seconds}초: {verdict}" }
    slowest_after(seconds) { "after {seconds} s" "{seconds}초 뒤" }
    soak_orders(wanted, accepted, decided, share, least, lost, doubled, soon, later, slowest) {
        "orders: {wanted} attempted, {accepted} accepted, {decided} decided ({share} %, at least {least} %), {lost} lost, {doubled} doubled, {soon} decided within 2 s, {later} later, the slowest {slowest}"
        "주문: 보내려던 것 {wanted}건, 접수 {accepted}건, 결정 {decided}건({share} %, 최소 {least} %), 유실 {lost}건, 중복 {doubled}건, 2초 안에 결정 {soon}건, 그 뒤 {later}건, 가장 느린 것 {slowest}"
    }
    head_fault() { "fault" "장애" }
    head_planned() { "planned" "계획" }
    head_fired() { "fired" "일어남" }
    head_hits() { "hits" "영향" }
    soak_hit_nothing(fault) { "hit nothing: {fault}" "영향을 준 것이 없음: {fault}" }
    not_made(fault) { "could not be made: {fault}" "주입하지 못함: {fault}" }
    restarts(restarts) { "restarts: {restarts}" "재시작: {restarts}" }

    // A chaos monkey
    faults_in(faults, length, seed) {
        "{faults} faults in {length}, with seed {seed}; Ctrl-C heals all" "{length} 동안 장애 {faults}건, 시드 {seed}. Ctrl-C를 누르면 모두 복구합니다"
    }
    stopped() { "stopped" "멈춤" }
    fault_made(seconds, shop, id, fault, length) {
        "{seconds} s  {shop}: fault {id}, {fault}, for {length}" "{seconds}초  {shop}: 장애 {id}, {fault}, {length} 동안"
    }
    fault_refused(seconds, shop, why) { "{seconds} s  {shop}: not done: {why}" "{seconds}초  {shop}: 주입하지 못함: {why}" }

    // A crash matrix
    crash_point() { "crash point" "크래시 지점" }
    crashes(crashes, seconds, setting, held, violated, silent) {
        "{crashes} crashes in {seconds} s{setting}: {held} held, {violated} violated, {silent} did not fire"
        "크래시 {crashes}번, {seconds}초{setting}: 지켜짐 {held}, 깨짐 {violated}, 일어나지 않음 {silent}"
    }
    with_instances(instances) { ", {instances} instances per service" ", 서비스마다 인스턴스 {instances}개" }
    with_slow_database(ms) {
        ", database responses delayed by {ms} ms on average" ", 데이터베이스 응답을 평균 {ms} ms 늦춤"
    }
    cell(point, driver, seed, outcome) { "{point} on {driver}, seed {seed}: {outcome}" "{driver}의 {point}, 시드 {seed}: {outcome}" }
    again(command) { "again: {command}" "다시 실행: {command}" }
    some_of(outcome, some, all) { "{outcome} ({some} of {all})" "{outcome} ({all}번 가운데 {some}번)" }
    cell_held() { "held" "지켜짐" }
    cell_violated() { "VIOLATED" "깨짐" }
    cell_silent() { "did not fire" "일어나지 않음" }

    // Flaws
    head_flaw() { "flaw" "결함" }
    head_rule() { "rule" "규칙" }
    head_left_out() { "what is left out" "빠진 것" }
    head_breaks() { "breaks" "깨지는 것" }
    head_seen_on() { "seen on" "보이는 드라이버" }
    flaws_list(table) {
        "{table}\n\nAll are off. `{CLEAVE} flaws show NAME` runs a shop without and with one, and says what broke.\n`--flaws NAME,NAME` of `{CLEAVE} up` and `{CLEAVE} compare` switches them on.\nThe rules are those of docs/rules.md, the invariants those of docs/reading-a-report.md."
        "{table}\n\n모두 꺼져 있습니다. `{CLEAVE} flaws show NAME`은 결함 없이, 그리고 결함을 켜고 쇼핑몰을 실행하여 무엇이 깨졌는지 보여 줍니다.\n`{CLEAVE} up`과 `{CLEAVE} compare`의 `--flaws NAME,NAME`으로 켭니다.\n규칙은 docs/rules.md에, 불변식은 docs/reading-a-report.ko.md에 있습니다."
    }
    flaw_head(name, rule, driver) { "{name} (rule {rule}, on {driver})" "{name} (규칙 {rule}, {driver})" }
    head_invariant() { "invariant" "불변식" }
    without_flaw() { "without the flaw" "결함 없이" }
    with_flaw() { "with it" "결함을 켜고" }
    must_break() { "  ← must break" "  ← 깨져야 함" }
    caught(breaks, seconds) {
        "Caught: under the same disturbance, everything holds without the flaw, and {breaks} breaks with it. {seconds} s."
        "잡아냄: 같은 상황에서 결함이 없으면 모두 지켜지고, 결함이 있으면 {breaks}이(가) 깨집니다. {seconds}초."
    }
    not_caught(breaks, seconds) {
        "NOT CAUGHT: without the flaw everything should hold, and with it this should break: {breaks}. {seconds} s."
        "잡아내지 못함: 결함이 없으면 모두 지켜지고, 결함이 있으면 {breaks}이(가) 깨져야 합니다. {seconds}초."
    }

    // Benches
    turn_of(round, rounds, in_flight, name) {
        "round {round} of {rounds}, {in_flight} in flight: {name}" "{round}/{rounds}회, 처리 중인 주문 {in_flight}건: {name}"
    }
    not_all_decided(turn, orders, reasons) {
        "{turn}: {orders} orders were not accepted or not decided{reasons}" "{turn}: 접수되지 않았거나 결정되지 않은 주문 {orders}건{reasons}"
    }
    in_flight(orders, sessions) {
        "{orders} orders in flight: orders decided per second, and checkouts per second of pgbench in {sessions} sessions"
        "처리 중인 주문 {orders}건: 초당 결정된 주문 수, 그리고 세션 {sessions}개를 쓰는 pgbench의 초당 체크아웃 수"
    }
    decided_per_s() { "orders decided/s" "결정된 주문/초" }
    per_s_to_pgbench() { "orders/s ÷ pgbench" "주문/초 ÷ pgbench" }
    per_s_to_monolith() { "orders/s ÷ monolith:local" "주문/초 ÷ monolith:local" }
    decided_p50_ms() { "decided p50, ms" "결정 p50, ms" }
    decided_p99_ms() { "decided p99, ms" "결정 p99, ms" }
    p50_to_monolith() { "decided p50 ÷ monolith:local" "결정 p50 ÷ monolith:local" }
    cpu_ms() { "CPU per order, ms" "주문당 CPU, ms" }
    cpu_ms_programs() { "CPU of the programs, ms" "프로그램의 CPU, ms" }
    cpu_ms_servers() { "CPU of the servers, ms" "서버의 CPU, ms" }
    cpu_to_monolith() { "CPU per order ÷ monolith:local" "주문당 CPU ÷ monolith:local" }
    memory_mb() { "peak memory with servers, MB" "서버를 포함한 최대 메모리, MB" }
    orders_not_decided() { "orders not decided" "결정되지 않은 주문" }
    best_split(driver, to_monolith, to_pgbench) {
        "best split driver: {driver}; orders/s ÷ monolith:local {to_monolith}, ÷ pgbench {to_pgbench}"
        "가장 많이 결정한 split 드라이버: {driver}. 주문/초 ÷ monolith:local {to_monolith}, ÷ pgbench {to_pgbench}"
    }
    head_round() { "round" "회" }
    head_ratio() { "ratio" "비율" }
    median() { "median (min–max)" "중앙값 (최소–최대)" }
    mean_95() { "mean (95 %)" "평균 (95 %)" }
    busy_loops(how, loops, rate, length) {
        "{how}: {loops} busy loops beside {rate} orders/s for {length}" "{how}: CPU를 계속 쓰는 루프 {loops}개와 초당 주문 {rate}건, {length} 동안"
    }
    with_proxies() { "with proxies" "프록시 있음" }
    without_proxies() { "without proxies" "프록시 없음" }
    head_shop() { "shop" "쇼핑몰" }
    head_proxies() { "proxies" "프록시" }
    head_served() { "served" "응답" }
    p50_ms() { "p50, ms" "결정 p50, ms" }
    p99_ms() { "p99, ms" "결정 p99, ms" }
    head_late() { "sent late, ms" "늦게 보냄, ms" }
    head_taken_out() { "removed while alive" "살아 있는데 제외됨" }
    head_goal_busy() { "≥ 95 %, p99 ≤ 2 s" "목표: 95 % 이상, p99 2초 이하" }
    share_of(share, all) { "{share} % of {all}" "{all}건의 {share} %" }
    has() { "yes" "있음" }
    has_not() { "no" "없음" }
    met() { "✓ met" "✓ 달성" }
    missed() { "✗ missed" "✗ 미달" }
    with_live_audit() { "with the live audit" "실시간 감사를 켜고" }
    without_live_audit() { "without it" "실시간 감사 없이" }
    round_of(driver, number, rounds, how) { "{driver}, round {number} of {rounds}: {how}" "{driver}, {number}/{rounds}회: {how}" }
    head_without() { "without, orders/s" "없을 때, 주문/초" }
    head_with() { "with, orders/s" "있을 때, 주문/초" }
    head_looks() { "audits" "감사 횟수" }
    breaks(driver, what, time, times) {
        "{driver}: {what}, {time} of {times}" "{driver}: {what}, {time}/{times}회"
    }
    table() { "table locked" "테이블 잠금" }
    binding() { "command unroutable" "명령 라우팅" }
    needs_a_broker() { "the monolith has no broker" "모놀리스에는 브로커가 없습니다" }
    database() { "database" "데이터베이스" }
    broker() { "broker" "브로커" }
    head_broken() { "what failed" "고장 난 것" }
    head_others_s() { "others, s" "다른 주문, 초" }
    head_times() { "times" "횟수" }
    head_median_s() { "median, s" "중앙값, 초" }
    head_longest_s() { "longest, s" "최장, 초" }
    head_goal_s() { "goal: 5 s, others 2 s" "목표: 5초, 다른 주문 2초" }

    // Errors: a scenario's file
    cannot_read_scenario(path) { "cannot read the scenario {path}" "시나리오 {path}을(를) 읽을 수 없습니다" }
    scenario_invalid(path) { "the scenario {path} cannot be run" "시나리오 {path}을(를) 실행할 수 없습니다" }
    length_out_of_range(most) { "length_s must be greater than 0 and at most {most}" "length_s는 0보다 크고 {most} 이하여야 합니다" }
    share_out_of_range() { "steady.served must be a share between 0 and 1" "steady.served는 0~1 범위의 비율이어야 합니다" }
    steady_too_long() {
        "steady.over_s must be at most half of the scenario" "steady.over_s는 시나리오 길이의 절반 이하여야 합니다"
    }
    step_of_file(step, seconds) { "step {step}, at {seconds} s" "{step}번째 단계({seconds}초)" }
    step_too_early(step) {
        "step {step} comes before the one above it; write the steps in the order of time"
        "{step}번째 단계가 바로 위의 단계보다 앞섭니다. 단계를 시간순으로 쓰세요"
    }
    step_too_late(step, length) {
        "step {step} comes after the end of the scenario, {length}" "{step}번째 단계가 시나리오의 끝({length})보다 뒤에 있습니다"
    }
    second_sale(step) {
        "step {step} begins a flash sale while another one is on" "{step}번째 단계의 반짝 세일이 다른 반짝 세일과 겹칩니다"
    }
    step_goes_on(step) { "step {step} goes on after the scenario" "{step}번째 단계가 시나리오보다 늦게 끝납니다" }
    instances_out_of_range(most) { "instances must be between 1 and {most}" "instances는 1~{most} 범위여야 합니다" }
    only_with_deploy() { "again_for_s can only be given with deploy" "again_for_s는 deploy와 함께만 쓸 수 있습니다" }
    step_is_empty(known) { "it does nothing; give it one of {known}" "하는 일이 없습니다. 다음 중 하나를 쓰세요: {known}" }
    step_has_several(known) {
        "it does several things; write one step for each of {known}" "한 단계에 동작이 여러 개 있습니다. 동작마다 단계를 나누세요: {known}"
    }
    sale_products(most) {
        "flash_sale.products must be between 1 and {most}" "flash_sale.products는 1~{most} 범위여야 합니다"
    }
    sale_quota() { "flash_sale.quota must be at least 1" "flash_sale.quota는 1 이상이어야 합니다" }
    sale_end() { "flash_sale.for_s must end within the scenario" "flash_sale.for_s는 시나리오 안에서 끝나야 합니다" }
    no_such_service(name, known) {
        "{name} cannot be scaled or deployed; these can: {known}"
        "{name}은(는) 스케일 아웃하거나 배포할 수 없습니다. 가능한 서비스: {known}"
    }
    rate_out_of_range(most, rate) {
        "a rate of the load must be between 0 and {most} per second, not {rate}"
        "부하는 초당 0~{most} 범위여야 합니다. {rate}은(는) 쓸 수 없습니다"
    }
    not_seconds(name, value) {
        "{name} must be a time in seconds, not {value}" "{name}에는 시간을 초로 써야 합니다. {value}은(는) 쓸 수 없습니다"
    }
    fault_ends_late(fault, from) {
        "{fault} at {from} ends after the scenario, so the recovery would not be seen"
        "{from}의 {fault}: 시나리오보다 늦게 끝나서 회복을 볼 수 없습니다"
    }
    faults_overlap(fault, from, other) {
        "{fault} at {from} overlaps with the same fault at {other}" "{from}의 {fault}: {other}의 같은 장애와 겹칩니다"
    }

    // Errors: running
    cannot_create(path) { "cannot create {path}" "{path}을(를) 만들 수 없습니다" }
    logs_are_in(driver, path) { "{driver}; its logs: {path}" "{driver}. 로그: {path}" }
    cannot_write_json() { "cannot write the run as JSON" "실행 기록을 JSON으로 쓸 수 없습니다" }
    cannot_draw() { "cannot draw the report" "보고서를 그릴 수 없습니다" }
    while_auditing() { "during the audit" "감사하는 중" }
    servers_in_use() { "the servers are still in use" "서버를 아직 쓰고 있습니다" }
    is_not_up(up) { "this shop is not up; these are: {up}" "이 쇼핑몰은 실행 중이 아닙니다. 실행 중: {up}" }
    while_planning(kind, target) { "cannot plan {kind} on {target}" "{target}에 {kind} 장애를 계획할 수 없습니다" }
    crashes_of(driver) { "the crashes of {driver}" "{driver}의 크래시" }
    no_point_in_drivers() {
        "none of these points exists in any of these drivers; `{CLEAVE} crash-matrix --help` lists them"
        "이 드라이버들에는 그런 크래시 지점이 없습니다. `{CLEAVE} crash-matrix --help`에 목록이 있습니다"
    }
    no_such_flaw(name, known) {
        "there is no flaw \"{name}\"; use one of: {known}" "\"{name}\" 결함은 없습니다. 쓸 수 있는 결함: {known}"
    }
    with_the_flaw() { "with the flaw" "결함을 켜고" }
    during(experiment) { "during the experiment {experiment}" "{experiment} 실험 중" }
    shop_refused(status, said) { "the shop refused an order: {status} {said}" "쇼핑몰이 주문을 거부했습니다: {status} {said}" }
    shop_answered(path, status, said) { "{path} returned {status}: {said}" "{path} 요청의 응답: {status} {said}" }
    not_accepted() { "the shop did not accept an order" "쇼핑몰이 주문을 접수하지 않았습니다" }
    not_decided(limit) { "no order was decided within {limit}" "{limit} 안에 결정된 주문이 없습니다" }
    count_not_reached(limit, count, query) {
        "after {limit} the query still returns {count}: {query}" "{limit}가 지났지만 조회 결과가 아직 {count}입니다: {query}"
    }
    monolith_failed(reasons) {
        "the monolith did not accept every order ({reasons}); see its log"
        "모놀리스가 접수하지 않은 주문이 있습니다({reasons}). 로그를 확인하세요"
    }
    no_pgbench() {
        "pgbench not found; it comes with PostgreSQL's server or client package"
        "pgbench를 찾을 수 없습니다. PostgreSQL의 서버 또는 클라이언트 패키지에 들어 있습니다"
    }
    cannot_run(program) { "cannot run {program}" "{program}을(를) 실행할 수 없습니다" }
    program_failed(program, said) { "{program} failed: {said}" "{program} 실행에 실패했습니다: {said}" }
    no_speed(said) { "pgbench printed no speed: {said}" "pgbench가 속도를 출력하지 않았습니다: {said}" }
    private_only() {
        "only a private server can be killed; leave out --database-url and --amqp-url"
        "전용 서버만 강제 종료할 수 있습니다. --database-url과 --amqp-url을 빼세요"
    }
    no_answer() { "the shop did not respond" "쇼핑몰이 응답하지 않았습니다" }
    order_refused(status) { "an order was refused with HTTP {status}" "주문이 HTTP {status}(으)로 거부되었습니다" }
    none_followed() {
        "the live audit followed no order, so nothing is known about its cost"
        "실시간 감사가 지켜본 주문이 없어서 비용을 알 수 없습니다"
    }
}
