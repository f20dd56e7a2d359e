//! Texts of this crate, in English and in Korean.

crate::words! {
    no_current_folder() { "the current folder does not exist" "현재 폴더가 없습니다" }
    cannot_write(path) { "cannot write {path}" "{path}에 쓸 수 없습니다" }
}
