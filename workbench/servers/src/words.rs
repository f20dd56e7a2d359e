//! Texts of this crate, in English and in Korean.

terminal::words! {
    // The machine and this program.
    cannot_list_databases() { "cannot list the databases" "데이터베이스 목록을 읽을 수 없습니다" }
    no_own_path() { "cannot find the path of this program" "이 프로그램의 경로를 알 수 없습니다" }
    cannot_block_signals() { "cannot block signals" "시그널을 막을 수 없습니다" }

    // Progress.
    starting_the_servers() { "Starting the servers" "서버를 시작하는 중" }
    from_url(place) { "{place}, as given" "지정한 서버 {place}" }
    private(folder) { "private, its data in {folder}" "전용 서버, 데이터 폴더 {folder}" }
    in_container(id) { "in container {id}" "컨테이너 {id}" }
    building(programs, minutes) {
        "Building {programs} with cargo: about {minutes} min the first time on this machine, seconds after that"
        "cargo로 {programs}을(를) 빌드하는 중(이 컴퓨터에서 처음에는 약 {minutes}분, 그다음부터는 몇 초)"
    }
    still_building(seconds, crates, line) {
        "Still building: {crates} crates begun in {seconds} s; cargo: {line}"
        "빌드 중: {seconds}초 동안 크레이트 {crates}개를 시작했습니다. cargo: {line}"
    }
    installing(names, command) { "Installing {names}: {command}" "{names} 설치 중: {command}" }
    rabbitmq_starts_again(limit, why, state, said) {
        "RabbitMQ did not respond within {limit} ({why}); the process is {state}. Starting it again{said}"
        "RabbitMQ가 {limit} 안에 응답하지 않았습니다({why}). 프로세스 상태: {state}. 다시 시작합니다{said}"
    }
    busy(signs) { "this machine is busy: {signs}" "이 컴퓨터가 바쁩니다: {signs}" }
    busy_waiting(percent) {
        "programs waited for a processor {percent} % of the time"
        "프로그램들이 시간의 {percent} % 동안 CPU를 기다림"
    }
    busy_load(load, cores) { "load {load} on {cores} cores" "코어 {cores}개에 부하 {load}" }
    busy_late(ms) { "our own clock was {ms} ms late" "자체 타이머가 {ms} ms 늦음" }

    // What a process waits for.
    the_consumer() { "the consumer" "컨슈머" }
    the_relay() { "the relay" "릴레이" }
    the_recovery() { "the recovery" "복구 작업" }
    the_checkout() { "the checkout" "주문 처리" }
    the_http_server() { "the HTTP server" "HTTP 서버" }
    the_periodic_work() { "the periodic work" "주기 작업" }
    the_database() { "the database" "데이터베이스" }
    the_broker() { "the broker" "브로커" }
    part_waits(part, on, since, why) {
        "{part} has waited for {on} since {since}: {why}"
        "{part}: {since}부터 {on}을(를) 기다리는 중 ({why})"
    }

    // Missing servers.
    and(one, other) { "{one} and {other}" "{one} 및 {other}" }
    no_package_manager(names) {
        "{names} not found, and no package manager (apt-get, dnf, pacman, brew) to install with; install by hand, or name \
         running servers with --database-url and --amqp-url"
        "{names}을(를) 찾을 수 없고, 설치에 쓸 패키지 관리자(apt-get, dnf, pacman, brew)도 없습니다. 직접 설치하거나, 실행 중인 \
         서버를 --database-url과 --amqp-url로 지정하세요"
    }
    not_found(names, command) {
        "{names} not found on this machine. Install with: {command} (or run again with --yes)"
        "이 컴퓨터에서 {names}을(를) 찾을 수 없습니다. 설치 명령: {command} (또는 --yes를 붙여 다시 실행하세요)"
    }
    ask_to_install(names, command) {
        "{names} not found on this machine. Install with `{command}`? [Y/n] "
        "이 컴퓨터에서 {names}을(를) 찾을 수 없습니다. `{command}`(으)로 설치할까요? [Y/n] "
    }
    still_not_found(name, command) {
        "{name} was still not found after: {command}"
        "다음 명령을 실행했지만 {name}을(를) 여전히 찾을 수 없습니다: {command}"
    }
    needs_root(names, command) {
        "{names} not found on this machine, and installing needs root. As root, run: {command}"
        "이 컴퓨터에서 {names}을(를) 찾을 수 없고, 설치하려면 root 권한이 필요합니다. root로 실행하세요: {command}"
    }
    sudo_refused(names, command) {
        "sudo refused. Install {names} with: {command}"
        "sudo가 거부했습니다. {names} 설치 명령: {command}"
    }
    command_failed(command, status, last) {
        "{command} failed ({status}):\n  {last}"
        "{command} 실행에 실패했습니다({status}):\n  {last}"
    }
    cannot_run_package_manager() { "cannot run the package manager" "패키지 관리자를 실행할 수 없습니다" }
    installation_broke_off() { "the installation was interrupted" "설치가 중단되었습니다" }
    cannot_lock_installation() { "cannot lock the installation" "설치 잠금을 얻을 수 없습니다" }
    programs_are_gone(name) {
        "the programs of {name} were removed while cleave ran"
        "cleave가 실행되는 동안 {name} 프로그램이 삭제되었습니다"
    }

    // The machine, in a report.
    cores(cores) { "{cores} cores" "코어 {cores}개" }
    memory(mb) { "{mb} MB of memory" "메모리 {mb} MB" }

    // Servers that the user supplied.
    no_answer(limit) { "no response within {limit}" "{limit} 안에 응답이 없습니다" }
    not_a_url(text, why) { "\"{text}\" is not a URL: {why}" "\"{text}\"은(는) URL이 아닙니다: {why}" }
    amqp_unreadable(place, why) {
        "--amqp-url {place} is not valid: {why}"
        "--amqp-url {place} 값이 올바르지 않습니다: {why}"
    }
    no_rabbitmq_at(place) {
        "no RabbitMQ at {place}; check that the server is running, and host and port in --amqp-url"
        "{place}에 RabbitMQ가 없습니다. 서버가 실행 중인지, --amqp-url의 호스트와 포트가 맞는지 확인하세요"
    }
    rabbitmq_refuses(place, why) {
        "RabbitMQ at {place} refused the connection: {why}; check user, password and virtual host in --amqp-url"
        "{place}의 RabbitMQ가 연결을 거부했습니다: {why}. --amqp-url의 사용자, 비밀번호, 가상 호스트를 확인하세요"
    }
    rabbitmq_hangs(place, limit) {
        "RabbitMQ at {place} did not open the connection within {limit}"
        "{place}의 RabbitMQ가 {limit} 안에 연결을 열지 않았습니다"
    }
    closed_without_a_word() { "it closed the connection without a response" "응답 없이 연결을 닫았습니다" }
    not_amqp() {
        "the program that responds there does not speak AMQP 0-9-1"
        "그 주소에서 응답하는 프로그램은 AMQP 0-9-1을 쓰지 않습니다"
    }
    cannot_use_postgres(place, why, advice) {
        "cannot use the PostgreSQL at {place}: {why}. {advice}"
        "{place}의 PostgreSQL을 사용할 수 없습니다: {why}. {advice}"
    }
    check_password() {
        "Check the user and the password in --database-url."
        "--database-url의 사용자와 비밀번호를 확인하세요."
    }
    name_a_database() {
        "In --database-url, name an existing database; cleave creates its own on the same server."
        "--database-url에는 이미 존재하는 데이터베이스를 지정하세요. cleave는 같은 서버에 자체 데이터베이스를 만듭니다."
    }
    check_server_and_url() {
        "Check that the server is running, and host, port, user and password in --database-url."
        "서버가 실행 중인지, --database-url의 호스트, 포트, 사용자, 비밀번호가 맞는지 확인하세요."
    }
    no_version(server) { "{server} does not report its version" "{server}의 버전을 알 수 없습니다" }
    cannot_create_database(name) { "cannot create the database {name}" "데이터베이스 {name}을(를) 만들 수 없습니다" }
    cannot_drop_database(name) { "cannot drop the database {name}" "데이터베이스 {name}을(를) 삭제할 수 없습니다" }
    database_url_unreadable() { "the database URL is not valid" "데이터베이스 URL이 올바르지 않습니다" }
    in_use(path) { "{path} is in use" "{path}은(는) 사용 중입니다" }
    cannot_remove(path) { "cannot remove {path}" "{path}을(를) 삭제할 수 없습니다" }
    removing(command) { "Removing packages: {command}" "패키지 제거 중: {command}" }
    another_manager(manager) {
        "these packages were installed with {manager}, which is not on PATH"
        "이 패키지들을 설치한 {manager}이(가) PATH에 없습니다"
    }
    cannot_read_settings() { "cannot read PostgreSQL's settings" "PostgreSQL 설정을 읽을 수 없습니다" }

    // Private servers.
    no_user_for_postgres() {
        "PostgreSQL cannot run as root, and this machine has no user `postgres` or `nobody` to run it as; run cleave as an \
         ordinary user"
        "PostgreSQL은 root로 실행할 수 없고, 이 컴퓨터에는 대신 쓸 `postgres`나 `nobody` 사용자도 없습니다. 일반 사용자로 \
         cleave를 실행하세요"
    }
    cannot_read_users() { "cannot read the list of users" "사용자 목록을 읽을 수 없습니다" }
    cannot_chown(path, user) {
        "cannot make user {user} the owner of {path}"
        "{path}의 소유자를 사용자 {user}(으)로 바꿀 수 없습니다"
    }
    cannot_create_folder(path) { "cannot create a folder in {path}" "{path}에 폴더를 만들 수 없습니다" }
    no_free_port() {
        "no free TCP port between 15000 and 32000 on 127.0.0.1; stop some of the programs that listen there"
        "127.0.0.1의 15000~32000 사이에 빈 TCP 포트가 없습니다. 그 포트를 쓰는 프로그램을 일부 종료하세요"
    }
    ports_taken(attempts) {
        "each of the {attempts} free ports that PostgreSQL tried was taken in between; try again"
        "PostgreSQL이 시도한 빈 포트 {attempts}개를 모두 그사이에 다른 프로그램이 차지했습니다. 다시 시도하세요"
    }
    postgres_not_ready(limit, said) {
        "PostgreSQL did not respond within {limit}{said}"
        "PostgreSQL이 {limit} 안에 응답하지 않았습니다{said}"
    }
    rabbitmq_not_ready(last, tries) {
        "RabbitMQ did not respond within {last}, nor in {tries} tries before; run again, and see `{CLEAVE} doctor`"
        "RabbitMQ가 {last} 안에, 그리고 그 전의 {tries}번 시도에서도 응답하지 않았습니다. 다시 실행해 보고 `{CLEAVE} doctor`를 \
         확인하세요"
    }
    cannot_write(path) { "cannot write {path}" "{path}에 쓸 수 없습니다" }
    took_too_long(what, limit) { "{what} took more than {limit}" "{what}이(가) {limit}보다 오래 걸렸습니다" }
    cannot_run(what) { "cannot run {what}" "{what}을(를) 실행할 수 없습니다" }
    failed(what, why) { "{what} failed: {why}" "{what} 실행에 실패했습니다: {why}" }
    cannot_look_at(path) { "cannot read {path}" "{path}을(를) 읽을 수 없습니다" }
    disk_too_large(size_gb, most_gb) {
        "PostgreSQL's data is on a file system of {size_gb} GB, and disk_full fills at most {most_gb} GB: mount a small one \
         (mount -t tmpfs -o size=512m tmpfs /mnt/small) and start with --disk /mnt/small"
        "PostgreSQL 데이터가 {size_gb}GB 파일 시스템에 있습니다. disk_full은 {most_gb}GB까지만 채웁니다. 작은 파일 시스템을 \
         마운트하고(mount -t tmpfs -o size=512m tmpfs /mnt/small) --disk /mnt/small로 시작하세요"
    }
    disk_not_full(path, bytes) {
        "{path} took {bytes} bytes and is not full"
        "{path}에 {bytes}바이트를 썼지만 가득 차지 않았습니다"
    }

    // Containers.
    no_docker() {
        "no Docker engine: none of the usual sockets exists; start one, or set DOCKER_HOST to its address"
        "Docker 엔진이 없습니다. 흔히 쓰는 소켓이 하나도 없습니다. 엔진을 시작하거나 DOCKER_HOST에 주소를 설정하세요"
    }
    no_permission(socket) {
        "no permission to use the Docker engine at {socket}; add this user to the socket's group, or set DOCKER_HOST"
        "{socket}의 Docker 엔진을 쓸 권한이 없습니다. 이 사용자를 소켓의 그룹에 넣거나 DOCKER_HOST를 설정하세요"
    }
    engine_does_not_listen(socket, error) {
        "no Docker engine listens at {socket}: {error}; start it, or set DOCKER_HOST"
        "{socket}에서 응답하는 Docker 엔진이 없습니다({error}). 엔진을 시작하거나 DOCKER_HOST를 설정하세요"
    }
    unsupported_engine(host, by) {
        "{host} (from {by}) cannot be used; set DOCKER_HOST to a unix:// or tcp:// address"
        "{host}({by})은(는) 쓸 수 없습니다. DOCKER_HOST에 unix:// 또는 tcp:// 주소를 설정하세요"
    }
    no_such_context(name) {
        "the Docker context {name} is not known; choose another with `docker context use`, or set DOCKER_HOST"
        "Docker 컨텍스트 {name}을(를) 찾을 수 없습니다. `docker context use`로 다른 것을 고르거나 DOCKER_HOST를 설정하세요"
    }
    by_context(name) { "context {name}" "컨텍스트 {name}" }
    by_socket() { "socket" "소켓" }
    no_containers(why) {
        "{why}; going on without containers"
        "{why}. 컨테이너 없이 진행합니다"
    }
    cannot_start_in_container(server) {
        "cannot start {server} in a container"
        "{server}을(를) 컨테이너에서 시작할 수 없습니다"
    }

    // Programs.
    cargo_missing() {
        "cannot run cargo; check that Rust is installed and on PATH"
        "cargo를 실행할 수 없습니다. Rust가 설치되어 있고 PATH에 있는지 확인하세요"
    }
    build_failed(programs, status, said) {
        "cargo could not build {programs} ({status}):\n{said}"
        "cargo가 {programs}을(를) 빌드하지 못했습니다({status}):\n{said}"
    }
    built_elsewhere(program, folder) {
        "cargo built {program}, but not into {folder}; a cargo configuration may set another target folder. Run cleave as \
         `cargo cleave` in its checkout"
        "cargo가 {program}을(를) 빌드했지만 {folder}에는 없습니다. cargo 설정에서 다른 대상 폴더를 쓰고 있을 수 있습니다. \
         저장소 안에서 `cargo cleave`로 실행하세요"
    }
    checkout_gone(path) {
        "the checkout that cleave was built from, {path}, is gone; run `cargo cleave` in a checkout"
        "cleave를 빌드한 저장소 {path}이(가) 없습니다. 저장소 안에서 `cargo cleave`로 실행하세요"
    }
    program_missing(path) {
        "{path} is missing; build it with: cargo build --bin cleave"
        "{path}이(가) 없습니다. 빌드하세요: cargo build --bin cleave"
    }
    guard_gone() {
        "the guard process (cleave guard) has ended; without it nothing is started"
        "감시 프로세스(cleave guard)가 종료되었습니다. 이 프로세스 없이는 아무것도 시작하지 않습니다"
    }
    cannot_start(name) { "cannot start {name}" "{name}을(를) 시작할 수 없습니다" }
    cannot_write_log(name, path) { "cannot write the log of {name}, {path}" "{name}의 로그 {path}에 쓸 수 없습니다" }
    ended_at_once(name) { "{name} ended before it began" "{name}이(가) 시작하기 전에 종료되었습니다" }
    ended_with(name, code, said) {
        "{name} ended with exit status {code}{said}"
        "{name}이(가) 종료 상태 {code}(으)로 끝났습니다{said}"
    }
    ended_by_signal(name, signal, said) {
        "{name} was ended by signal {signal}{said}"
        "{name}이(가) 시그널 {signal}에 의해 종료되었습니다{said}"
    }
    said_nothing_for(name, limit) {
        "{name} printed nothing within {limit}"
        "{name}이(가) {limit} 동안 아무것도 출력하지 않았습니다"
    }
    cannot_signal(name) { "cannot send a signal to {name}" "{name}에 시그널을 보낼 수 없습니다" }
    does_not_pause(name, limit) {
        "{name} went on for {limit} after SIGSTOP"
        "{name}이(가) SIGSTOP을 받고도 {limit} 동안 멈추지 않았습니다"
    }
    cannot_wait_for(name) { "cannot wait for {name}" "{name}의 종료를 기다릴 수 없습니다" }
    state_unknown() { "unknown" "알 수 없음" }
    state_gone() { "gone" "없음" }
    state(status, cpu_ms) {
        "in state {status}, with {cpu_ms} ms of CPU time"
        "{status}, CPU 시간 {cpu_ms} ms"
    }
    wrote_nothing() { "; its log is empty" ". 로그가 비어 있습니다" }
    wrote(last) { "; the end of its log:\n  {last}" ". 로그의 마지막 부분:\n  {last}" }
}
