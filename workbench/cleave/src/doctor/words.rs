//! The texts of `cleave doctor`, in English and in Korean.

terminal::words! {
    install_missing(command) {
        "To install what is missing: {command}   (or: {CLEAVE} doctor --fix)"
        "없는 것을 설치하려면: {command}   (또는 {CLEAVE} doctor --fix)"
    }
    missing() { "MISSING" "없음" }
    note() { "note" "참고" }
    ok() { "ok" "정상" }

    linker() { "C linker" "C 링커" }
    docker() { "Docker engine" "Docker 엔진" }
    cores() { "processor cores" "CPU 코어" }
    memory() { "memory available" "사용 가능한 메모리" }
    disk() { "disk free" "디스크 여유" }
    data_folder() { "data folder" "데이터 폴더" }
    open_files() { "open files" "열린 파일 한도" }
    shared_memory() { "shared memory" "공유 메모리" }
    clock() { "clock" "시계" }
    busy() { "busy" "다른 부하" }

    found_in(version, folder) { "{version} in {folder}" "{version}, 위치: {folder}" }
    not_found() { "not found" "찾을 수 없음" }
    no_pgbench() {
        "not found; only `{CLEAVE} bench limit` needs it"
        "찾을 수 없음. `{CLEAVE} bench limit`에만 필요합니다"
    }
    docker_responds(host, by) { "{host} responds ({by})" "{host} 응답함({by})" }
    not_needed(why) { "{why}; not needed" "{why}. 없어도 됩니다" }
    not_on_path(program) { "{program} is not on PATH" "{program}이(가) PATH에 없습니다" }
    share_cores() {
        "both shops and the servers share it, so expect low figures"
        "두 쇼핑몰과 서버가 함께 쓰므로 수치가 낮게 나옵니다"
    }
    close_programs() { "close other programs, or run one mode" "다른 프로그램을 닫거나 한 모드만 실행하세요" }
    make_room() { "free some space there" "그곳의 공간을 비우세요" }
    on_a_disk(folder) { "{folder}, on a disk" "{folder}, 디스크에 있음" }
    in_memory(folder) {
        "{folder} is in memory, where fsync costs nothing, so figures will be too good; make /var/tmp a folder on a disk"
        "{folder}은(는) 메모리에 있습니다. fsync 비용이 없어 수치가 지나치게 좋게 나옵니다. /var/tmp를 디스크에 두세요"
    }
    unlimited() { "unlimited" "제한 없음" }
    per_process(limit) { "{limit} per process" "프로세스당 {limit}개" }
    raise_limit() {
        "raise it (ulimit -Hn, limits.conf), or the load generator runs out of connections"
        "늘리지 않으면 부하 생성기의 연결이 부족해집니다(ulimit -Hn, limits.conf)"
    }
    free_in_shm(size) { "{size} free in /dev/shm" "/dev/shm에 {size} 남음" }
    shm_size() {
        "PostgreSQL needs some; give a container more (docker run --shm-size=256m)"
        "PostgreSQL에 필요합니다. 컨테이너라면 늘리세요(docker run --shm-size=256m)"
    }
    clock_moved(ms, in_ms) {
        "moved {ms} ms against the monotonic clock in {in_ms} ms"
        "{in_ms} ms 동안 단조 시계와 {ms} ms 어긋남"
    }
    let_it_settle() {
        "wait until it is stable (after sleep, or under WSL: wsl --shutdown)"
        "안정될 때까지 기다리세요(절전 후, WSL이라면 wsl --shutdown)"
    }
    busy_figures(busy) {
        "{busy}; figures will include the other load"
        "{busy}. 수치에 다른 부하의 영향이 섞입니다"
    }
    not_busy() { "no other load" "없음" }
    in_place(size, folder) { "{size} in {folder}" "{folder}에 {size}" }
}
