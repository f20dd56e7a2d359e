//! Texts of this crate, in English and in Korean.

terminal::words! {
    unknown_mode(word, drivers) {
        "unknown mode \"{word}\"; use monolith or split, or a driver: {drivers}"
        "\"{word}\"은(는) 모드가 아닙니다. monolith, split 또는 드라이버를 쓰세요: {drivers}"
    }
}
