//! Words that the documents, the comments and the texts of the programs avoid, because each thing has one name.

use std::ops::Range;

/// A word to avoid, the phrases in which it is right, and what to write instead.
type Avoided = (&'static str, &'static [&'static str], &'static str);

/// The terms are those that learners meet in Korean books.
const KOREAN: &[Avoided] = &[
    (
        "최종 일관성",
        &["결과적 일관성(최종 일관성)", "결과적 일관성, 최종 일관성"],
        "결과적 일관성(최종 일관성)",
    ),
    ("보상", &["보상 트랜잭션"], "보상 트랜잭션"),
    ("게이트웨이", &["API 게이트웨이"], "API 게이트웨이"),
    ("레지스트리", &["서비스 레지스트리"], "서비스 레지스트리"),
    ("디스커버리", &["서비스 디스커버리"], "서비스 디스커버리"),
    ("분리", &["분리 모드", "책임 분리", "분리합니다"], "마이크로서비스(분리 모드)"),
    ("확장", &["확장성"], "스케일 아웃, 스케일 업"),
    ("외부 설정", &[], "외부 구성 저장소"),
    ("생존", &[], "활성 상태 검사(liveness)"),
    ("서로 물고", &[], "교착 상태"),
    ("경계 지어진", &[], "바운디드 컨텍스트"),
    ("상점", &[], "쇼핑몰"),
    ("낱말", &[], "명령, 단어"),
    ("어긋난 불변식", &[], "깨진 불변식"),
    ("추적 요청", &[], "조회 요청"),
    ("당신", &[], "주어 없이"),
    ("십시오", &[], "-세요"),
    ("소비자", &[], "컨슈머"),
    ("참가자", &[], "참여자"),
];

/// Vague words for which English has a plain one.
const ENGLISH: [&str; 7] = ["whoever", "whatever", "nobody", "anybody", "everybody", "mended", "misfortune"];

/// Korean words to avoid in this text. Lines that are wrapped are joined first.
pub(super) fn korean(path: &str, text: &str) -> Vec<String> {
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let mut complaints = Vec::new();
    for (word, right, better) in KOREAN {
        let allowed: Vec<Range<usize>> =
            right.iter().flat_map(|phrase| text.match_indices(phrase)).map(range).collect();
        let inside = |found: &Range<usize>| {
            allowed.iter().any(|right| right.start <= found.start && found.end <= right.end)
        };
        let wrong = text.match_indices(word).map(range).filter(|found| !inside(found));
        complaints.extend(wrong.map(|found| format!("{path}: “{}”; write {better}", around(&text, found))));
    }
    // At its first mention, the split mode is called by the name that books use.
    let first = |word| text.find(word).unwrap_or(text.len());
    if path.ends_with(".ko.md") && first("분리 모드") < first("마이크로서비스") {
        complaints.push(format!("{path}: 분리 모드 comes before 마이크로서비스(분리 모드)"));
    }
    complaints
}

fn range((at, found): (usize, &str)) -> Range<usize> {
    at..at + found.len()
}

/// A few letters before and after, to find the place.
fn around(text: &str, found: Range<usize>) -> String {
    let before: String = text[..found.start].chars().rev().take(12).collect();
    let after: String = text[found.start..].chars().take(16).collect();
    before.chars().rev().chain(after.chars()).collect()
}

/// English words to avoid in a document, or in the comments of a source. Code in backticks is left out.
pub(super) fn english(path: &str, text: &str) -> Vec<String> {
    let prose = |line: &str| -> String {
        let line =
            if path.ends_with(".rs") { line.split_once("//").map_or("", |(_, said)| said) } else { line };
        line.split('`').step_by(2).collect::<Vec<_>>().join(" ").to_lowercase()
    };
    let mut complaints = Vec::new();
    for (n, line) in text.lines().enumerate() {
        let line = prose(line);
        let mut words = line.split(|letter: char| !letter.is_ascii_alphabetic());
        if let Some(word) = words.find(|word| ENGLISH.contains(word)) {
            complaints.push(format!("{path}:{} says “{word}”: name the thing", n + 1));
        }
    }
    complaints
}
