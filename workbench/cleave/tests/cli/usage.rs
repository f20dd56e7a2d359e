//! Bad usage, help, languages: what needs no shop.

use std::fs;

use crate::ground::*;

#[test]
fn bad_usage_ends_with_64_and_says_what_would_be_good() {
    let folder = folder();
    let cases = [
        ("frobnicate", "frobnicate"),
        ("compare --rate 0", "between 0.1 and 100000"),
        ("compare --rate=-5", "between 0.1 and 100000"),
        ("compare --rate fast", "200/s"),
        ("compare --duration 0", "greater than 0"),
        ("compare --duration 20d", "such as 10s, 500ms or 2m"),
        ("compare --warm-up=-1s", "not a time such as 10s"),
        ("compare --trials 0", "between 1 and 100"),
        ("compare --modes monolit", "give monolith, split, or a driver"),
        ("compare --modes split:two-phase", "split:tcc"),
        ("compare --flaws ../no-outbox", "use one of: no-outbox, id-ordered-polling"),
        ("chaos --every=61m", "more than an hour"),
        ("fault add lag", "latency, bandwidth"),
        ("scale inventory", "e.g. inventory=3"),
        ("soak --orders 0", "between 1 and 1000000"),
        ("compare --saturate --rate 5", "--saturate"),
        ("compare --clients 5", "--saturate"),
        ("compare --saturate --clients 0", "between 1 and 1000"),
        ("compare --seed x", "whole number"),
        ("compare --database-url mysql://x/y", "postgres://"),
        ("compare --amqp-url http://x", "amqp://"),
        ("compare --amqp-url amqp://guest:guest@[2001:db8::1]:5672/%2f", "IPv6"),
        ("clean --amqp-url amqp://[::1]/%2f queues", "IPv6"),
        ("up three", "split, both, or a driver"),
        ("up --rate fast", "e.g. 200"),
        ("bench limit --rounds 0", "between 1 and 100"),
        ("bench limit --in-flight 8,0", "between 1 and 1000"),
        ("bench limit --drivers monolith:local,split:local", "split:tcc"),
    ];
    for (arguments, hint) in cases {
        let output = run(&folder, arguments);
        assert_eq!(output.status.code(), Some(64), "{arguments}: {}", stderr(&output));
        assert!(stderr(&output).contains(hint), "{arguments}: {}", stderr(&output));
        assert!(output.stdout.is_empty(), "{arguments}");
    }
    assert_eq!(run(&folder, "--help").status.code(), Some(0));
}

#[test]
fn runs_that_cannot_be_read_are_refused_in_a_sentence() {
    let folder = folder();
    let file = |name: &str, text: &str| {
        let path = folder.path().join(name);
        fs::write(&path, text).unwrap();
        path.display().to_string()
    };
    let cases = [
        (folder.path().display().to_string(), "has no run.json"),
        (folder.path().join("none").display().to_string(), "cannot read"),
        (file("text.json", "no JSON"), "not a whole cleave.run/1 file"),
        (file("cut.json", "{\"schema\": \"cleave.run/1\", \"seed\""), "not a whole cleave.run/1 file"),
        (file("later.json", "{\"schema\": \"cleave.run/9\"}"), "\"cleave.run/9\""),
        (file("other.json", "{\"schema\": \"cleave.soak/1\"}"), "a record of another kind"),
    ];
    for (run_file, hint) in cases {
        let output = run(&folder, &format!("diff {run_file} {run_file}"));
        assert_eq!(output.status.code(), Some(2), "{run_file}: {}", stderr(&output));
        assert!(stderr(&output).contains(hint), "{run_file}: {}", stderr(&output));
        assert!(output.stdout.is_empty(), "{run_file}");
    }
}

#[test]
fn the_user_is_spoken_to_in_the_language_that_was_chosen() {
    let folder = folder();
    let told = |arguments: &str, locale: &str| {
        let output = cleave(&folder, arguments).env("LC_ALL", locale).output().unwrap();
        (output.status.code(), stdout(&output) + &stderr(&output))
    };
    for (arguments, status, english, korean) in [
        ("", 0, "start the shop", "쇼핑몰을"),
        ("--help", 0, "Usage:", "사용법:"),
        ("fault add --help", 0, "Examples:", "예:"),
        ("status", 2, "no shop is up", "실행 중인 쇼핑몰이 없습니다"),
        ("audit", 2, "no shop is up", "실행 중인 쇼핑몰이 없습니다"),
        ("scale inventory", 64, "give a service", "서비스와 개수를 쓰세요"),
        ("frobnicate", 64, "unrecognized", "명령은 없습니다"),
        ("fault add kill orders", 64, "is not an option", "옵션이 아닙니다"),
    ] {
        for (arguments, locale, words, not) in [
            (arguments.to_owned(), "C", english, korean),
            (arguments.to_owned(), "ko_KR.UTF-8", korean, english),
            (format!("{arguments} --lang ko"), "C", korean, english),
            (format!("--lang=en {arguments}"), "ko_KR.UTF-8", english, korean),
        ] {
            let (code, said) = told(&arguments, locale);
            assert_eq!(code, Some(status), "{arguments}: {said}");
            assert!(said.contains(words) && !said.contains(not), "{arguments} in {locale}: {said}");
        }
    }
    let (code, said) = told("--lang fr status", "C");
    assert!(code == Some(64) && said.contains("ko, en"), "{said}");
}

#[test]
fn without_arguments_it_says_in_five_lines_what_to_do_first() {
    let folder = folder();
    for locale in ["C", "ko_KR.UTF-8"] {
        let output = cleave(&folder, "").env("LC_ALL", locale).output().unwrap();
        assert_eq!((output.status.code(), stdout(&output).lines().count()), (Some(0), 5), "{output:?}");
        for command in stdout(&output).lines().map(|line| line.replace("cargo ", "")) {
            let command = command.strip_prefix("cleave ").unwrap().split("  ").next().unwrap().to_owned();
            let help = run(&folder, &format!("{} --help", command.split(' ').next().unwrap()));
            assert_eq!(help.status.code(), Some(0), "{command}");
        }
    }
}

/// The lines under the heading of the examples in a help text.
fn examples(help: &str) -> Vec<String> {
    let lines =
        help.lines().skip_while(|line| *line != "Examples:").map(|line| line.trim().replace("cargo ", ""));
    lines.filter_map(|line| line.strip_prefix("cleave ").map(str::to_owned)).collect()
}

#[test]
fn examples_that_need_no_shop_work_when_pasted() {
    let folder = folder();
    for command in ["flaws", "doctor", "clean"] {
        let help = stdout(&run(&folder, &format!("{command} --help")));
        let example = examples(&help).first().cloned().unwrap_or_else(|| panic!("no example in {help}"));
        let output = run(&folder, &example);
        // 2 means that something is missing on this machine, which is a valid result of the doctor.
        let good = if command == "doctor" { 0..=2 } else { 0..=0 };
        assert!(good.contains(&output.status.code().unwrap()), "{example}: {}", stderr(&output));
        assert!(!output.stdout.is_empty(), "{example}");
    }
    // The others get as far as the error that no shop is up.
    for command in ["logs", "scale", "deploy", "set", "fault add", "heal", "order", "audit", "in-doubt"] {
        let help = stdout(&run(&folder, &format!("{command} --help")));
        assert!(!examples(&help).is_empty(), "no example in {help}");
        for example in examples(&help) {
            let output = run(&folder, &example);
            assert_eq!(output.status.code(), Some(2), "{example}: {}", stderr(&output));
            assert!(stderr(&output).contains("cleave up"), "{example}: {}", stderr(&output));
        }
    }
}
