//! The table for `docs/reliability.md`.

use std::fmt::Write;
use std::time::Duration;

use super::measure::{Cost, Redirects};

const HEAD: &str = "\
| fault | redirects through nginx: failed of all, p99 before → in it | at each replica that is there | new links: made, refused, unsure; slowest refusal | most out of date | recovered after |
|---|---|---|---|---|---|
";

pub(super) fn table(costs: &[Cost]) -> String {
    let mut table = HEAD.to_owned();
    for cost in costs {
        let recovery = cost.recovery.map_or_else(|| "never".to_owned(), seconds);
        writeln!(
            table,
            "| {} | {} | {} | {}, {}, {}; {} | {} ms | {recovery} |",
            cost.name,
            cell(&cost.through_nginx),
            cell(&cost.at_replicas),
            cost.made,
            cost.refused,
            cost.unsure,
            seconds(cost.slowest_refusal),
            millis(cost.out_of_date),
        )
        .expect("a string takes everything");
    }
    table
}

fn cell(redirects: &Redirects) -> String {
    let Redirects {
        answered,
        failed,
        p99_before,
        p99,
        ..
    } = redirects;
    format!(
        "{failed} of {}, {} → {} ms",
        answered + failed,
        millis(*p99_before),
        millis(*p99)
    )
}

fn millis(time: Duration) -> String {
    format!("{:.1}", time.as_secs_f64() * 1_000.0)
}

fn seconds(time: Duration) -> String {
    format!("{:.2} s", time.as_secs_f64())
}
