//! Texts of this crate, in English and in Korean.

terminal::words! {
    unknown_mode(word, drivers) {
        "unknown mode \"{word}\"; use monolith or split, or a driver: {drivers}"
        "\"{word}\"은(는) 모드가 아닙니다. monolith, split 또는 드라이버를 쓰세요: {drivers}"
    }
    hybrid_of_what() {
        "say which modules have left the monolith, for example hybrid:payments or hybrid:payments/shipping"
        "모놀리스에서 떼어 낸 모듈을 적으세요. 예: hybrid:payments, hybrid:payments/shipping"
    }
    cannot_leave(module, movable) {
        "\"{module}\" is no module that can leave the monolith; these can: {movable}"
        "\"{module}\"은(는) 모놀리스에서 떼어 낼 수 있는 모듈이 아닙니다. 떼어 낼 수 있는 모듈: {movable}"
    }
    orders_stays() {
        "orders cannot leave the monolith: it runs the checkout and calls all other modules"
        "orders는 떼어 낼 수 없습니다. 체크아웃을 실행하고 나머지 모듈을 모두 호출하기 때문입니다"
    }
    together_not_yet(modules) {
        "{modules}: modules that have left cannot share a process yet; separate them with /"
        "{modules}: 떼어 낸 모듈은 아직 한 프로세스에 함께 둘 수 없습니다. /로 나누세요"
    }
    leaves_twice(module) {
        "{module} is listed twice"
        "{module}이(가) 두 번 나옵니다"
    }
}
