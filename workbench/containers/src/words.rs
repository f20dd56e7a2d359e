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
    pull_stalled(image, limit) {
        "cannot pull the image {image}: no progress for {limit}"
        "이미지 {image}을(를) 받을 수 없습니다. {limit} 동안 진행이 없습니다"
    }
    cannot_pull(image, why) {
        "cannot pull the image {image}: {why}"
        "이미지 {image}을(를) 받을 수 없습니다: {why}"
    }
    container_ended(code, log) {
        "the container ended with exit status {code}; the end of its log:\n  {log}"
        "컨테이너가 종료 상태 {code}(으)로 끝났습니다. 로그의 끝:\n  {log}"
    }
    never_ready(limit, log) {
        "the container was not ready within {limit}; the end of its log:\n  {log}"
        "컨테이너가 {limit} 안에 준비되지 않았습니다. 로그의 끝:\n  {log}"
    }
    not_removed(id) { "the container {id} was not removed" "컨테이너 {id}을(를) 삭제하지 못했습니다" }
}
