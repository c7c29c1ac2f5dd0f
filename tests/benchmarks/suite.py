"""The list of benchmarks, and the loop that runs them and prints a report in Markdown."""

from __future__ import annotations

import sys

from tests.benchmarks import (
    bench_average,
    bench_best,
    bench_export,
    bench_inspect,
    bench_logs,
    measure,
    report,
    settings,
)

# A file of benchmarks for another command is a `bench_….py` beside this one, and a line here.
BENCHMARKS = (
    bench_best.benchmarks,
    bench_logs.benchmarks,
    bench_inspect.benchmarks,
    bench_export.benchmarks,
    bench_average.benchmarks,
)


def main() -> int:
    """Run every benchmark in order; return the exit code, 1 if a goal was missed."""
    chosen = settings.from_command_line()
    print(report.machine(chosen.interpreter, chosen.folder, chosen.rounds), flush=True)
    all_met = True
    for benchmarks in BENCHMARKS:
        for benchmark in benchmarks(chosen):
            try:
                rounds = min(chosen.rounds, benchmark.most_rounds or chosen.rounds)
                results = measure.alternate(benchmark.contestants, rounds)
            except measure.WrongAnswerError as error:
                sys.exit(f"\n{benchmark.title}: {error}")
            verdicts = [goal.judge(results) for goal in benchmark.goals]
            print(report.section(benchmark.title, results, verdicts), flush=True)
            all_met = all_met and all(verdict.is_met for verdict in verdicts)
    return 0 if all_met else 1
