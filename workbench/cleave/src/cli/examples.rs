//! Examples in the help, which work when pasted.

use clap::Command;
use terminal::CLEAVE;
use terminal::language::{self, Language};

/// A line without the program's name, with a description in English and Korean.
type Example = (&'static str, &'static str, &'static str);

/// The examples of each command, by its path.
#[rustfmt::skip]
pub(super) const EXAMPLES: &[(&str, &[Example])] = &[
    ("up", &[
        ("up", "Both modes, each at its own address", "두 모드를 각각의 주소로"),
        ("up both --proxies --rate 20/s", "Both modes under load, ready for faults", "두 모드에 부하를 걸고 장애 주입 준비까지"),
        ("up split:tcc", "Services kept consistent by TCC", "TCC로 일관성을 지키는 서비스"),
    ]),
    ("dashboard", &[
        ("dashboard --open", "Both modes in the browser", "두 모드를 브라우저에서"),
        ("dashboard split:tcc --rate 50/s", "One shop, with 50 orders per second", "쇼핑몰 하나에 초당 주문 50건"),
    ]),
    ("replay", &[("replay --open", "The latest recording in the browser", "가장 최근 녹화를 브라우저에서")]),
    ("compare", &[
        ("compare", "The monolith and the services, about two minutes", "모놀리스와 마이크로서비스, 2분 정도"),
        ("compare --modes monolith,monolith:two-phase --rate 200/s", "What two-phase commit costs", "2단계 커밋의 비용"),
        ("compare --ladder --rate 50/s --trials 1", "What each module costs that leaves the monolith", "모듈이 하나씩 나갈 때의 비용"),
        ("compare --scenario docs/scenarios/a-slow-dependency.toml", "The same faults on both modes", "두 모드에 같은 장애"),
    ]),
    ("logs", &[("logs orders --follow", "The log of the orders service, as it is written", "주문 서비스의 로그를 계속 보기")]),
    ("scale", &[("scale inventory=3", "Three instances of the inventory service", "재고 서비스 인스턴스 세 개")]),
    ("deploy", &[("deploy payments", "Replace every instance of the payments service", "결제 서비스의 인스턴스를 모두 교체")]),
    ("extract", &[
        ("extract payments --plan", "What it takes to move payments out, and what it costs", "결제 모듈을 떼어 내는 데 필요한 일과 비용"),
        ("extract payments", "Payments becomes a service while orders go on", "주문을 멈추지 않고 결제를 서비스로"),
    ]),
    ("merge", &[("merge payments", "Payments comes home", "결제를 모놀리스로 되돌리기")]),
    ("set", &[
        ("set", "All settings with their bounds", "모든 설정과 범위"),
        ("set gateway.timeout_ms=500", "How long the gateway waits for a service", "API 게이트웨이가 서비스를 기다리는 시간"),
    ]),
    ("fault add", &[
        ("fault add latency --link gateway-inventory --latency 200ms --for 10s", "A slow link to the inventory service", "재고 서비스로 가는 느린 연결"),
        ("fault add kill --process orders", "A crash of the orders service", "주문 서비스의 크래시"),
        ("fault add kill_broker --for 5s", "Five seconds without RabbitMQ", "5초 동안 RabbitMQ 없이"),
    ]),
    ("heal", &[("heal", "End all faults", "모든 장애 끝내기")]),
    ("order", &[
        ("order --last", "The last order, in each shop", "쇼핑몰마다 마지막 주문"),
        ("order --slowest --shop split", "Where the slowest order spent its time", "가장 느린 주문이 시간을 쓴 곳"),
    ]),
    ("audit", &[
        ("audit", "Every invariant, with its evidence", "모든 불변식과 증거"),
        ("audit --live --for 30s", "Inconsistent orders, second by second", "불일치 주문을 1초마다"),
    ]),
    ("chaos", &[("chaos --for 2m --seed 7", "Two minutes of faults", "2분 동안 장애")]),
    ("soak", &[("soak --orders 1000 --faults 16", "A short soak", "짧은 소크 테스트")]),
    ("bench limit", &[
        ("bench limit", "The monolith and two split drivers, about seven minutes", "모놀리스와 split 드라이버 두 개, 7분 정도"),
        ("bench limit --drivers monolith:local --in-flight 64", "The monolith alone, without RabbitMQ", "RabbitMQ 없이 모놀리스만"),
    ]),
    ("crash-matrix", &[("crash-matrix --drivers split:tcc --seeds 1", "Every crash point of TCC once", "TCC의 모든 크래시 지점을 한 번씩")]),
    ("flaws", &[
        ("flaws", "All rules that can be left out", "뺄 수 있는 모든 규칙"),
        ("flaws show no-outbox", "What happens without an outbox", "아웃박스가 없으면 생기는 일"),
    ]),
    ("in-doubt", &[
        ("in-doubt", "What is in doubt in the shops that are up", "실행 중인 쇼핑몰의 미확정 트랜잭션"),
        ("in-doubt --resolve", "Finish it by the recorded decision", "기록된 결정대로 마무리"),
    ]),
    ("clean", &[
        ("clean", "What is left, its size, and whether it is in use", "남은 것, 크기, 사용 여부"),
        ("clean runs --keep 3", "Remove all runs except the latest three", "최근 세 개를 뺀 실행 기록 삭제"),
        ("clean all", "Remove everything except packages", "패키지를 뺀 모두 삭제"),
    ]),
    ("manifests", &[("manifests kubernetes --output target/manifests", "The files of deploy/kubernetes", "deploy/kubernetes의 파일")]),
    ("doctor", &[
        ("doctor", "What is here and what is missing", "있는 것과 없는 것"),
        ("doctor --fix", "Install what is missing", "없는 것 설치"),
    ]),
];

/// Appends the examples of the command at this path to its help.
pub(super) fn with_examples(command: Command, path: &str) -> Command {
    let Some((_, examples)) = EXAMPLES.iter().find(|(of, _)| *of == path) else { return command };
    let korean = language::current() == Language::Korean;
    let mut text = command.get_after_help().map(|text| format!("{text}\n\n")).unwrap_or_default();
    text += if korean { "예:" } else { "Examples:" };
    for (line, in_english, in_korean) in *examples {
        let what = if korean { in_korean } else { in_english };
        text += &format!("\n  {what}:\n    {CLEAVE} {line}");
    }
    command.after_help(text)
}
