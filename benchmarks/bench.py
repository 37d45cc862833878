"""Measure speed and memory: the helpers beside nltk with pandas and beside spaCy, on about 750,000 words and on 20 times as many.

Every way runs in a process of its own, in turns, so that what else the machine does falls on all alike; medians are shown.
Writes a table (bench.csv) and a plot (bench.png) to reports/benchmarks. `make bench` runs it; see README.md here.
"""

import argparse
import csv
import json
import platform
import subprocess
import sys
import tempfile
from pathlib import Path
from statistics import median

from corpus import ROOT, write_corpus

HERE, OUT = Path(__file__).resolve().parent, ROOT / "reports" / "benchmarks"
WORDS = 750_000
WAYS = {"floor": "re.findall alone", "ours": "the helpers", "spacy": "spaCy, no sentiment", "naive": "nltk and pandas"}


def main():
    asked = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    asked.add_argument("--sizes", type=int, nargs="+", default=[1, 20], help="times 750,000 words (default: 1 20)")
    asked.add_argument("--rounds", type=int, nargs="+", default=[3, 1], help="rounds at each size (default: 3 1)")
    asked.add_argument("--ways", nargs="+", default=[*WAYS], choices=WAYS, help="ways beside ours (default: all)")
    asked = asked.parse_args()
    OUT.mkdir(parents=True, exist_ok=True)
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        for size, rounds in zip(asked.sizes, asked.rounds):
            path = Path(folder) / f"{size}x.jsonl"
            corpus = write_corpus(path, size * WORDS)
            print(f"{size}x: {corpus['words']:,} words in {corpus['articles']:,} articles, {corpus['megabytes']:.1f} MB, "
                  f"from {corpus['source']}", flush=True)
            ways = [way for way in WAYS if way == "ours" or way in asked.ways] + ["reading"] * (size == min(asked.sizes))
            runs = [(way, run(way, path)) for _ in range(rounds) for way in ways]
            rows += [row for way in ways for row in summary(size, way, corpus, [result for name, result in runs if name == way])]
    with open(OUT / "bench.csv", "w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, rows[0])
        writer.writeheader()
        writer.writerows(rows)
    totals = {(row["size"], row["way"]): row for row in rows if row["stage"] == "total"}
    print_table(rows)
    print_ratios(totals, asked.sizes)
    plot(totals, asked.sizes)
    print(f"Python {platform.python_version()}, {platform.machine()}; written to {OUT.relative_to(ROOT)}")


def run(way, path):
    """One way in a fresh process: {"times": {stage: [wall, cpu]}, "peak_mb": n, "made": counts}."""
    done = subprocess.run([sys.executable, str(HERE / "ways.py"), way, str(path)], capture_output=True, text=True)
    if done.returncode:
        sys.exit(f"{way} failed:\n{done.stderr}")
    result = json.loads(done.stdout)
    seconds = sum(cpu for _, cpu in result["times"].values())
    print(f"  {way:8} {seconds:9.2f} CPU s {result['peak_mb']:7,} MB  {result['made']}", flush=True)
    return result


def summary(size, way, corpus, results):
    """Rows of medians for one way at one size: its stages and, but for `reading`, their total."""
    times = [result["times"] for result in results]
    stages = {stage: [[t[stage][i] for t in times] for i in (0, 1)] for stage in times[0]}
    if way != "reading":
        stages["total"] = [[sum(stage[i] for stage in t.values()) for t in times] for i in (0, 1)]
    return [{"size": size, "way": way, "stage": stage, "wall_s": round(median(wall), 3), "cpu_s": round(median(cpu), 3),
             "mb_per_cpu_s": round(corpus["megabytes"] / median(cpu), 2), "peak_mb": median(r["peak_mb"] for r in results),
             "runs": len(results), "words": corpus["words"], "source": corpus["source"]} for stage, (wall, cpu) in stages.items()]


def print_table(rows):
    print(f"\n{'size':>4}  {'way':8} {'stage':16} {'wall s':>9} {'CPU s':>9} {'MB per CPU s':>13} {'peak MB':>8}")
    for row in rows:
        print(f"{row['size']:>3}x  {row['way']:8} {row['stage']:16} {row['wall_s']:9.2f} {row['cpu_s']:9.2f} "
              f"{row['mb_per_cpu_s']:13.2f} {row['peak_mb']:8,.0f}")


def print_ratios(totals, sizes):
    """How many times as long the others take, by CPU time."""
    print()
    for size in sizes:
        ours = totals[size, "ours"]
        for way in (way for way in ("naive", "spacy") if (size, way) in totals):
            print(f"{size}x: {WAYS[way]} takes {totals[size, way]['cpu_s'] / ours['cpu_s']:.1f} times as long; the helpers' peak "
                  f"memory is {100 * ours['peak_mb'] / totals[size, way]['peak_mb']:.0f} % of its own")
    small, large = totals[min(sizes), "ours"], totals[max(sizes), "ours"]
    print(f"{max(sizes)}x takes the helpers {large['cpu_s'] / small['cpu_s']:.1f} times the time of {min(sizes)}x")


def plot(totals, sizes):
    """Seconds and memory of every way, a row of panels for each size."""
    import matplotlib
    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(len(sizes), 2, figsize=(9, 2.2 * len(sizes)), layout="constrained", squeeze=False)
    for line, size in zip(axes, sizes):
        for ax, key, unit in zip(line, ("cpu_s", "peak_mb"), ("CPU seconds (logarithmic)", "peak memory, MB")):
            ways = [way for way in WAYS if (size, way) in totals]
            values = [totals[size, way][key] for way in ways]
            bars = ax.barh([WAYS[way] for way in ways], values, color=["#0072B2" if way == "ours" else "#999999" for way in ways])
            ax.bar_label(bars, [f" {value:,.3g}" if value < 100 else f" {value:,.0f}" for value in values])
            ax.set_title(f"{size * WORDS / 1e6:g} million words: {unit}", loc="left", fontsize=10)
            ax.margins(x=0.2)
            ax.invert_yaxis()
            ax.spines[["top", "right"]].set_visible(False)
        line[0].set_xscale("log")
    figure.savefig(OUT / "bench.png", dpi=150, metadata={"Software": None})


if __name__ == "__main__":
    main()
