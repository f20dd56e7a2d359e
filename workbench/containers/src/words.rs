//! Texts of this program, in English and in Korean. Its help is for `cleave` alone, and stays English.

terminal::words! {
    not_configured() { "no Docker engine is configured" "Docker 엔진이 설정되지 않았습니다" }
    silent(limit) {
        "the Docker engine did not respond within {limit}"
        "Docker 엔진이 {limit} 안에 응답하지 않았습니다"
    }
    no_engine() { "no Docker engine responds" "응답하는 Docker 엔진이 없습니다" }
    cannot_start(server) {
        "cannot start {server} in a container"
        "{server}을(를) 컨테이너에서 시작할 수 없습니다"
    }
    not_removed(id) { "the container {id} was not removed" "컨테이너 {id}을(를) 삭제하지 못했습니다" }
}
